// Each switch of the strict edge, for every open question and every failure: what the visitor gets, and what the
// log says.

import { HttpResponse, http } from "msw";
import sharp from "sharp";
import { expect, test } from "vitest";
import type { EdgeSettings } from "../../src/emulator/edge/settings.ts";
import { type EdgeSwitches, STRICT, type Switches } from "../../src/emulator/edge/switches.ts";
import { createS3 } from "../../src/emulator/s3/s3.ts";
import { fireTimer, stopClock, watchWork } from "../support/clock.ts";
import { BASE, CREDENTIALS, ENV, IMPATIENT, VARS } from "../support/env.ts";
import { arrange, get, keepNothing, logged, MODERN, put, stage } from "../support/play.ts";
import { handlersOf } from "../support/s3-handlers.ts";
import { file, network } from "../support/stand.ts";

keepNothing(); // each request is to reach the edge

const OLD = { accept: "*/*" };

/** The configuration of the tests with one more preset, `other`. */
const withPreset = (preset: object) => ({
  ...ENV,
  PRESETS: { ...VARS.PRESETS, other: { width: 100, ...preset } },
});

/** Asks for an image. @returns what the visitor gets, and what is logged */
async function see(path: string, headers: Record<string, string> = MODERN, env: object = ENV) {
  stage.logged = [];
  stage.asked = [];
  const answer = await get(path, { headers }, env);
  const type = answer.headers.get("content-type")?.replace(/;.*/, "");
  const { event, edge, reason } = logged()[0]?.line ?? {};
  const calls = stage.asked.length;
  return { status: answer.status, type, calls, event, edge, reason, answer };
}

const ROUTES = [{ path: "/facts/:preset/*", object: "media/*", facts: true }];
const WITH_FACTS = { ...ENV, ROUTES };
const FIG = "/facts/hero@640w/photos/fig.jpg";

const shown = (type: string, calls = 1) => ({ status: 200, type, calls, event: undefined });

type Case = {
  [Name in keyof EdgeSwitches]: [value: EdgeSwitches[Name], check: () => Promise<void>];
};
type Cases = { readonly [Name in keyof EdgeSwitches]: readonly Case[Name][] };

const limit = (name: keyof EdgeSwitches["limits"], most: number): Switches["limits"] => ({
  ...STRICT.limits,
  [name]: most,
});

async function tooMuch(edge: string): Promise<void> {
  const expected = { status: 415, event: "source-unreadable", edge };
  expect(await see("/images/card/key.jpg")).toMatchObject(expected);
}

/** Puts an object that is smaller than its preset, and so compressed that each rendition has more bytes. */
async function small(expected: Record<"modern" | "old" | "fixed", object>): Promise<void> {
  const square = { create: { width: 90, height: 90, channels: 3, background: "red" } } as const;
  put("small.jpg", await sharp(square).jpeg({ quality: 5 }).toBuffer());
  expect(await see("/images/tall/small.jpg", MODERN)).toMatchObject(expected.modern);
  expect(await see("/images/tall/small.jpg", OLD)).toMatchObject(expected.old);
  expect(await see("/images/plain/small.jpg", MODERN)).toMatchObject(expected.fixed);
}

const PNG_INSTEAD = shown("image/png", 2);

