// Each probe against the emulators as they are, in other set-ups, with planted faults, and where requests are lost. A
// fault makes the rules "otherwise" that it breaks, and no others. A set-up that Cloudflare allows, and a lost request,
// make no rule "otherwise".

import { expect, it } from "vitest";
import { faultAnswer } from "../../src/emulator/edge/faults.ts";
import type { EdgeInit } from "../../src/emulator/edge/settings.ts";
import { createEmulatedWorld, type Seams } from "./emulated-world.ts";
import {
  ANSWER_HEADER,
  type CachedAnswer,
  type ImagesOperation,
  type Operation,
  type Reply,
  RUN_HEADER,
  toBase64,
} from "./operation.ts";
import { type Probe, textOf, tryProbe, type World } from "./probe.ts";
import { PROBES } from "./probes/index.ts";
import { casesOf, compareCases } from "./records.ts";

type EmulatedWorld = ReturnType<typeof createEmulatedWorld>;
type Plant = (world: EmulatedWorld) => unknown;
type Steps = NonNullable<ImagesOperation["steps"]>;

/** What the emulators do not play, or nobody can see. */
const NOT_SEEN = "E11 E12 E13 C6 W5 W12 W15 W16 W17 B10 T5 T6".split(" ");

/** What no rule fixes. */
const OPEN = "E4 R5 W13 B6 B9".split(" ");

const isOfStores = ({ rule }: Pick<Probe, "rule">) => /^[WBT]/.test(rule);
const HALVES = [
  ["the edge", PROBES.filter((probe) => !isOfStores(probe)), 60],
  ["the stores", PROBES.filter(isOfStores), 25],
] as const;

async function tryAll(world: World, probes = PROBES) {
  const verdicts = [];
  for (const probe of probes)
    verdicts.push({ rule: probe.rule, ...(await tryProbe(probe, world)) });
  return verdicts;
}

/** The rules that are otherwise, with what was seen. */
async function findOtherwise(world: World, probes = PROBES) {
  return (await tryAll(world, probes)).filter(({ outcome }) => outcome === "otherwise");
}

it.each(HALVES)("sees each rule of %s, by few transformations", async (_half, probes, max) => {
  const world = createEmulatedWorld();
  for (const { rule, outcome, summary } of await tryAll(world, probes)) {
    let expected = OPEN.includes(rule) ? "open" : "as the rule says";
    if (NOT_SEEN.includes(rule)) expected = "not seen";
    expect({ rule, outcome, summary }).toEqual({ rule, outcome: expected, summary });
  }
  expect(world.emulated.edge.transformations.size).toBeLessThanOrEqual(max);
});

const onEdgeRequest =
  (change: (url: string, init: EdgeInit, world: World) => [url: string, init: EdgeInit]): Plant =>
  (world) => {
    world.emulated.seams.edge = (input, init, next) => next(...change(`${input}`, init, world));
  };

const onEdgeResponse =
  (change: (answer: Response, headers: Headers) => unknown): Plant =>
  ({ emulated: { seams } }) => {
    seams.edge = async (input, init, next) => {
      const answer = await next(input, init);
      const headers = new Headers(answer.headers);
      const changed = await change(answer, headers);
      if (changed instanceof Response) return changed;
      return new Response(answer.body, { status: answer.status, headers });
    };
  };

function withSeam<Name extends keyof Seams>(name: Name, seam: Seams[Name]): Plant {
  return ({ emulated: { seams } }) => Object.assign(seams, { [name]: seam });
}

const withSwitches =
  (switches: Partial<EmulatedWorld["emulated"]["edge"]["switches"]>): Plant =>
  ({ emulated: { edge } }) =>
    Object.assign(edge.switches, switches);

const onEntrypoint = (change: (headers: Record<string, string>) => unknown): Plant =>
  withSeam("cached", (request, next) => {
    const answer: CachedAnswer = JSON.parse(request.headers.get(ANSWER_HEADER) ?? "{}");
    const headers = { ...answer.headers };
    change(headers);
    request.headers.set(ANSWER_HEADER, JSON.stringify({ ...answer, headers }));
    return next(request);
  });

/** Changes what is the key of an entry. Undefined: it stays. */
const withKey = (keyOf: (request: Request) => string | undefined): Plant =>
  withSeam("cached", (request, next) => {
    const cacheKey = keyOf(request);
    return next(cacheKey === undefined ? request : Object.assign(request, { cf: { cacheKey } }));
  });

const HEEDS_VARY = withKey(({ url, headers }) => {
  const accept = headers.get("accept");
  return accept === null ? undefined : `${url} ${accept}`;
});

