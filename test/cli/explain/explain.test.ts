// `vitrine explain` and the Worker get the same URLs, and must agree.

import sharp from "sharp";
import { describe, expect, test } from "vitest";
import { HARD_KEYS } from "../../../src/dev/fixture-objects.ts";
import { encodePath } from "../../../src/url/encoding.ts";
import { signGrant } from "../../../src/url/grant.ts";
import { BOUND, createFolder, createProject, HOST, STAGED } from "../../support/cli/folder.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { type CommandResult, vitrine } from "../../support/cli/vitrine.ts";
import { file } from "../../support/emulators.ts";
import { ENV, SECRETS, VARS } from "../../support/env.ts";
import { leaksIn } from "../../support/overheard.ts";
import { disableCacheInEachTest, get, stage } from "../../support/run-worker.ts";
import { IMPOSSIBLE_PATHS } from "../../support/tables/impossible-paths.ts";

const [KID, SECRET] = ["new", JSON.parse(SECRETS.URL_SIGNING_KEYS).new] as const;
/** The current time in seconds since 1970. */
const now = () => Math.floor(Date.now() / 1000);

/** Returns the query that signs a URL. */
function signed(
  route: string,
  key: string,
  { preset = "card", expires = now() + 50, version }: Record<string, string | number> = {},
): Promise<string> {
  const grant = { route, key, preset: `${preset}`, expires: Number(expires) };
  const versioned = version === undefined ? {} : { version: `${version}` };
  return signGrant({ ...grant, ...versioned }, { kid: KID, secret: SECRET });
}

const PRIVATE = "/private/:preset/*";
const FIG = "photos/fig.jpg";
const CARD = `/private/card/${FIG}`;
const query = await signed(PRIVATE, FIG);

/** Paths whose signatures are refused. */
const REFUSED: Readonly<Record<string, string>> = {
  "no signature": CARD,
  "no signature of this preset": `/private/hero/${FIG}${query}`,
  "no signature of this route": CARD + (await signed("/v/:preset/*", FIG)),
  "a parameter more": `${CARD + query}&w=1`,
  "a signature that got into the path": CARD + encodeURIComponent(query),
  "a signature in the path of no route": `/privat/fig.jpg${encodeURIComponent(query)}`,
  "one that is over": CARD + (await signed(PRIVATE, FIG, { expires: now() - 1 })),
  "one that is good for too long": `/v/card/${FIG}${await signed("/v/:preset/*", FIG, { expires: now() + 5000 })}`,
};

const ROUTES = [
  ...VARS.ROUTES,
  { path: "/shown/:preset/*", object: "media/*", fallback: "media/transparent.png" },
  { path: "/v/:preset/*", object: "media/*", signed: true, max_age: 60 },
  { path: "/facts/:preset/*", object: "media/*", facts: true, fallback: "media/transparent.png" },
  { path: "/signed/:preset/*", object: "media/*", facts: true, signed: true },
  { path: "/album/:preset/*", object: "media/*", signed: true, cookie: true },
  { path: "/open/:preset/*", object: "media/*", cors: true },
  { path: "/ever/:preset/*", object: "media/*", answers: { keep: 604_800, immutable: true } },
  { path: "/until/:preset/*", object: "media/*", signed: true, answers: { immutable: true } },
  { path: "/none/:preset/*", object: "media/*", answers: { keep: 0, max_age: 5 } },
];
const env = { ...ENV, ROUTES };
const folder = createFolder({ ROUTES });

disableCacheInEachTest(); // each request is to reach the edge

/** What it prints; all keys are at hand unless the test says otherwise. */
async function explain(
  url: string,
  options: { env?: Record<string, string>; folder?: string } = {},
) {
  const world = { folder, env: SECRETS, ...options };
  const { code, out: rows, err } = await vitrine(["explain", url], world);
  expect(leaksIn(Buffer.from(rows + err))).toEqual([]);
  expect(err).toBe("");
  const row = (name: string) => new RegExp(`^ *${name} +(.*)$`, "m").exec(rows)?.[1];
  /** The rows below a title: what a browser gets; the name `any` stands for all of them. */
  const below = (title: string, browser?: string) => {
    const [, text = ""] = new RegExp(`^${title} .*\\n((?: {2}\\S.*\\n)*)`, "m").exec(rows) ?? [];
    const all = text.split("\n").map((line) => line.trim().split(/ {2,}/));
    const matching =
      browser === undefined ? all : all.filter(([name]) => name === "any" || name === browser);
    return matching.flatMap(([name = "", value]) => (value === undefined ? [] : [{ name, value }]));
  };
  return { code, rows, row, below };
}

const photo = sharp(file("photos/fig.jpg")).resize(1400);

/** By the ending of a key. */
const LARGE: Readonly<Record<string, Uint8Array>> = {
  ".jpg": file("photos/fig.jpg"),
  ".png": new Uint8Array(await photo.clone().ensureAlpha(0.5).png().toBuffer()),
  ".gif": new Uint8Array(await photo.clone().ensureAlpha(0).gif().toBuffer()),
};

