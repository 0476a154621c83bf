// The engine "binding" when many visitors ask for large objects at once: never more of them in the memory than an isolate
// can hold, and whoever has to wait for too long gets an older picture, or is asked to come back.

import sharp from "sharp";
import { beforeEach, expect, test, vi } from "vitest";
import { createR2 } from "../../../src/emulator/r2/r2.ts";
import { file } from "../../support/emulators.ts";
import { type Env, envOf } from "../../support/engines.ts";
import { VARS } from "../../support/env.ts";
import {
  forgetCached,
  get,
  getAndSettle,
  lines,
  settle,
  stopDate,
  wait,
} from "../../support/run-worker.ts";

const MB = 1_000_000;

const JPEG = file("made/key.jpg");
const PICTURE = await sharp({ create: { width: 9, height: 9, channels: 3, background: "red" } })
  .jpeg()
  .toBuffer();

/** Objects by their keys: how many bytes they have, a picture and zeros behind its end. */
let lengths: Map<string, number>;

/** A bucket of R2 that makes the bytes of its objects when they are read. */
const BUCKET = {
  head: async () => null,
  list: async () => ({ objects: [], truncated: false }),
  get: async (key: string, { range }: { range?: { offset: number; length: number } } = {}) => {
    const size = lengths.get(key.replace("published/", "")) ?? 0;
    const { offset = 0, length = size } = range ?? {};
    const described = { etag: `of-${size}`, size, uploaded: new Date(0) };
    return { ...described, body: bytesOf(offset, Math.min(length, size - offset)) };
  },
};

const ZEROS = new Uint8Array(MB);

function bytesOf(offset: number, length: number): ReadableStream<Uint8Array> {
  const first = JPEG.slice(offset, offset + length);
  let left = length - first.length;

  return new ReadableStream({
    start: (controller) => controller.enqueue(first),
    pull(controller) {
      if (left === 0) return controller.close();

      const next = Math.min(left, MB);
      left -= next;
      controller.enqueue(ZEROS.subarray(0, next));
    },
  });
}

/** How many bytes of originals the binding holds, at most at a time. */
let max = 0;
let held = 0;
/** What each rendering waits for, once it has read its original. */
let gate: Promise<unknown> = Promise.resolve();
let isOpen = true;
let open = (): void => {};

const immediate = () => new Promise((resolve) => setImmediate(resolve));

async function readOriginal(stream: ReadableStream<Uint8Array>): Promise<void> {
  let length = 0;
  try {
    for await (const chunk of stream) {
      length += chunk.length;
      held += chunk.length;
      max = Math.max(max, held);
    }

    await gate;
    for (let turns = 0; turns < 20; turns++) await immediate();
  } finally {
    held -= length;
  }
}

const IMAGES = {
  info: async () => ({ format: "image/jpeg", width: 160, height: 160, fileSize: 1 }),
  input(stream: ReadableStream<Uint8Array>) {
    const chain = {
      transform: () => chain,
      draw: () => chain,
      output: async () => {
        await readOriginal(stream);
        return { image: () => new Blob([new Uint8Array(PICTURE)]).stream() };
      },
    };

    return chain;
  },
};

const NAMES = Array.from({ length: 7 }, (_, at) => `p${at}`);
const OWN_PRESETS = NAMES.map((name, at) => [name, { width: 100 + at, format: "jpeg" }]);
const PRESETS = { ...VARS.PRESETS, ...Object.fromEntries(OWN_PRESETS) };

function envWith(vars: object = {}): Env {
  return envOf("R2", { IMAGES, PRESETS, MEDIA_BUCKET: BUCKET, ...vars });
}

beforeEach(() => {
  [max, held] = [0, 0];
  lengths = new Map([["large.jpg", 19 * MB]]);
  [gate, isOpen] = [Promise.resolve(), true];
  stopDate();
  // It gives the turn to others. Time passes by `wait` alone.
  vi.stubGlobal("scheduler", { wait: immediate });
});

/** Renderings wait from now on, until `open()`. */
function closeGate(): void {
  isOpen = false;
  gate = new Promise((resolve) => {
    open = () => {
      isOpen = true;
      resolve(undefined);
    };
  });
}

/** Lets time pass until an answer is there. */
async function waitOut(answer: Promise<Response>): Promise<void> {
  let isThere = false;
  answer.then(() => {
    isThere = true;
  });

  for (let steps = 0; steps < 29 && !isThere; steps++) {
    for (let turns = 0; turns < 50; turns++) await immediate();
    wait(0.5);
  }

  for (let turns = 0; turns < 50; turns++) await immediate();
}

