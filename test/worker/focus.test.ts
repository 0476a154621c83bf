// A preset with gravity "object": its crop keeps the focal point that the object has in its metadata. Pixels of real
// renditions, by each engine.

import sharp from "sharp";
import { beforeEach, describe, expect, test } from "vitest";
import { cacheStatus } from "../../src/cli/http/ask-picture.ts";
import { createR2, type R2 } from "../../src/emulator/r2/r2.ts";
import { ENGINES, type EngineName, type Env, envOf } from "../support/engines.ts";
import { PURGE_TOKEN, VARS } from "../support/env.ts";
import { letterOf, paint } from "../support/painting.ts";
import {
  lines,
  put,
  stage,
  stopDate,
  getAndSettle as visitWorker,
  wait,
} from "../support/run-worker.ts";

const WIDE = new Uint8Array(await paint("rgb", 40).png().toBuffer());
const TALL = new Uint8Array(await paint("y/m/k", 40).png().toBuffer());
const KEY = "stripes.png";
const PATH = `/images/part/${KEY}`;

const square = { width: 40, height: 40, fit: "cover", format: "png" };
const PRESETS = {
  part: { ...square, gravity: "object", dpr: [1, 2] },
  middle: square,
  whole: { width: 60, format: "png", gravity: "object" },
};
const ROUTES = [{ path: "/images/:preset/*", object: "media/*", facts: true }];
const KEEP = 300;
const CACHED = { ...VARS.ANSWERS, keep: KEEP };
const DIRECT = { ...VARS.ANSWERS, keep: 0 };

let store: R2;
let env: Env;
beforeEach(() => {
  stopDate();
  store = createR2();
});

/** Puts the object with these metadata. Its bytes and its ETag stay the same, as after a copy in S3. */
function setMetadata(metadata: Record<string, string>, body = WIDE): void {
  put(KEY, body, { type: "image/png", metadata, lastModified: new Date() });
  mediaOf(env)?.objects.set(`published/${KEY}`, {
    body,
    type: "image/png",
    customMetadata: metadata,
    uploaded: new Date(),
  });
}

const mediaOf = ({ MEDIA_BUCKET }: Env) => MEDIA_BUCKET as R2 | undefined;

const setFocus = (focus: string, body?: typeof WIDE) => setMetadata({ focus }, body);

function arrange(engine: EngineName, answers: object = DIRECT): void {
  const vars = { PRESETS, ROUTES, ANSWERS: answers, RENDITIONS: store, PURGE_TOKEN };
  env = envOf(engine, vars);
}

/** The colours of a rendition, from its top left corner to the other one: a letter for each quarter. */
async function readColours(answer: Response): Promise<string> {
  expect(answer.status).toBe(200);

  const image = sharp(await answer.bytes());
  const pixels = image.ensureAlpha().raw();
  const { data, info } = await pixels.toBuffer({ resolveWithObject: true });

  let letters = "";
  for (const part of [0.125, 0.375, 0.625, 0.875]) {
    const x = Math.floor(part * info.width);
    const y = Math.floor(part * info.height);
    const start = (y * info.width + x) * 4;
    letters += letterOf([...data.subarray(start, start + 4)]);
  }
  return letters;
}

function requestPicture(path = PATH): Promise<Response> {
  return visitWorker(path, {}, env);
}

async function coloursOf(path?: string): Promise<string> {
  const answer = await requestPicture(path);
  return readColours(answer);
}

async function etagOf(path?: string): Promise<string | null> {
  const { headers } = await requestPicture(path);
  return headers.get("etag");
}

describe.each(ENGINES)("%s", (engine) => {
  test.each([
    { focus: "0,0", body: WIDE, expected: "rrrr" },
    { focus: "0.25,1", body: WIDE, expected: "rrgg" },
    { focus: "0.5,0.5", body: WIDE, expected: "gggg" },
    { focus: "0.75,0", body: WIDE, expected: "ggbb" },
    { focus: " 1.00 , 0.3 ", body: WIDE, expected: "bbbb" },
    { focus: "1,0", body: TALL, expected: "yyyy" },
    { focus: "0,0.25", body: TALL, expected: "yymm" },
    { focus: "0.12345678901234567,1.0", body: TALL, expected: "kkkk" },
  ])("the focal point '$focus' shows its part (O4)", async ({ focus, body, expected }) => {
    arrange(engine);
    setFocus(focus, body);

    expect(await coloursOf()).toBe(expected);
    expect(await coloursOf(`/images/part@2x/${KEY}`)).toBe(expected);
    expect(await coloursOf(`/images/middle/${KEY}`)).toBe(body === WIDE ? "gggg" : "mmmm");
    expect(lines()).toEqual([]);
  });

  test("a copy with other metadata shows after `keep`, though its ETag stays (W8, W18)", async () => {
    arrange(engine, CACHED);
    setFocus("0,0.5");
    const first = await etagOf();
    const middle = await etagOf(`/images/middle/${KEY}`);

    setFocus("1,0.5");
    expect(await coloursOf()).toBe("rrrr"); // fresh

    wait(KEEP + 1);
    await requestPicture(); // stale

    expect(await coloursOf()).toBe("bbbb");
    expect(await etagOf()).not.toBe(first);

    await requestPicture(`/images/middle/${KEY}`);
    expect(await etagOf(`/images/middle/${KEY}`)).toBe(middle);

    setFocus("0.001,0.5"); // as at first, to 0.01
    wait(KEEP + 1);
    await requestPicture();

    expect(await etagOf()).toEqual(first);
    expect(await coloursOf()).toBe("rrrr");
  });

  test("a copy with other metadata is not shown from the store (T1)", async () => {
    arrange(engine, { ...DIRECT, store: "RENDITIONS" });
    const copies: { metadata: Record<string, string>; expected: string }[] = [
      { metadata: { focus: "0,0.5" }, expected: "rrrr" },
      { metadata: { focus: "1,0.5" }, expected: "bbbb" },
      { metadata: {}, expected: "gggg" },
    ];

    for (const { metadata, expected } of copies) {
      setMetadata(metadata);
      expect(await coloursOf()).toBe(expected);

      const again = await requestPicture();
      expect(cacheStatus(again.headers)).toBe("stored");
    }

    expect(store.objects.size).toBe(1);
  });

  test("facts have it where the preset uses it, and nothing else of the metadata", async () => {
    arrange(engine);
    setMetadata({ focus: " 0.623,0.3", owner: "acme-ada" });
    const original = { width: 120, height: 40, type: "image/png" };
    async function facts(preset: string): Promise<unknown> {
      const answer = await requestPicture(`/images/${preset}/${KEY}?facts`);
      return answer.json();
    }

    const focus = { x: 0.62, y: 0.3 };
    const whole = { width: 60, height: 20, original: { ...original, focus } };

    expect(await facts("whole")).toEqual(whole);
    expect(await facts("part")).toMatchObject({ original: { type: "image/png", focus } });
    expect(await facts("middle")).not.toHaveProperty("original.focus");

    setFocus("0.62,-0.3");
    expect(await facts("part")).not.toHaveProperty("original.focus");
  });
});