/** Changes what the Worker replies. Undefined: it stays. */
const onReply =
  (change: (reply: Reply, operation: Operation) => Reply | undefined): Plant =>
  (world) => {
    const { send } = world;
    world.send = async (operation) => {
      const reply = await send(operation);
      return change(reply, operation) ?? reply;
    };
  };

const onSteps =
  (change: (steps: Steps) => Steps): Plant =>
  (world) => {
    const { send } = world;
    world.send = (one) =>
      send(one.type === "images" ? { ...one, steps: change(one.steps ?? []) } : one);
  };

const withR2 =
  (methods: (r2: EmulatedWorld["emulated"]["r2"]) => object): Plant =>
  ({ emulated: { r2 } }) =>
    Object.assign(r2, methods(r2));

const SUCCESS = { body: toBase64(new TextEncoder().encode('{"success":true,"errors":[]}')) };

/** Emulates `ctx.cache.invalidate`. @param isOld whether the cached answer is shown once more */
const invalidating = (isOld: boolean): Plant => {
  let calls = Number.POSITIVE_INFINITY; // since the invalidation
  return onReply((reply, { type }) => {
    if (type === "invalidate") calls = 0;
    if (type === "invalidate") return { ...reply, ...SUCCESS };
    calls += type === "cached" ? 1 : 0;
    if (calls > 2) return undefined;
    const isFirst = calls === 1;
    const headers = { ...reply.headers, "cf-cache-status": isFirst ? "UPDATING" : "HIT" };
    return { ...reply, headers: isFirst && isOld ? headers : { ...headers, [RUN_HEADER]: "new" } };
  });
};

/** Set-ups that Cloudflare allows, and each way in which an open rule may turn out. */
const SETUPS: Readonly<Record<string, Plant>> = {
  "the edge fetches no Worker for itself": onEdgeRequest((url, init, world) => [
    url,
    url.startsWith(world.url) ? { ...init, cf: {} } : init,
  ]),
  "R2 is not among Sources": withSwitches({ sources: [] }),
  "the zone raises what browsers may keep": onReply((reply, { type }) => {
    const control = reply.headers["cache-control"] ?? "";
    const age = Number(/max-age=(\d+)/.exec(control)?.[1] ?? 0);
    if (type !== "fetch" || age > 14_400) return undefined;
    return { ...reply, headers: { ...reply.headers, "cache-control": "max-age=14400" } };
  }),
  "transformations are off": withSwitches({ transformations: false }),
  "the zone blocks the URL interface": withSwitches({ firewall: true }),
  "the account has no Images binding": withSwitches({ bindingAllowed: false }),
  "`invalidate` is there": invalidating(true),
  "what is open turns out the other way": withSwitches({
    ...{ foreignSources: "untransformed", authAfterRedirect: true, conditions: "passed-on" },
    ...{
      urlInterfaceShowsPrivate: false,
      svg: "unmarked",
      avifTooLarge: "webp",
      originHeaders: "kept",
    },
    ...{ originalFormat: "name", originalSides: "upright", denialTtl: 0, avifInput: true },
    ...{ bindingMetadata: "dropped", bindingAnimation: "error", bindingAvif: "webp" },
    bindingSmaller: "rendition",
  }),
};

const casesIn = (verdicts: Awaited<ReturnType<typeof tryAll>>) =>
  verdicts.flatMap((verdict) => casesOf(verdict.rule, verdict, {}));

const usual = tryAll(createEmulatedWorld()).then(casesIn);

it.each(Object.entries(SETUPS))("finds nothing otherwise where %s", async (_name, arrange) => {
  const world = createEmulatedWorld();
  arrange(world);
  const verdicts = await tryAll(world);
  expect(verdicts.filter(({ outcome }) => outcome === "otherwise")).toEqual([]);
  const cases = await usual;
  expect(casesIn(verdicts).flatMap((one) => compareCases(one, cases))).toEqual([]);
});

it("finds nothing otherwise without a zone, and sees nothing of an edge that is off", async () => {
  expect(await findOtherwise(createEmulatedWorld({ isInZone: false }))).toEqual([]);
  const world = createEmulatedWorld();
  world.emulated.edge.switches.transformations = false;
  const verdicts = (await tryAll(world, HALVES[0][1])).filter(
    ({ outcome }) => outcome !== "not seen",
  );
  expect(verdicts.map(({ rule }) => rule)).toEqual(["R2", "A14", "A15", "A16"]); // R2: on workers.dev
});

