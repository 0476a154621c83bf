// Runs `vitrine init` in an empty folder, and reads what is in it then.

import { mkdirSync, readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { isMistake } from "../../../src/cli/command.ts";
import { readEnvironment } from "../../../src/cli/config/environment-config.ts";
import { locatedText } from "../../../src/cli/config/mistakes.ts";
import { createTemporaryFolder } from "../temporary-folder.ts";
import { vitrine, type WorldOptions } from "./vitrine.ts";

export const AWS = ["--bucket", "acme-media", "--endpoint", "https://s3.eu-west-1.amazonaws.com"];

export function emptyFolder(name = "images"): string {
  const parent = createTemporaryFolder("vitrine-init-");
  mkdirSync(join(parent, name));
  return join(parent, name);
}

export async function init(folder: string, args: readonly string[], options: WorldOptions = {}) {
  return vitrine(["init", ...args], { folder, ...options });
}

/** All that is in a folder, by path: the text of each file, and null for a folder. */
export function contents(folder: string): Record<string, string | null> {
  const paths = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  return Object.fromEntries(
    paths.map((path) => {
      const full = join(folder, path);
      return [path, statSync(full).isDirectory() ? null : readFileSync(full, "utf8")];
    }),
  );
}

/** What wrangler reads of a project, or of one of its environments. */
export function readProject(folder: string, environment?: string) {
  const config = readEnvironment(folder, environment);
  if (isMistake(config)) throw new Error(locatedText(config));
  return config;
}