/** Fills the memory with originals of two visitors, whose pictures come when the gate opens. */
async function fillMemory(): Promise<Promise<Response>[]> {
  const patient = envWith({ ANSWERS: { ...VARS.ANSWERS, timeout: 30 } });
  closeGate();
  const answers = ["p5", "p6"].map((name) => get(`/images/${name}/large.jpg`, {}, patient));
  await vi.waitUntil(() => held === 38 * MB, { interval: 1, timeout: 30_000 });
  expect(isOpen).toBe(false);
  return answers;
}

/** Visits while the memory is full, until the timeout is over. */
async function getWithoutRoom(path: string, env: Env): Promise<Response> {
  const others = await fillMemory();
  const answer = get(path, {}, env);
  await waitOut(answer);

  open();
  await Promise.all(others);
  await settle();

  return answer;
}

test("six visitors of 19 MB each get their pictures, and never more than 40 MB are in the memory", async () => {
  const env = envWith();
  const answers = await Promise.all(
    NAMES.slice(0, 6).map((name) => get(`/images/${name}/large.jpg`, {}, env)),
  );
  expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 200, 200, 200]);
  expect(max).toBe(38 * MB);
});

test("whoever finds no room until the end of the timeout is asked to come back", async () => {
  const env = envWith();
  const others = await fillMemory();

  const refused = get("/images/p0/large.jpg", {}, env);
  await waitOut(refused);
  const answer = await refused;
  const { status, headers } = answer;

  expect(status).toBe(503);
  expect(await answer.text()).toBe("Not available now\n");
  expect(headers.get("retry-after")).toBe("5");
  expect(headers.get("cache-control")).toBe("no-store");
  expect(lines()).toMatchObject([{ event: "too-busy", answered: 503 }]);

  open();
  for (const { status: other } of await Promise.all(others)) expect(other).toBe(200);
  expect((await get("/images/p0/large.jpg", {}, env)).status).toBe(200);
});

test("facts need room for the original twice, since the binding reads it twice", async () => {
  const patient = envWith({ ANSWERS: { ...VARS.ANSWERS, timeout: 30 } });
  closeGate();
  const other = get("/images/p5/large.jpg", {}, patient);
  await vi.waitUntil(() => held === 19 * MB, { interval: 1, timeout: 30_000 });

  const ROUTES = [{ path: "/facts/:preset/*", object: "media/*", facts: true }];
  const facts = get("/facts/p0/large.jpg?facts", {}, envWith({ ROUTES }));
  await waitOut(facts);
  open();

  expect((await facts).status).toBe(503);
  expect((await other).status).toBe(200);
});

test("an older picture of the store is shown to whoever finds no room, for a minute", async () => {
  const store = createR2();
  const env = envWith({ RENDITIONS: store, ANSWERS: { ...VARS.ANSWERS, store: "RENDITIONS" } });
  lengths.set("replaced.jpg", MB);

  expect((await getAndSettle("/images/p0/replaced.jpg", {}, env)).status).toBe(200);

  forgetCached();
  wait(3600); // what was stored a moment ago may be on its way out
  lengths.set("replaced.jpg", 19 * MB);

  const { status, headers } = await getWithoutRoom("/images/p0/replaced.jpg", env);
  expect(status).toBe(200);
  expect(headers.get("server-timing")).toBe("cache;desc=stored");
  expect(headers.get("cache-control")).toBe("public, max-age=60");
});

test("an older picture of Workers Cache is shown to whoever finds no room", async () => {
  const env = envWith({ ANSWERS: { ...VARS.ANSWERS, keep: 60, stale: 60 } });
  lengths.set("replaced.jpg", MB);
  expect((await getAndSettle("/images/p0/replaced.jpg", {}, env)).status).toBe(200);

  lengths.set("replaced.jpg", 19 * MB);
  wait(3600);

  const { status, headers } = await getWithoutRoom("/images/p0/replaced.jpg", env);
  expect(status).toBe(200);
  expect(headers.get("server-timing")).toBe("cache;desc=stale");
});

test.for([
  [
    "the binding throws",
    {
      ...IMAGES,
      input: () => {
        throw new Error("gone");
      },
    },
  ],
  [
    "the binding gives the original",
    {
      ...IMAGES,
      input: (stream: ReadableStream) => {
        const chain = {
          transform: () => chain,
          draw: () => chain,
          output: async () => ({ image: () => stream }),
        };
        return chain;
      },
    },
  ],
] as const)("where %s, nothing of the memory is lost", async ([, images]) => {
  vi.stubGlobal("scheduler", { wait: async (ms: number) => wait(ms / 1000) });
  const broken = envWith({ IMAGES: images });
  for (const name of NAMES) {
    expect((await get(`/images/${name}/large.jpg`, {}, broken)).status).toBe(502);
  }
  expect((await get("/images/p0/large.jpg", {}, envWith())).status).toBe(200);
});
