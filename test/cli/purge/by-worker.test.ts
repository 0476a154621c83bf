// vitrine purge with the token of the Worker: the whole Worker answers, behind the strict cache.

import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { readVars } from "../../../src/cli/project/read-vars.ts";
import { apiError, createCloudflare, type Trouble, ZONE_ID } from "../../support/cli/cloudflare.ts";
import { type Given, vitrine } from "../../support/cli/vitrine.ts";
import { stopClock, watchWork } from "../../support/clock.ts";
import { CLOUDFLARE_API_TOKEN, PURGE_TOKEN, SECRETS } from "../../support/env.ts";
import { copyWithDomain, removeCopies } from "../../support/local-run.ts";
import { get, stage } from "../../support/play.ts";
import { file, network } from "../../support/stand.ts";

const SITE = "https://images.example.com";
const some = (many: number) => Array.from({ length: many }, (_, at) => `photos/${at}.jpg`);
const KEY = "keys/who? #1 100%/日本.jpg";

let folder = "";
beforeAll(() => {
  folder = copyWithDomain();
});
afterAll(removeCopies);

let cloudflare = createCloudflare();

function arrange(trouble: Trouble = () => undefined): void {
  cloudflare = createCloudflare(async (call, index) => {
    const refused = await trouble(call, index);
    if (refused) return refused;
    for (const url of call.files) stage.edge.purge(url);
    return Response.json({ success: true, result: [] });
  });
  network.use(...cloudflare.handlers);
  network.use(
    http.all(`${SITE}/*`, async ({ request }) => {
      const { method, headers } = request;
      const body = method === "GET" ? null : await request.text();
      return get(request.url, { method, headers: new Headers(headers), body }, env());
    }),
  );
}

const FULL = { PURGE_TOKEN, CLOUDFLARE_API_TOKEN, ZONE_ID };
let isolate: object = {};
const env = () => isolate;

/** Deploys the Worker with these secrets. */
function deploy(secrets: object): void {
  const known = readVars(folder);
  if ("fault" in known) throw new Error(known.fault);
  isolate = { ...known.deployed, ...SECRETS, ...secrets };
}

beforeEach(() => {
  deploy(FULL);
  arrange();
});

const purge = (args: readonly string[], tokens: Record<string, string>, given: Given = {}) =>
  vitrine(["purge", ...args], { folder, env: tokens, ...given });
const put = (name: string) =>
  stage.s3.objects.set(`published/${KEY}`, { body: file(name), type: "image/jpeg" });

async function show(): Promise<string | null> {
  const path = `/images/card/${KEY.split("/").map(encodeURIComponent).join("/")}`;
  const answer = await get(path, {}, env());
  expect(answer.status).toBe(200);
  return answer.headers.get("etag");
}

/** Lets a second pass, also for the cache, each time that only the clock is waited for. */
function hurry(): void {
  const finishWork = watchWork();
  let isOver = false;
  stopClock();
  onTestFinished(() => {
    isOver = true;
  });
  const run = async () => {
    while (!isOver) {
      stage.clock.now = Date.now();
      await finishWork();
      if (!isOver) vi.advanceTimersByTime(1_000);
    }
  };
  void run();
}

test.each<[string, Record<string, string>, object, calls: number]>([
  ["the Worker's token alone, where the Worker has that of the API", { PURGE_TOKEN }, FULL, 1],
  ["both tokens", { PURGE_TOKEN, CLOUDFLARE_API_TOKEN }, { PURGE_TOKEN }, 1],
])("%s: the next visitor sees the new object (W10, C3)", async (_what, tokens, secrets, calls) => {
  deploy(secrets);
  put("made/key.jpg");
  const old = await show();
  put("made/rotated-gps.jpg");
  const zone = ["--zone", ZONE_ID];
  const ended = await purge([KEY, ...zone], tokens);
  expect(ended).toMatchObject({ code: 0, out: "" });
  expect(ended.err).toContain(`Purging 1 object in the cache of ${SITE}.\nPurged 1 of 1 object`);
  expect(ended.err).not.toContain("was not purged");
  expect(await show()).not.toBe(old);
  expect(cloudflare.calls).toHaveLength(calls);
});

test("the API's token alone: the Worker's cache is told as not purged (W10)", async () => {
  put("made/key.jpg");
  const old = await show();
  put("made/rotated-gps.jpg");
  const ended = await purge([KEY, "--zone", ZONE_ID], { CLOUDFLARE_API_TOKEN });
  expect(ended.code).toBe(0);
  expect(ended.err).toMatch(/Workers Cache was not purged: .* up to 3600 s \(keep\)/);
  expect(await show()).toBe(old);
});

test("where nobody purges the edge, the keys are on stdout, and what to do is told", async () => {
  deploy({ PURGE_TOKEN });
  const ended = await purge([KEY, "a.jpg"], { PURGE_TOKEN });
  expect(ended).toMatchObject({ code: 2, out: `${KEY}\na.jpg\n` });
  expect(ended.err).toMatch(/2: edge: not purged: CLOUDFLARE_API_TOKEN and ZONE_ID are missing/);
});

test("a version of a signed URL needs the API's token", async () => {
  const ended = await purge([KEY, "--v", "7"], { PURGE_TOKEN });
  expect(ended).toMatchObject({ code: 2, out: `${KEY}\n` });
  expect(ended.err).toContain("1: edge: the Worker knows no versions of signed URLs");
});