const PURGED = `published/${KEY}`;

test("a copy while the picture is rendered shows at the next visit, and is cached (W10)", async () => {
  arrange("cf", CACHED);
  setFocus("0,0.5");
  stage.beforeEdgeRequest = (times) => {
    if (times === 0) setFocus("1,0.5");
  };

  expect(await coloursOf()).toBe("rrrr");
  expect(await coloursOf()).toBe("bbbb");
});

test("the Images binding crops by the very object that it reads (B4)", async () => {
  arrange("R2");
  setFocus("1,0.5");
  const expected = await etagOf();
  setFocus("0,0.5");

  const media = mediaOf(env) ?? expect.unreachable();
  const open = media.get;
  const replaced = (key: string, options: R2GetOptions = {}) => {
    if (!options.range) setFocus("1,0.5"); // the whole object
    return open(key, options);
  };

  Object.assign(media, { get: replaced });
  const answer = await requestPicture();

  expect(answer.headers.get("etag")).toEqual(expected);
  expect(await readColours(answer)).toBe("bbbb");
});

/** Values that are no coordinate. */
const INVALID = [
  ...["", "-0", "-0.1", "-1", "+0.5", "1.01", "1.1", "2", "62", "9".repeat(400)],
  ...["NaN", "nan", "Infinity", "-Infinity", "1e-1", "5e-1", "1E0", "0x0", "0b1", "0o1", "1n"],
  ...[".5", "5.", "0.", "1.", "00.5", "01", "0.5.0", "0..5", "0 .5", "0,5", "0;5", "0_1"],
  ...["50%", "0.5px", "left", "null", "undefined", "true", "[0]", "{}", "'0.5'", '"0.5"'],
  ...["=?UTF-8?Q?0.62?=", "=?UTF-8?B?MC42Mg==?=", "0.5;q=1", "0.5/1", "%30", "0.5\u00a0", "½"],
  ...[`0.${"1".repeat(21)}`, `0.${"0".repeat(4_000)}`, `${" ".repeat(4_000)}x`, "<b>0</b>"],
  ...["٠.٥", "０.５", "𝟎", "0\u200b", "0\0", "0\n", "0.5\t", "\u202e0.5", "\ud800"], // R2 alone
];
const HOSTILE = ["0.62,0.3, 0.62,0.3", ...INVALID].flatMap((part) => [
  ...[part, `${part},0.3`, `0.62,${part}`, `${part},${part}`, `0.62,0.3,${part}`],
  `0.62${part}0.3`,
]);
/** S3 sends it in a header. */
const isSent = (value: string) => !/[\0\n\t]|[^\0-\xff]/.test(value);

test.each(ENGINES)("with %s, 200 hostile values break no answer: the centre", async (engine) => {
  const values = engine === "R2" ? HOSTILE : HOSTILE.filter(isSent);
  expect(values.length).toBeGreaterThan(200);

  arrange(engine);
  for (const focus of values) {
    setMetadata({ focus, owner: "acme-ada" });
    expect(await coloursOf(), focus).toBe("gggg");

    const facts = await (await requestPicture(`/images/part/${KEY}?facts`)).text();
    expect(facts.includes("focus"), focus).toBe(false);
  }

  wait(60);
  await requestPicture();
  const [first, second, ...more] = lines();

  expect(first).toMatchObject({ event: "no-focus", bucket: "media", key: PURGED, times: 1 });
  expect(second?.["times"]).toEqual(2 * values.length);
  expect(more).toEqual([]);
  expect(JSON.stringify(lines())).not.toContain("acme-ada");
});

test("a wrong value is logged, cut short, and so is a missing one, apart from each other", async () => {
  arrange("cf");
  setMetadata({ focus: `9,A${"b1".repeat(9)},${"9,".repeat(1_000)}` });
  await requestPicture();
  setMetadata({});

  await requestPicture();
  await requestPicture(`/images/middle/${KEY}`);
  const line = { event: "no-focus", bucket: "media", key: PURGED, times: 1 };

  expect(lines()).toEqual([{ ...line, value: `9,…,${"9,".repeat(9)}` }, line]);
});