const ACCEPTS = {
  "AVIF and WebP": "image/avif,image/webp,image/*,*/*;q=0.8",
  WebP: "image/webp,*/*",
  neither: "image/png,*/*;q=0.8",
};

/** Requests a URL from the Worker as each kind of browser, and compares what the Worker asks for. Its object is large. */
async function agree(url: string): Promise<void> {
  for (const [key, object] of stage.s3.objects) {
    const body = LARGE[key.slice(-4)];
    if (body) stage.s3.objects.set(key, { ...object, body });
  }
  const { code, row, below } = await explain(url);
  expect(code).toBe(0);
  for (const [browser, accept] of Object.entries(ACCEPTS)) {
    stage.edgeRequests = [];
    const answer = await get(url, { headers: { accept } }, env);
    expect([url, answer.status]).toEqual([url, 200]);
    expect(stage.edgeRequests.map(({ image }) => image)).toEqual(
      below("Options", browser).map(({ value }) => JSON.parse(value)),
    );
    for (const { request } of stage.edgeRequests) {
      expect(request.url.replace(/\?x-vitrine=[0-9a-f]{32}$/, "")).toBe(row("Origin URL"));
      const { authorization } = Object.fromEntries(request.headers);
      const [, lastLetters] = /Credential=\w+(\w{4})\//.exec(`${authorization}`) ?? [];
      expect(row("Signed by")).toBe(`the current key …${lastLetters} (from the environment)`);
    }
  }
  expect(row("Signature")).toMatch(url.includes("&sig=") ? /^valid until / : /^none is asked for$/);
}

describe("vitrine explain says what the Worker asks of the edge and of S3 (C1, O6, A1)", () => {
  test.each(HARD_KEYS)("for the key %s", async (key) => {
    const path = `private/card/${key}`;
    await agree(`${HOST}/images/card/${encodePath(key)}`);
    await agree(`${HOST}/${encodePath(path)}${await signed(PRIVATE, key)}`);
  });

  test.each([
    "/images/card/keys%2F1+1=2.jpg",
    "/images/card@2x/keys/1+1=2.jpg?width=1&format=json",
    "/images/%63ard%402x/keys/1%2b1%3D%32.jpg",
    "/images/hero@640w/keys/1+1=2.jpg",
    "/images/plain/keys/1+1=2.jpg",
    "/images/tall/rotated-gps.jpg#card",
    "/avatars/ada/card@1x",
    "/shown/card/keys/1+1=2.jpg",
    "/facts/card/rotated-gps.jpg?facts=1",
    "/images/x/../card/./keys/1+1=2.jpg",
    "/images/moving/animated.gif",
    "/images/moving/keys/1+1=2.jpg",
    "/images\\card\\keys\\1+1=2.jpg",
  ])("for %s", (path) => agree(`${HOST}${path}`));

  test("for a preset whose gravity is the object's, if that has no focal point", async () => {
    const PRESETS = { card: { ...VARS.PRESETS.card, gravity: "object" } };
    const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];
    const folder = createFolder({ PRESETS, ROUTES });
    const { code, row, below } = await explain("/images/card/key.jpg", { folder });
    expect([code, row("Options")]).toEqual([0, expect.stringContaining("focal point")]);
    const [{ value } = { value: "" }] = below("Options", "WebP");
    const headers = { accept: ACCEPTS.WebP };
    await get("/images/card/key.jpg", { headers }, { ...env, PRESETS });
    expect(JSON.parse(value)).toEqual(stage.edgeRequests.at(-1)?.image);
  });

  test("for an SVG, for which no format is asked (R8)", async () => {
    const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>');
    stage.s3.objects.set("published/icons/a.svg", { body: svg, type: "image/svg+xml" });
    await agree(`${HOST}/icons/card/a.svg`);
    const { rows } = await explain(`${HOST}/icons/card/a.svg`);
    expect(rows).toMatch(/^ {2}any +\{"fit":"cover",(?!.*"format").*\}$/m);
  });

  test("for a signed URL with a version, which neither engine nor S3 sees", async () => {
    const query = await signed(PRIVATE, "rotated-gps.jpg", { version: "1.a_b-C" });
    await agree(`${HOST}/private/card@2x/rotated-gps.jpg${query}`);
  });
});

/** Compares why there is no image with what the Worker logs of it. */
async function agreeOnRefusal(path: string): Promise<void> {
  stage.logged = [];
  await get(HOST + path, {}, { ...env }); // a Worker that has logged nothing yet
  const { line = {} } = stage.logged[0] ?? {};
  const { code, rows, row } = await explain(HOST + path);
  expect([path, code, row("Origin URL")]).toEqual([path, 2, undefined]);
  const rowsOf = { route: "Route", bucket: "Bucket", preset: "Variant" };
  for (const [name, title] of Object.entries({ ...rowsOf, reason: "reason", expired: "expired" })) {
    if (line[name] !== undefined) expect([path, row(title)]).toEqual([path, line[name]]);
  }
  const event = `${line["event"]}`;
  expect([path, row("Answer")]).toEqual([path, `no image: ${event} (docs/errors.md#${event})`]);
  expect(rows).not.toMatch(/[^\n\P{Cc}]/u);
}