/** Faults of the emulators, and the rules that they make otherwise. */
const FAULTS: Readonly<Record<string, Plant>> = {
  "the edge drops x-ms-date, and sends a visitor's accept (E1 E3)": withSeam(
    "network",
    (input, init, next) => {
      const headers = new Headers(init.headers);
      if (!headers.get("via")?.includes("image-resizing")) return next(input, init);
      headers.delete("x-ms-date");
      headers.set("accept", "image/x-probe");
      return next(input, { ...init, headers });
    },
  ),
  "credentials pass without share-publicly (E2)": onEdgeRequest((url, { cf, ...init }) => {
    const image = { ...cf?.image, "origin-auth": "share-publicly" } as const;
    return [url, { ...init, cf: { ...cf, image } }];
  }),
  "the bucket is public (E2 E10)": ({ emulated: { s3 } }) => s3.grants.add("all-read"),
  "the edge checks the host of a redirect (E5)": onEdgeResponse(
    ({ status }) => status === 523 && faultAnswer({ code: 9401, status: 403 }),
  ),
  "the edge takes http and via, and transforms for another Worker (E6 E8 E9)": onEdgeRequest(
    (url, { headers, ...init }, world) => {
      const { via: _, ...otherHeaders } = Object.fromEntries(new Headers(headers));
      const source = url.replace("http:", "https:").replace(`${world.otherUrl}`, world.url);
      return [source, { ...init, headers: otherHeaders }];
    },
  ),
  "the edge follows no redirect (E7)": withSeam("network", async (input, init, next) => {
    const answer = await next(input, init);
    return answer.status === 302 ? new Response(null, { status: 404 }) : answer;
  }),
  "a failure has no cf-resized, and the status 500 (R1 R3)": onEdgeResponse(
    ({ status, body }, headers) => {
      if (status >= 400) headers.delete("cf-resized");
      return status === 502 && new Response(body, { status: 500, headers });
    },
  ),
  "on workers.dev the original comes (R2)": onEdgeRequest((url, init) => [
    url,
    url.includes(".workers.dev/") ? { ...init, cf: {} } : init,
  ]),
  "etag is the edge's own, and there is no warning and no last-modified (R4 R6 R7)": onEdgeResponse(
    (_answer, headers) => {
      headers.set("etag", '"own"');
      for (const name of ["warning", "last-modified"]) headers.delete(name);
    },
  ),
  "an SVG keeps its script, and facts are of another original (R8 R9)": onEdgeResponse(
    async (answer, headers) => {
      const type = headers.get("content-type");
      headers.delete("content-length");
      if (type === "image/svg+xml")
        return new Response("<svg><script></script></svg>", { headers });
      if (type !== "application/json") return answer;
      return new Response((await answer.text()).replace(/"file_size":/, "$&9"), { headers });
    },
  ),
  "304 comes for what is kept (R10)": onEdgeResponse((_answer, headers) => {
    const isCached = headers.get("cf-resized")?.startsWith("internal=ram");
    return isCached && new Response(null, { status: 304, headers });
  }),
  "the edge keeps nothing (E7 C1 C2 C3 C4)": withSwitches({ cache: false }),
  "a query is no part of a source (C2)": withSwitches({ queryInKey: false }),
  "a purge of the zone does nothing (C3)": (world) => (world.purgeZone = async () => true),
  "cacheTtlByStatus is ignored (C4)": onEdgeRequest((url, { cf, ...init }) => [
    url,
    { ...init, cf: cf?.image ? { image: cf.image } : {} },
  ]),
  "each format is billed (L2)": (world) =>
    (world.countTransformations = async () => world.emulated.edge.requests.length),
  "S3 ignores ranges, and refuses queries (A14 A15)": ({ emulated: { s3 } }) =>
    s3.faults.add("ignores-range").add("refuses-query"),
  "no-store gets what a cache has (A16)": ({ emulated: { seams } }) => {
    const texts = new Map<string, string>();
    seams.network = async (input, init, next) => {
      if (!`${input}`.endsWith(".txt")) return next(input, init);
      const text = texts.get(`${input}`) ?? (await (await next(input, init)).text());
      texts.set(`${input}`, text);
      return new Response(text);
    };
  },
  "Workers Cache heeds vary (C5)": HEEDS_VARY,
  "Workers Cache heeds vary (W14)": HEEDS_VARY,
  "Workers Cache is off (W1 W3 W6 W7 W8 W9 W11 W14 W18 W4)": ({ emulated: { cache } }) =>
    Object.assign(cache.switches, { enabled: false }),
  "the gateway's answers are kept (W2)": (world) => {
    const { fetchAsVisitor } = world;
    let firstReply: Promise<Reply> | undefined;
    world.fetchAsVisitor = (...args) => (firstReply ??= fetchAsVisitor(...args));
  },
  "the host is in the key (W3)": withKey(({ url }) => url),
  "calls do not wait (W6)": withKey(({ headers }) =>
    headers.get(ANSWER_HEADER)?.includes("bucketReads") ? crypto.randomUUID() : undefined,
  ),
  "nothing is kept without cache-control (W7)": onEntrypoint(
    (headers) => (headers["cache-control"] ??= "no-store"),
  ),
  "s-maxage allows what is stale (W8)": onEntrypoint((headers) => {
    headers["cache-control"] = `${headers["cache-control"]}`.replace("s-maxage=1,", "max-age=1,");
  }),
  "set-cookie and etag are ignored (W9 W11 W18)": onEntrypoint((headers) => {
    for (const name of ["set-cookie", "etag"]) delete headers[name];
  }),
  "a purge by the entrypoint does nothing (W10)": onReply((reply, { type }) =>
    type === "purge" ? { ...reply, ...SUCCESS } : undefined,
  ),
  "deploys change nothing (W4)": (world) => (world.redeploy = async () => {}),
  "what is stale is not shown once more (W17)": invalidating(false),
  "the limits of the binding are higher (B1 B4)": ({ emulated: { edge } }) => {
    const limits = { ...edge.switches.limits, side: 20_000 };
    Object.assign(edge.switches, { bindingBytes: 30e6, limits });
  },
  "the binding applies its steps backwards (B2)": onSteps((steps) => steps.toReversed()),
  "errors of the binding have no code (B1 B2 B3 B4)": onReply(
    (reply) => reply.error && { ...reply, error: { message: reply.error.message } },
  ),
  "overlays are in a corner, and dpr is ignored (B5 B7)": onSteps((steps) =>
    steps.map((step) => {
      if ("draw" in step) return { ...step, options: { left: 0, top: 0 } };
      return "dpr" in step.transform ? { transform: {} } : step;
    }),
  ),
  "an SVG has sides (B8)": onReply((reply) =>
    textOf(reply) === '{"format":"image/svg+xml"}' ? { ...reply, body: btoa("{}") } : undefined,
  ),
  "R2 deletes nothing (T1 T4)": withR2(() => ({ delete: async () => {} })),
  "R2 takes every write (T2 T3 T8a)": withR2(({ put }) => ({
    async put(key: string, value: BodyInit, options: R2PutOptions = {}) {
      const bytes = await new Response(value).bytes();
      const { onlyIf: _, ...unconditional } = options;
      return put(key, bytes, unconditional).catch(() => put(crypto.randomUUID(), bytes));
    },
  })),
  "R2 has no list (T4 T9)": withR2(() => ({ list: () => Promise.reject(new Error("none")) })),
  "the bucket has an address (T7)": (world) => (world.bucketAddresses = async () => ["pub.r2.dev"]),
  "R2 ignores conditions of reads (T8)": withR2(({ get }) => ({ get: (key: string) => get(key) })),
};

