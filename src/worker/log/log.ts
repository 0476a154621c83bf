// Writes the log: one JSON line each. Never a credential, a signature or a query string.

import { mistakeText, type Refusal } from "../http/refusal.ts";
import { isPlainObject } from "../util/json.ts";
import type { Notice } from "./notice.ts";
import { INVISIBLE, withoutQueries } from "./without-signatures.ts";

/** The fields of a request that are for the log alone. */
export type LogFields = {
  readonly route?: string | undefined;
  readonly preset?: string | undefined;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  /** The result of the route's fallback, if it was tried. */
  readonly fallback?: "shown" | Refusal["event"] | undefined;
  /** Where the rendition, or the reason why there is none, came from. */
  readonly cache?: CacheState | undefined;
  /** The type of the bytes that the visitor gets: `avif`. */
  readonly format?: string | undefined;
};

/** From Cloudflare's cache, fresh or stale; from the store; rendered for this request, or without the cache (W11). */
export type CacheState = "hit" | "stale" | "stored" | "miss" | "direct";

/** Visitors may send long values, which are cut: characters. */
const MAX_VALUE_LENGTH = 1024;

/**
 * Writes one line about a request that got no image. The level is "warn" if the visitor asked for
 * something wrong, "error" if the operator has something to fix.
 * @param answered the status that the visitor gets
 */
export function logRefusal(refusal: Refusal, fields: LogFields, answered: number): void {
  if ("repeated" in refusal && refusal.repeated) return;
  const mistakes = "mistakes" in refusal ? refusal.mistakes.map(mistakeText) : undefined;
  const line = formatLine({ ...refusal, mistakes, ...fields, answered });
  // Anybody can forge a loop (E8): it is not an alarm.
  if (answered < 500 || refusal.event === "loop-detected") console.warn(line);
  else console.error(line);
}

export const LEVELS = {
  "slot-in-use": "info",
  "slot-refused": "warn",
  "role-failed": "error",
  "rendition-failed": "error",
  "limiter-failed": "error",
  "cache-unusable": "warn",
  "metrics-failed": "error",
  "no-focus": "warn",
  "store-failed": "error",
  "lines-left-out": "warn",
  "purge-failed": "error",
} as const satisfies Record<Notice["event"], string>;

/** Writes one line about anything that is not a refusal. */
export function logNotice(notice: Notice): void {
  console[LEVELS[notice.event]](formatLine(notice));
}

/** The names in the log of the fields that the code calls by what they are. Alarms of operators look for these names. */
const LOGGED_NAMES: Readonly<Record<string, string>> = {
  s3Code: "origin",
  edgeCode: "edge",
  /** Of STS, or of S3 where it refuses a session of a role. */
  code: "origin",
};

/** The fields of a refusal that are for the Worker alone. */
const UNLOGGED = new Set(["objectIndex", "repeated", "isTransient", "s3"]);

function withLoggedNames(fields: object): object {
  const renamed = Object.entries(fields).map(([name, value]) => [
    LOGGED_NAMES[name] ?? name,
    value,
  ]);
  return Object.fromEntries(renamed);
}

/** Each line names its section of the page of errors. */
function formatLine(fields: { readonly event: string; readonly [field: string]: unknown }): string {
  const line = { ...fields, see: `docs/errors.md#${fields.event}` };
  const text = JSON.stringify(line, (name, value: unknown) => {
    if (typeof value === "string") return withoutQueries(value.slice(0, MAX_VALUE_LENGTH));
    if (UNLOGGED.has(name)) return undefined;
    return isPlainObject(value) ? withLoggedNames(value) : value;
  });
  // JSON does not escape what a terminal obeys or does not show.
  const escapeUnit = (unit: string) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`;
  return text.replace(INVISIBLE, (mark) => mark.replace(/./gs, escapeUnit));
}
