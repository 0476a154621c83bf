// The secrets that this machine has: in a file that is named, in the environment, and in .dev.vars. No
// message contains a secret.

import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseEnv } from "node:util";
import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import { SLOT_NAMES } from "../../worker/base/refusal.ts";
import { isSecret, secretNames } from "../../worker/config/read-secrets.ts";
import type { Vars } from "../../worker/config/schema.ts";
import type { Fault, World } from "../command.ts";

export type Secret = {
  readonly value: string;
  /** `the environment`, `the local run`, `.dev.vars`, or a file's name. */
  readonly from: string;
};

export type Secrets = ReadonlyMap<string, Secret>;

/** Reads a file of secrets: lines KEY=VALUE, or JSON. */
export function readSecretsFile({ folder }: World, file: string): Vars | Fault {
  const refuse = (reason: string) => ({ fault: `--secrets-file ${file}: ${reason}` });
  try {
    const text = decodeText(readFileSync(resolve(folder, file)));
    const table = parseJson(text);
    if (isPlainObject(table)) return table; // wrangler reads both kinds, too
    if (/^\s*\{/.test(text)) {
      return refuse('is not right as JSON. It must be a table, {"NAME": "value"}');
    }
    const cut = cutFault(text);
    return cut === undefined ? { ...parseEnv(text) } : refuse(cut);
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    const isMissing = "code" in error && error.code === "ENOENT";
    return refuse(isMissing ? "there is no such file" : error.message);
  }
}

/** The text of a file as editors and PowerShell write it. @throws if it is not text */
export function decodeText(bytes: Uint8Array): string {
  const mark = `${bytes[0]} ${bytes[1]}`;
  const encoding = mark === "255 254" ? "utf-16le" : mark === "254 255" ? "utf-16be" : "utf-8";
  const text = new TextDecoder(encoding, { fatal: true, ignoreBOM: false }).decode(bytes);
  if (text.includes("\0")) throw new Error("unknown encoding: save it as UTF-8");
  return text;
}

// `parseEnv` cuts a value without quotes at a `#`.
const HASH = /^\s*(?:export\s+)?(\w+)\s*=(?:[ \t]*[^\s'"`#][^\s#]*)?#/gm;
// It drops what follows the quotes, and takes a quote that is not closed for a part of the value.
const QUOTED = /^\s*(?:export\s+)?(\w+)\s*=[ \t]*(['"`])(?:[\s\S]*?\2[ \t]*([^#\s]?).*$|)/gm;

/** Why a secret in lines of KEY=VALUE would have another value than it seems. */
export function cutFault(text: string): string | undefined {
  const hash = [...text.matchAll(HASH)].find(([, name = ""]) => isSecret(name))?.[1];
  if (hash) return `${hash} has a #, which begins a comment. Put the value in quotes: '…'`;
  const quoted = [...text.matchAll(QUOTED)];
  const open = quoted.find(([, name = "", , rest]) => isSecret(name) && rest !== "")?.[1];
  return open && `${open} has quotes that do not enclose its whole value. Put it in other quotes`;
}

/** The secrets among some variables. An empty one counts as absent. */
export function secretsIn(vars: Vars, from: string): Map<string, Secret> {
  const secrets = new Map<string, Secret>();
  for (const [name, value] of Object.entries(vars)) {
    if (!isSecret(name) || typeof value !== "string" || value === "") continue;
    secrets.set(name, { value, from });
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

/** The names of all secrets of the two slots. `secretPrefix` is the bucket's `credentials`. */
export function slotSecretNames(secretPrefix: string): string[] {
  return SLOT_NAMES.flatMap((slot) => Object.values(secretNames(secretPrefix, slot)));
}

export function valuesOf(secrets: Secrets): Record<string, string> {
  return Object.fromEntries([...secrets].map(([name, { value }]) => [name, value]));
}

// The Worker looks at the form of a key, and at the identifiers of its kind.
const EC = Buffer.from("06072a8648ce3d020106082a8648ce3d030107", "hex").toString("base64");
const PEM = ["BEGIN", "END"].map((edge) => `-----${edge} PRIVATE KEY-----`).join(`\n${EC}\n`);
const SIGNING_KEYS = JSON.stringify({ kept: "x".repeat(32) });

/** Values that stand for the secrets that Cloudflare keeps: they cannot be read from here. */
export function placeholderSecrets(names: readonly string[]): Record<string, string> {
  const placeholder = (name: string) => {
    if (name.startsWith("OIDC_SIGNING_KEY")) return PEM;
    return name === "URL_SIGNING_KEYS" ? SIGNING_KEYS : "kept";
  };
  return Object.fromEntries(names.map((name) => [name, placeholder(name)]));
}
