// vitrine warm: what it asks for, what it says, and what it does if a Vitrine does not show that.

import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { createFolder } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { USERS } from "../../support/cli/login.ts";
import { type CommandResult, vitrine, type WorldOptions } from "../../support/cli/vitrine.ts";
import { runFast } from "../../support/clock.ts";
import { network } from "../../support/emulators.ts";
import { SECRETS } from "../../support/env.ts";
import { copyProject, editFile, removeCopies } from "../../support/local-run.ts";

const SITE = "https://images.example";
/** How many requests `warm` sends at once, unless it is told. */
const PARALLEL = 6;

type Requested = {
  path: string;
  accept: string;
  authorization: string | null;
  at: number;
};

let requested: Requested[] = [];
let maxRunning = 0;

/** Puts a Vitrine onto the network. It answers with `instead` where that is no image. */
function arrange(instead: (path: string, index: number) => Response | undefined = () => undefined) {
  requested = [];
  maxRunning = 0;
  let running = 0;
  network.resetHandlers(
    http.get(`${SITE}/*`, async ({ request }) => {
      running += 1;
      maxRunning = Math.max(maxRunning, running);
      const { pathname: path } = new URL(request.url);
      const accept = request.headers.get("accept") ?? "";
      const authorization = request.headers.get("authorization");
      const index = requested.push({ path, accept, authorization, at: Date.now() }) - 1;
      await new Promise((settle) => setTimeout(settle, ((index % 5) + 1) * 100));
      running -= 1;
      const type = /^image\/(?:avif|webp)/.exec(accept)?.[0] ?? "image/jpeg";
      const image = new HttpResponse(new Uint8Array(1_000), { headers: { "content-type": type } });
      return instead(path, index) ?? image;
    }),
  );
}

