// What a visit goes through: the cache in front of the entrypoint if there is one, the edge, the bucket.

import { lifetime } from "../../src/emulator/edge/lifetime.ts";
import { createAsk, type Design } from "./designs.ts";
import { createModel, type Outcome } from "./model.ts";
import { type CacheRules, createTiers } from "./tiers.ts";
import type { Replacement, Visit } from "./trace.ts";

export type Scenario = {
  readonly design: Design;
  /** The cache-control of the objects; null: there is none. */
  readonly cacheControl: string | null;
  /** Left out: there is no cache in front of the entrypoint. */
  readonly cache?: CacheRules | undefined;
};

/** What happened to a visit. */
export type Shown = {
  /** Whether the visitor got an image. */
  readonly image: boolean;
  /** The request to the edge; undefined: there was none. */
  readonly edge: EdgeCall | undefined;
};

type EdgeCall = {
  /** The data centre of the edge. */
  readonly place: number;
  readonly outcome: Outcome;
  /** Whether the visitor waited for it. */
  readonly waits: boolean;
};

type Pipeline = {
  /** @param isDown whether the bucket cannot be read */
  show(visit: Visit, isDown?: boolean): Shown;
  /** An object is replaced, and purged at once. */
  replace(replacement: Replacement): void;
  /** The unique transformations so far. */
  transformations(): number;
};

/** Creates a pipeline with empty caches. */
export function createPipeline({ design, cacheControl, cache }: Scenario): Pipeline {
  const seconds = lifetime(cacheControl); // C1
  const model = createModel();
  const read = createAsk();
  const tiers = cache && createTiers(cache);

  return {
    show(visit, isDown = false) {
      const { at, place } = visit;
      const asked = read(design.call(visit));
      if (tiers === undefined) {
        const outcome = model.ask(asked, place, at, seconds, isDown);
        return { image: outcome !== "failed", edge: { place, outcome, waits: true } };
      }
      let edge: EdgeCall | undefined;
      const made = tiers.ask(asked, place, at, (runsAt, waits) => {
        const outcome = model.ask(asked, runsAt, at, seconds, isDown);
        edge = { place: runsAt, outcome, waits };
        return outcome !== "failed";
      });
      return { image: made !== undefined, edge };
    },
    replace({ object }) {
      const source = design.purged(object);
      tiers?.purge(source); // W10
      model.purge(source); // C3
    },
    transformations: model.transformations,
  };
}
