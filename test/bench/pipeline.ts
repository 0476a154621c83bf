// What a visit goes through: Workers Cache where keep is not 0, then S3 and the store, and where the store has
// nothing of the present object the edge.

import { lifetime } from "../../src/emulator/edge/lifetime.ts";
import { createModel, type EdgeAnswer, getOrAdd } from "./model.ts";
import type { Site } from "./site.ts";
import { type Answer, type CacheRules, createTiers, type Rendition, type Tiers } from "./tiers.ts";
import type { Visit } from "./trace.ts";

export type Scenario = {
  /** Left out: `keep` is 0. */
  readonly cache?: CacheRules | undefined;
  /** Whether renditions are stored. */
  readonly store: boolean;
  /** Whether an event drops an object out of Workers Cache as soon as it is replaced. */
  readonly events: boolean;
};

/** What differs from bucket to bucket, or is open, and changes nothing before the edge. */
export type EdgeRules = {
  /** The cache-control of the objects; null: there is none. */
  readonly cacheControl: string | null;
  /** Where Renditions runs, and so which place of the edge it asks (W5, open). */
  readonly runsIn: "upper" | "visitor";
};

/** A run of Renditions, or of the same function in the gateway: it asks S3 first. */
export type Rendered = {
  /** Whether the visitor waited for it. */
  readonly waits: boolean;
  /** `unchanged`: S3 said so of what Workers Cache has. `failed`: neither S3 nor the store gave anything. */
  readonly outcome: "unchanged" | "stored" | "made" | "failed";
  /** Whether the store was asked. */
  readonly asksStore: boolean;
  /** Whether it had been made before, of an older version. */
  readonly isReplaced: boolean;
  /** What each edge did, in their order. Empty if they were not asked. */
  readonly edges: readonly EdgeAnswer[];
};

/** What happened to a visit. */
export type Shown = Answer & {
  readonly rendered: Rendered | undefined;
  /** When the version that the visitor saw was replaced: ms since 1970. Undefined: it is the present one. */
  readonly replacedAt: number | undefined;
};

export type Pipeline = {
  /** @param isDown whether the bucket cannot be read: S3 is down, or it refuses all keys */
  show(visit: Visit, isDown?: boolean): Shown;
  /** The object has another version from now on: ms since 1970. */
  replace(object: number, at: number): void;
  /** Workers Cache drops an object (W10). */
  purge(object: number): void;
  /** The bytes of all renditions that were ever made. */
  madeBytes(): number;
  /** A copy without edges. */
  fork(): Pipeline;
};

/** For how long Workers Cache keeps what the store has in an outage, in seconds. */
const OUTAGE_KEEP = 60;

/** The data centre of the upper tier. */
const UPPER = -1;

/** Most runs are such ones. */
const UNCHANGED: Rendered = {
  ...{ waits: true, outcome: "unchanged", asksStore: false, isReplaced: false, edges: [] },
};
const UNCHANGED_BEHIND: Rendered = { ...UNCHANGED, waits: false };

/** What a pipeline remembers: plain data, which can be copied. */
type Past = {
  readonly kept: Tiers["kept"] | undefined;
  /** The last version of which each rendition of an object was made. */
  readonly made: Map<number, Map<string, number>>;
  madeBytes: number;
  /** When each version of an object was replaced: ms since 1970. */
  readonly replaced: Map<number, number[]>;
};

/**
 * Creates a pipeline with empty caches.
 * @param edges each is asked the same, as if it were alone
 * @param past of another pipeline; left out: nothing was made
 */
export function createPipeline(
  site: Site,
  scenario: Scenario,
  edges: readonly EdgeRules[],
  past: Past = { kept: undefined, made: new Map(), madeBytes: 0, replaced: new Map() },
): Pipeline {
  const { cache, store, events } = scenario;
  const models = edges.map(({ cacheControl, runsIn }) => {
    return { edge: createModel(), seconds: lifetime(cacheControl), runsIn }; // C1
  });
  const tiers = cache && createTiers(cache, past.kept);
  const { made, replaced } = past;
  const keep = cache?.keep ?? 0;
  const versionOf = (object: number) => replaced.get(object)?.length ?? 0;

  return {
    show(visit, isDown = false) {
      const { at, object, place } = visit;
      const version = versionOf(object);
      const asked = site.optionsFor(visit);
      let rendered: Rendered | undefined;

      function render(waits: boolean, cached?: number): Rendition | undefined {
        if (cached === version && !isDown) {
          rendered = waits ? UNCHANGED : UNCHANGED_BEHIND; // W18
          return { version, keep, hasEtag: true };
        }
        const versions = getOrAdd(made, object, () => new Map());
        const last = versions.get(asked.rendition);
        const isReplaced = last !== undefined && last !== version;
        const run = { waits, asksStore: store, isReplaced, edges: [] };
        const stored = store ? last : undefined;
        if (isDown) {
          rendered = { ...run, outcome: stored === undefined ? "failed" : "stored" };
          if (stored === undefined) return undefined;
          return { version: stored, keep: Math.min(OUTAGE_KEEP, keep), hasEtag: false };
        }
        if (stored === version) {
          rendered = { ...run, outcome: "stored" };
          return { version, keep, hasEtag: true };
        }
        const ask = { ...asked, source: `${object} ${version}` };
        const answers = models.map(({ edge, seconds, runsIn }) => {
          const runsAt = cache && runsIn === "upper" ? UPPER : place;
          return edge.ask(ask, runsAt, at, seconds);
        });
        rendered = { ...run, outcome: "made", edges: answers };
        versions.set(asked.rendition, version);
        if (last === undefined) past.madeBytes += asked.bytes;
        return { version, keep, hasEtag: true };
      }

      const answer: Answer =
        tiers === undefined
          ? { version: render(true)?.version, how: "waited" }
          : tiers.ask(object, asked.rendition, place, at, render);
      const { how, version: shown = version } = answer;
      return { version: answer.version, how, rendered, replacedAt: replaced.get(object)?.[shown] };
    },
    replace(object, at) {
      getOrAdd(replaced, object, () => []).push(at);
      if (events) tiers?.purge(object);
    },
    purge: (object) => tiers?.purge(object),
    madeBytes: () => past.madeBytes,
    fork: () => createPipeline(site, scenario, [], structuredClone({ ...past, kept: tiers?.kept })),
  };
}
