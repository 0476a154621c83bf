// The store as the configuration has it: an R2 bucket that nothing else uses, because its names could be originals
// there, and two Workers would write into it. Pure.

import type { Mistake } from "../../worker/base/refusal.ts";
import { environmentText } from "../wrangler/environment.ts";
import { type KnownVars, type R2Binding, tableOf } from "./known-vars.ts";

/** The binding of the store; undefined: there is no store, or no such binding. */
export function storeOf({
  deployed,
  r2Buckets,
}: Pick<KnownVars, "deployed" | "r2Buckets">): R2Binding | undefined {
  const { store } = tableOf(deployed["ANSWERS"]);
  return r2Buckets.find(({ binding }) => binding === store);
}

/** The name of a bound bucket. `wrangler deploy` gives it one that has none (T9). */
export function bucketName(
  { worker }: Pick<KnownVars, "worker">,
  { binding, bucket_name: name }: R2Binding,
): string {
  return name ?? `${worker}-${binding.toLowerCase().replaceAll("_", "-")}`;
}

/** Every use of a bucket of R2, by a binding or by S3's API, and the bucket's name. */
function usesOf(vars: KnownVars): readonly { readonly by: string; readonly bucket: string }[] {
  const bound = vars.r2Buckets.map((one) => ({ by: one.binding, bucket: bucketName(vars, one) }));
  const origins = Object.entries(tableOf(vars.deployed["BUCKETS"])).flatMap(([name, settings]) => {
    const { endpoint, bucket } = tableOf(settings);
    const isR2 = URL.parse(`${endpoint}`)?.hostname.endsWith(".r2.cloudflarestorage.com");
    return isR2 ? [{ by: `BUCKETS.${name}`, bucket: `${bucket}` }] : [];
  });
  return [...bound, ...origins];
}

/** @param others the environments to compare with */
export function* storeMistakes(vars: KnownVars, others: readonly KnownVars[]): Generator<Mistake> {
  const store = storeOf(vars);
  if (store?.remote) {
    const message = `is ${store.binding}, which has remote = true: wrangler dev would store in it. Remove that`;
    yield { path: "ANSWERS.store", message };
  }
  for (const other of [vars, ...others]) {
    const isOwn = other === vars;
    const owner = environmentText(other.environment);
    const bucket = store && bucketName(vars, store);
    const use = usesOf(other).find(
      (one) => one.bucket === bucket && !(isOwn && one.by === store?.binding),
    );
    if (use) {
      const message = `has the bucket ${bucket}, as ${use.by}${isOwn ? "" : ` of ${owner}`} has: use another one`;
      yield { path: "ANSWERS.store", message };
    }
    const theirs = isOwn ? undefined : storeOf(other);
    const taken = theirs && bucketName(other, theirs);
    const taking = usesOf(vars).find((one) => one.bucket === taken && one.bucket !== bucket);
    if (!taking) continue;
    yield {
      path: taking.by,
      message: `has the bucket that ${owner} has as store: use another one`,
    };
  }
}
