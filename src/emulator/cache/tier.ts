// One tier of the cache: what it keeps, who waits for what, and what goes on in the background (W6, W8).

import type { Entrypoint } from "./entrypoint.ts";
import type { Answer } from "./http.ts";
import { type Kept, readVary, stateOf } from "./stored-response.ts";

/** A request to an entrypoint, on its way through the tiers. */
export type Asked = {
  readonly key: string;
  /** The entrypoint's name in `ctx.exports`. */
  readonly name: string;
  readonly request: Request;
  /** The data centre of the visitor. */
  readonly place: string;
  /** Makes an instance of the entrypoint, with a context of its own. */
  readonly make: () => Entrypoint;
  /** Whether it waits for no other request, and none waits for it (W6). */
  readonly isAlone?: boolean;
  /** Whether the visitor has got an answer that is stale (W8). */
  readonly isBackground?: boolean;
  /** Whether what is kept is not for this request (W9). */
  readonly isBarred?: boolean;
};

type TierSettings = {
  readonly now: () => number;
  /** Asks the tier above, or runs the entrypoint. May fail. */
  readonly next: (asked: Asked, old: Kept | undefined) => Promise<Answer>;
  /** Gets what goes on after the answer. It never fails. */
  readonly background: (work: Promise<void>) => void;
};

export type Tier = {
  ask(asked: Asked): Promise<Answer>;
  /** Drops what a purge means (W10). A run that is under way may still use and keep what it has. */
  drop(isMeant: (kept: Kept) => boolean): void;
};

export function createTier({ now, next, background }: TierSettings): Tier {
  /** By `variantKey`. */
  const entries = new Map<string, Kept>();
  /** What the newest response for a key varies by. */
  const varies = new Map<string, readonly string[]>();
  /** The runs that other requests for the same key wait for. They never fail. */
  const flights = new Map<string, Promise<void>>();

  /** Returns the key with the request's values of the headers by which the response varies (W14). */
  function variantKey({ key, request }: Asked): string {
    const names = varies.get(key) ?? [];
    return JSON.stringify([key, ...names.map((name) => request.headers.get(name))]);
  }

  /** What is kept for a request: for one with Authorization only what says so (W9). */
  function find(asked: Asked): Kept | undefined {
    const kept = entries.get(variantKey(asked));
    const isFor = kept?.policy.isForAll || !asked.request.headers.has("authorization");
    return isFor ? kept : undefined;
  }

  async function ask(asked: Asked): Promise<Answer> {
    const isBarred = entries.has(variantKey(asked)) && find(asked) === undefined;
    if (isBarred) return refresh({ ...asked, isBarred, isAlone: true });
    const served = serve(asked);
    if (served !== undefined) return served;
    if (asked.isAlone) return refresh(asked);
    const flight = flights.get(variantKey(asked));
    if (flight === undefined) return lead(asked);
    await flight;
    const landed = serve(asked);
    if (landed !== undefined) return landed;
    const kept = find(asked);
    // A renewal in the background failed a moment ago: once is enough.
    if (asked.isBackground && kept !== undefined) return { status: "STALE", kept };
    // The response was for the first request alone (W6): the others run on their own, at the same time.
    return refresh({ ...asked, isAlone: true });
  }

  /** What is kept, where it may be used without waiting. */
  function serve(asked: Asked): Answer | undefined {
    const kept = find(asked);
    if (kept === undefined) return undefined;
    const { isFresh, mayRevalidate } = stateOf(kept, now());
    if (isFresh) return { status: "HIT", kept };
    if (!mayRevalidate || asked.isBackground) return undefined;
    if (!flights.has(variantKey(asked))) {
      background(lead({ ...asked, isBackground: true }).then(ignore, ignore));
    }
    return { status: "UPDATING", kept };
  }

  function lead(asked: Asked): Promise<Answer> {
    const work = refresh(asked);
    const key = variantKey(asked);
    const end = () => void flights.delete(key);
    flights.set(key, work.then(end, end));
    return work;
  }

  /** Gets a new response. Where that fails, an old one takes its place, and stays kept (W8). */
  async function refresh(asked: Asked): Promise<Answer> {
    const old = find(asked);
    const replacesError = () => old !== undefined && stateOf(old, now()).mayReplaceError;
    try {
      const answer = await next(asked, old);
      const { status } = "kept" in answer ? answer.kept : answer.response;
      if (status >= 500 && old !== undefined && replacesError()) {
        return { status: "STALE", kept: old };
      }
      if ("kept" in answer) {
        varies.set(asked.key, readVary(answer.kept.headers));
        entries.set(variantKey(asked), answer.kept);
      }
      return answer;
    } catch (error) {
      if (old !== undefined && replacesError()) return { status: "STALE", kept: old };
      throw error;
    }
  }

  return {
    ask,
    drop(isMeant) {
      for (const [key, kept] of entries) if (isMeant(kept)) entries.delete(key);
    },
  };
}

/** The entrypoint has logged why it failed. What is kept stays (W8). */
const ignore = () => {};
