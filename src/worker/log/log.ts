// Writes the log: one JSON line each. Never a credential, a signature or a query string, and no character that a
// terminal obeys: visitors choose much of what a line holds.
// Operators have alarms on the names of the fields. So a name in the log stays, whatever the code calls the field.

import { mistakeText, type Refusal } from "../http/refusal.ts";
import { isPlainObject } from "../util/json.ts";
import { BUILD_VERSION } from "../util/version.ts";
import { pageOfEvent } from "./docs-url.ts";
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
  /** Where the answer came from: the rendition, or the reason why there is none. */
  readonly cache?: CacheState | undefined;
  /** The type of the bytes that the visitor gets: `avif`. */
  readonly format?: string | undefined;
};

export type CacheState =
  /** Workers Cache had it, and it was fresh (W11). */
  | "hit"
  /** Workers Cache had it, and it was not fresh any more (W11). */
  | "stale"
  /** The store had it. */
  | "stored"
  /** It was rendered for this request. */
  | "miss"
  /** It was rendered for this request, without Workers Cache. */
  | "direct";

/**
 * Writes one line about a request that got no image. The level is "warn" if the visitor asked for something wrong,
 * "error" if the operator has something to fix.
 * @param answered the status that the visitor gets
 */
export function logRefusal(refusal: Refusal, fields: LogFields, answered: number): void {
  // With refused credentials, or without the keys of an issuer of tokens, every request is refused: one line a minute is
  // enough. `repeated` means that this minute has its line already.
  const { event } = refusal;
  const isOfCredentials =
    event === "slots-refused" || event === "role-refused" || event === "token-keys-failed";
  if (isOfCredentials && refusal.repeated) return;

  const hasMistakes = refusal.event === "configuration-broken";
  const line = formatLine({
    ...refusal,
    ...(hasMistakes && { mistakes: refusal.mistakes.map(mistakeText) }),
    ...fields,
    answered,
  });

  // Anybody can forge the header by which a loop is known (E8), so a loop is no alarm.
  if (answered < 500 || refusal.event === "loop-detected") console.warn(line);
  else console.error(line);
}

/** The level of each notice. */
export const LEVELS = {
  "slot-in-use": "info",
  "slot-refused": "warn",
  "role-failed": "error",
  "token-keys-old": "warn",
  "rendition-failed": "error",
  "limiter-failed": "error",
  "cache-unusable": "warn",
  "stale-purged": "warn",
  "metrics-failed": "error",
  "no-focus": "warn",
  "unknown-proof": "warn",
  "store-failed": "error",
  "lines-left-out": "warn",
  "purge-failed": "error",
  "purged-by-event": "info",
  "event-elsewhere": "warn",
  "event-unreadable": "warn",
} as const satisfies Record<Notice["event"], string>;

/** Writes one line about anything that is not a refusal. */
export function logNotice(notice: Notice): void {
  const level = LEVELS[notice.event];
  console[level](formatLine(notice));
}

type LineFields = { readonly event: string; readonly [field: string]: unknown };

/** Makes a line of JSON. Each line names the version, and its section of the page of errors. */
function formatLine(fields: LineFields): string {
  const line = { ...fields, version: BUILD_VERSION, see: pageOfEvent(fields.event) };
  const text = JSON.stringify(line, loggedValue);

  // JSON does not escape what a terminal obeys or does not show. INVISIBLE has the flag `g`: it matches all of it.
  return text.replace(INVISIBLE, escapeCharacter);
}

/** Visitors may send long values, so each value in a line is cut to so many characters. */
const MAX_VALUE_LENGTH = 1024;

/** The fields of a refusal that are for the Worker alone. */
const UNLOGGED = new Set([
  "repeated", // see `logRefusal`
  "isTransient", // whether a second try may succeed
  "isSetupFault", // whether S3 refuses every request so
  "s3", // S3's whole reply
]);

/** The names in the log of the fields that have another name in the code. No line has both `s3Code` and `code`. */
const LOGGED_NAMES: Readonly<Record<string, string>> = {
  s3Code: "origin",
  edgeCode: "edge",
  /** Of STS, or of S3 where it refuses a session of a role. */
  code: "origin",
};

/**
 * Returns what the log has of a value, or undefined to leave it out. JSON.stringify calls this function first for the whole
 * line, which renames the fields, and then for each field, under its new name.
 */
function loggedValue(name: string, value: unknown): unknown {
  if (UNLOGGED.has(name)) return undefined;
  if (typeof value === "string") return withoutQueries(value.slice(0, MAX_VALUE_LENGTH));
  if (!isPlainObject(value)) return value;

  const logged: Record<string, unknown> = {};
  for (const [field, content] of Object.entries(value)) {
    const loggedName = LOGGED_NAMES[field] ?? field;
    logged[loggedName] = content;
  }
  return logged;
}

/** Writes a character as JSON may write it: `\u202e`, or `\udb40\udc41` if it has two UTF-16 units. */
function escapeCharacter(character: string): string {
  let escapes = "";
  for (const unit of character.split("")) {
    const digits = unit.charCodeAt(0).toString(16);
    escapes += `\\u${digits.padStart(4, "0")}`;
  }
  return escapes;
}
