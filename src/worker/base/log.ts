import { mistakeText } from "./mistake.ts";
import type { Notice } from "./notice.ts";
import type { Refusal } from "./refusal.ts";

/** What is known of a request when it ends, for the log alone. */
export type Subject = {
  readonly route?: string | undefined;
  readonly preset?: string | undefined;
  readonly bucket?: string | undefined;
  readonly key?: string | undefined;
  /** What became of the route's fallback, where it was tried. */
  readonly fallback?: "shown" | Refusal["event"] | undefined;
};

/** Characters of a value: what a visitor sends may be long. */
const LONGEST_VALUE = 1024;

/** A signature of a query string that got into the path. */
const SIGNATURE = /(sig(?:nature)?(?:=|%(?:25)*3D))[\w%-]+/gi;

/**
 * Writes one JSON line about a request that got no image: a warning where the visitor asked for what
 * is not there, an error where the operator has something to mend. Never a credential, a signature
 * or a query string.
 * @param answered the status that the visitor gets
 */
export function logRefusal(refusal: Refusal, subject: Subject, answered: number): void {
  if ("repeated" in refusal && refusal.repeated) return;
  const mistakes = "mistakes" in refusal ? refusal.mistakes.map(mistakeText) : undefined;
  const hidden = { repeated: undefined, passing: undefined };
  const facts = { ...refusal, ...hidden, mistakes, ...subject, answered };
  const line = JSON.stringify(facts, (_name, value: unknown) =>
    typeof value === "string" ? withoutSignatures(value.slice(0, LONGEST_VALUE)) : value,
  );
  // Anybody can make a request look like a loop (E8): that is no alarm.
  if (answered < 500 || refusal.event === "loop-detected") console.warn(line);
  else console.error(line);
}

/** A text without the signatures that got into it. */
export function withoutSignatures(text: string): string {
  return text.replace(SIGNATURE, "$1…");
}

const LEVELS = {
  "slot-in-use": "info",
  "slot-refused": "warn",
  "bucket-denied": "error",
  "limiter-failed": "error",
} as const satisfies Record<Notice["event"], string>;

/** Writes one JSON line about what changed with a bucket, or what is no refusal. */
export function logNotice(notice: Notice): void {
  console[LEVELS[notice.event]](JSON.stringify(notice));
}
