// Each probe against the emulators as they are, in other set-ups, and with planted lies. A lie makes the rules
// "otherwise" that it breaks, and no others; a set-up that Cloudflare allows makes none so.

import { expect, it } from "vitest";
import { faultAnswer } from "../../src/emulator/edge/faults.ts";
import type { EdgeInit } from "../../src/emulator/edge/settings.ts";
import { createEmulatedWorld } from "./emulated-world.ts";
import type { World } from "./probe.ts";
import { ANSWERS } from "./probes/answers.ts";
import { BILLING, CACHES } from "./probes/caches.ts";
import { EDGE } from "./probes/edge.ts";
import { S3 } from "./probes/s3.ts";

type EmulatedWorld = ReturnType<typeof createEmulatedWorld>;

const PROBES = [BILLING, ...EDGE, ...ANSWERS, ...CACHES, ...S3];

/** What the emulators do not play, or nobody can see. */
const NOT_SEEN = ["E11", "E12", "E13", "C6"];

async function runAll(world: World) {
  const verdicts = [];
  for (const { rule, run } of PROBES) verdicts.push({ rule, ...(await run(world)) });
  return verdicts;
}

/** The rules that are otherwise, with what was seen. */
async function findOtherwise(world: World): Promise<string[]> {
  const wrong = (await runAll(world)).filter(({ outcome }) => outcome === "otherwise");
  return wrong.map(({ rule, seen }) => `${rule}: ${seen}`);
}

it("sees each rule that the emulators play, with at most 60 unique transformations", async () => {
  const world = createEmulatedWorld();
  for (const { rule, outcome, seen } of await runAll(world)) {
    const expected = NOT_SEEN.includes(rule) ? "not seen" : "as the rule says";
    expect({ rule, outcome, seen }).toEqual({ rule, outcome: expected, seen });
  }
  expect(world.emulated.edge.transformations.size).toBeLessThanOrEqual(60);
});

/** Changes a world and its emulators. */
type Plant = (world: EmulatedWorld) => unknown;

/** Changes what the Worker asks the edge. */
const onAsk =
  (change: (url: string, init: EdgeInit, world: World) => [url: string, init: EdgeInit]): Plant =>
  (world) => {
    world.emulated.seams.edge = (input, init, next) => next(...change(`${input}`, init, world));
  };

/** Changes what the edge answers. */
const onAnswer =
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

/** Changes what the edge sends to an origin. */
const onOriginRequest =
  (change: (headers: Headers) => void): Plant =>
  ({ emulated: { seams } }) => {
    seams.network = (input, init, next) => {
      const headers = new Headers(init.headers);
      if (headers.get("via")?.includes("image-resizing")) change(headers);
      return next(input, { ...init, headers });
    };
  };

/** Sets switches of the edge. */
const withSwitches =
  (switches: Partial<EmulatedWorld["emulated"]["edge"]["switches"]>): Plant =>
  ({ emulated: { edge } }) =>
    Object.assign(edge.switches, switches);

/** Set-ups that Cloudflare allows, and each way in which an open rule may turn out. */
const SETUPS: readonly (readonly [string, Plant])[] = [
  [
    "the edge fetches no Worker for itself",
    onAsk((url, init, world) => [url, url.startsWith(world.url) ? { ...init, cf: {} } : init]),
  ],
  ["R2 is not among Sources", withSwitches({ sources: [] })],
  ["transformations are off", withSwitches({ transformations: false })],
  ["the zone blocks the URL interface", withSwitches({ firewall: true })],
  [
    "what is open turns out the other way",
    withSwitches({
      ...{ foreignSources: "untransformed", authAfterRedirect: true, conditions: "passed-on" },
      ...{ keptForAll: false, svg: "unmarked", avifTooLarge: "webp", originHeaders: "kept" },
      ...{ originalFormat: "name", originalSides: "upright", denialsKept: 0 },
    }),
  ],
];

it.each(SETUPS)("finds nothing otherwise where %s", async (_name, arrange) => {
  const world = createEmulatedWorld();
  arrange(world);
  expect(await findOtherwise(world)).toEqual([]);
});

it("finds nothing otherwise without a zone, and sees nothing without transformations", async () => {
  expect(await findOtherwise(createEmulatedWorld({ isInZone: false }))).toEqual([]);
  const world = createEmulatedWorld();
  world.emulated.edge.switches.transformations = false;
  const seen = (await runAll(world)).filter(({ outcome }) => outcome !== "not seen");
  expect(seen.map(({ rule }) => rule)).toEqual(["R2", "A14", "A15", "A16"]); // R2: on workers.dev
});

