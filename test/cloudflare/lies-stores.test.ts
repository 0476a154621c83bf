// Probes of Workers Cache, of the Images binding and of R2 against the emulators as they are, in other set-ups, and with
// planted lies. A lie makes the rules "otherwise" that it breaks, and no others.

import { expect, it } from "vitest";
import { createEmulatedWorld } from "./emulated-world.ts";
import {
  ANSWER_HEADER,
  type CachedAnswer,
  type ImagesOperation,
  type Operation,
  type Reply,
  RUN_HEADER,
  toBase64,
} from "./operation.ts";
import { BINDING } from "./probes/binding.ts";
import { STORE } from "./probes/store.ts";
import { WORKERS_CACHE } from "./probes/workers-cache.ts";

type EmulatedWorld = ReturnType<typeof createEmulatedWorld>;
/** Changes a world and its emulators. */
type Plant = (world: EmulatedWorld) => unknown;

const PROBES = [...WORKERS_CACHE, ...BINDING, ...STORE];

/** What the emulators do not play, or nobody can see. */
const NOT_SEEN = "W5 W12 W15 W16 W17 B10 T5 T6";

/** The rules that are otherwise, in the order of the probes. */
async function findOtherwise(world: EmulatedWorld, ...plants: Plant[]): Promise<string> {
  for (const plant of plants) plant(world);
  const rules = [];
  for (const { rule, run } of PROBES) {
    const verdict = await run(world).catch(() => undefined); // the program says "not seen"
    if (verdict?.outcome === "otherwise") rules.push(rule);
  }
  return rules.join(" ");
}

it("sees each rule that the emulators play, with at most 25 unique transformations", async () => {
  const world = createEmulatedWorld();
  for (const { rule, run } of PROBES) {
    const { outcome, seen } = await run(world);
    const expected = NOT_SEEN.split(" ").includes(rule) ? "not seen" : "as the rule says";
    expect({ rule, outcome, seen }).toEqual({ rule, outcome: expected, seen });
  }
  expect(world.emulated.edge.transformations.size).toBeLessThanOrEqual(25);
});

/** Changes what the cached entrypoint is to answer. */
const answering =
  (change: (headers: Record<string, string>, answer: CachedAnswer) => unknown): Plant =>
  ({ emulated: { seams } }) => {
    const { cached } = seams;
    seams.cached = (request, next) => {
      const answer: CachedAnswer = JSON.parse(request.headers.get(ANSWER_HEADER) ?? "{}");
      const headers = { ...answer.headers };
      change(headers, answer);
      request.headers.set(ANSWER_HEADER, JSON.stringify({ ...answer, headers }));
      return cached(request, next);
    };
  };

/** Changes what is the key of an entry. Undefined: it stays. */
const keyed =
  (keyOf: (request: Request, answer: string) => string | undefined): Plant =>
  ({ emulated: { seams } }) => {
    seams.cached = (request, next) => {
      const cacheKey = keyOf(request, request.headers.get(ANSWER_HEADER) ?? "");
      return next(cacheKey === undefined ? request : Object.assign(request, { cf: { cacheKey } }));
    };
  };

/** Changes what the Worker is asked, or what it replies. */
const replying =
  (change: (reply: Reply, operation: Operation) => Reply | undefined): Plant =>
  (world) => {
    const { send } = world;
    world.send = async (operation) => {
      const reply = await send(operation);
      return change(reply, operation) ?? reply;
    };
  };

const imaging =
  (change: (operation: ImagesOperation) => ImagesOperation): Plant =>
  (world) => {
    const { send } = world;
    world.send = (one) => send(one.type === "images" ? change(one) : one);
  };

const json = (value: unknown) => toBase64(new TextEncoder().encode(JSON.stringify(value)));
const SUCCESS = { body: json({ success: true, errors: [] }) };

/** Plays `ctx.cache.invalidate`. @param isOld whether what is kept is shown once more */
const invalidating = (isOld: boolean): Plant => {
  let calls = Number.POSITIVE_INFINITY; // since the invalidation
  return replying((reply, operation) => {
    if (operation.type === "invalidate" && operation.options.tags) calls = 0;
    if (operation.type === "invalidate") return { ...reply, ...SUCCESS };
    calls += operation.type === "cached" ? 1 : 0;
    if (calls > 2) return undefined;
    const isFirst = calls === 1;
    const headers = { ...reply.headers, "cf-cache-status": isFirst ? "UPDATING" : "HIT" };
    return { ...reply, headers: isFirst && isOld ? headers : { ...headers, [RUN_HEADER]: "new" } };
  });
};

