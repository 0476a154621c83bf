// The whole Worker as a function, on the strict edge with a private S3 behind it.

import { hash } from "node:crypto";
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import type { EdgeSettings } from "../../src/emulator/edge/edge.ts";
import worker from "../../src/worker/index.ts";
import { ENV } from "./env.ts";
import { overhear, overhearAnswer } from "./overheard.ts";
import { network, setUp } from "./stand.ts";

/** What a browser of today sends with the request for an image. */
export const MODERN = { accept: "image/avif,image/webp,image/*,*/*;q=0.8" };

/** What no answer may hold, whatever the test; for secrets see overheard.ts. */
const PRIVATE = ["acme-media", "published/", "amazonaws", "AmazonS3", "x-amz", "<Code>", "ERROR 9"];

/** What the Worker did in the test that runs, and what it met. */
export const stage = {
  ...setUp(),
  /** Is called before the edge is asked, with the number of times it was before. */
  before: (_times: number): void => {},
  /** What the edge was asked for. */
  asked: [] as { request: Request; image: RequestInitCfPropertiesImage }[],
  /** What was logged. */
  logged: [] as { level: "info" | "warn" | "error"; line: Record<string, unknown> }[],
  /** What the Worker asked of S3 itself. */
  probes: [] as Request[],
  /** What the Worker does when it has answered. */
  after: [] as Promise<unknown>[],
};
/** The vars and secrets of an isolate, which remembers nothing of the tests before. */
let isolate: object = { ...ENV };
let answered: { head: string; body: Buffer }[] = [];

/** The lines that were logged. */
export const lines = () => stage.logged.map(({ line }) => line);

/** Lets time pass, for the Worker and for S3, where the clock of the test is a stand-in. */
export function wait(seconds: number): void {
  vi.setSystemTime(Date.now() + seconds * 1000);
  stage.clock.now = Date.now();
}

/** An edge with other switches, an S3 with nothing wrong, and a Worker just started. */
export function arrange(settings: Partial<EdgeSettings> = {}): void {
  Object.assign(stage, setUp(settings));
  isolate = { ...ENV };
}

beforeAll(() => network.listen());
afterAll(() => network.close());
beforeEach(() => {
  arrange();
  stage.before = () => {};
  stage.asked = [];
  stage.logged = [];
  stage.probes = [];
  stage.after = [];
  answered = [];
  for (const level of ["info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((line: string) => {
      overhear("logged", line);
      stage.logged.push({ level, line: JSON.parse(line) });
    });
  }
  // What the Worker fetches goes to the edge, and what the edge fetches to the network.
  const send = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    if (init?.cf === undefined) {
      const request = new Request(input instanceof Request ? input.clone() : input, init);
      if (request.headers.has("range")) stage.probes.push(request);
      return send(input, init);
    }
    stage.before(stage.asked.length);
    stage.asked.push({ request: new Request(input, init), image: init.cf.image ?? {} });
    return stage.edge.fetch(`${input}`, init);
  });
});
afterEach(async ({ task }) => {
  await Promise.all(stage.after);
  if (task.result?.state === "fail") {
    process.stderr.write(`The Worker logged: ${JSON.stringify(stage.logged).slice(0, 4096)}\n`);
  }
  const different = new Map(
    answered.map((answer) => [`${answer.head}${sha1(answer.body)}`, answer]),
  );
  for (const { head, body } of different.values()) {
    expect(PRIVATE.filter((word) => head.includes(word) || body.includes(word))).toEqual([]);
    if (head.includes("image/svg+xml")) continue; // R8: all of it but what could do harm
    expect(originalsIn(body)).toEqual([]);
  }
});

const sha1 = (bytes: Uint8Array) => hash("sha1", bytes);

/** The keys of the objects of which a body has the whole or a part. */
function originalsIn(body: Buffer): string[] {
  return [...stage.s3.objects].flatMap(([key, { body: original }]) => {
    const half = original.length / 2;
    const middle = Buffer.from(original.subarray(half, half + 48));
    // Not for a picture of one colour: its renditions have the same bytes.
    const isTelling = new Set(middle).size > 8;
    const isIn =
      (isTelling && body.includes(middle)) || (original.length > 0 && body.equals(original));
    return isIn ? [key] : [];
  });
}

/**
 * Asks the Worker.
 * @param path or a whole URL
 * @param env the vars and secrets, for a test with presets or routes of its own: `{ ...ENV, PRESETS, ROUTES }`
 */
export async function get(
  path: string,
  init: RequestInit = {},
  env: object = isolate,
): Promise<Response> {
  const url = path.startsWith("/") ? `https://images.example${path}` : path;
  const request = new Request(url, init);
  const context = { waitUntil: (work: Promise<unknown>) => void stage.after.push(work) };
  const answer = await worker.fetch(request, env, context);
  answered.push(await overhearAnswer(answer));
  return answer;
}
