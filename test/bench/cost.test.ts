// Compares the model of the edge with the strict edge, request by request.

import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { createEdgeWith } from "../../src/emulator/edge/edge.ts";
import { lifetime } from "../../src/emulator/edge/lifetime.ts";
import { makeRenditionOnce, ZONE } from "../support/stand.ts";
import { createModel, type EdgeAnswer } from "./model.ts";

type Outcome = EdgeAnswer["from"];

type Asked = {
  readonly after?: number;
  readonly place?: number;
  readonly object?: string;
  readonly version?: number;
  readonly width?: number;
  readonly format?: "avif" | "webp";
};

const HOUR = 3_600_000;
const DAY = 24 * HOUR;
const HOST = "s3.example";
const BLACK = { width: 20, height: 20, channels: 3, background: "black" } as const;
const photo = await sharp({ create: BLACK }).jpeg().toBuffer();

function byModel(cacheControl: string | null, steps: readonly Asked[]) {
  const model = createModel();
  const answers = readSteps(steps).map(({ at, place, source, width, format }) =>
    model.ask(
      { source, options: `${width}`, rendition: `${width} ${format}` },
      ...([place, at, lifetime(cacheControl)] as const),
    ),
  );
  const transformations = answers.filter(({ isBilled }) => isBilled).length;
  return { outcomes: answers.map(({ from }) => from), transformations };
}

async function byEdges(cacheControl: string | null, steps: readonly Asked[]) {
  let now = 0;
  const headers = {
    "content-type": "image/jpeg",
    ...(cacheControl && { "cache-control": cacheControl }),
  };
  const edges = [0, 1].map(() =>
    createEdgeWith(makeRenditionOnce, {
      ...{ zone: ZONE, sources: [HOST], now: () => now },
      fetch: async () => new Response(new Uint8Array(photo), { headers }),
    }),
  );
  const outcomes: Outcome[] = [];
  for (const { at, place, source, width, format } of readSteps(steps)) {
    now = at;
    const edge = edges[place];
    if (edge === undefined) throw new Error(`there is no place ${place}`);
    const fetches = edge.originFetches.length;
    const answer = await edge.fetch(source, { cf: { image: { width, format } } });
    expect(answer.status).toBe(200);
    const isKept = answer.headers.get("cf-resized") === "internal=ram/h";
    const made = edge.originFetches.length > fetches ? "bucket" : "original";
    outcomes.push(isKept ? "rendition" : made);
  }
  const billed = new Set(edges.flatMap((edge) => [...edge.quota.billed]));
  return { outcomes, transformations: billed.size };
}

function readSteps(steps: readonly Asked[]) {
  let at = Date.UTC(2026, 10, 1);
  return steps.map(({ after = 0, object = "a", version = 0, ...rest }) => {
    at += after;
    const source = `https://${HOST}/${object}.jpg?x-vitrine=${version}`;
    return { place: 0, width: 8, format: "avif" as const, ...rest, at, source };
  });
}

const first = {};
test.each<[string, string | null, readonly Asked[], readonly Outcome[], number]>([
  [
    "until the last millisecond of an hour",
    null,
    [first, { after: HOUR - 1 }, { after: 1 }],
    ["bucket", "rendition", "bucket"],
    1,
  ],
  [
    "a rendition outlives its original",
    null,
    [first, { after: HOUR / 2, width: 9 }, { after: HOUR / 2, width: 9 }, {}],
    ["bucket", "original", "rendition", "bucket"],
    2,
  ],
  [
    "must-revalidate shortens the time",
    "max-age=60, must-revalidate",
    [first, { after: 59_999 }, { after: 1 }],
    ["bucket", "rendition", "bucket"],
    1,
  ],
  ["must-revalidate alone keeps nothing", "must-revalidate", [first, {}], ["bucket", "bucket"], 1],
  [
    "no-store still means an hour",
    "no-store",
    [first, { after: HOUR - 1 }],
    ["bucket", "rendition"],
    1,
  ],
  [
    "a longer max-age counts",
    "max-age=7200",
    [first, { after: 2 * HOUR - 1 }, { after: 1 }],
    ["bucket", "rendition", "bucket"],
    1,
  ],
  [
    "a format is a rendition of its own, but not a transformation",
    null,
    [first, { format: "webp" }, first],
    ["bucket", "original", "rendition"],
    1,
  ],
  [
    "another object is another source",
    null,
    [first, { object: "b" }, first],
    ["bucket", "bucket", "rendition"],
    2,
  ],
  [
    "another version is another source, and is billed again",
    null,
    [first, { version: 1 }, { version: 1, width: 9 }],
    ["bucket", "bucket", "original"],
    3,
  ],
  [
    "places have separate caches, but are billed together",
    null,
    [first, { place: 1 }, first, { place: 1 }],
    ["bucket", "bucket", "rendition", "rendition"],
    1,
  ],
  [
    "a month is billed anew, as far as anything is made in it",
    "max-age=86400",
    [{ after: 30 * DAY - 1 }, { after: 1 }, { width: 9 }, { after: DAY }, { width: 9 }],
    ["bucket", "rendition", "original", "bucket", "original"],
    3,
  ],
])(
  "the model gives the results of the strict edge: %s (C1, C2, L2)",
  async (_title, cacheControl, steps, outcomes, transformations) => {
    const expected = { outcomes, transformations };
    expect(await byEdges(cacheControl, steps)).toEqual(expected);
    expect(byModel(cacheControl, steps)).toEqual(expected);
  },
);

describe("the model alone", () => {
  test("forgets old entries, which changes no result (C1)", () => {
    const model = createModel();
    let transformations = 0;
    const ask = (source: string, at: number, seconds: number) => {
      const answer = model.ask({ source, options: "", rendition: "" }, 0, at, seconds);
      if (answer.isBilled) transformations += 1;
      return answer.from;
    };
    const long = Array.from({ length: 1500 }, (_, at) => `long ${at}`);
    for (const source of long) expect(ask(source, 0, 3600)).toBe("bucket");
    for (let at = 0; at < 20_000; at++) ask(`short ${at}`, at, 1);
    for (const source of long) expect(ask(source, HOUR - 1, 3600)).toBe("rendition");
    for (const source of long) expect(ask(source, HOUR, 3600)).toBe("bucket");
    expect(transformations).toBe(21_500);
  });
});
