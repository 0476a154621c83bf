// vitrine purge with the token of the Worker: the whole Worker answers, behind the strict cache.

import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { expectGolden } from "../../support/cli/golden.ts";
import { readProject } from "../../support/cli/run-init.ts";
import { type CommandResult, vitrine, type WorldOptions } from "../../support/cli/vitrine.ts";
import { stopClock, watchWork } from "../../support/clock.ts";
import { file, network } from "../../support/emulators.ts";
import { PURGE_TOKEN, SECRETS } from "../../support/env.ts";
import { copyWithDomain, removeCopies } from "../../support/local-run.ts";
import { get, stage } from "../../support/run-worker.ts";

const SITE = "https://images.example.com";
const some = (many: number) => Array.from({ length: many }, (_, at) => `photos/${at}.jpg`);
const KEY = "keys/who? #1 100%/日本.jpg";

let folder = "";
beforeAll(() => {
  folder = copyWithDomain();
});
afterAll(removeCopies);

let env: object = {};

beforeEach(() => {
  env = { ...readProject(folder).deployed, ...SECRETS, PURGE_TOKEN };
  network.use(
    http.all(`${SITE}/*`, async ({ request }) => {
      const { method, headers } = request;
      const body = method === "GET" ? null : await request.text();
      return get(request.url, { method, headers: new Headers(headers), body }, env);
    }),
  );
});

const purge = (args: readonly string[], tokens: Record<string, string>, world: WorldOptions = {}) =>
  vitrine(["purge", ...args], { folder, env: tokens, ...world });
const put = (name: string) =>
  stage.s3.objects.set(`published/${KEY}`, { body: file(name), type: "image/jpeg" });

async function show(): Promise<string | null> {
  const path = `/images/card/${KEY.split("/").map(encodeURIComponent).join("/")}`;
  const answer = await get(path, {}, env);
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

test.each([["--bucket", "media"], ["--everything"]])("%s is purged (W10)", async (...args) => {
  put("made/key.jpg");
  await show();
  const { runs } = stage.cache;
  const before = runs.length;
  await show();
  expect(runs).toHaveLength(before);
  hurry();
  const ended = await purge(args, { PURGE_TOKEN });
  expect(ended).toMatchObject({ code: 0, out: "" });
  expect(ended.err).toMatch(/\nPurged (?:media\/)?\* of .*\n$/);
  await show();
  expect(runs.length).toBeGreaterThan(before);
});

/** An avatar has two routes: one of all presets, one of thumbnails. */
const AVATAR = "users/ada/avatar.png";

test("--verify asks for every variant in every format, and finds nothing of a deleted object", async () => {
  const body = file("made/rotated-gps.jpg");
  stage.s3.objects.set(`published/${AVATAR}`, { body, type: "image/jpeg" });
  const paths = ["/images/card", "/images/hero@640w"].map((path) => `${path}/${AVATAR}`);
  for (const path of [...paths, "/avatars/ada/thumbnail"]) {
    expect((await get(path, {}, env)).status).toBe(200);
  }
  stage.s3.objects.delete(`published/${AVATAR}`);
  const requested = new Set<string>();
  network.use(
    http.get(`${SITE}/*`, ({ request: { url, headers } }) => {
      requested.add(`${new URL(url).pathname} ${headers.get("accept")?.split(",", 1)}`);
    }),
  );
  hurry();
  const ended = await purge([AVATAR, "--verify"], { PURGE_TOKEN });
  expect(ended).toMatchObject({ code: 0, out: "" });
  expect(ended.err).toContain(`Nothing comes: ${requested.size} answers, all 404.\n`);
  for (const path of paths) {
    for (const type of ["avif", "png"]) expect(requested).toContain(`${path} image/${type}`);
  }
});

test("--verify names a single rendition that comes, or is not known", async () => {
  hurry();
  stage.s3.objects.delete(`published/${AVATAR}`);
  const headers = { "content-type": "image/avif", "server-timing": "cache;desc=stored" };
  for (const [answer, title] of [
    [() => new HttpResponse("an image", { headers }), "still comes"],
    [() => new HttpResponse("Bad gateway", { status: 502 }), "not known"],
  ] as const) {
    network.use(
      http.get(`${SITE}/images/card@2x/*`, ({ request }) =>
        request.headers.get("accept")?.includes("avif") ? answer() : undefined,
      ),
    );
    const { code, err } = await purge([AVATAR, "--verify"], { PURGE_TOKEN });
    const named = err.match(/^ {2}.*$/gm);
    expect([code, named]).toEqual([1, [expect.stringContaining(`  ${title}: /images/card@2x/`)]]);
  }
});

test("a site that answers something else: no key is taken for purged", async () => {
  hurry();
  const results: [string, CommandResult][] = [];
  for (const [title, answer] of [
    ["401", () => new HttpResponse("", { status: 401 })],
    ["404", () => new HttpResponse("", { status: 404 })],
    ["a page", () => HttpResponse.html("<title>Hello</title>")],
    ["a redirect", () => HttpResponse.redirect("https://evil.example/")],
    ["JSON of others", () => HttpResponse.json({ ok: true })],
    [
      "names of others",
      () => HttpResponse.json({ ok: false, not_purged: [{ object: "\u001b]0;x" }] }),
    ],
    ["nothing", () => HttpResponse.error()],
  ] as const) {
    let requests = 0;
    network.use(
      http.post(`${SITE}/purge`, () => {
        requests += 1;
        return answer();
      }),
    );
    const keys = ["a.jpg", ...some(500)];
    const ended = await purge(["-"], { PURGE_TOKEN }, { stdin: keys.join("\n") });
    expect([title, ended.code, ended.out.trim().split("\n").length]).toEqual([title, 2, 501]);
    expect([ended.out.includes("\u001b"), requests < 7]).toEqual([false, true]);
    results.push([title, { ...ended, out: "" }]);
  }
  await expectGolden("other-sites.txt", results);
});

test("--verify of an object that is there requests no picture, and says what browsers keep", async () => {
  hurry();
  put("made/key.jpg");
  const { edgeRequests } = stage;
  const before = edgeRequests.length;
  const { code, err } = await purge([KEY, "--verify"], { PURGE_TOKEN });
  expect([code, edgeRequests.length]).toEqual([0, before]);
  expect(err).toContain("S3 has 1 object: of these, no picture is asked for.");
  expect(err).toContain("Browsers keep what they have for max_age: 3,600 s.");
  expect(err).not.toContain("Nothing comes");
});

test("--verify while S3 does not answer proves nothing", async () => {
  hurry();
  stage.s3.faults.add("SlowDown");
  const { code, err } = await purge([KEY, "--verify"], { PURGE_TOKEN });
  expect(code).toBe(1);
  expect(err).toContain(`not known: ${KEY}: S3 does not say whether it exists`);
  expect(err).not.toContain("Nothing comes");
});

test("a token that the site repeats is not printed", async () => {
  const not_purged = [{ object: "media/a.jpg", reason: PURGE_TOKEN }];
  network.use(http.post(`${SITE}/purge`, () => HttpResponse.json({ ok: false, not_purged })));
  const ended = await purge(["a.jpg"], { PURGE_TOKEN });
  expect(ended).toMatchObject({ code: 2, out: "a.jpg\n" });
  expect(ended.err).toContain("  1: …\n");
});
