// The engine "binding" in the real runtime, with the runtime's own client of Cloudflare Images: objects that are
// huge, endless, stall or are not what they say, and an Images that does. S3 and Images are other processes.

import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { SECRETS } from "../support/env.ts";
import { type Manner, type OutsideImages, startOutsideImages } from "../support/outside-images.ts";
import { type OutsideS3, PIECE, startOutsideS3 } from "../support/outside-s3.ts";
import { builtWorker, type Running, start } from "../support/workerd.ts";

const MB = 1_000_000;
/** What S3 may have sent of an object that is refused: what the binding reads (B1), and what waits on the way. */
const MAX_SENT = 28 * MB;
/** How much more memory workerd may need for a request than it ever needed before. Workers have 128 MB. */
const MAX_MEMORY = 64 * MB;
const WORKER_MEMORY = 128 * MB;

let s3: OutsideS3;
let images: OutsideImages;
/** A Worker whose visitors wait for 30 s, and one whose visitors wait for 1 s: for what never comes. */
let patient: Running;
let hasty: Running;
let log = "";
let before = 0;

beforeAll(async () => {
  [s3, images] = await Promise.all([startOutsideS3(), startOutsideImages()]);
  const service = { endpoint: "https://s3.eu-west-1.amazonaws.com", region: "eu-west-1" };
  const vars = {
    ...SECRETS,
    BUCKETS: { media: { ...service, bucket: "acme-media", engine: "binding" } },
    ROUTES: [{ path: "/images/:preset/*", object: "media/*" }],
    PRESETS: { card: { width: 160, height: 160, fit: "cover" } },
  };
  const outside = { outside: s3.address, images: images.address };
  const keep = (text: string) => {
    log += text;
  };
  const run = (timeout: number) =>
    start(builtWorker({ ...vars, ANSWERS: { timeout, keep: 0 } }), { ...outside, log: keep });
  [patient, hasty] = await Promise.all([run(30), run(1)]);

  // The first request loads what all need, for which the runtime takes 20 to 40 MB.
  images.behave("makes");
  await get("1");
});
afterAll(async () => {
  await Promise.all([patient.stop(), hasty.stop()]);
  s3.close();
  images.close();
});
beforeEach(() => {
  images.behave("makes");
  log = "";
  before = patient.peak();
});

async function get(name: string, worker = patient) {
  const accept = "image/webp,*/*";
  const url = `http://127.0.0.1:${worker.port}/images/card/${name}`;
  const answer = await fetch(url, { headers: { accept } });
  const body = Buffer.from(await answer.arrayBuffer());
  return { status: answer.status, type: answer.headers.get("content-type"), body };
}

/** How a test ends: nothing of the original is out, and S3 and the memory were not used without limit. */
function expectBounds({ body }: Awaited<ReturnType<typeof get>>): void {
  expect(body.includes(PIECE)).toBe(false);
  expect(log).not.toContain(`${PIECE}`);
  expect(s3.sent().bytes).toBeLessThan(MAX_SENT);
  expect(patient.peak() - before).toBeLessThan(MAX_MEMORY);
}

test("an ordinary object is shown", async () => {
  for (const size of ["1", "5", "19"]) {
    const answer = await get(size);
    expect([answer.status, answer.type]).toEqual([200, "image/webp"]);
    expectBounds(answer);
  }
});

test.for([
  ["100-MB", 415],
  ["21", 415],
  ["endless", 415],
  ["shorter-than-it-says", 502],
  ["says-two-lengths", 502],
  ["is-html", 415],
  ["is-svg", 415],
  ["is-pdf", 415],
  ["is-empty", 415],
  ["is-2-bytes", 415],
  ["bomb", 415],
  ["bomb-as-deflate", 415],
  ["is-elsewhere", 502],
  ["is-a-part", 502],
] as const)("an object that %s is a %i, in bounded time and memory", async ([name, status]) => {
  const refused = await get(name);
  expectBounds(refused);
  expect([refused.status, refused.type]).toEqual([status, "text/plain; charset=utf-8"]);
});

test("objects that stall are given up when the visitor's time is over", async () => {
  const names = ["stalls-after-half", "says-nothing", "says-nothing-more"];
  for (const refused of await Promise.all(names.map((name) => get(name, hasty)))) {
    expect(refused.status).toBe(504);
    expectBounds(refused);
  }
});

test("an Images that stalls is given up when the visitor's time is over", async () => {
  images.behave("stalls after half");
  const refused = await get("1", hasty);
  expectBounds(refused);
  expect(refused.status).toBe(504);
});

test("what follows the length of an object is never read", async () => {
  const answer = await get("longer-than-it-says");
  expectBounds(answer);
  expect(answer.status).toBe(200);
});

test.for([
  ["never ends", 502],
  ["gives the original", 502],
  ["gives the original as another type", 502],
  ["breaks off", 502],
  ["fails with 9412", 415],
] satisfies [Manner, number][])("where Images %s, the answer is %i", async ([manner, status]) => {
  images.behave(manner);
  const refused = await get("1");
  expectBounds(refused);
  expect([refused.status, refused.type]).toEqual([status, "text/plain; charset=utf-8"]);
});

test("a whole page of the largest objects needs no more memory than a Worker has", async () => {
  const all = await Promise.all(Array.from({ length: 4 }, () => get("19")));
  for (const { status } of all) expect(status).toBe(200);
  expect(patient.peak() - before).toBeLessThan(WORKER_MEMORY);
});

test("the Worker still shows images after all of that", async () => {
  expect((await get("2")).status).toBe(200); // not "1": Images could not read it a moment ago
});