/** Lies of the emulators, and the rules that they make otherwise. */
const LIES: readonly (readonly [names: string, rules: string, plant: Plant])[] = [
  [
    "the edge drops x-ms-date, and sends a visitor's accept",
    "E1 E3",
    onOriginRequest((headers) => {
      headers.delete("x-ms-date");
      headers.set("accept", "image/x-probe");
    }),
  ],
  [
    "the edge passes credentials on without share-publicly",
    "E2",
    onAsk((url, { cf, ...init }) => {
      const image = { ...cf?.image, "origin-auth": "share-publicly" } as const;
      return [url, { ...init, cf: { ...cf, image } }];
    }),
  ],
  ["the bucket is public", "E2 E10", ({ emulated: { s3 } }) => s3.grants.add("all-read")],
  [
    "the edge checks the host of a redirect",
    "E5",
    onAnswer(({ status }) => status === 523 && faultAnswer({ code: 9401, status: 403 })),
  ],
  [
    "the edge takes http, does not look at via, and transforms for another Worker",
    "E6 E8 E9",
    onAsk((url, { headers, ...init }, world) => {
      const { via: _, ...others } = Object.fromEntries(new Headers(headers));
      const source = url.replace("http:", "https:").replace(`${world.other}`, world.url);
      return [source, { ...init, headers: others }];
    }),
  ],
  [
    "the edge follows no redirect",
    "E7",
    ({ emulated: { seams } }) => {
      seams.network = async (input, init, next) => {
        const answer = await next(input, init);
        return answer.status === 302 ? new Response(null, { status: 404 }) : answer;
      };
    },
  ],
  [
    "a failure has no cf-resized, and the status 500",
    "R1 R3",
    onAnswer(({ status, body }, headers) => {
      if (status >= 400) headers.delete("cf-resized");
      return status === 502 && new Response(body, { status: 500, headers });
    }),
  ],
  [
    "on workers.dev the original comes",
    "R2",
    onAsk((url, init) => [url, url.includes(".workers.dev/") ? { ...init, cf: {} } : init]),
  ],
  [
    "etag is the edge's own, and there is no warning and no last-modified",
    "R4 R6 R7",
    onAnswer((_answer, headers) => {
      headers.set("etag", '"own"');
      for (const name of ["warning", "last-modified"]) headers.delete(name);
    }),
  ],
  [
    "an SVG keeps its script, and facts are of another original",
    "R8 R9",
    onAnswer(async (answer, headers) => {
      const type = headers.get("content-type");
      headers.delete("content-length");
      if (type === "image/svg+xml")
        return new Response("<svg><script></script></svg>", { headers });
      if (type !== "application/json") return answer;
      return new Response((await answer.text()).replace(/"file_size":/, "$&9"), { headers });
    }),
  ],
  [
    "304 comes for what is kept",
    "R10 C1",
    onAnswer((_answer, headers) => {
      const isCached = headers.get("cf-resized")?.startsWith("internal=ram");
      return isCached && new Response(null, { status: 304, headers });
    }),
  ],
  ["the edge keeps nothing", "E7 C1 C2 C3 C4", withSwitches({ cache: false })],
  ["a query is no part of a source", "C2", withSwitches({ queryInKey: false })],
  [
    "a purge does nothing, and cacheTtlByStatus is ignored",
    "C3 C4",
    (world) => {
      world.purgeZone = async () => true;
      onAsk((url, { cf, ...init }) => [url, { ...init, cf: cf?.image ? { image: cf.image } : {} }])(
        world,
      );
    },
  ],
  [
    "Workers Cache heeds vary",
    "C5",
    ({ emulated: { seams } }) => {
      seams.cached = (request, next) => {
        const cacheKey = `${request.url} ${request.headers.get("accept")}`;
        return next(Object.assign(request.clone(), { cf: { cacheKey } }));
      };
    },
  ],
  [
    "each format is billed",
    "L2",
    (world) => {
      world.countTransformations = async () => world.emulated.edge.requests.length;
    },
  ],
  [
    "S3 ignores ranges, and refuses queries",
    "A14 A15",
    ({ emulated: { s3 } }) => s3.faults.add("ignores-range").add("refuses-query"),
  ],
  [
    "no-store gets what a cache has",
    "A16",
    ({ emulated: { seams } }) => {
      const texts = new Map<string, string>();
      seams.network = async (input, init, next) => {
        if (!`${input}`.endsWith(".txt")) return next(input, init);
        const text = texts.get(`${input}`) ?? (await (await next(input, init)).text());
        texts.set(`${input}`, text);
        return new Response(text);
      };
    },
  ],
];

it.each(LIES)("finds otherwise: %s (%s)", async (_names, rules, plant) => {
  const world = createEmulatedWorld();
  plant(world);
  const lines = await findOtherwise(world);
  expect(lines.map((line) => line.replace(/:.*/s, "")).join(" ")).toBe(rules);
});
