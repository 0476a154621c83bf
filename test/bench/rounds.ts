// Measures in rounds: each subject in turn. Other work of the machine then affects all of them alike.

import { type Running, start } from "../support/workerd.ts";
import { type Measured, measure } from "./load.ts";
import { type Random, seeded } from "./random.ts";
import type { Subject } from "./subjects.ts";

/** Medians of all rounds, and the spread of the ratios. */
export type Result = Measured & {
  readonly name: string;
  readonly note: string;
  /** The subject that it is compared with. Undefined: it is compared with itself. */
  readonly floor: string | undefined;
  readonly limit: number | undefined;
  /** CPU time of a request divided by that of its floor in the same round: median and middle half. */
  readonly ratio: number;
  readonly middle: readonly [number, number];
};

type Effort = {
  readonly rounds: number;
  /** Requests of each subject in each round. */
  readonly requests: number;
  /** Requests of each subject before the first round. They compile its code. */
  readonly warmUp: number;
};

/**
 * Measures subjects, each in its own process, and compares each with its floor.
 * @param step is called after each part
 */
export async function compare(
  subjects: readonly Subject[],
  { rounds, requests, warmUp }: Effort,
  step: () => void,
): Promise<Result[]> {
  const random: Random = seeded(1);
  const running: Running[] = [];
  const measured = subjects.map((): Measured[] => []);
  try {
    for (const { script, draw } of subjects) {
      const one = await start(script);
      running.push(one);
      await measure(one, await draw(warmUp, random));
      step();
    }
    for (let round = 0; round < rounds; round++) {
      for (const [at, { draw }] of subjects.entries()) {
        const one = running[at];
        if (one !== undefined) measured[at]?.push(await measure(one, await draw(requests, random)));
        step();
      }
    }
  } finally {
    await Promise.all(running.map((one) => one.stop()));
  }
  return subjects.map(({ name, note, floor: other = name, limit }, at) => {
    const all = measured[at] ?? [];
    const floor = measured[subjects.findIndex((one) => one.name === other)] ?? [];
    const ratios = all.map(({ cpu }, round) => cpu / (floor[round]?.cpu ?? Number.NaN));
    const of = (figure: keyof Measured) =>
      quantile(
        all.map((one) => one[figure]),
        0.5,
      );
    return {
      ...{ name, note, floor: other === name ? undefined : other, limit },
      ...{ cpu: of("cpu"), rate: of("rate"), p50: of("p50"), p99: of("p99") },
      ratio: quantile(ratios, 0.5),
      middle: [quantile(ratios, 0.25), quantile(ratios, 0.75)] as const,
    };
  });
}

/** A quantile: this share of all values is below it. Interpolates between two values. */
function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at % 1);
}