test("what the edge keeps is not purged in the Worker's cache, and is on stdout (C3)", async () => {
  put("made/key.jpg");
  const old = await show();
  put("made/rotated-gps.jpg");
  arrange(() => apiError(403, 10000, "Authentication error"));
  for (const tokens of [{ PURGE_TOKEN }, { PURGE_TOKEN, CLOUDFLARE_API_TOKEN }]) {
    const ended = await purge([KEY, "--zone", ZONE_ID], tokens);
    expect(ended).toMatchObject({ code: 2, out: `${KEY}\n` });
    expect(ended.err).toMatch(/1: (?:Worker: edge: Cloudflare's API answers )?403/);
    expect(await show()).toBe(old);
  }
});

test.each([["--bucket", "media"], ["--everything"]])(
  "%s purges the Worker's cache, and says that the edge is not purged (W10)",
  async (...args) => {
    put("made/key.jpg");
    await show();
    const { runs } = stage.cache;
    const before = runs.length;
    await show();
    expect(runs).toHaveLength(before);
    expect((await purge([...args, "--dry-run"], { PURGE_TOKEN })).code).toBe(0);
    await show();
    expect(runs).toHaveLength(before);
    const ended = await purge(args, { PURGE_TOKEN });
    expect(ended).toMatchObject({ code: 0, out: "" });
    expect(ended.err).toMatch(
      /^Purged (?:bucket media|everything) in the cache of .*\nThe edge is not purged: /,
    );
    await show();
    expect(runs.length).toBeGreaterThan(before);
    expect(cloudflare.calls).toEqual([]);
  },
);

test.each<[string, string[], Record<string, string>, number, RegExp]>([
  ["an unknown bucket", ["--bucket", "acme"], { PURGE_TOKEN }, 2, /no such bucket. There is media/],
  [
    "the API's token",
    ["--everything"],
    { CLOUDFLARE_API_TOKEN },
    2,
    /PURGE_TOKEN is missing.*into the environment/,
  ],
  ["keys", ["--everything", KEY], { PURGE_TOKEN }, 3, /one of them alone/],
  ["both", ["--everything", "--bucket", "media"], { PURGE_TOKEN }, 3, /one of them alone/],
])("a whole bucket is not purged with %s", async (_what, args, tokens, code, said) => {
  const ended = await purge(args, tokens);
  expect(ended.code).toBe(code);
  expect(ended.err).toMatch(said);
});

test("4,000 keys: it waits as the rate limit says, and all are purged (W10)", async () => {
  hurry();
  const keys = some(4_000);
  const ended = await purge(["-"], { PURGE_TOKEN }, { stdin: keys.join("\n") });
  expect(ended).toMatchObject({ code: 0, out: "" });
  expect(ended.err).toContain("The Worker asks to wait for 60 s.");
  expect(ended.err).toMatch(/\nPurged 4,000 of 4,000 objects in \d+ min/);
  expect(new Set(cloudflare.calls.flatMap(({ files }) => files)).size).toBe(4_000);
});

test.each<[string, () => Response, RegExp]>([
  ["401", () => new HttpResponse("", { status: 401 }), /PURGE_TOKEN at hand is not the Worker's/],
  ["404", () => new HttpResponse("", { status: 404 }), /the Worker has no PURGE_TOKEN/],
  ["405", () => new HttpResponse("", { status: 405 }), /older than POST \/purge/],
  ["a page", () => HttpResponse.html("<title>Hello</title>"), /answers 200/],
  ["a redirect", () => HttpResponse.redirect("https://evil.example/"), /answers 302/],
  ["JSON of others", () => HttpResponse.json({ ok: true }), /answers 200/],
  [
    "its own token",
    () =>
      HttpResponse.json({
        ok: false,
        not_purged: [{ object: "media/a.jpg", reason: PURGE_TOKEN }],
      }),
    /Worker: …/,
  ],
  [
    "names of others",
    () =>
      HttpResponse.json({ ok: false, not_purged: [{ object: "\u001b]0;x\u0007", reason: "" }] }),
    /answers about other objects/,
  ],
  ["nothing", () => HttpResponse.error(), /no answer from/],
])("a site that answers %s: no key is taken for purged", async (_what, answer, said) => {
  hurry();
  let asked = 0;
  network.use(
    http.post(`${SITE}/purge`, () => {
      asked += 1;
      return answer();
    }),
  );
  const ended = await purge(["-"], { PURGE_TOKEN }, { stdin: ["a.jpg", ...some(500)].join("\n") });
  expect(ended.code).toBe(2);
  expect(ended.out.trim().split("\n")).toHaveLength(501);
  expect(ended.out).not.toContain("\u001b");
  expect(ended.err).toMatch(said);
  expect(asked).toBeLessThan(7);
});

test.each<[string, string[], Record<string, string>, RegExp]>([
  ["a short token", [], { PURGE_TOKEN: "short" }, /PURGE_TOKEN is not 32 or more/],
  ["another host", ["--url", "https://evil.example"], { PURGE_TOKEN }, /is no route/],
  [
    "no token",
    [],
    {},
    /^PURGE_TOKEN is missing, and so is CLOUDFLARE_API_TOKEN\. .*docs\/purge-and-warm\.md#purge$/m,
  ],
])("with %s nothing is sent", async (_what, args, tokens, said) => {
  network.use(
    http.all(/./, () => {
      throw new Error("nothing may be sent");
    }),
  );
  const ended = await purge([KEY, ...args], tokens);
  expect(ended.code).toBe(2);
  expect(ended.err).toMatch(said);
});
