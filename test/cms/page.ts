// The code of docs/cms.md, as files that run here.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";

const PAGE = readFileSync(join(import.meta.dirname, "../../docs/cms.md"), "utf8");
const BLOCKS = /^```ts\n\/\/ (\S+)\.ts\n(.*?)^```$/gms;

/** Stands for the file that `npx vitrine client` writes. */
const CLIENT = `import { createClient } from "../../../../../src/client/index.ts";
export const images = createClient({
  baseUrl: "https://images.example.com",
  route: { path: "/images/:preset/*", object: "media/*" },
  presets: { card: { width: 50, height: 50, fit: "cover" } },
});
`;

/**
 * Writes the files of the page into a new folder here, each at the path of its first line.
 * @param compile returns the code to write
 * @returns the folder
 */
export function writeApp(name: string, ending: string, compile: (code: string) => string): string {
  const folder = join(import.meta.dirname, ".wrangler", name);
  rmSync(folder, { recursive: true, force: true });
  const files = new Map([["src/vitrine", CLIENT]]);
  for (const [, path = "", code = ""] of PAGE.matchAll(BLOCKS)) files.set(path, code);
  for (const [path, code] of files) {
    const file = join(folder, path + ending);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, compile(code));
  }
  return folder;
}