it.each(Object.entries(FAULTS))("finds otherwise: %s", async (name, plant) => {
  const rules = /\((.*)\)$/.exec(name)?.[1] ?? "";
  const world = createEmulatedWorld();
  plant(world);
  const [, probes] = HALVES[isOfStores({ rule: rules }) ? 1 : 0];
  const otherwise = await findOtherwise(world, probes);
  expect(otherwise.map(({ rule }) => rule).join(" ")).toBe(rules);
});

/** @param isLost returns whether the answer to the n-th request, from 1, is lost. The request is carried out all the same */
async function tryWithLost(probe: Probe, isLost: (count: number) => boolean) {
  const world = createEmulatedWorld();
  const { fetchAsVisitor } = world.emulated;
  let count = 0;
  world.emulated.fetchAsVisitor = async (request) => {
    const isThisLost = isLost(++count);
    const answer = await fetchAsVisitor(request);
    return isThisLost ? new Response("error code: 1102", { status: 503 }) : answer;
  };
  const { outcome, summary } = await tryProbe(probe, world);
  return { outcome, summary, count };
}

/** A rule is tried dozens of times, which takes ten seconds on an idle machine. */
const LOST_LIMIT_MS = 200_000;

it.each(PROBES)(
  "is the same after one lost answer, and never otherwise: $rule",
  async (probe) => {
    const usual = await tryWithLost(probe, () => false);
    const summary = expect.stringContaining("lost");
    for (let lost = 1; lost <= usual.count; lost++) {
      const once = await tryWithLost(probe, (count) => count === lost);
      expect({ lost, ...once }).toMatchObject({ lost, outcome: usual.outcome });
      const forever = await tryWithLost(probe, (count) => count >= lost);
      expect(forever).toMatchObject({ outcome: "not seen", summary });
    }
  },
  LOST_LIMIT_MS,
);
