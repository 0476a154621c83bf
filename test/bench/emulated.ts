// The strict edges of all places behind the Worker, and what each request to them gave.

import { createEdgeWith } from "../../src/emulator/edge/edge.ts";
import type { Edge } from "../../src/emulator/served.ts";
import { withImages } from "../../src/emulator/with-images.ts";
import type { Loopback } from "../../src/worker/cache/loopback.ts";
import { BASE } from "../support/env.ts";
import { stage } from "../support/play.ts";
import { makeRenditionOnce, ZONE } from "../support/stand.ts";
import type { Outcome } from "./model.ts";

/** An edge that tells what each request to it gave. */
export function watched(tell: (outcome: Outcome) => void): Edge {
  const core = createEdgeWith(makeRenditionOnce, {
    zone: ZONE,
    sources: [new URL(BASE).host],
    fetch: (input, init) => fetch(input, init),
    now: () => stage.clock.now,
  });
  const edge = withImages(core);
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

/** Lets the Worker reach the edge of the place in which it runs (W5). */
export function putOnStage(edges: ReadonlyMap<string, Edge>): void {
  const fetch: Edge["fetch"] = async (url, init) =>
    edgeOf(stage.cache.where().place).fetch(url, init);
  const edgeOf = (place: string): Edge => {
    const edge = edges.get(place);
    if (edge === undefined) throw new Error(`there is no place ${place}`);
    return edge;
  };
  Object.assign(stage, { edge: { ...stage.edge, fetch } });
}

/** Returns the cached entrypoint that the gateway asked last; undefined: it asked none yet. */
export function watchLoopback(): () => Loopback | undefined {
  let last: Loopback | undefined;
  stage.exported = (own) => {
    last = own;
    return own;
  };
  return () => last;
}
