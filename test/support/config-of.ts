// Configurations of tests, read as the Worker reads them.

import type { Bucket } from "../../src/worker/config/bucket.ts";
import { type Config, readConfig } from "../../src/worker/config/config.ts";
import { mistakeText } from "../../src/worker/http/refusal.ts";
import { ENV } from "./env.ts";

/** The configuration of the tests with some vars and secrets changed. Fails with its mistakes. */
export function configOf(change: object = {}): Config {
  const config = readConfig({ ...ENV, ...change });
  if ("mistakes" in config) throw new Error(config.mistakes.map(mistakeText).join("\n"));
  return config;
}

/** The mistakes of the same configuration: one line each. */
export function mistakesOf(change: object): readonly string[] {
  const config = readConfig({ ...ENV, ...change });
  return "mistakes" in config ? config.mistakes.map(mistakeText) : [];
}

export function bucketOf(change: object = {}): Bucket {
  const [bucket] = configOf(change).buckets;
  if (bucket === undefined) throw new Error("it has no bucket");
  return bucket;
}
