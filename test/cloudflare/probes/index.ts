// All probes, by the order of docs/rules.md.

import type { Probe } from "../probe.ts";

export const PROBES: readonly Probe[] = [];
