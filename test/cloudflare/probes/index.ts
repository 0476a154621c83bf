// All probes, by the order of docs/rules.md. First the one that counts: the others transform much, and counts come late.

import type { Probe } from "../probe.ts";
import { ANSWERS } from "./answers.ts";
import { BINDING } from "./binding.ts";
import { BILLING, CACHES } from "./caches.ts";
import { EDGE } from "./edge.ts";
import { S3 } from "./s3.ts";
import { STORE } from "./store.ts";
import { WORKERS_CACHE } from "./workers-cache.ts";

export const PROBES: readonly Probe[] = [
  BILLING,
  ...EDGE,
  ...ANSWERS,
  ...CACHES,
  ...S3,
  ...WORKERS_CACHE,
  ...BINDING,
  ...STORE,
];
