// What is signed in vain, since another route shows it without a signature.

import type { Config } from "../config.ts";
import { REST } from "../route.ts";
import type { BoundRoute } from "../routes.ts";

/** Routes without a signature that may show, at the same preset, what another one signs. */
export function* unsignedDoors({ routes }: Pick<Config, "routes">): Generator<string> {
  for (const [at, signed] of routes.entries()) {
    for (const [index, open] of routes.entries()) {
      if (signed.signing === undefined || open.signing !== undefined) continue;
      const { presets } = signed;
      const both = !presets || !open.presets || !presets.isDisjointFrom(open.presets);
      if (both && mayMeet(signed, open)) {
        yield `ROUTES[${index}] (${open.path}) may show without a signature what ROUTES[${at}] (${signed.path}) signs: give their objects prefixes of their own, or the routes other presets`;
      }
    }
  }
}

/** True if two routes may lead to one object. */
function mayMeet(one: BoundRoute, other: BoundRoute): boolean {
  if (nameOf(one) !== nameOf(other)) return false;
  const others = patternOf(other);
  const parts = patternOf(one);
  for (const [at, part] of parts.entries()) {
    const counterpart = others[at];
    if (counterpart === undefined) return false;
    if (part.includes("*") || counterpart.includes("*")) return true;
    const open = part.includes(":") || counterpart.includes(":");
    if (!open && part !== counterpart) return false;
  }
  return parts.length === others.length;
}

/** The bucket's name at the provider, whichever way it is addressed (A4), by whichever of its hosts. */
function nameOf({ bucket }: BoundRoute): string | undefined {
  const { hostname, pathname } = new URL(bucket.base);
  return pathname.split("/").at(-2) || hostname.split(".")[0];
}

/** The segments of the keys that a route leads to; one that is not fixed has a `:` or a `*` in it. */
function patternOf({ bucket, template }: BoundRoute): string[] {
  const spelt = template.map((part) => {
    // What is fixed may have these characters, too.
    if (typeof part === "string") return part.replace(/[:*]/g, "_");
    return part.name === REST ? "*" : ":";
  });
  return (bucket.prefix + spelt.join("")).split("/");
}
