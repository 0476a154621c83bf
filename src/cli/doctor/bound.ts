// A bucket that the Worker reads by its binding: only the deployed Worker can ask it.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { Found } from "../objects/object-name.ts";
import { isOfSlot } from "./checks/index.ts";
import { type Finding, note } from "./finding.ts";

/** What is found through the local S3 in a bucket that the Worker reads by its binding, without a key. */
export function withoutSlots({ name }: Bucket, found: readonly Finding[]): Finding[] {
  const about = `bucket ${name}`;
  const what = "an R2 binding: the local run has it in wrangler's own R2, and no key opens it";
  const others = found.filter(
    ({ check, severity }) => !isOfSlot(check) && (severity !== "ok" || check === "sample"),
  );
  return [note("reachable", what), ...others].map((one) => ({ ...one, about }));
}

/** Only the deployed Worker can ask an R2 binding. */
export function examineBound({ name, prefix, canary }: Bucket, named: readonly Found[]) {
  const [first] = named.filter(({ bucket }) => bucket.name === name);
  const key = first === undefined ? canary : prefix + first.key;
  const what =
    "an R2 binding: only the Worker can ask it. See /healthz, with --url and HEALTH_TOKEN";
  const findings = [{ about: `bucket ${name}`, bucket: name, ...note("reachable", what) }];
  return { findings, known: key === undefined ? undefined : { key, bytes: undefined } };
}
