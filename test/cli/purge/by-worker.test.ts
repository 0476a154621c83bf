// vitrine purge with the token of the Worker: the whole Worker answers, behind the strict cache.

import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import { createR2 } from "../../../src/emulator/r2/r2.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { hurry, purge, SITE, serveSite, site } from "../../support/cli/purged-site.ts";
import type { CommandResult } from "../../support/cli/vitrine.ts";
import { file, network } from "../../support/emulators.ts";
import { PURGE_TOKEN } from "../../support/env.ts";
import { get, settle, stage } from "../../support/run-worker.ts";

const some = (many: number) => Array.from({ length: many }, (_, at) => `photos/${at}.jpg`);
const KEY = "keys/who? #1 100%/日本.jpg";

serveSite();

const put = (name: string) =>
  stage.s3.objects.set(`published/${KEY}`, { body: file(name), type: "image/jpeg" });

async function show(): Promise<string | null> {
  const path = `/images/card/${KEY.split("/").map(encodeURIComponent).join("/")}`;
  const answer = await get(path, {}, site.env);
  expect(answer.status).toBe(200);
  return answer.headers.get("etag");
}

test.each([["--bucket", "media"], ["--everything"]])("%s is purged (W10)", async (...args) => {
  put("made/key.jpg");
  await show();
  const { runs } = stage.cache;
  const before = runs.length;
  await show();
  expect(runs).toHaveLength(before);
  hurry();
  const ended = await purge(args);
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
    expect((await get(path, {}, site.env)).status).toBe(200);
  }
  stage.s3.objects.delete(`published/${AVATAR}`);
  const requested = new Set<string>();
  network.use(
    http.get(`${SITE}/*`, ({ request: { url, headers } }) => {
      requested.add(`${new URL(url).pathname} ${headers.get("accept")?.split(",", 1)}`);
    }),
  );
  hurry();
  const ended = await purge([AVATAR, "--verify"]);
  expect([ended.code, ended.out]).toEqual([0, expect.stringContaining(`proved: ${AVATAR}: `)]);
  expect(ended.out).toContain(` ${requested.size} requests of `);
  for (const path of paths) {
    for (const type of ["avif", "png"]) expect(requested).toContain(`${path} image/${type}`);
  }
});

test("with a store, the proof says what the Worker deleted, and the store has nothing left", async () => {
  put("made/key.jpg");
  const store = createR2({}, { limitsWrites: ["put", "delete"], now: () => Date.now() });
  const answers = { timeout: 20, store: "RENDITIONS" };
  site.env = { ...site.env, ANSWERS: answers, RENDITIONS: store };
  await show();
  await settle();
  const stored = [...store.objects.keys()];
  expect(stored).toHaveLength(1);
  stage.s3.objects.delete(`published/${KEY}`);
  hurry();
  const ended = await purge([KEY, "--verify", "--json"]);
  expect(ended.code).toBe(0);
  expect(ended.err).toContain("Deleted 1 rendition from the store. A second list shows that none");
  expect(JSON.parse(ended.out)).toMatchObject({
    store: { deleted: 1, left: "nothing" },
    verified: [{ object: KEY, result: "proved", s3: ["missing"] }],
  });
  expect(stored.filter((name) => store.objects.has(name))).toEqual([]);
});

/** The Worker's answer to a request that it cannot read: no object is named, and none is purged. */
const UNREAD = { ok: false, purged: [], not_purged: [], reason: "the body is not a JSON object" };

test("a site that answers something else: no key is taken for purged", async () => {
  hurry();
  const results: [string, CommandResult][] = [];
  for (const [title, answer] of [
    ["401", () => new HttpResponse("", { status: 401 })],
    ["404", () => new HttpResponse("", { status: 404 })],
    ["a page", () => HttpResponse.html("<title>Hello</title>")],
    ["a redirect", () => HttpResponse.redirect("https://evil.example/")],
    ["JSON of others", () => HttpResponse.json({ ok: true })],
    ["a request that cannot be read", () => HttpResponse.json(UNREAD, { status: 400 })],
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
    const ended = await purge(["-"], { stdin: keys.join("\n") });
    expect([title, ended.code, ended.out.trim().split("\n").length]).toEqual([title, 2, 501]);
    expect([ended.out.includes("\u001b"), requests < 7]).toEqual([false, true]);
    results.push([title, { ...ended, out: "" }]);
  }
  await expectGolden("other-sites.txt", results);
});

test("a token that the site repeats is not printed", async () => {
  const not_purged = [{ object: "media/a.jpg", reason: PURGE_TOKEN }];
  network.use(http.post(`${SITE}/purge`, () => HttpResponse.json({ ok: false, not_purged })));
  const ended = await purge(["a.jpg"]);
  expect(ended).toMatchObject({ code: 2, out: "a.jpg\n" });
  expect(ended.err).toContain("  1: …\n");
});
