// What a visit goes through: Workers Cache where keep is not 0, then S3, and where the object changed the edge.

import { lifetime } from "../../src/emulator/edge/lifetime.ts";
import { createModel, type Outcome } from "./model.ts";
import type { Site } from "./site.ts";
import { type Answer, type CacheRules, createTiers } from "./tiers.ts";
import type { Visit } from "./trace.ts";

export type Scenario = {
  /** The cache-control of the objects; null: there is none. */
  readonly cacheControl: string | null;
  /** Left out: `keep` is 0. */
  readonly cache?: CacheRules | undefined;
  /** Whether an event drops an object out of Workers Cache as soon as it is replaced. */
  readonly events: boolean;
};

/** A run of Renditions, or of the same function in the gateway: it asks S3 first. */
type Rendered = {
  /** The data centre in which it ran. */
  readonly place: number;
  /** Whether the visitor waited for it. */
  readonly waits: boolean;
  /** What the edge did; `unchanged`: S3 said so, and the edge was not asked; `failed`: S3 gave nothing. */
  readonly outcome: Outcome | "unchanged" | "failed";
};

/** What happened to a visit. */
export type Shown = Answer & { readonly rendered: Rendered | undefined };

type Pipeline = {
  /** @param isDown whether the bucket cannot be read: S3 is down, or it refuses all keys */
  show(visit: Visit, isDown?: boolean): Shown;
  /** The object has another version from now on. */
  replace(object: number): void;
  /** The version that the object has now: how often it was replaced. */
  versionOf(object: number): number;
  /** The unique transformations so far. */
  transformations(): number;
};

/** Creates a pipeline with empty caches. */
export function createPipeline(site: Site, { cacheControl, cache, events }: Scenario): Pipeline {
  const seconds = lifetime(cacheControl); // C1
  const edge = createModel();
  const tiers = cache && createTiers(cache);
  const versions = new Map<number, number>();
  const versionOf = (object: number) => versions.get(object) ?? 0;

  return {
    show(visit, isDown = false) {
      const { at, object, place } = visit;
      const version = versionOf(object);
      const options = site.optionsFor(visit);
      let rendered: Rendered | undefined;

      function render(runsAt: number, waits: boolean, cached?: number): number | undefined {
        const outcome = isDown
          ? "failed"
          : cached === version
            ? "unchanged" // W18
            : edge.ask({ ...options, source: `${object} ${version}` }, runsAt, at, seconds);
        rendered = { place: runsAt, waits, outcome };
        return isDown ? undefined : version;
      }

      const answer: Answer =
        tiers === undefined
          ? { version: render(place, true), how: "waited" }
          : tiers.ask(object, options.rendition, place, at, render);
      return { ...answer, rendered };
    },
    replace(object) {
      versions.set(object, versionOf(object) + 1);
      if (events) tiers?.purge(object); // W10
    },
    versionOf,
    transformations: edge.transformations,
  };
}
