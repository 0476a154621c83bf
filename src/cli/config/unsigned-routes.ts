// Finds signed routes whose objects another route may show unsigned, as its own or as its fallback. It compares only
// the beginnings of keys, so it may warn of routes that never meet, and misses none that do. Pure.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import type { R2Binding } from "./environment-config.ts";
import type { Warning } from "./mistakes.ts";

/** @param r2Buckets the bindings, which say what their buckets are called */
export function* unsignedRouteWarnings(
  { routes }: Pick<Config, "routes">,
  r2Buckets: readonly R2Binding[],
): Generator<Warning> {
  // Whatever the host and the addressing (A4). An R2 bucket may be bound, and be read by S3's API.
  const bucketName = ({ r2, bucket }: Bucket) =>
    (r2 && r2Buckets.find(({ binding }) => binding === bucket)?.bucket_name) ?? bucket;
  for (const [at, signed] of routes.entries()) {
    for (const [index, open] of routes.entries()) {
      if (signed.signing === undefined || open.signing !== undefined) continue;
      if (signed.presets && open.presets && signed.presets.isDisjointFrom(open.presets)) continue;
      const isSame = (bucket: Bucket) => bucketName(bucket) === bucketName(signed.bucket);
      const [secret, shown] = [beginningOf(signed), beginningOf(open)];
      const meets = secret.startsWith(shown) || shown.startsWith(secret);
      const { fallback } = open;
      const shows = `ROUTES[${index}] (${open.path})`;
      const signs = `ROUTES[${at}] (${signed.path}) signs`;
      if (isSame(open.bucket) && meets) {
        const what = `${shows} may show without a signature what ${signs}`;
        yield { what, remedy: "give each its own prefix, or its own presets" };
      }
      if (fallback && isSame(fallback.bucket) && fallback.key.startsWith(secret)) {
        const what = `the fallback of ${shows} may show everyone an object that ${signs}`;
        yield { what, remedy: "use a fallback that no signed route leads to" };
      }
    }
  }
}

function beginningOf({ bucket, mapping }: BoundRoute): string {
  return bucket.prefix + (mapping.key.parts[0] ?? "");
}
