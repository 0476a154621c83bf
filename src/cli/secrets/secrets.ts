// The secrets that this machine has: in a file that is named, in the environment, and in .dev.vars, which it also
// writes. No message contains a secret.

import { existsSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { parseEnv } from "node:util";
import { isSecret, MIN_LENGTHS } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { isPlainObject, parseJson } from "../../worker/util/json.ts";
import { type CommandFault, isFault, page, type World } from "../command.ts";
import { replaceFile } from "../files/write-file.ts";

export type Secret = {
  readonly value: string;
  /** `the environment`, `the local run`, `.dev.vars`, or a file's name. */
  readonly source: string;
};

export type Secrets = ReadonlyMap<string, Secret>;

export type SecretValues = Readonly<Record<string, string>>;

/** Says what a token must be. */
export function tokenRule(name: keyof typeof MIN_LENGTHS): string {
  return `must be ${MIN_LENGTHS[name]} or more ASCII characters, without a space or a line break at its beginning or end`;
}

/** Reads a file of secrets: lines KEY=VALUE, or JSON. */
export function readSecretsFile({ folder }: World, file: string): SecretValues | CommandFault {
  const path = resolve(folder, file);
  if (!existsSync(path)) {
    return {
      fault: `--secrets-file ${file}: there is no such file. Copy .dev.vars.example to it, and fill it in: ${page("docs/deploy.md")}, step 5`,
    };
  }

  const result = readTable(path);
  if (isFault(result)) return { fault: `--secrets-file ${file}: ${result.fault}` };

  const { table } = result;
  if (isTableOfTexts(table)) return table;
  return { fault: `--secrets-file ${file}: is no table of JSON, {"NAME": "value"}` };
}

/** Reads a file of lines KEY=VALUE, or of JSON. */
export function readTable(path: string): { readonly table: unknown } | CommandFault {
  try {
    const text = readText(path);
    if (/^\s*\{/.test(text)) return { table: parseJson(text) };

    const fault = cutFault(text);
    if (fault !== undefined) return { fault };
    return { table: parseEnv(text) };
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
  const rest = text.replace(ASSIGNMENT, "");
  for (const { groups } of rest.matchAll(/^\s*(?:export\s+)?(?<name>\w+)\s*=/gm)) {
    const name = groups?.["name"];
    if (name === undefined || !isSecret(name)) continue;
    return `${name} is not read whole: put its value in quotes that it does not have, '…'`;
  }
  return undefined;
}

/** The secrets among some variables. An empty one counts as absent. */
export function secretsIn(vars: Vars, source: string): Map<string, Secret> {
  const secrets = new Map<string, Secret>();
  for (const [name, value] of Object.entries(vars)) {
    if (!isSecret(name) || typeof value !== "string" || value === "") continue;
    secrets.set(name, { value, source });
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
    for (const [name, secret] of source) {
      if (!stems.has(slotStem(name))) secrets.set(name, secret);
    }
  }
  return secrets;
}

/** What the names of a slot's secrets have in common; a secret without a slot keeps its name. */
export function slotStem(name: string): string {
  return name.replace(/_(?:ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN)(_NEXT)?$/, "_$1");
}

export function valuesOf(secrets: Secrets): Record<string, string> {
  const values: Record<string, string> = {};
  for (const [name, { value }] of secrets) values[name] = value;
  return values;
}

// What passes the Worker's check of an EC key (oidc.ts): a PEM with the two identifiers of P-256, and no key.
const EC = Buffer.from("06072a8648ce3d020106082a8648ce3d030107", "hex").toString("base64");
const PEM = `-----BEGIN PRIVATE KEY-----\n${EC}\n-----END PRIVATE KEY-----`;

const PLACEHOLDERS: SecretValues = {
  OIDC_SIGNING_KEY: PEM,
  OIDC_SIGNING_KEY_NEXT: PEM,
  URL_SIGNING_KEYS: JSON.stringify({ placeholder: "x".repeat(32) }),
};

/** Values that stand for the secrets that Cloudflare stores: they cannot be read from here. */
export function placeholderSecrets(names: readonly string[]): Record<string, string> {
  const secrets: Record<string, string> = {};
  for (const name of names) secrets[name] = PLACEHOLDERS[name] ?? "kept";
  return secrets;
}

/** Secrets by name, with their new values; null deletes one. */
type Change = Readonly<Record<string, string | null>>;

/** Puts the lines of these secrets at the end of a file of the folder, all at once, and removes the old ones. */
export function putDevVars(folder: string, change: Change, name: string): CommandFault | undefined {
  const file = join(folder, name);
  try {
    const text = readFileSync(file, "utf8");
    const edited = editLines(text, change);

    const misread = misreadNames(text, edited, change);
    if (misread.length > 0) {
      throw new Error(`put each value on one line, in quotes: ${misread.join(", ")}`);
    }

    replaceFile(file, edited);
    return undefined;
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    return { fault: `${name} cannot be written: ${reason}. It was not changed` };
  }
}

/** Reads the result as it will be read: one of the names may be inside a value of several lines. */
function misreadNames(text: string, edited: string, change: Change): readonly string[] {
  const expected: Change = { ...definedIn(parseEnv(text)), ...change };
  const actual: Change = definedIn(parseEnv(edited));

  const names = Object.keys({ ...expected, ...actual });
  return names.filter((name) => {
    // For wrangler, a backslash at the end makes the quote a part of the value.
    if (change[name]?.endsWith("\\") === true) return true;
    return (expected[name] ?? null) !== (actual[name] ?? null);
  });
}

function definedIn(vars: NodeJS.Dict<string>): Record<string, string> {
  const defined: Record<string, string> = {};
  for (const [name, value] of Object.entries(vars)) {
    if (value !== undefined) defined[name] = value;
  }
  return defined;
}

/** The line of a variable, with `=` or `: `. */
const LINE = /^\s*(?:export\s+)?(?<name>\w+)(?:\s*=|:\s)/;

const QUOTES = ["'", '"', "`"] as const;

function editLines(text: string, change: Change): string {
  const lines = text.split("\n").filter((line) => {
    const name = LINE.exec(line)?.groups?.["name"];
    return name === undefined || !Object.hasOwn(change, name);
  });
  if (lines.at(-1) === "") lines.pop();

  for (const [name, value] of Object.entries(change)) {
    if (value === null) continue;
    const quote = QUOTES.find((candidate) => !value.includes(candidate)) ?? "'";
    lines.push(`${name}=${quote}${value}${quote}`);
  }
  return `${lines.join("\n")}\n`;
}
