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

const CARD = "/images/card/key.jpg";
const OTHER = "/images/other/key.jpg";
const FRIENDS = "/images/tall/photos/friends.jpg";
const FIG = "/facts/hero@640w/photos/fig.jpg";

const ROUTES = [{ path: "/facts/:preset/*", object: "media/*", facts: true }];
const WITH_FACTS = { ...ENV, ROUTES };

/** The configuration of the tests with one more preset, `other`. */
function withPreset(preset: object) {
  const PRESETS = { ...VARS.PRESETS, other: { width: 100, ...preset } };
  return { ...ENV, PRESETS };
}

const withFace = () => withPreset({ height: 100, fit: "cover", gravity: "face" });

/** Requests an image. @returns what the visitor gets, and what is logged */
async function request(
  path: string,
  headers: Record<string, string> = MODERN,
  env: object = { ...ENV },
) {
  stage.logged = [];
  stage.edgeRequests = [];

  const answer = await get(path, { headers }, env);

  const contentType = answer.headers.get("content-type");
  const type = contentType?.replace(/;.*/, "");
  const calls = stage.edgeRequests.length;
  const { event, edge, reason } = logged()[0]?.line ?? {};
  return { status: answer.status, type, calls, event, edge, reason, answer };
}

type Requested = Awaited<ReturnType<typeof request>>;

/** What must be seen where an image is shown. */
const image = (type: string, calls = 1) => ({ status: 200, type, calls, event: undefined });

const AVIF = image("image/avif");

async function expectShown(): Promise<void> {
  expect(await request(CARD)).toMatchObject(AVIF);
}

/** Checks that the picture is refused: with 502, unless `fields` has another status. */
async function expectRefused(event: string, fields: object = {}, path = CARD): Promise<void> {
  expect(await request(path)).toMatchObject({ status: 502, event, ...fields });
}

async function expectTooLarge(edge: string): Promise<void> {
  await expectRefused("source-unreadable", { status: 415, edge });
}

function limit(name: keyof Switches["limits"], max: number): Switches["limits"] {
  return { ...STRICT.limits, [name]: max };
}

/** Checks an object that is smaller than its preset, and so compressed that each rendition has more bytes. */
async function checkSmallObject(): Promise<void> {
  const create = { width: 90, height: 90, channels: 3, background: "red" } as const;
  const picture = sharp({ create }).jpeg({ quality: 5 });
  put("small.jpg", await picture.toBuffer());

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

  const webp = picture.webp({ effort: 0, lossless: true });
  put("turned.webp", await webp.toBuffer());
}

function putIcon(): void {
  put("icons/a.svg", "broken/script.svg", { type: "image/svg+xml" });
}

/** Counts the frames of an animation. */
async function countFrames({ answer }: Requested): Promise<number> {
  const bytes = Buffer.from(await answer.arrayBuffer());
  const { pages = 1 } = await sharp(bytes).metadata();
  return pages;
}

function lengthOf({ answer }: Requested): number {
  return Number(answer.headers.get("content-length"));
}

/** A value of a switch, and what must be seen with it. */
type Case<Value> = { readonly value: Value; readonly check: () => Promise<void> };

/** Makes a case of each value. All of them lead to the same. */
function when<Value>(
  values: readonly Value[],
  check: (value: Value) => Promise<void>,
): readonly Case<Value>[] {
  return values.map((value) => ({ value, check: () => check(value) }));
}

/** Every switch of the edge must have cases. Those of the binding have their own tests. */
type Cases = {
  readonly [Name in Exclude<keyof Switches, `binding${string}`>]: {
    readonly rules: string;
    readonly cases: readonly (readonly Case<Switches[Name]>[])[];
  };
};

