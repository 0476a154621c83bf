// Finds signed routes whose objects another route shows unsigned, as its own or as its fallback. Pure.

import { REST } from "../../url/grammar.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import type { BoundRoute, Fallback } from "../../worker/config/routes.ts";
import type { R2Binding } from "./environment-config.ts";
import type { Warning } from "./mistakes.ts";

/** @param r2Buckets the bindings, which say what their buckets are called */
export function* unsignedRouteWarnings(
  { routes }: Pick<Config, "routes">,
  r2Buckets: readonly R2Binding[] = [],
): Generator<Warning> {
  for (const [at, signed] of routes.entries()) {
    for (const [index, open] of routes.entries()) {
      if (signed.signing === undefined || open.signing !== undefined) continue;
      if (signed.presets && open.presets && signed.presets.isDisjointFrom(open.presets)) continue;
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

/** Whatever the host and the addressing (A4). An R2 bucket may be bound, and be read by S3's API. */
function isSameBucket(one: Bucket, other: Bucket, r2Buckets: readonly R2Binding[]): boolean {
  const [name, otherName] = [one, other].map(({ r2, bucket }) => {
    const bound = r2Buckets.find(({ binding }) => r2 !== undefined && binding === bucket);
    return bound?.bucket_name ?? bucket;
  });
  return name === otherName;
}

/** Returns whether a route leads to the object of a fallback. */
function leadsTo(
  { bucket, mapping }: BoundRoute,
  { bucket: other, key }: Fallback,
  r2Buckets: readonly R2Binding[],
): boolean {
  if (!isSameBucket(bucket, other, r2Buckets) || !key.startsWith(bucket.prefix)) return false;
  return mapping.key.form.test(key.slice(bucket.prefix.length));
}

function mayMeet(one: BoundRoute, other: BoundRoute, r2Buckets: readonly R2Binding[]): boolean {
  if (!isSameBucket(one.bucket, other.bucket, r2Buckets)) return false;
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
  const texts = mapping.key.parts.map((part, at) => {
    if (at % 2 === 0) return part;
    return part === REST ? ANY : TEXT;
  });
  return (bucket.prefix + texts.join("")).split("/");
}

/** Returns whether a text may match both. Only the fixed ends of the two are compared. */
function overlap(one: string, other: string): boolean {
  const [a, b] = [one, other].map((part) => part.split(/\\[:*]/));
  if (a?.length === 1 && b?.length === 1) return one === other;
  const [head = "", otherHead = ""] = [a?.[0], b?.[0]];
  const [tail = "", otherTail = ""] = [a?.at(-1), b?.at(-1)];
  // The text after a rest may be in another segment.
  const hasRest = (one + other).includes(ANY);
  const begins = head.startsWith(otherHead) || otherHead.startsWith(head);
  return begins && (hasRest || tail.endsWith(otherTail) || otherTail.endsWith(tail));
}
