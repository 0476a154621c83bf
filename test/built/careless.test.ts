// Why there is a strict edge: Workers that work in `wrangler dev` and fail in production.

import { join } from "node:path";
import sharp from "sharp";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { createTestHarness } from "wrangler";
import type { EdgeSettings } from "../../src/emulator/edge/settings.ts";
import { ROOT } from "../support/built.ts";
import { BASE, CREDENTIALS } from "../support/env.ts";
import { file, network, setUp } from "../support/stand.ts";
import worker, { CARELESS } from "./careless.ts";

type Name = keyof typeof CARELESS;

const AVIF = "image/avif,*/*";
const env = {
  BASE: `${BASE}published/`,
  ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  SESSION_KEY_ID: "ASIAEXAMPLE",
  SESSION_TOKEN: "a token",
};

/** Sets up an edge and a bucket that accepts the keys of these Workers. */
function standFor(settings: Partial<EdgeSettings> = {}) {
  const stand = setUp(settings);
  const { secretAccessKey } = CREDENTIALS;
  const session = { secretAccessKey, sessionToken: env.SESSION_TOKEN, expires: Infinity };
  stand.sessions.set(env.SESSION_KEY_ID, session);
  return stand;
}

beforeAll(() => network.listen());
afterAll(() => network.close());

describe("wrangler dev shows no fault of a Worker that", () => {
  const main = join(ROOT, "test/built/careless.ts");
  const config = { name: "careless", main, compatibility_date: "2026-11-01", vars: env };
  const server = createTestHarness({ root: ROOT, workers: [{ config }] });
  beforeAll(async () => {
    await server.listen();
  });
  afterAll(() => server.close());

  test.each(Object.keys(CARELESS))("%s", async (name) => {
    standFor();
    for (let times = 0; times < 3; times++) {
      const answer = await server.fetch(`/${name}/key.jpg`, { headers: { accept: AVIF } });
      expect(answer.headers.get("cf-resized")).toMatch(/^internal=ok/);
      const { width, height } = await sharp(await answer.arrayBuffer()).metadata();
      expect([answer.status, width, height]).toEqual([200, 160, 160]);
    }
  });
});

describe("in production", () => {
  let stand: ReturnType<typeof setUp>;

  /** Sends a request to a careless Worker on the strict edge. */
  async function ask(name: Name, accept = AVIF): Promise<Response> {
    const send = globalThis.fetch;
    const spy = vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
      return init?.cf === undefined ? send(input, init) : stand.edge.fetch(`${input}`, init);
    });
    const request = new Request(`https://images.example/${name}/key.jpg`, { headers: { accept } });
    const answer = await worker.fetch(request, env);
    spy.mockRestore();
    return answer;
  }

  const outcome = ({ status, headers }: Response) => [status, headers.get("cf-resized")];

  test.each<[Name, string]>([
    ["signs-accept", "E3"],
    ["sends-a-session-token", "A11"],
    ["leaves-out-origin-auth", "E2"],
  ])("a Worker that %s gets 9408 with 403 (%s)", async (name) => {
    stand = standFor();
    const answer = await ask(name);
    expect(outcome(answer)).toEqual([403, "err=9408"]);
    expect(await answer.text()).toMatch(/^ERROR 9408: .*HTTP error 403$/);
    expect(stand.s3.requests).toHaveLength(1);
  });

  test("a Worker that asks for format auto gets 9401 with 400 (O6)", async () => {
    stand = standFor();
    expect(outcome(await ask("asks-for-format-auto"))).toEqual([400, "err=9401"]);
    expect(stand.s3.requests).toEqual([]);
  });

  test("or it sends the first browser's format to browsers that cannot read it (O6)", async () => {
    stand = standFor({ formatAuto: "first-come" });
    for (const accept of [AVIF, "*/*"]) {
      const answer = await ask("asks-for-format-auto", accept);
      expect(answer.headers.get("content-type")).toBe("image/avif");
    }
  });

  test("a Worker without a guard sends the original, with 200, when transformations are off (R2)", async () => {
    stand = standFor({ transformations: false });
    const answer = await ask("has-no-guard");
    expect(outcome(answer)).toEqual([200, null]);
    expect(new Uint8Array(await answer.arrayBuffer())).toEqual(file("made/key.jpg"));
  });

  test("a Worker that presigns URLs pays for a new transformation each second, and ends with 9422 (C2, L2)", async () => {
    stand = standFor({ quota: 3 });
    vi.useFakeTimers({ toFake: ["Date"] });
    const outcomes: unknown[] = [];
    for (let second = 0; second < 4; second++) {
      outcomes.push(outcome(await ask("presigns")));
      vi.setSystemTime(Date.now() + 1000);
    }
    vi.useRealTimers();
    const made = [200, expect.stringMatching(/^internal=ok/)];
    expect(outcomes).toEqual([made, made, made, [429, "err=9422"]]);
    expect(stand.s3.requests).toHaveLength(3);
  });
});
