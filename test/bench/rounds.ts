// Measures in rounds: each workload in turn. Other work of the machine then affects all of them alike.

import { type Running, start } from "../support/workerd.ts";
import { measure } from "./load.ts";
import { type Random, seeded } from "./random.ts";
import type { Workload } from "./workloads.ts";

/** Medians of all rounds. */
export type Result = {
  readonly name: string;
  readonly note: string;
  /** The workload that it is compared with. Undefined: it is compared with itself. */
  readonly floor: string | undefined;
  readonly limit: number | undefined;
  /** CPU time of the whole process for one request, in µs. */
  readonly cpu: number;
  /** CPU time of a request divided by that of its floor in the same round. */
  readonly ratio: number;
};

type Effort = {
  readonly rounds: number;
  /** Requests of each workload in each round. */
  readonly requests: number;
  /** Requests of each workload before the first round. They compile its code. */
  readonly warmUp: number;
};

/**
 * Measures workloads, each in its own process, and compares each with its floor.
 * @param step is called after each part
 */
export async function compare(
  workloads: readonly Workload[],
  { rounds, requests, warmUp }: Effort,
  step: () => void,
): Promise<Result[]> {
  const random: Random = seeded(1);
  const running: Running[] = [];
  const measured = workloads.map((): number[] => []);
  try {
    for (const { script, draw } of workloads) {
      const one = await start(script);
      running.push(one);
      await measure(one, await draw(warmUp, random));
      step();
    }
    for (let round = 0; round < rounds; round++) {
      for (const [at, { draw }] of workloads.entries()) {
        const one = running[at];
        if (one !== undefined) measured[at]?.push(await measure(one, await draw(requests, random)));
        step();
      }
    }
  } finally {
    await Promise.all(running.map((one) => one.stop()));
  }
  return workloads.map(({ name, note, floor: floorName = name, limit }, at) => {
    const all = measured[at] ?? [];
    const floor = measured[workloads.findIndex((one) => one.name === floorName)] ?? [];
    const ratios = all.map((cpu, round) => cpu / (floor[round] ?? Number.NaN));
    return {
      ...{ name, note, floor: floorName === name ? undefined : floorName, limit },
      ...{ cpu: median(all), ratio: median(ratios) },
    };
  });
}

/** The value in the middle, or between the two in the middle. */
function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = (sorted.length - 1) / 2;
  const [below = Number.NaN, above = Number.NaN] = [sorted[Math.floor(at)], sorted[Math.ceil(at)]];
  return (below + above) / 2;
}
