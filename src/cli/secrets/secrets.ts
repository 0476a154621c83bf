// The secrets that this machine has: in a file that is named, in the environment, and in .dev.vars, which it also
// writes. No message contains a secret.

import { readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { isSecret } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import { type CommandFault, isFault, type World } from "../command.ts";
import { replaceFile } from "../files/write-file.ts";

export type Secret = {
  readonly value: string;
  /** `the environment`, `the local run`, `.dev.vars`, or a file's name. */
  readonly source: string;
};

export type Secrets = ReadonlyMap<string, Secret>;

export type SecretValues = Readonly<Record<string, string>>;

/** Reads a file of secrets: lines KEY=VALUE, or JSON. */
export function readSecretsFile({ folder }: World, file: string): SecretValues | CommandFault {
  const read = readTable(resolve(folder, file));
  if (!isFault(read) && isTableOfTexts(read.table)) return read.table;
  const reason = isFault(read) ? read.fault : 'is no table of JSON, {"NAME": "value"}';
  return { fault: `--secrets-file ${file}: ${reason}` };
}

/** Reads a file of lines KEY=VALUE, or of JSON. */
export function readTable(path: string): { readonly table: unknown } | CommandFault {
  try {
    const text = readText(path);
    if (/^\s*\{/.test(text)) return { table: parseJson(text) };
    const cut = cutFault(text);
    return cut === undefined ? { table: parseEnv(text) } : { fault: cut };
  } catch (error) {
    return { fault: error instanceof Error ? error.message : `${error}` };
  }
}

/** Reads a text, as UTF-8 or as PowerShell writes it. @throws if the file cannot be read */
export function readText(path: string): string {
  const bytes = readFileSync(path);
  const encoding = bytes[0] === 0xff ? "utf-16le" : "utf-8";
  return new TextDecoder(encoding, { fatal: true, ignoreBOM: false }).decode(bytes);
}

function isTableOfTexts(table: unknown): table is SecretValues {
  return isPlainObject(table) && Object.values(table).every((value) => typeof value === "string");
}

/** An assignment whose value `parseEnv` reads whole. It cuts others: at a `#`, and after a closing quote. */
const ASSIGNMENT =
  /^\s*(?:export\s+)?\w+\s*=[ \t]*(?:'[^']*'|"[^"]*"|`[^`]*`|[^\s'"`#][^\n#]*?|)[ \t]*(?:[ \t]#.*)?$/gm;

/** Why a secret in lines of KEY=VALUE would have another value than it seems. */
function cutFault(text: string): string | undefined {
  const cut = text.replace(ASSIGNMENT, "").matchAll(/^\s*(?:export\s+)?(\w+)\s*=/gm);
  const name = [...cut].map(([, secretName = ""]) => secretName).find(isSecret);
  return name && `${name} is not read whole: put its value in quotes that it does not have, '…'`;
}

/** The secrets among some variables. An empty one counts as absent. */
export function secretsIn(vars: Vars, source: string): Map<string, Secret> {
  const secrets = new Map<string, Secret>();
  for (const [name, value] of Object.entries(vars)) {
    if (isSecret(name) && typeof value === "string" && value) secrets.set(name, { value, source });
  }
  return secrets;
}

/**
 * Merges sources; the first one that has a secret wins. It wins all secrets of a slot, because an id of
 * one source does not fit a key of another.
 */
export function mergeSecrets(sources: readonly Secrets[]): Map<string, Secret> {
  const secrets = new Map<string, Secret>();
  for (const source of sources) {
    const stems = new Set([...secrets.keys()].map(slotStem));
    for (const [name, secret] of source) if (!stems.has(slotStem(name))) secrets.set(name, secret);
  }
  return secrets;
}

/** What the names of a slot's secrets have in common; a secret without a slot keeps its name. */
export function slotStem(name: string): string {
  return name.replace(/_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)(_NEXT)?$/, "_$1");
}

export function valuesOf(secrets: Secrets): Record<string, string> {
  return Object.fromEntries([...secrets].map(([name, { value }]) => [name, value]));
}

// What passes the Worker's check of an EC key (oidc.ts): a PEM with the two identifiers of P-256, and no key.
const EC = Buffer.from("06072a8648ce3d020106082a8648ce3d030107", "hex").toString("base64");
const PEM = ["BEGIN", "END"].map((edge) => `-----${edge} PRIVATE KEY-----`).join(`\n${EC}\n`);
const PLACEHOLDERS: SecretValues = {
  OIDC_SIGNING_KEY: PEM,
  OIDC_SIGNING_KEY_NEXT: PEM,
  URL_SIGNING_KEYS: JSON.stringify({ placeholder: "x".repeat(32) }),
};

/** Values that stand for the secrets that Cloudflare stores: they cannot be read from here. */
export function placeholderSecrets(names: readonly string[]): Record<string, string> {
  return Object.fromEntries(names.map((name) => [name, PLACEHOLDERS[name] ?? "kept"]));
}

/** Secrets by name, with their new values; null deletes one. */
type Change = Readonly<Record<string, string | null>>;

/** Puts the lines of these secrets at the end of a file of the folder, all at once, and removes the old ones. */
export function putDevVars(folder: string, change: Change, name: string): CommandFault | undefined {
  const file = join(folder, name);
  try {
    const text = readFileSync(file, "utf8");
    const edited = editLines(text, change);
    // Read the result as it will be read: one of the names may be inside a value of several lines.
    const expected = { ...parseEnv(text), ...change };
    const actual = parseEnv(edited);
    // For wrangler, a backslash at the end makes the quote a part of the value.
    const misread = Object.keys({ ...expected, ...actual }).filter(
      (name) => (expected[name] ?? null) !== (actual[name] ?? null) || change[name]?.endsWith("\\"),
    );
    if (misread.length > 0)
      throw new Error(`put each value on one line, in quotes: ${misread.join(", ")}`);
    replaceFile(file, edited);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    return { fault: `${name} cannot be written: ${reason}. It was not changed` };
  }
}

function editLines(text: string, change: Change): string {
  const otherLines = text.split("\n").filter((line) => {
    const [, name = ""] = /^\s*(?:export\s+)?(\w+)(?:\s*=|:\s)/.exec(line) ?? [];
    return !Object.hasOwn(change, name);
  });
  if (otherLines.at(-1) === "") otherLines.pop();
  const added = Object.entries(change).flatMap(([name, value]) => {
    const mark = [`'`, `"`, "`"].find((candidate) => !value?.includes(candidate)) ?? "'";
    return value === null ? [] : [`${name}=${mark}${value}${mark}`];
  });
  return [...otherLines, ...added, ""].join("\n");
}
