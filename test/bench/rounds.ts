// Rounds: each subject in turn, so that what the machine does meanwhile strikes all of them alike.

import { type Measured, measure } from "./load.ts";
import { type Random, seeded } from "./random.ts";
import type { Subject } from "./subjects.ts";
import { type Running, start } from "./workerd.ts";

/** Medians of all rounds, and how far the ratios of the rounds lie apart. */
export type Result = Measured & {
  readonly name: string;
  readonly note: string;
  readonly limit: number | undefined;
  /** Processor time of a request by the floor's of the same round: the median, and the middle half. */
  readonly ratio: number;
  readonly middle: readonly [number, number];
};

export type Effort = {
  readonly rounds: number;
  /** Of each subject in each round. */
  readonly requests: number;
  /** Of each subject before the first round, so that its code is compiled. */
  readonly warmUp: number;
};

/**
 * Measures subjects, each in a process of its own. The first one is what the others are held against.
 * @param step is told of each part that is done
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
  const floor = measured[0] ?? [];
  return subjects.map(({ name, note, limit }, at) => {
    const all = measured[at] ?? [];
    const ratios = all.map(({ cpu }, round) => cpu / (floor[round]?.cpu ?? Number.NaN));
    const of = (figure: keyof Measured) =>
      quantile(
        all.map((one) => one[figure]),
        0.5,
      );
    return {
      ...{ name, note, limit, cpu: of("cpu"), rate: of("rate"), p50: of("p50"), p99: of("p99") },
      ratio: quantile(ratios, 0.5),
      middle: [quantile(ratios, 0.25), quantile(ratios, 0.75)] as const,
    };
  });
}

/** The value that so great a share of all lies below; between two of them where it is between them. */
export function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  const at = (sorted.length - 1) * share;
  const below = sorted[Math.floor(at)] ?? Number.NaN;
  const above = sorted[Math.ceil(at)] ?? Number.NaN;
  return below + (above - below) * (at % 1);
}
