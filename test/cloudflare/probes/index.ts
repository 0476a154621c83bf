// All probes, by the order of docs/rules.md.

import type { Probe } from "../probe.ts";
import { ANSWERS } from "./answers.ts";
import { CACHES } from "./caches.ts";
import { EDGE } from "./edge.ts";
import { S3 } from "./s3.ts";

export const PROBES: readonly Probe[] = [...EDGE, ...ANSWERS, ...CACHES, ...S3];
