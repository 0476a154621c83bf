// Pictures that were made small for the web, portraits, and cameras' files: what the edge is requests for, how often, and what
// a visitor gets if it sends too much. corpus/ has the same for all kinds of pictures.

import sharp from "sharp";
import { beforeEach, describe, expect, test } from "vitest";
import { stopTimers } from "../../support/clock.ts";
import { corpusBytes } from "../../support/corpus.ts";
import { file } from "../../support/emulators.ts";
import { ENV } from "../../support/env.ts";
import {
  arrange,
  disableCacheInEachTest,
  get,
  MODERN,
  put,
  stage,
} from "../../support/run-worker.ts";

disableCacheInEachTest(); // each request is to reach the edge

const OLD = { accept: "image/png,image/jpeg" };
const WEBP = { accept: "image/webp" };
const PRESETS = {
  card: { width: 480, dpr: [1, 2] },
  hero: { width: 1920, widths: [640, 960, 1280, 1920], quality: 80 },
};
const env = { ...ENV, PRESETS, ROUTES: [{ path: "/images/:preset/*", object: "media/*" }] };

async function see(path: string, headers: Record<string, string> = MODERN, changes: object = {}) {
  stage.edgeRequests = [];
  const answer = await get(`/images/${path}`, { headers }, { ...env, ...changes });
  const body = new Uint8Array(await answer.arrayBuffer());
  const type = answer.headers.get("content-type");

  return {
    status: answer.status,
    type,
    body,
    requests: stage.edgeRequests.map(({ image }) => image),
  };
}

describe("a photograph that was made for the web", () => {
  const photo = sharp(file("photos/fig.jpg")).resize(1000);

  test.each([
    ["jpeg", MODERN, ["image/avif", "image/webp"]],
    ["jpeg", WEBP, ["image/webp"]],
    ["jpeg", OLD, ["image/jpeg"]],
    ["webp", MODERN, ["image/avif", "image/webp"]],
    ["webp", WEBP, ["image/webp"]],
    ["webp", OLD, ["image/jpeg"]],
  ] as const)(
    "as %s, for %o, is %s with few bytes, and never a PNG",
    async (format, headers, types) => {
      for (const quality of [40, 60, 75]) {
        const object = new Uint8Array(await photo.clone().toFormat(format, { quality }).toBuffer());
        put("web", object);
        const seen = await see("hero/web", headers);
        expect(seen.status, `quality ${quality}`).toBe(200);
        expect(types).toContain(seen.type);
        expect(seen.body.length).toBeLessThanOrEqual(1.2 * object.length + 2_048);
      }
    },
  );

  test("as a WebP that is too high for AVIF is a picture for every browser (O7)", async () => {
    put("web.webp", await corpusBytes("web-portrait-900.webp"));
    for (const headers of [MODERN, WEBP, OLD]) {
      const { status, requests } = await see("hero@960w/web.webp", headers);
      expect(status).toBe(200);
      expect(requests.length).toBe(1);
    }
  });

  test("is one transformation at all variants above its sides, in both modern formats (L2)", async () => {
    put("web.jpg", new Uint8Array(await photo.clone().jpeg({ quality: 60 }).toBuffer()));
    for (const name of ["hero", "hero@1280w", "hero@1920w"]) {
      for (const headers of [MODERN, WEBP]) await see(`${name}/web.jpg`, headers);
    }
    expect(stage.edge.transformations.size).toBe(1);
  });
});

describe("the sides of a camera's file, behind its other data (A14)", () => {
  const ICC = Buffer.concat([Buffer.from("ICC_PROFILE\0"), Buffer.alloc(60_000)]);
  const segment = Buffer.concat([Buffer.from([0xff, 0xe2, 0, 0]), ICC]);
  segment.writeUInt16BE(ICC.length + 2, 2);

  let object: Uint8Array;

  beforeEach(async () => {
    const jpeg = await sharp(file("photos/friends.jpg")).resize(1500).jpeg().toBuffer();
    object = new Uint8Array(Buffer.concat([jpeg.subarray(0, 2), segment, jpeg.subarray(2)]));
    put("camera.jpg", object);
  });

  const ranges = () => stage.s3.requestsBy("worker").map(({ headers }) => headers.get("range"));

  test("are found by one more range, where a rendition must be made", async () => {
    const { status, type, requests } = await see("card@2x/camera.jpg");
    expect(status).toBe(200);
    expect(type).toBe("image/webp");
    expect(requests.length).toBe(1);
    expect(ranges().slice(0, 2)).toEqual(["bytes=0-1023", "bytes=1024-131071"]);
  });

  test("are not looked for if the first bytes tell them, or all bytes are there", async () => {
    await see("card@2x/photos/fig.jpg");
    put("camera.jpg", object.subarray(0, 900));
    await see("card@2x/camera.jpg");
    expect(ranges().filter((range) => range !== "bytes=0-1023")).toEqual([]);
  });

  test.each<[string, () => void]>([
    ["S3 sends the whole object in place of a part", () => stage.s3.faults.add("ignores-range")],
    [
      "the object is another one by now",
      () => {
        const { fetch } = stage.s3;
        stage.s3.fetch = async (input, init) => {
          const range = new Headers(init?.headers).get("range") ?? "";
          if (range.startsWith("bytes=1024-")) put("camera.jpg", file("photos/fig.jpg"));
          return fetch(input, init);
        };
      },
    ],
  ])("stay unknown where %s: then the edge decides", async (_what, change) => {
    change();
    const { status, type } = await see("card@2x/camera.jpg");
    expect(status).toBe(200);
    expect(["image/webp", "image/avif"]).toContain(type);
  });
});

