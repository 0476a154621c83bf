// Makes folders with a wrangler.toml, for tests of commands.

import { cpSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll } from "vitest";
import { ROOT } from "../built.ts";
import { SECRETS, VARS } from "../env.ts";

/** The Vitrine of these folders. */
export const HOST = "https://images.example";

const folders: string[] = [];
afterAll(() => {
  for (const made of folders) rmSync(made, { recursive: true, force: true });
});

/**
 * Makes a folder with the configuration of the tests.
 * @param vars replace those of VARS
 * @param files more files, by name
 */
export function makeFolder(
  vars: Readonly<Record<string, unknown>> = {},
  files: Readonly<Record<string, string>> = {},
): string {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-cli-"));
  folders.push(folder);
  // A JSON string is also a TOML string.
  const tables = Object.entries({ ...VARS, ...vars }).map(
    ([name, table]) => `${name} = ${JSON.stringify(JSON.stringify(table))}`,
  );
  const lines = [
    'name = "vitrine"',
    "workers_dev = false",
    "preview_urls = false",
    `routes = [{ pattern = "${new URL(HOST).host}", custom_domain = true }]`,
    "[vars]",
    ...tables,
    "[secrets]",
    `required = ${JSON.stringify(Object.keys(SECRETS))}`,
  ];
  cpSync(join(ROOT, ".dev.vars.example"), join(folder, ".dev.vars.example"));
  for (const [name, text] of Object.entries({ "wrangler.toml": lines.join("\n"), ...files })) {
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

/** A line of .dev.vars, or of a file for --secrets-file. */
export function envLine(name: string, value: string): string {
  return `${name}='${value}'\n`;
}
