// The edges of all places, and an entrypoint behind the strict cache that asks them.

import { expect } from "vitest";
import type { Cache } from "../../src/emulator/cache/cache.ts";
import { createEdge, type Edge } from "../../src/emulator/edge/edge.ts";
import { BASE } from "../support/env.ts";
import { stage } from "../support/play.ts";
import { makeRenditionOnce, ZONE } from "../support/stand.ts";
import type { Call } from "./designs.ts";
import type { Outcome } from "./model.ts";
import { askSigned, designs } from "./small-site.ts";
import type { CacheRules } from "./tiers.ts";
import type { Visit } from "./trace.ts";

/** An edge that tells what each request to it gave. */
export function watched(tell: (outcome: Outcome) => void): Edge {
  const edge = createEdge({
    zone: ZONE,
    sources: [new URL(BASE).host],
    fetch: (input, { cf: _cf, ...init } = {}) => fetch(input, init),
    now: () => stage.clock.now,
    makeRendition: makeRenditionOnce,
  });
  return {
    ...edge,
    fetch: async (url, init) => {
      const fetches = edge.originFetches.length;
      const answer = await edge.fetch(url, init);
      const kept = answer.headers.get("cf-resized") === "internal=ram/h";
      const made = edge.originFetches.length > fetches ? "bucket" : "original";
      tell(answer.ok ? (kept ? "rendition" : made) : "failed");
      return answer;
    },
  };
}

/** Lets the Worker reach the edge of a place. */
export function onStage(edges: ReadonlyMap<string, Edge>, place: string): Edge {
  const edge = edges.get(place);
  if (edge === undefined) throw new Error(`there is no place ${place}`);
  Object.assign(stage, { edge });
  return edge;
}

/** An entrypoint behind the strict cache. It asks the edge of the place in which it runs. */
export function cachedEntrypoint(
  cache: Cache,
  rules: CacheRules,
  edges: ReadonlyMap<string, Edge>,
) {
  const { keep, stale, staleIfError } = rules;
  const lasts = `max-age=${keep}, stale-while-revalidate=${stale}, stale-if-error=${staleIfError}`;
  const at = (place: string) =>
    cache.entrypoint(
      ({ cache: { purge } }) => ({
        fetch: async ({ url }) => {
          const call: Call = JSON.parse(new URL(url).searchParams.get("call") ?? "");
          const edge = onStage(edges, cache.where().place);
          const isMade = await askSigned(call, edge, stage.clock.now);
          if (!isMade) return new Response(null, { status: 502, headers: NO_STORE });
          const headers = { "cache-control": `public, ${lasts}`, "cache-tag": call.source };
          return new Response("an image", { headers });
        },
        purge,
      }),
      { place },
    );
  return {
    show: async (visit: Visit): Promise<boolean> => {
      const call = JSON.stringify(designs.vitrine.call(visit));
      const url = `https://renditions/1?call=${encodeURIComponent(call)}`;
      return (await at(`${visit.place}`).fetch(new Request(url))).ok;
    },
    purge: async (source: string): Promise<void> => {
      expect(await at("0").purge({ tags: [source] })).toEqual({ success: true, errors: [] });
    },
  };
}

const NO_STORE = { "cache-control": "no-store" };