const CASES: Cases = {
  transformations: {
    rules: "R2",
    cases: [
      when([false], () =>
        expectRefused("not-transformed", { reason: expect.stringMatching(/transformations/) }),
      ),
    ],
  },
  sources: {
    rules: "E5",
    cases: [
      when([["other.example"]], () =>
        expectRefused("edge-refused", { edge: "9401", reason: expect.stringMatching(/Sources/) }),
      ),
    ],
  },
  workersDev: {
    rules: "R2",
    cases: [
      when(["original", "transformed"], async (workersDev) => {
        arrange({ zone: "vitrine.acme.workers.dev", workersDev });

        if (workersDev === "original") await expectRefused("not-transformed");
        else await expectShown();
      }),
    ],
  },
  foreignSources: {
    rules: "E5",
    cases: [
      when(["untransformed"], async () => {
        stage.edge.switches.sources = ["other.example"];
        await expectRefused("not-transformed");
      }),
    ],
  },
  sourcePaths: {
    rules: "E5",
    cases: [
      when(["segments", "characters"], async (way) => {
        const { host } = new URL(BUCKET_URL);

        stage.edge.switches.sources = [`${host}/publish`];
        if (way === "characters") await expectShown();
        else await expectRefused("edge-refused", { edge: "9401" });

        stage.edge.switches.sources = [`${host}/published/`];
        expect(await request("/images/card@2x/key.jpg")).toMatchObject(AVIF);
      }),
    ],
  },
  urlTransformations: {
    rules: "E12",
    cases: [
      when(["off"], expectShown),
      when(["off-for-workers-too"], () => expectRefused("not-transformed")),
    ],
  },
  firewall: {
    rules: "E10",
    cases: [when([true], expectShown)],
  },
  urlInterfaceShowsPrivate: {
    rules: "C1, E10",
    cases: [
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
  },
  quota: {
    rules: "L2",
    cases: [
      when([1], async () => {
        await expectShown();
        expect(await request(CARD, OLD)).toMatchObject(image("image/jpeg"));

        const result = await request("/images/card@2x/key.jpg");
        expect(result).toMatchObject({ status: 503, event: "quota-spent", edge: "9422" });
        expect(result.answer.headers.get("retry-after")).toBe("3600");
      }),
    ],
  },
  failure: {
    rules: "R3",
    cases: [
      when([{ code: 9522, status: 503 }], () =>
        expectRefused("edge-failed", { edge: "9522", calls: 2 }),
      ),
    ],
  },
  authAfterRedirect: {
    rules: "E7",
    cases: [
      when([true, false], async () => {
        stage.s3.faults.add("elsewhere-307");
        await expectRefused("origin-denied", {
          reason: expect.stringMatching(/eu-central-1/),
          calls: 0,
        });
      }),
    ],
  },
  resizedHeader: {
    rules: "R1",
    cases: [
      when(["internal"], expectShown),
      when(["other", "other-everywhere"], async () => {
        expect(await request(CARD)).toMatchObject({ status: 200, type: "image/avif", calls: 1 });
      }),
    ],
  },
  resizedTwice: {
    rules: "E8",
    cases: [when(["refused", "resized"], expectShown)],
  },
  svg: {
    rules: "R8",
    cases: [
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
  },
  avifTooLarge: {
    rules: "O7",
    cases: [
      when(["passed-through"], async () => {
        await putTurned();
        const result = await request("/images/tall/turned.webp");

        expect(result).toMatchObject(image("image/webp", 2));
        const { width } = await sharp(await result.answer.arrayBuffer()).metadata();
        expect(width).toBe(1200);
      }),
      when(["webp", "jpeg"], async (way) => {
        await putTurned();
        expect(await request("/images/tall/turned.webp")).toMatchObject(image(`image/${way}`));

        // Where the first bytes tell the sides, the edge is never asked for such an AVIF.
        expect(await request(FRIENDS)).toMatchObject(image("image/webp"));
      }),
    ],
  },
  animationTooLarge: {
    rules: "O8",
    cases: [
      when(["marked", "unmarked"], async () => {
        stage.edge.switches.limits = limit("animation", 1);
        const result = await request("/images/moving/animated.gif");

        expect(result).toMatchObject(image("image/webp", 2));
        expect(await countFrames(result)).toBe(1);
      }),
    ],
  },
  originalIsSmaller: {
    rules: "R6",
    cases: [
      when(
        [
          { comparedBy: "bytes", sent: "original" },
          { comparedBy: "bytes", sent: "rendition" },
          { comparedBy: "sides", sent: "original" },
          { comparedBy: "sides", sent: "rendition" },
        ],
        checkSmallObject,
      ),
    ],
  },
  originalFormat: {
    rules: "R9",
    cases: [
      when(["type", "name"], async () => {
        const moving = await request("/images/moving/animated.gif");
        expect(moving).toMatchObject(image("image/webp"));
        expect(await countFrames(moving)).toBe(3);
        await checkSmallObject();
      }),
    ],
  },
  originalSides: {
    rules: "R9",
    cases: [
      when(["stored", "upright"], async () => {
        const { answer } = await request("/facts/tall/rotated-gps.jpg?facts", MODERN, WITH_FACTS);
        const sides = { width: 300, height: 400 };
        const original = { ...sides, type: "image/jpeg" };

        expect(await answer.json()).toEqual({ ...sides, original });
      }),
    ],
  },
  factsBilled: {
    rules: "L2, R9",
    cases: [
      when(["apart", "with-rendition"], async (way) => {
        for (const query of ["", "?facts", "", "?facts"]) {
          await request(FIG + query, MODERN, WITH_FACTS);
        }

        expect(stage.edge.transformations.size).toBe(way === "apart" ? 2 : 1);
      }),
    ],
  },
  formatAuto: {
    rules: "O6",
    cases: [
      when(["refused", "first-come"], async () => {
        await expectShown();
        expect(await request(CARD, OLD)).toMatchObject(image("image/jpeg"));
      }),
    ],
  },
  conditions: {
    rules: "E4",
    cases: [
      when(["kept", "passed-on"], async () => {
        const ofVisitor = { range: "bytes=0-9", "if-none-match": '"x"', "user-agent": "visitor" };

        const result = await request(CARD, { ...MODERN, ...ofVisitor });
        const head = await get(CARD, { method: "HEAD", headers: MODERN });

        expect(result).toMatchObject(AVIF);
        const length = result.answer.headers.get("content-length");
        expect(head.headers.get("content-length")).toBe(length);
      }),
    ],
  },
  namesOriginal: {
    rules: "R4, R7",
    cases: [when([true, false], expectShown)],
  },
  originHeaders: {
    rules: "R7",
    cases: [
      when(["kept", "leaked"], async () => {
        const { answer } = await request(CARD);
        const names = [...answer.headers.keys()].filter((name) => /^x-amz|^server$/.test(name));

        expect(answer.status).toBe(200);
        expect(names).toEqual([]);
      }),
    ],
  },
  overlayAuth: {
    rules: "O12",
    cases: [
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
        expect(await request(OTHER, OLD, env)).toMatchObject(image("image/jpeg"));
        expect(authorized).toEqual([way]);
      }),
    ],
  },
  qualities: {
    rules: "O5",
    cases: [
      when([{ high: 99, "medium-high": 60, "medium-low": 40, low: 2 }], async () => {
        const high = await request(OTHER, OLD, withPreset({ quality: "high" }));
        const low = await request(OTHER, OLD, withPreset({ quality: "low" }));

        expect(high).toMatchObject(image("image/jpeg"));
        expect(low).toMatchObject(image("image/jpeg"));
        expect(lengthOf(high)).toBeGreaterThan(2 * lengthOf(low));
      }),
    ],
  },
  avifInput: {
    rules: "L1",
    cases: [
      when([true, false], async (way) => {
        const avif = sharp(file("made/key.jpg")).avif({ effort: 0 });
        put("a.avif", await avif.toBuffer());

        const result = await request("/images/card/a.avif");

        const unreadable = { status: 415, event: "source-unreadable", edge: "9520" };
        expect(result).toMatchObject(way ? AVIF : unreadable);
      }),
    ],
  },
  heicInput: {
    rules: "L1",
    cases: [
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
  },
  limits: {
    rules: "L1",
    cases: [
      when([limit("bytes", 100)], () => expectTooLarge("9402")),
      when([limit("pixels", 100), limit("side", 10)], () => expectTooLarge("9413")),
      when([limit("animation", 100)], async () => {
        expect(await request("/images/card/animated.gif")).toMatchObject(AVIF);
        expect(await request("/images/moving/animated.gif")).toMatchObject(image("image/webp", 2));
      }),
    ],
  },
  cache: {
    rules: "C2",
    cases: [
      when([true, false], async (way) => {
        for (let times = 0; times < 2; times++) await expectShown();
        expect(stage.edge.originFetches).toHaveLength(way ? 1 : 2);
      }),
    ],
  },
  queryInKey: {
    rules: "A15",
    cases: [when([true, false], expectShown)],
  },
  denialTtl: {
    rules: "C1",
    cases: [
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
  },
  originTimeout: {
    rules: "R3",
    cases: [
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
  },
  httpHosts: {
    rules: "E6",
    cases: [
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
  },
  unsupportedOptions: {
    rules: "O4",
    cases: [
      when(["refused"], async () => {
        const reason = expect.stringMatching(/strict edge cannot play .*gravity/);
        const result = await request(OTHER, MODERN, withFace());

        expect(result).toMatchObject({ status: 502, event: "edge-failed", reason });
      }),
      when(["left-out"], async () =>
        expect(await request(OTHER, MODERN, withFace())).toMatchObject(AVIF),
      ),
    ],
  },
};

const ROWS = Object.entries(CASES).flatMap(([name, { rules, cases }]) =>
  cases.flat().map(({ value, check }) => {
    const settings: Partial<EdgeSettings> = { [name]: value };
    return { name, value: JSON.stringify(value), rules, settings, check };
  }),
);

test.each(ROWS)("$name: $value ($rules)", async ({ settings, check }) => {
  arrange(settings);

  await check();
});
