// Finds wrangler's configuration file in a folder. Unlike wrangler, it does not look in the folders above.

import { existsSync } from "node:fs";
import { join } from "node:path";
import type { Fault } from "../command.ts";

/** In the order in which wrangler looks for them. */
const NAMES = ["wrangler.json", "wrangler.jsonc", "wrangler.toml"] as const;

/** Returns the file's name. If there are several, wrangler would ignore all but one without a word. */
export function findConfigFile(folder: string): string | Fault {
  const [file, ...others] = NAMES.filter((name) => existsSync(join(folder, name)));
  if (file === undefined) {
    return {
      fault:
        "there is no wrangler.toml or wrangler.jsonc in this folder: go to the folder of your Worker, or make one with npx vitrine init",
    };
  }
  if (others.length === 0) return file;
  return {
    fault: `wrangler reads ${file} and ignores ${others.join(" and ")}: remove one of them`,
  };
}
