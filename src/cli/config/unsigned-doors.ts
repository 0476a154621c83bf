// Finds signed routes whose objects another route shows unsigned, as its own or as its fallback.

import { REST } from "../../url/grammar.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import type { BoundRoute, Fallback } from "../../worker/config/routes.ts";
import type { KnownVars } from "./environment-config.ts";
import type { Warning } from "./mistakes.ts";

type R2Buckets = KnownVars["r2Buckets"];

/**
 * Unsigned routes that may show the objects of a signed route at the same preset.
 * @param r2Buckets the bindings, which say what their buckets are called
 */
export function* unsignedDoors(
  { routes }: Pick<Config, "routes">,
  r2Buckets: R2Buckets = [],
): Generator<Warning> {
  for (const [at, signed] of routes.entries()) {
    for (const [index, open] of routes.entries()) {
      if (signed.signing === undefined || open.signing !== undefined) continue;
      const { presets } = signed;
      const both = !presets || !open.presets || !presets.isDisjointFrom(open.presets);
      if (!both) continue;
      const door = `ROUTES[${index}] (${open.path})`;
      const secret = `ROUTES[${at}] (${signed.path}) signs`;
      if (mayMeet(signed, open, r2Buckets)) {
        const what = `${door} may show without a signature what ${secret}`;
        yield { what, remedy: "give each its own prefix, or its own presets" };
      }
      if (open.fallback && leadsTo(signed, open.fallback, r2Buckets)) {
        const what = `the fallback of ${door} shows everyone an object that ${secret}`;
        yield { what, remedy: "use a fallback that no signed route leads to" };
      }
    }
  }
}

/** Returns whether a route leads to the object of a fallback. */
function leadsTo(
  { bucket, mapping }: BoundRoute,
  { bucket: other, key }: Fallback,
  r2Buckets: R2Buckets,
): boolean {
  if (
    nameAtProvider(bucket, r2Buckets) !== nameAtProvider(other, r2Buckets) ||
    !key.startsWith(bucket.prefix)
  )
    return false;
  return mapping.key.form.test(key.slice(bucket.prefix.length));
}

/** An R2 bucket goes by its binding in the Worker, and by its own name at its S3 endpoint. */
function nameAtProvider({ r2, bucket }: Bucket, r2Buckets: R2Buckets): string {
  const bound = r2Buckets.find(({ binding }) => r2 !== undefined && binding === bucket);
  return bound?.bucket_name ?? bucket;
}

function mayMeet(one: BoundRoute, other: BoundRoute, r2Buckets: R2Buckets): boolean {
  // Whatever the host and the addressing (A4).
  const [name, otherName] = [one, other].map(({ bucket }) => nameAtProvider(bucket, r2Buckets));
  if (name !== otherName) return false;
  const others = patternOf(other);
  const parts = patternOf(one);
  for (const [at, part] of parts.entries()) {
    const counterpart = others[at];
    if (counterpart === undefined || !overlap(part, counterpart)) return false;
    if (part.includes(ANY) || counterpart.includes(ANY)) return true;
  }
  return parts.length === others.length;
}

// Stand for the text of one segment, and for the rest of the key: no key has a backslash.
const TEXT = "\\:";
const ANY = "\\*";

/** The segments of the keys that a route leads to. */
function patternOf({ bucket, mapping }: BoundRoute): string[] {
  const spelt = mapping.key.parts.map((part, at) => {
    if (at % 2 === 0) return part;
    return part === REST ? ANY : TEXT;
  });
  return (bucket.prefix + spelt.join("")).split("/");
}

/** Returns whether a text may match both. Only the fixed ends of the two are compared. */
function overlap(one: string, other: string): boolean {
  const ends = (part: string) => {
    const fixed = part.split(/\\[:*]/);
    return { head: fixed[0] ?? "", tail: fixed.at(-1) ?? "", open: fixed.length > 1 };
  };
  const [a, b] = [ends(one), ends(other)];
  if (!a.open && !b.open) return one === other;
  // The text after a rest may be in another segment.
  const rest = (one + other).includes(ANY);
  const begins = a.head.startsWith(b.head) || b.head.startsWith(a.head);
  return begins && (rest || a.tail.endsWith(b.tail) || b.tail.endsWith(a.tail));
}