const CASES: Cases = {
  transformations: [
    [
      false,
      async () => {
        const expected = { status: 502, event: "not-transformed", reason: /transformations/ };
        expect(await see("/images/card/key.jpg")).toMatchObject({
          ...expected,
          reason: expect.stringMatching(expected.reason),
        });
      },
    ],
  ],
  sources: [
    [
      ["other.example"],
      async () => {
        const reason =
          "add the origin, domain and path, to the zone's Sources: npx vitrine check lists it";
        const expected = { status: 502, event: "edge-refused", edge: "9401", reason };
        expect(await see("/images/card/key.jpg")).toMatchObject(expected);
      },
    ],
  ],
  workersDev: [
    [
      "original",
      async () => {
        arrange({ zone: "vitrine.acme.workers.dev" });
        const expected = { status: 502, event: "not-transformed" };
        expect(await see("/images/card/key.jpg")).toMatchObject(expected);
      },
    ],
    [
      "transformed",
      async () => {
        arrange({ zone: "vitrine.acme.workers.dev", workersDev: "transformed" });
        expect(await see("/images/card/key.jpg")).toMatchObject(shown("image/avif"));
      },
    ],
  ],
  foreignSources: [
    [
      "untransformed",
      async () => {
        stage.edge.switches.sources = ["other.example"];
        const expected = { status: 502, event: "not-transformed" };
        expect(await see("/images/card/key.jpg")).toMatchObject(expected);
      },
    ],
  ],
  sourcePaths: (["segments", "characters"] as const).map((way): Case["sourcePaths"] => [
    way,
    async () => {
      const { host } = new URL(BASE);
      const refused = { status: 502, event: "edge-refused", edge: "9401" };
      stage.edge.switches.sources = [`${host}/publish`];
      const half = way === "characters" ? shown("image/avif") : refused;
      expect(await see("/images/card/key.jpg")).toMatchObject(half);
      stage.edge.switches.sources = [`${host}/published/`];
      expect(await see("/images/card@2x/key.jpg")).toMatchObject(shown("image/avif"));
    },
  ]),
  urlTransformations: [
    [
      "off",
      async () => expect(await see("/images/card/key.jpg")).toMatchObject(shown("image/avif")),
    ],
    [
      "off-for-workers-too",
      async () => {
        const expected = { status: 502, event: "not-transformed" };
        expect(await see("/images/card/key.jpg")).toMatchObject(expected);
      },
    ],
  ],
  firewall: [
    [
      true,
      async () => expect(await see("/images/card/key.jpg")).toMatchObject(shown("image/avif")),
    ],
  ],
  keptForAll: [true, false].map((way): Case["keptForAll"] => [
    way,
    async () => {
      // Somebody asks for the very rendition of a visitor, through the side door, before the visitor does.
      const options = "width=160,height=160,fit=cover,metadata=none,anim=false,format=avif";
      const source = `${BASE}published/key.jpg`;
      const url = `https://images.example/cdn-cgi/image/${options},origin-auth=share-publicly/${source}`;
      const answer = await stage.edge.visit(new Request(url));
      expect(answer?.headers.get("cf-resized")).toBe("err=9408");
      expect(await see("/images/card/key.jpg")).toMatchObject(shown("image/avif"));
    },
  ]),
  quota: [
    [
      1,
      async () => {
        expect(await see("/images/card/key.jpg")).toMatchObject(shown("image/avif"));
        expect(await see("/images/card/key.jpg", OLD)).toMatchObject(shown("image/jpeg"));
        const found = await see("/images/card@2x/key.jpg");
        expect(found).toMatchObject({ status: 503, event: "quota-spent", edge: "9422" });
        expect(found.answer.headers.get("retry-after")).toBe("3600");
      },
    ],
  ],
  trouble: [
    [
      { code: 9522, status: 503 },
      async () => {
        const busy = { status: 502, event: "edge-failed", edge: "9522", calls: 2 };
        expect(await see("/images/card/key.jpg")).toMatchObject(busy);
      },
    ],
  ],
  authAfterRedirect: [true, false].map((way): Case["authAfterRedirect"] => [
    way,
    async () => {
      stage.s3.faults.add("elsewhere-307");
      const reason = expect.stringContaining("eu-central-1");
      const expected = { status: 502, event: "origin-denied", reason, calls: 0 };
      expect(await see("/images/card/key.jpg")).toMatchObject(expected);
    },
  ]),
  svg: [
    [
      "marked",
      async () => {
        put("icons/a.svg", "broken/script.svg", { type: "image/svg+xml" });
        expect(await see("/icons/card/a.svg")).toMatchObject(shown("image/svg+xml"));
      },
    ],
    [
      "unmarked",
      async () => {
        put("icons/a.svg", "broken/script.svg", { type: "image/svg+xml" });
        const expected = { status: 502, event: "not-transformed" };
        expect(await see("/icons/card/a.svg")).toMatchObject(expected);
        expect(await see("/images/card/broken/script.svg", OLD)).toMatchObject(expected);
      },
    ],
  ],
  avifTooLarge: [
    [
      "passed-through",
      async () => {
        const found = await see("/images/tall/photos/friends.jpg");
        expect(found).toMatchObject(shown("image/webp", 2));
        expect((await sharp(await found.answer.arrayBuffer()).metadata()).width).toBe(1200);
      },
    ],
    [
      "webp",
      async () => {
        expect(await see("/images/tall/photos/friends.jpg")).toMatchObject(shown("image/webp"));
      },
    ],
    [
      "jpeg",
      async () => {
        expect(await see("/images/tall/photos/friends.jpg")).toMatchObject(shown("image/jpeg"));
      },
    ],
  ],
  animationTooLarge: (["marked", "unmarked"] as const).map((way): Case["animationTooLarge"] => [
    way,
    async () => {
      stage.edge.switches.limits = limit("animation", 1);
      const found = await see("/images/moving/animated.gif");
      expect(found).toMatchObject(shown("image/webp", 2));
      expect((await sharp(await found.answer.arrayBuffer()).metadata()).pages ?? 1).toBe(1);
    },
  ]),
  originalIsSmaller: (["bytes", "sides"] as const).flatMap((of) =>
    (["original", "rendition"] as const).map((sent): Case["originalIsSmaller"] => [
      { of, sent },
      () => small({ modern: shown("image/avif"), old: PNG_INSTEAD, fixed: PNG_INSTEAD }),
    ]),
  ),
  originalFormat: (["type", "name"] as const).map((way): Case["originalFormat"] => [
    way,
    async () => {
      const moving = await see("/images/moving/animated.gif");
      expect(moving).toMatchObject(shown("image/webp"));
      expect((await sharp(Buffer.from(await moving.answer.arrayBuffer())).metadata()).pages).toBe(
        3,
      );
      await small({ modern: shown("image/avif"), old: PNG_INSTEAD, fixed: PNG_INSTEAD });
    },
  ]),
  originalSides: (["stored", "upright"] as const).map((way): Case["originalSides"] => [
    way,
    async () => {
      const { answer } = await see("/facts/tall/rotated-gps.jpg?facts", MODERN, WITH_FACTS);
      const sides = { width: 300, height: 400 };
      expect(await answer.json()).toEqual({ ...sides, original: { ...sides, type: "image/jpeg" } });
    },
  ]),
  factsBilled: (["apart", "with-rendition"] as const).map((way): Case["factsBilled"] => [
    way,
    async () => {
      for (const query of ["", "?facts", "", "?facts"]) await see(FIG + query, MODERN, WITH_FACTS);
      expect(stage.edge.transformations.size).toBe(way === "apart" ? 2 : 1);
    },
  ]),
  formatAuto: (["refused", "first-come"] as const).map((way): Case["formatAuto"] => [
    way,
    async () => {
      expect(await see("/images/card/key.jpg", MODERN)).toMatchObject(shown("image/avif"));
      expect(await see("/images/card/key.jpg", OLD)).toMatchObject(shown("image/jpeg"));
    },
  ]),
  conditions: (["kept", "passed-on"] as const).map((way): Case["conditions"] => [
    way,
    async () => {
      const visitors = { range: "bytes=0-9", "if-none-match": '"x"', "user-agent": "visitor" };
      const found = await see("/images/card/key.jpg", { ...MODERN, ...visitors });
      expect(found).toMatchObject(shown("image/avif"));
      const head = await get("/images/card/key.jpg", { method: "HEAD", headers: MODERN });
      expect(head.headers.get("content-length")).toBe(found.answer.headers.get("content-length"));
    },
  ]),
  namesOriginal: [true, false].map((way): Case["namesOriginal"] => [
    way,
    async () => expect(await see("/images/card/key.jpg")).toMatchObject(shown("image/avif")),
  ]),
  originHeaders: (["kept", "leaked"] as const).map((way): Case["originHeaders"] => [
    way,
    async () => {
      const { answer } = await see("/images/card/key.jpg");
      const names = [...answer.headers.keys()].filter((name) => /^x-amz|^server$/.test(name));
      expect([answer.status, names]).toEqual([200, []]);
    },
  ]),
  overlayAuth: [true, false].map((way): Case["overlayAuth"] => [
    way,
    async () => {
      const seen: boolean[] = [];
      const mark = () => HttpResponse.arrayBuffer(file("made/transparent.png").slice().buffer);
      network.use(
        http.get("https://brand.example/mark.png", ({ request }) => {
          seen.push(request.headers.has("authorization"));
          return mark();
        }),
      );
      const env = withPreset({ draw: [{ url: "https://brand.example/mark.png", width: 20 }] });
      expect(await see("/images/other/key.jpg", OLD, env)).toMatchObject(shown("image/jpeg"));
      expect(seen).toEqual([way]);
    },
  ]),
  qualities: [
    [
      { high: 99, "medium-high": 60, "medium-low": 40, low: 2 },
      async () => {
        const sizes = [];
        for (const quality of ["high", "low"]) {
          const found = await see("/images/other/key.jpg", OLD, withPreset({ quality }));
          expect(found).toMatchObject(shown("image/jpeg"));
          sizes.push(Number(found.answer.headers.get("content-length")));
        }
        expect(sizes[0]).toBeGreaterThan(2 * (sizes[1] ?? 0));
      },
    ],
  ],
  avifInput: [true, false].map((way): Case["avifInput"] => [
    way,
    async () => {
      put("a.avif", await sharp(file("made/key.jpg")).avif({ effort: 0 }).toBuffer());
      const unreadable = { status: 415, event: "source-unreadable", edge: "9520" };
      expect(await see("/images/card/a.avif")).toMatchObject(
        way ? shown("image/avif") : unreadable,
      );
    },
  ]),
  limits: [
    [limit("bytes", 100), () => tooMuch("9402")],
    [limit("pixels", 100), () => tooMuch("9413")],
    [limit("side", 10), () => tooMuch("9413")],
    [
      limit("animation", 100),
      async () => {
        expect(await see("/images/card/animated.gif")).toMatchObject(shown("image/avif"));
        expect(await see("/images/moving/animated.gif")).toMatchObject(shown("image/webp", 2));
      },
    ],
  ],
  cache: [true, false].map((way): Case["cache"] => [
    way,
    async () => {
      for (let times = 0; times < 2; times++) {
        expect(await see("/images/card/key.jpg")).toMatchObject(shown("image/avif"));
      }
      expect(stage.edge.originFetches).toHaveLength(way ? 1 : 2);
    },
  ]),
  queryInKey: [true, false].map((way): Case["queryInKey"] => [
    way,
    async () => expect(await see("/images/card/key.jpg")).toMatchObject(shown("image/avif")),
  ]),
  denialsKept: [0, 60].map((way): Case["denialsKept"] => [
    way,
    async () => {
      for (const fault of ["revoked-key", "elsewhere-400"] as const) {
        stage.before = () => stage.s3.faults.add(fault); // after S3 gave the object to the Worker
        expect(await see("/images/card/key.jpg")).toMatchObject({ status: 502, calls: 1 });
        stage.before = () => {};
        stage.s3.faults.clear();
        expect(await see("/images/card/key.jpg")).toMatchObject({ status: 200, calls: 1 });
        put("key.jpg", file("made/rotated-gps.jpg"));
      }
    },
  ]),
  patience: [
    [
      100,
      async () => {
        stage.s3.faults.add("stall-midway");
        const expected = { status: 504, event: "timed-out", edge: "9504", calls: 1 };
        expect(await see("/images/card/key.jpg")).toMatchObject(expected);
      },
    ],
    [
      5_000,
      async () => {
        stage.s3.faults.add("stall-midway");
        const reason = "no answer in time";
        const expected = { status: 504, event: "timed-out", edge: undefined, reason, calls: 1 };
        stopClock();
        const work = watchWork();
        const seen = see("/images/card/key.jpg", MODERN, IMPATIENT);
        await work();
        await fireTimer();
        expect(await seen).toMatchObject(expected);
      },
    ],
  ],
  plain: [[], ["localhost:9000"]].map((way): Case["plain"] => [
    way,
    async () => {
      const endpoint = "http://localhost:9000";
      const media = { endpoint, bucket: "acme-media", region: "auto" };
      const local = createS3({ ...media, credentials: CREDENTIALS, now: () => Date.now() });
      local.objects.set("k", { body: file("made/key.jpg"), type: "image/jpeg" });
      network.use(...handlersOf(local));
      stage.edge.switches.sources = ["localhost:9000"];
      const env = { ...ENV, BUCKETS: { media } };
      const reason = expect.stringContaining("is endpoint https?");
      expect(await see("/images/card/k", MODERN, env)).toMatchObject(
        way.length > 0
          ? shown("image/avif")
          : { status: 502, event: "edge-refused", edge: "9406", reason },
      );
    },
  ]),
  unplayable: [
    [
      "refused",
      async () => {
        const env = withPreset({ height: 100, fit: "cover", gravity: "face" });
        const reason = expect.stringMatching(/strict edge cannot play .*gravity/);
        const expected = { status: 502, event: "edge-failed", reason };
        expect(await see("/images/other/key.jpg", MODERN, env)).toMatchObject(expected);
      },
    ],
    [
      "left-out",
      async () => {
        const env = withPreset({ height: 100, fit: "cover", gravity: "face" });
        expect(await see("/images/other/key.jpg", MODERN, env)).toMatchObject(shown("image/avif"));
      },
    ],
  ],
};