it("finds nothing otherwise where what is open turns out the other way", async () => {
  const plant: Plant = ({ emulated: { edge } }) => {
    const open = { bindingMetadata: "dropped", bindingAnimation: "error", bindingAvif: "webp" };
    const others = { bindingSmaller: "rendition", originalSides: "upright", avifInput: true };
    Object.assign(edge.switches, open, others);
  };
  expect(await findOtherwise(createEmulatedWorld(), plant, invalidating(true))).toBe("");
});

it("finds nothing otherwise on workers.dev, in an account without the Images binding", async () => {
  const world = createEmulatedWorld({ isInZone: false });
  world.emulated.edge.switches.bindingAllowed = false;
  expect(await findOtherwise(world)).toBe("");
});

/** Lies of the emulators whose rules are apart, and all rules that they make otherwise. */
const LIES: readonly (readonly [rules: string, lies: Readonly<Record<string, Plant>>])[] = [
  [
    "W1 W3 W6 W7 W8 W9 W11 W14 W18 W4 B1 B2 B3 B4",
    {
      "the cache is off": ({ emulated: { cache } }) =>
        Object.assign(cache.switches, { enabled: false }),
      "errors of the binding have no code": replying(
        (reply) => reply.error && { ...reply, error: { message: reply.error.message } },
      ),
    },
  ],
  [
    "W2 W3 W10 W4 B8 T7",
    {
      "the gateway's answers are kept": (world) => {
        const { visit } = world;
        let kept: Promise<Reply> | undefined;
        world.visit = (...asked) => (kept ??= visit(...asked));
      },
      "the host is in the key": keyed(({ url }) => url),
      "a purge does nothing": replying((reply, { type }) =>
        type === "purge" ? { ...reply, ...SUCCESS } : undefined,
      ),
      "deploys change nothing": (world) => Object.assign(world, { redeploy: async () => {} }),
      "an SVG has sides": replying((reply) =>
        atob(reply.body).startsWith('{"format":"image/svg+xml"')
          ? { ...reply, body: json({ format: "image/svg+xml", width: 1 }) }
          : undefined,
      ),
      "the bucket has an address": (world) => {
        world.bucketAddresses = async () => ["pub.r2.dev"];
      },
    },
  ],
  [
    "W6 W14 B2 T8",
    {
      "calls do not wait, and vary is heeded": keyed(({ headers, url }, answer) => {
        const accept = headers.get("accept");
        if (answer.includes("reads")) return crypto.randomUUID();
        return accept === null ? undefined : `${url} ${accept}`;
      }),
      "the binding applies its steps backwards": imaging(({ steps = [], ...one }) => ({
        ...one,
        steps: steps.toReversed(),
      })),
      "R2 ignores conditions of reads": ({ emulated: { r2 } }) => {
        const { get } = r2;
        Object.assign(r2, { get: (key: string) => get(key) });
      },
    },
  ],
  [
    "W7 W8 W9 W11 W18 B5 B7 T1 T4",
    {
      "nothing is kept without cache-control, and s-maxage allows what is stale": answering(
        (headers) => {
          const { "cache-control": control = "no-store" } = headers;
          headers["cache-control"] = control.replace("s-maxage=1,", "max-age=1,");
        },
      ),
      "set-cookie and etag are ignored": answering((headers) => {
        for (const name of ["set-cookie", "etag"]) delete headers[name];
      }),
      "overlays are in a corner, and dpr is ignored": imaging(({ steps = [], ...one }) => ({
        ...one,
        steps: steps.map((step) => {
          if ("draw" in step) return { ...step, options: { left: 0, top: 0 } };
          return "dpr" in step.transform ? { transform: {} } : step;
        }),
      })),
      "R2 deletes nothing": ({ emulated: { r2 } }) => Object.assign(r2, { delete: async () => {} }),
    },
  ],
  [
    "W17 B1 B4 T2 T3 T8a",
    {
      "what is stale is not shown once more": invalidating(false),
      "the limits of the binding are higher": ({ emulated: { edge } }) => {
        const limits = { ...edge.switches.limits, side: 20_000 };
        Object.assign(edge.switches, { bindingBytes: 30e6, limits });
      },
      "R2 takes every write": ({ emulated: { r2 } }) => {
        const { put } = r2;
        const putAll = async (key: string, value: BodyInit, options: R2PutOptions = {}) => {
          const bytes = await new Response(value).bytes();
          const { onlyIf: _, ...others } = options;
          return put(key, bytes, others).catch(() => put(crypto.randomUUID(), bytes));
        };
        Object.assign(r2, { put: putAll });
      },
    },
  ],
];

it.each(LIES.map(([rules, lies]) => ({ rules, lies, names: Object.keys(lies).join(", ") })))(
  "finds otherwise: $names ($rules)",
  async ({ rules, lies }) => {
    expect(await findOtherwise(createEmulatedWorld(), ...Object.values(lies))).toBe(rules);
  },
);