/** What the edge sends, in order: a type, how many bytes, and how. */
type Sent = {
  type: string;
  bytes: number;
  isLengthHidden?: boolean;
  breaksAt?: number;
  fault?: number;
};

describe("a picture with more bytes than its original", () => {
  const KB = 1_000;
  let cancelled: string[];

  /** Has the edge answer each request with the next of these. */
  function answerWith(...sent: readonly Sent[]): void {
    cancelled = [];
    let times = 0;

    stage.edge.fetch = async () => {
      const { type, bytes, isLengthHidden, breaksAt, fault } =
        sent[times++] ?? expect.unreachable();
      if (fault) return new Response("", { status: fault, headers: { "cf-resized": "err=9522" } });

      let left = bytes;
      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            if (breaksAt !== undefined && bytes - left >= breaksAt) throw new Error("it broke off");
            if (left <= 0) return controller.close();
            const size = Math.min(left, 16 * KB);
            left -= size;
            controller.enqueue(new Uint8Array(size).fill(times));
          },
          cancel: () => void cancelled.push(`${type} ${bytes}`),
        },
        { highWaterMark: 0 },
      );

      const length = isLengthHidden ? undefined : { "content-length": `${bytes}` };
      const headers = { "cf-resized": "internal=ok/m", "content-type": type, ...length };

      return new Response(body, { headers });
    };
  }

  beforeEach(async () => {
    arrange();
    const head = await sharp({
      create: { width: 800, height: 600, channels: 3, background: "red" },
    })
      .jpeg()
      .toBuffer();

    const object = new Uint8Array(100 * KB);
    object.set(head);
    put("web.jpg", object);
  });

  const AVIF = { type: "image/avif", bytes: 200 * KB };
  const LONG_WEBP = { type: "image/webp", bytes: 150 * KB };
  const LIGHT_WEBP = { type: "image/webp", bytes: 90 * KB };
  const HIDDEN = { isLengthHidden: true };

  test.each<[string, Sent[], shown: Sent, count: number, cancelled: string[]]>([
    ["another format has fewer", [AVIF, LIGHT_WEBP], LIGHT_WEBP, 2, ["image/avif 200000"]],
    [
      "a lower quality has",
      [AVIF, LONG_WEBP, LIGHT_WEBP],
      LIGHT_WEBP,
      3,
      ["image/avif 200000", "image/webp 150000"],
    ],
    [
      "none has: the smallest is shown",
      [AVIF, LONG_WEBP, AVIF],
      LONG_WEBP,
      3,
      ["image/avif 200000", "image/avif 200000"],
    ],
    ["the next request fails", [AVIF, { ...AVIF, fault: 503 }], AVIF, 2, []],
    [
      "at the limit is few enough",
      [{ ...AVIF, bytes: 122_048 }],
      { ...AVIF, bytes: 122_048 },
      1,
      [],
    ],
    [
      "one more is too many",
      [{ ...AVIF, bytes: 122_049 }, LIGHT_WEBP],
      LIGHT_WEBP,
      2,
      ["image/avif 122049"],
    ],
    [
      "nobody says how many",
      [
        { ...AVIF, ...HIDDEN },
        { ...LIGHT_WEBP, ...HIDDEN },
      ],
      LIGHT_WEBP,
      2,
      ["image/avif 200000"],
    ],
    [
      "an unknown length is the longest",
      [{ ...AVIF, ...HIDDEN }, LONG_WEBP, AVIF],
      LONG_WEBP,
      3,
      ["image/avif 200000", "image/avif 200000"],
    ],
    [
      "what was read is not lost",
      [
        { ...AVIF, ...HIDDEN },
        { ...AVIF, fault: 503 },
      ],
      AVIF,
      2,
      [],
    ],
    [
      "it breaks off while it is read",
      [{ ...AVIF, ...HIDDEN, breaksAt: 32 * KB }, LIGHT_WEBP],
      LIGHT_WEBP,
      2,
      [],
    ],
  ])("%s (R6)", async (_what, sent, { type, bytes }, count, dropped) => {
    answerWith(...sent);
    const seen = await see("hero/web.jpg");
    expect(seen.status).toBe(200);
    expect(seen.type).toEqual(type);
    expect(seen.body.length).toEqual(bytes);
    expect(seen.requests).toHaveLength(count);
    expect(cancelled).toEqual(dropped);
  });

  test("is shown in time if the next request does not end", async () => {
    const finish = stopTimers();
    answerWith(AVIF);
    const { fetch } = stage.edge;
    let times = 0;

    stage.edge.fetch = async (...args) => (times++ === 0 ? fetch(...args) : new Promise(() => {}));
    const { value, took } = await finish(see("hero/web.jpg", MODERN, { ANSWERS: { timeout: 10 } }));
    expect(value).toMatchObject({ status: 200, type: "image/avif" });
    expect(took).toBeLessThan(10_000);
  });
});