/** The rule that each switch concerns. */
const RULES = {
  transformations: "R2",
  workersDev: "R2",
  sources: "E5",
  foreignSources: "E5",
  sourcePaths: "E5",
  urlTransformations: "E12",
  firewall: "E10",
  keptForAll: "C1, E10",
  quota: "L2",
  trouble: "R3",
  authAfterRedirect: "E7",
  svg: "R8",
  avifTooLarge: "O7",
  animationTooLarge: "O8",
  originalIsSmaller: "R6",
  originalFormat: "R9",
  originalSides: "R9",
  factsBilled: "L2, R9",
  formatAuto: "O6",
  conditions: "E4",
  namesOriginal: "R4, R7",
  originHeaders: "R7",
  overlayAuth: "O12",
  qualities: "O5",
  avifInput: "L1",
  limits: "L1",
  cache: "C2",
  queryInKey: "A15",
  denialsKept: "C1",
  patience: "R3",
  plain: "E6",
  unplayable: "O4",
} as const satisfies Record<keyof EdgeSwitches, string>;

const rows = Object.entries(CASES).flatMap(([name, cases]) =>
  cases.map(([value, check]) => {
    const rule = Object.entries(RULES).find(([of]) => of === name)?.[1] ?? "";
    const settings: Partial<EdgeSettings> = { [name]: value };
    return [name, JSON.stringify(value), rule, settings, check] as const;
  }),
);

test.each(rows)("%s: %s (%s)", async (_name, _value, _rule, settings, check) => {
  arrange(settings);
  await check();
});