test("if the Worker refuses a path, vitrine explain says why, as the log does, and ends with 2", async () => {
  for (const path of IMPOSSIBLE_PATHS) await agreeOnRefusal(path);
});

test.each(Object.entries(REFUSED))("so it does of a signature: %s", (_title, path) =>
  agreeOnRefusal(path),
);

/** A URL of photos/fig.jpg at its private route. */
const at = (query: string, preset = "card") => `${HOST}/private/${preset}/photos/fig.jpg${query}`;

test("the text to sign is printed line by line", async () => {
  const { rows } = await explain(at(await signed(PRIVATE, "photos/fig.jpg"), "hero"));
  expect(rows).toMatch(
    /^ {2}text +vitrine-url-1\n +new\n +\d+\n *\n +\/private\/:preset\/\*\n +hero\n +photos\/fig\.jpg$/m,
  );
});

test("without the signing keys it says that the signature is not checked, and the rest", async () => {
  const options = { env: { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" } };
  // Whoever signed it: no key is at hand.
  const grant = { route: PRIVATE, preset: "card", key: "photos/fig.jpg", expires: now() + 50 };
  const forged = await signGrant(grant, { kid: "kept", secret: "x".repeat(32) });
  for (const query of [await signed(PRIVATE, "photos/fig.jpg", { version: "7" }), forged]) {
    const { code, row } = await explain(at(query), options);
    expect([code, row("Signature")]).toEqual([0, expect.stringMatching(/^not checked: /)]);
    expect(row("Signed by")).toBe("a key that is not at hand");
  }
  const over = await explain(at(await signed(PRIVATE, "photos/fig.jpg", { expires: 1 })), options);
  expect([over.code, over.row("Answer")]).toEqual([2, expect.stringContaining("url-expired")]);
  const unsigned = await explain(at("?exp=1"), options);
  expect([unsigned.code, unsigned.row("Answer")]).toEqual([
    2,
    expect.stringContaining("signature-wrong"),
  ]);
});

test("an immutable picture stays in browsers until its URL expires", async () => {
  const query = await signed("/until/:preset/*", "a.jpg", { expires: now() + 50 });
  const { row } = await explain(`/until/card/a.jpg${query}`);
  expect(row("Kept")).toContain("until its URL expires, 31,536,000 s at most");
});

test("what it shows of a URL, whole", async () => {
  const results: [string, CommandResult][] = [];
  for (const path of [
    ...["/images/card/a.jpg", "/images/moving/a.gif", "/images/card/a.jpg?facts"],
    ...["/facts/card/a.jpg?facts", "/imagess/card/a.jpg", "/images/card/50%zz.jpg"],
    ...["/images/card@9x/a.jpg", "//images/card/a.jpg", "/images/card/xsig=a.jpg"],
    ...["/album/card/friends/2026/a.jpg", "/album/card/a.jpg"],
    ...["/open/card/a.jpg", "/open/nope/a.jpg", "/app/card/a.jpg"],
    ...["/ever/card/a.jpg", "/none/card/a.jpg"],
    ...["/images/card/%E2%80%AEgpj.exe%C2%9B", "/images/card/a%0AKey%20b"],
  ]) {
    results.push([path, await vitrine(["explain", path], { folder, env: SECRETS })]);
  }
  for (const input of ["https://", "http://a b/c?exp=1&kid=k&sig=kJ2u8Zq0", "photos/fig.jpg"]) {
    const ended = await vitrine(["explain", input], { folder });
    expect([ended.code, ended.err.includes("kJ2u8Zq0")]).toEqual([2, false]);
    results.push([input.replace(/sig=.*/, "sig=…"), ended]);
  }
  await expectGolden("explain.txt", results);
});

const S3 = { ...VARS.BUCKETS.media, engine: "binding" };
test.each<[string, media: object, origin: RegExp, opener: string | undefined]>([
  ["an S3 bucket", S3, /^https:/, expect.stringMatching(/^the current key …/)],
  ["an R2 binding", { binding: "MEDIA_BUCKET" }, /^r2:\/\/MEDIA_BUCKET\/a\.jpg$/, undefined],
])("the Images binding on %s: options, and what opens it", async (_what, media, origin, opener) => {
  const { env: _env, ...TOP } = STAGED;
  const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];
  const vars = { ROUTES, PRESETS: { card: { width: 160, dpr: [1, 2] } }, BUCKETS: { media } };
  const folder = createProject({ ...TOP, ...BOUND, vars });
  const { row, below } = await explain("/images/card@2x/a.jpg", { folder });
  expect(row("Engine")).toBe("the Images binding");
  expect([row("Origin URL"), row("Signed by")]).toEqual([expect.stringMatching(origin), opener]);
  const [{ value } = { value: "" }] = below("Options", "WebP");
  // As the binding takes them, which knows no density (B7).
  const options = { width: 320, fit: "scale-down", format: "image/webp", anim: false };
  expect(JSON.parse(value)).toEqual(options);
});
