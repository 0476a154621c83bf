// Reads `[vars.COSTS]`: what an operator expects of the costs. The Worker does not use it. No I/O.

import {
  type Infer,
  integer,
  numberBetween,
  optional,
  type ReportMistake,
  table,
  type Vars,
} from "../../worker/config/schema.ts";
import { parseJson, tableOf } from "../../worker/util/json.ts";

export type ExpectedCosts = Infer<ReturnType<typeof costsSchema>>;

/** About how many objects a bucket shows. */
export const objectCount = integer(1, 1e12);

/** @param bucketNames the buckets of which `objects` may say how many objects they show */
export function costsSchema(bucketNames: readonly string[]) {
  const entry = optional(objectCount);
  const objectCounts = Object.fromEntries(bucketNames.map((name) => [name, entry] as const));

  return table({
    /** US dollars a month. */
    most: optional(numberBetween(0, 1e9)),
    /** About how many objects each bucket shows, by the name of the bucket. */
    objects: optional(table(objectCounts)),
  });
}

/** @returns undefined if `COSTS` has mistakes, which are reported */
export function readExpectedCosts(vars: Vars, report: ReportMistake): ExpectedCosts | undefined {
  const bucketNames = Object.keys(tableOf(vars["BUCKETS"]));
  const costs = parseJson(vars["COSTS"] ?? {});
  return costsSchema(bucketNames)(costs, "COSTS", report);
}