let folder = "";
beforeAll(() => {
  network.listen();
  folder = copyProject();
  const routes = `routes = ["${new URL(SITE).host}/*"]`;
  editFile(`${folder}/wrangler.toml`, (text) => text.replace(/^# routes = .*/m, routes));
});
afterAll(() => {
  network.close();
  removeCopies();
});
beforeEach(() => {
  runFast();
  arrange();
});

const OPEN = { path: "/images/:preset/*", object: "media/photos/*" };

const warm = (args: readonly string[], world: WorldOptions = {}) =>
  vitrine(["warm", ...args], { folder, ...world });
const some = (many: number) => Array.from({ length: many }, (_, at) => `photos/${at}.jpg`);
const ONE = ["--preset", "hero@640w"];
const all = () => requested.map(({ path, accept }) => `${path} ${accept.split(",", 1)}`).toSorted();

test("it asks for every variant in every format, and for no rendition twice (L2)", async () => {
  const key = "photos/fig #1.jpg";
  const { code, out, err } = await warm([key, "-"], { stdin: `${key}\n` });
  const variants = ["thumbnail", "thumbnail@2x", "card", "card@1.5x", "card@2x"];
  const formats = ["image/avif", "image/webp", "image/png"];
  const expected = [
    // hero@1920w is hero. Whether a rendition is short enough for AVIF (O7), its original decides.
    ...[...variants, "hero", "hero@640w", "hero@960w", "hero@1280w"].flatMap((variant) =>
      formats.map((format) => [variant, format]),
    ),
  ].map(([variant, format]) => `/images/${variant}/photos/fig%20%231.jpg ${format}`);
  expect(all()).toEqual(expected.toSorted());
  expect([code, out]).toEqual([0, ""]);
  expect(err).toMatch(
    /^1 object: 27 requests, with up to 18 unique transformations \(at most \$0\.01/,
  );
  expect(err).toMatch(/^27 images, 27,000 bytes\.$/m);
});

test("only the presets, variants and paths that are named", async () => {
  for (const [args, requests, pattern] of [
    [["a.jpg", "--preset", "card"], 9, /^\/images\/card(?:@\w+(?:\.5x)?)?\/a\.jpg /],
    [["a.jpg", ...ONE, "-p", "card@2x"], 6, /(?:hero@640w|card@2x)\/a/],
    [["/images/hero/a%23.jpg", ...ONE], 3, /hero@640w\/a%23\.jpg /],
  ] as const) {
    arrange();
    expect(await warm(args)).toMatchObject({ code: 0 });
    expect([args, all().filter((one) => pattern.test(one)).length]).toEqual([args, requests]);
    expect(requested).toHaveLength(requests);
  }
});

test("what only a token opens is left out, and another route is taken where there is one", async () => {
  const options = { folder: createFolder({ ROUTES: [USERS, OPEN] }) };
  const names = ["users/alice/a.jpg", "photos/a.jpg"];
  const left = await warm([...names, "-p", "plain"], options);
  expect([left.code, left.out]).toEqual([1, "users/alice/a.jpg\n"]);
  expect(left.err).toContain(
    "1: only a visitor's token opens /users/:user/:preset/*: give one by --token or VITRINE_TOKEN",
  );
  expect(new Set(requested.map(({ path }) => path))).toEqual(new Set(["/images/plain/a.jpg"]));

  arrange();
  const signed = { path: "/friends/:preset/*", object: "media/users/*", signed: true };
  const folder = createFolder({ ROUTES: [USERS, signed] });
  const ended = await warm(["users/alice/a.jpg", "-p", "plain"], { folder, env: SECRETS });
  expect([ended.code, ended.out]).toEqual([0, ""]);
  expect(requested.every(({ path }) => path === "/friends/plain/alice/a.jpg")).toBe(true);
});

test("a visitor's token is sent where a route needs one, and nowhere else", async () => {
  const token = "eyJhbGciOiJFUzI1NiJ9.e30.AAAA";
  const folder = createFolder({ ROUTES: [USERS, OPEN] });
  const names = ["users/alice/a.jpg", "photos/a.jpg", "-p", "plain"];
  const ended = await warm(names, { folder, env: { VITRINE_TOKEN: token } });
  expect([ended.code, ended.out + ended.err]).toEqual([0, expect.not.stringContaining("eyJ")]);
  const sent = requested.map(({ path, authorization }) => `${path} ${authorization}`);
  expect(new Set(sent)).toEqual(
    new Set([`/users/alice/plain/a.jpg Bearer ${token}`, "/images/plain/a.jpg null"]),
  );

  const twice = await warm(["-", "--token", "-"], { folder, stdin: "photos/a.jpg" });
  expect([twice.code, twice.err]).toEqual([2, expect.stringContaining("stdin has the objects")]);
});

test("it sends no more requests at once than a browser does", async () => {
  const args = ["-", "--preset", "thumbnail"];
  expect(await warm(args, { stdin: some(10).join("\n") })).toMatchObject({ code: 0 });
  expect([requested.length, maxRunning]).toEqual([60, PARALLEL]);
});

test("what failed is on stdout and can be given again, and the reasons are on stderr", async () => {
  const answers: Record<string, () => Response> = {
    "0": () => new HttpResponse("Not found", { status: 404 }),
    "1": () => HttpResponse.html("<b>Sign in</b>"),
    "2": () => HttpResponse.error(),
    "3": () => new HttpResponse("Not available", { status: 502 }),
    "4": () => HttpResponse.redirect("https://images.example/elsewhere"),
    "5": () => new HttpResponse("Wait", { status: 429 }),
  };
  arrange((path) => answers[/(\d+)\.jpg$/.exec(path)?.[1] ?? ""]?.());
  const impossible = ["a//b.jpg", "https://images.example/none", "https://a.example/"];
  const { code, out, err } = await warm([...some(10), ...impossible, ...ONE]);
  expect([code, out.split("\n").filter(Boolean).toSorted()]).toEqual([1, some(6)]);
  const reasons = ["404", "200 text/html", "no answer: fetch failed", "502", "302", "429"];
  for (const [at, reason] of reasons.entries()) {
    expect(err).toContain(`${reason}  photos/${at}.jpg  hero@640w  `);
    expect(err).toContain(`\n  1: ${reason}\n`);
  }
  expect(err).toContain("\n12 images, 12,000 bytes.\nNOT WARMED: 6 of 10 objects.");
  expect(err).toContain("NOT SENT: 3 impossible names");
});

const busy = (after: string, status: number) => () =>
  new HttpResponse("Wait", { status, headers: { "retry-after": after } });

test("a 429 holds back all requests for as long as it asks", async () => {
  let heldAt = Number.POSITIVE_INFINITY;
  arrange((_path, index) => {
    if (index !== 2) return undefined;
    heldAt = Date.now();
    return busy("60", 429)();
  });
  expect(await warm([...some(10), ...ONE])).toMatchObject({ code: 0 });
  expect(requested).toHaveLength(31);
  const held = requested.filter(({ at }) => at > heldAt + 1_000 && at < heldAt + 60_000);
  expect(held).toEqual([]);
});

test("it stops if everything fails, a sign-in page comes, or the quota of the month is spent", async () => {
  for (const answer of [
    () => HttpResponse.error(),
    () => HttpResponse.redirect("https://sign-in.example/"),
    busy("3600", 503),
  ]) {
    arrange(answer);
    const { code, err } = await warm([...some(1_000), ...ONE]);
    // What is under way when the twentieth fails is asked again, at most twice.
    expect([code, requested.length <= (20 + PARALLEL) * 3]).toEqual([2, true]);
    expect(err).toContain("Stopped: the last 20 requests failed");
  }
});

test("what makes no sense: it says so, and requests nothing", async () => {
  const results: [string, CommandResult][] = [];
  for (const args of [
    [],
    ["-"],
    ["a", "-p", "cart"],
    ["a", "--url", "images.example"],
    ["--prefix", "a"],
  ]) {
    results.push([args.join(" "), await warm(args)]);
    expect(requested).toEqual([]);
  }
  await expectGolden("refused.txt", results);
});

test("Ctrl-C ends it", async () => {
  const interrupt = new AbortController();
  arrange((_path, index) => {
    if (index === 20) interrupt.abort();
    return undefined;
  });
  const { code, err } = await warm([...some(100), ...ONE], { interrupted: interrupt.signal });
  expect([code, requested.length < 40]).toEqual([130, true]);
  expect(err).toContain("To continue, run it again.");
});
