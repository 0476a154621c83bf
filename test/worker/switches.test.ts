// Each switch of the strict edge, for every open question and every failure: what the visitor gets, and what is logged.

import { HttpResponse, http } from "msw";
import sharp from "sharp";
import { expect, test } from "vitest";
import type { EdgeSettings } from "../../src/emulator/edge/settings.ts";
import { STRICT, type Switches } from "../../src/emulator/edge/switches.ts";
import { createS3 } from "../../src/emulator/s3/s3.ts";
import { fireTimer, stopClock, watchWork } from "../support/clock.ts";
import { file, network } from "../support/emulators.ts";
import { BUCKET_URL, CREDENTIALS, ENV, IMPATIENT, VARS } from "../support/env.ts";
import { handlersOf } from "../support/network.ts";
import {
  arrange,
  disableCacheInEachTest,
  get,
  logged,
  MODERN,
  put,
  stage,
} from "../support/run-worker.ts";

disableCacheInEachTest(); // each request is to reach the edge

const OLD = { accept: "*/*" };

/** The configuration of the tests with one more preset, `other`. */
const withPreset = (preset: object) => ({
  ...ENV,
  PRESETS: { ...VARS.PRESETS, other: { width: 100, ...preset } },
});

/** Requests an image. @returns what the visitor gets, and what is logged */
async function request(
  path: string,
  headers: Record<string, string> = MODERN,
  env: object = { ...ENV },
) {
  stage.logged = [];
  stage.edgeRequests = [];
  const answer = await get(path, { headers }, env);
  const type = answer.headers.get("content-type")?.replace(/;.*/, "");
  const { event, edge, reason } = logged()[0]?.line ?? {};
  const calls = stage.edgeRequests.length;

  return { status: answer.status, type, calls, event, edge, reason, answer };
}

const ROUTES = [{ path: "/facts/:preset/*", object: "media/*", facts: true }];
const WITH_FACTS = { ...ENV, ROUTES };
const FIG = "/facts/hero@640w/photos/fig.jpg";

const image = (type: string, calls = 1) => ({ status: 200, type, calls, event: undefined });

type Case<Value> = { readonly value: Value; readonly check: () => Promise<void> };

/** Values of a switch, and what they lead to. */
const when = <Value>(
  values: readonly Value[],
  check: (value: Value) => Promise<void>,
): readonly Case<Value>[] => values.map((value) => ({ value, check: () => check(value) }));

/** The rules that each switch of the edge concerns, and its cases. */
type Cases = {
  readonly [Name in Exclude<keyof Switches, `binding${string}`>]: readonly [
    rules: string,
    ...cases: (readonly Case<Switches[Name]>[])[],
  ];
};

const CARD = "/images/card/key.jpg";
const FRIENDS = "/images/tall/photos/friends.jpg";
const AVIF = image("image/avif");

const expectShown = async () => expect(await request(CARD)).toMatchObject(AVIF);

/** Checks that the picture is refused. */
async function expectRefused(event: string, more: object = {}, path = CARD): Promise<void> {
  const reason = Object.entries(more).map(([name, value]) => [
    name,
    value instanceof RegExp ? expect.stringMatching(value) : value,
  ]);
  const expected = { status: 502, event, ...Object.fromEntries(reason) };

  expect(await request(path)).toMatchObject(expected);
}

const limit = (name: keyof Switches["limits"], max: number): Switches["limits"] => ({
  ...STRICT.limits,
  [name]: max,
});

const expectTooLarge = (edge: string) => expectRefused("source-unreadable", { status: 415, edge });

/** Checks an object that is smaller than its preset, and so compressed that each rendition has more bytes. */
async function checkSmallObject(): Promise<void> {
  const square = { create: { width: 90, height: 90, channels: 3, background: "red" } } as const;
  put("small.jpg", await sharp(square).jpeg({ quality: 5 }).toBuffer());
  const jpeg = { status: 200, type: "image/jpeg", event: undefined };

  expect(await request("/images/tall/small.jpg", MODERN)).toMatchObject(AVIF);
  expect(await request("/images/tall/small.jpg", OLD)).toMatchObject(jpeg);
  expect(await request("/images/plain/small.jpg", MODERN)).toMatchObject(jpeg);
}

/** Puts a high picture whose EXIF data may turn it. They stand behind its pixels, so only the edge knows its sides. */
async function putTurned(): Promise<void> {
  const noise = { type: "gaussian", mean: 128, sigma: 30 } as const;
  const create = { width: 1300, height: 1400, channels: 3, background: "red", noise } as const;
  const picture = sharp({ create }).withExif({ IFD0: { Artist: "A" } });
  put("turned.webp", await picture.webp({ effort: 0, lossless: true }).toBuffer());
}

/** The number of frames of an animation. */
async function framesOf({ answer }: Awaited<ReturnType<typeof request>>): Promise<number> {
  return (await sharp(Buffer.from(await answer.arrayBuffer())).metadata()).pages ?? 1;
}

const putIcon = () => put("icons/a.svg", "broken/script.svg", { type: "image/svg+xml" });
const withFace = () => withPreset({ height: 100, fit: "cover", gravity: "face" });

const CASES: Cases = {
  transformations: [
    "R2",
    when([false], () => expectRefused("not-transformed", { reason: /transformations/ })),
  ],
  sources: [
    "E5",
    when([["other.example"]], () =>
      expectRefused("edge-refused", { edge: "9401", reason: /Sources/ }),
    ),
  ],
  workersDev: [
    "R2",
    when(["original", "transformed"], async (workersDev) => {
      arrange({ zone: "vitrine.acme.workers.dev", workersDev });
      await (workersDev === "original" ? expectRefused("not-transformed") : expectShown());
    }),
  ],
  foreignSources: [
    "E5",
    when(["untransformed"], async () => {
      stage.edge.switches.sources = ["other.example"];
      await expectRefused("not-transformed");
    }),
  ],
  sourcePaths: [
    "E5",
    when(["segments", "characters"], async (way) => {
      const { host } = new URL(BUCKET_URL);
      stage.edge.switches.sources = [`${host}/publish`];
      await (way === "characters"
        ? expectShown()
        : expectRefused("edge-refused", { edge: "9401" }));
      stage.edge.switches.sources = [`${host}/published/`];

      expect(await request("/images/card@2x/key.jpg")).toMatchObject(AVIF);
    }),
  ],
  urlTransformations: [
    "E12",
    when(["off"], expectShown),
    when(["off-for-workers-too"], () => expectRefused("not-transformed")),
  ],
  firewall: ["E10", when([true], expectShown)],
  urlInterfaceShowsPrivate: [
    "C1, E10",
    when([true, false], async () => {
      // Somebody requests the visitor's rendition through the side door before the visitor does.
      const options = "width=160,height=160,fit=cover,metadata=none,anim=false,format=avif";
      const source = `origin-auth=share-publicly/${BUCKET_URL}published/key.jpg`;
      const url = `https://images.example/cdn-cgi/image/${options},${source}`;
      const answer = await stage.edge.visit(new Request(url));

      expect(answer?.headers.get("cf-resized")).toBe("err=9408");
      await expectShown();
    }),
  ],
  quota: [
    "L2",
    when([1], async () => {
      await expectShown();
      expect(await request(CARD, OLD)).toMatchObject(image("image/jpeg"));

      const result = await request("/images/card@2x/key.jpg");
      expect(result).toMatchObject({ status: 503, event: "quota-spent", edge: "9422" });
      expect(result.answer.headers.get("retry-after")).toBe("3600");
    }),
  ],
  failure: [
    "R3",
    when([{ code: 9522, status: 503 }], () =>
      expectRefused("edge-failed", { edge: "9522", calls: 2 }),
    ),
  ],
  authAfterRedirect: [
    "E7",
    when([true, false], async () => {
      stage.s3.faults.add("elsewhere-307");
      await expectRefused("origin-denied", { reason: /eu-central-1/, calls: 0 });
    }),
  ],
  resizedHeader: [
    "R1",
    when(["internal"], expectShown),
    when(["other", "other-everywhere"], async () => {
      expect(await request(CARD)).toMatchObject({ status: 200, type: "image/avif", calls: 1 });
    }),
  ],
  resizedTwice: ["E8", when(["refused", "resized"], expectShown)],
  svg: [
    "R8",
    when(["marked"], async () => {
      putIcon();
      expect(await request("/icons/card/a.svg")).toMatchObject(image("image/svg+xml"));
    }),
    when(["unmarked"], async () => {
      putIcon();
      await expectRefused("not-transformed", {}, "/icons/card/a.svg");
      expect(await request("/images/card/broken/script.svg", OLD)).toMatchObject({ status: 502 });
    }),
  ],
  avifTooLarge: [
    "O7",
    when(["passed-through"], async () => {
      await putTurned();
      const result = await request("/images/tall/turned.webp");

      expect(result).toMatchObject(image("image/webp", 2));
      expect((await sharp(await result.answer.arrayBuffer()).metadata()).width).toBe(1200);
    }),
    when(["webp", "jpeg"], async (way) => {
      await putTurned();
      expect(await request("/images/tall/turned.webp")).toMatchObject(image(`image/${way}`));

      // Where the first bytes tell the sides, the edge is never asked for such an AVIF.
      expect(await request(FRIENDS)).toMatchObject(image("image/webp"));
    }),
  ],
  animationTooLarge: [
    "O8",
    when(["marked", "unmarked"], async () => {
      stage.edge.switches.limits = limit("animation", 1);
      const result = await request("/images/moving/animated.gif");

      expect(result).toMatchObject(image("image/webp", 2));
      expect(await framesOf(result)).toBe(1);
    }),
  ],
  originalIsSmaller: [
    "R6",
    when(
      (["bytes", "sides"] as const).flatMap((property) =>
        (["original", "rendition"] as const).map((sent) => ({ comparedBy: property, sent })),
      ),
      checkSmallObject,
    ),
  ],
  originalFormat: [
    "R9",
    when(["type", "name"], async () => {
      const moving = await request("/images/moving/animated.gif");
      expect(moving).toMatchObject(image("image/webp"));
      expect(await framesOf(moving)).toBe(3);
      await checkSmallObject();
    }),
  ],
  originalSides: [
    "R9",
    when(["stored", "upright"], async () => {
      const { answer } = await request("/facts/tall/rotated-gps.jpg?facts", MODERN, WITH_FACTS);
      const sides = { width: 300, height: 400 };
      const original = { ...sides, type: "image/jpeg" };

      expect(await answer.json()).toEqual({ ...sides, original });
    }),
  ],
  factsBilled: [
    "L2, R9",
    when(["apart", "with-rendition"], async (way) => {
      for (const query of ["", "?facts", "", "?facts"])
        await request(FIG + query, MODERN, WITH_FACTS);

      expect(stage.edge.transformations.size).toBe(way === "apart" ? 2 : 1);
    }),
  ],
  formatAuto: [
    "O6",
    when(["refused", "first-come"], async () => {
      await expectShown();
      expect(await request(CARD, OLD)).toMatchObject(image("image/jpeg"));
    }),
  ],
  conditions: [
    "E4",
    when(["kept", "passed-on"], async () => {
      const visitors = { range: "bytes=0-9", "if-none-match": '"x"', "user-agent": "visitor" };
      const result = await request(CARD, { ...MODERN, ...visitors });

      expect(result).toMatchObject(AVIF);

      const head = await get(CARD, { method: "HEAD", headers: MODERN });
      expect(head.headers.get("content-length")).toBe(result.answer.headers.get("content-length"));
    }),
  ],
  namesOriginal: ["R4, R7", when([true, false], expectShown)],
  originHeaders: [
    "R7",
    when(["kept", "leaked"], async () => {
      const { answer } = await request(CARD);
      const names = [...answer.headers.keys()].filter((name) => /^x-amz|^server$/.test(name));

      expect(answer.status).toBe(200);
      expect(names).toEqual([]);
    }),
  ],
  overlayAuth: [
    "O12",
    when([true, false], async (way) => {
      const authorized: boolean[] = [];
      const url = "https://brand.example/mark.png";

      network.use(
        http.get(url, ({ request }) => {
          authorized.push(request.headers.has("authorization"));
          return HttpResponse.arrayBuffer(file("made/transparent.png").slice().buffer);
        }),
      );

      const env = withPreset({ draw: [{ url, width: 20 }] });
      expect(await request("/images/other/key.jpg", OLD, env)).toMatchObject(image("image/jpeg"));
      expect(authorized).toEqual([way]);
    }),
  ],
  qualities: [
    "O5",
    when([{ high: 99, "medium-high": 60, "medium-low": 40, low: 2 }], async () => {
      const sizes = [];
      for (const quality of ["high", "low"]) {
        const result = await request("/images/other/key.jpg", OLD, withPreset({ quality }));
        expect(result).toMatchObject(image("image/jpeg"));

        sizes.push(Number(result.answer.headers.get("content-length")));
      }

      expect(sizes[0]).toBeGreaterThan(2 * (sizes[1] ?? 0));
    }),
  ],
  avifInput: [
    "L1",
    when([true, false], async (way) => {
      put("a.avif", await sharp(file("made/key.jpg")).avif({ effort: 0 }).toBuffer());
      const unreadable = { status: 415, event: "source-unreadable", edge: "9520" };

      expect(await request("/images/card/a.avif")).toMatchObject(way ? AVIF : unreadable);
    }),
  ],
  heicInput: [
    "L1",
    when([true], async () => {
      put("a.heic", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0"));
      const reason = expect.stringContaining("strict edge cannot read HEIC");
      const unread = { status: 502, event: "edge-failed", reason };

      expect(await request("/images/card/a.heic")).toMatchObject(unread);
    }),
    when([false], async () => {
      put("a.heic", Buffer.from("\0\0\0\x18ftypheic\0\0\0\0"));
      const unreadable = { status: 415, event: "source-unreadable", edge: "9412" };

      expect(await request("/images/card/a.heic")).toMatchObject({ ...unreadable, calls: 1 });
    }),
  ],
  limits: [
    "L1",
    when([limit("bytes", 100)], () => expectTooLarge("9402")),
    when([limit("pixels", 100), limit("side", 10)], () => expectTooLarge("9413")),
    when([limit("animation", 100)], async () => {
      expect(await request("/images/card/animated.gif")).toMatchObject(AVIF);
      expect(await request("/images/moving/animated.gif")).toMatchObject(image("image/webp", 2));
    }),
  ],
  cache: [
    "C2",
    when([true, false], async (way) => {
      for (let times = 0; times < 2; times++) await expectShown();
      expect(stage.edge.originFetches).toHaveLength(way ? 1 : 2);
    }),
  ],
  queryInKey: ["A15", when([true, false], expectShown)],
  denialTtl: [
    "C1",
    when([0, 60], async () => {
      for (const fault of ["revoked-key", "elsewhere-400"] as const) {
        stage.beforeEdgeRequest = () => stage.s3.faults.add(fault); // after S3 gave the object to the Worker
        expect(await request(CARD)).toMatchObject({ status: 502, calls: 1 });

        stage.beforeEdgeRequest = () => {};
        stage.s3.faults.clear();

        expect(await request(CARD)).toMatchObject({ status: 200, calls: 1 });

        put("key.jpg", "made/rotated-gps.jpg");
      }
    }),
  ],
  originTimeout: [
    "R3",
    when([100], async () => {
      stage.s3.faults.add("stall-midway");
      await expectRefused("timed-out", { status: 504, edge: "9504", calls: 1 });
    }),
    when([5_000], async () => {
      stage.s3.faults.add("stall-midway");
      stopClock();
      const work = watchWork();
      const requested = request(CARD, MODERN, { ...IMPATIENT });

      await work();
      await fireTimer();
      const timedOut = { event: "timed-out", edge: undefined, reason: "no answer in time" };

      expect(await requested).toMatchObject({ status: 504, ...timedOut, calls: 1 });
    }),
  ],
  httpHosts: [
    "E6",
    when([[], ["localhost:9000"]], async (hosts) => {
      const media = { endpoint: "http://localhost:9000", bucket: "acme-media", region: "auto" };
      const local = createS3({ ...media, credentials: CREDENTIALS, now: () => Date.now() });
      local.objects.set("k", { body: file("made/key.jpg"), type: "image/jpeg" });
      network.use(...handlersOf(local));
      stage.edge.switches.sources = ["localhost:9000"];

      const reason = expect.stringContaining("is endpoint https?");
      const refused = { status: 502, event: "edge-refused", edge: "9406", reason };
      const result = await request("/images/card/k", MODERN, { ...ENV, BUCKETS: { media } });

      expect(result).toMatchObject(hosts.length > 0 ? AVIF : refused);
    }),
  ],
  unsupportedOptions: [
    "O4",
    when(["refused"], async () => {
      const reason = expect.stringMatching(/strict edge cannot play .*gravity/);
      const result = await request("/images/other/key.jpg", MODERN, withFace());

      expect(result).toMatchObject({ status: 502, event: "edge-failed", reason });
    }),
    when(["left-out"], async () =>
      expect(await request("/images/other/key.jpg", MODERN, withFace())).toMatchObject(AVIF),
    ),
  ],
};

const rows = Object.entries(CASES).flatMap(([name, [rules, ...cases]]) =>
  cases.flat().map(({ value, check }) => {
    const settings: Partial<EdgeSettings> = { [name]: value };
    return [name, JSON.stringify(value), rules, settings, check] as const;
  }),
);

test.each(rows)("%s: %s (%s)", async (_name, _value, _rules, settings, check) => {
  arrange(settings);
  await check();
});
