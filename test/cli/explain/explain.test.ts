// `vitrine explain` and the Worker get the same URLs, and must agree.

import { join } from "node:path";
import { describe, expect, test } from "vitest";
import type { Explained } from "../../../src/cli/explain/explain-url.ts";
import { HARD_KEYS } from "../../../src/dev/objects.ts";
import { encodePath } from "../../../src/url/grammar.ts";
import { signGrant } from "../../../src/url/grant.ts";
import worker from "../../../src/worker/index.ts";
import { envLine, HOST, makeFolder } from "../../support/cli/folder.ts";
import { now, PRIVATE, REFUSED, signed } from "../../support/cli/refused.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { ENV, SECRETS, VARS } from "../../support/env.ts";
import { editFile } from "../../support/local-run.ts";
import { leaksIn } from "../../support/overheard.ts";
import { get, keepNothing, stage } from "../../support/play.ts";

const ROUTES = [
  ...VARS.ROUTES,
  { path: "/shown/:preset/*", object: "media/*", fallback: "media/transparent.png" },
  { path: "/v/:preset/*", object: "media/*", signed: true, max_age: 60 },
  { path: "/facts/:preset/*", object: "media/*", facts: true, fallback: "media/transparent.png" },
  { path: "/signed/:preset/*", object: "media/*", facts: true, signed: true },
];
const env = { ...ENV, ROUTES };
const folder = makeFolder({ ROUTES });

keepNothing(); // each request is to reach the edge

/** What it prints; all keys are at hand unless the test says otherwise. */
async function explain(url: string, given: { env?: Record<string, string>; folder?: string } = {}) {
  const world = { folder, env: SECRETS, ...given };
  const json = await vitrine(["explain", "--json", url], world);
  const rows = await vitrine(["explain", url], world);
  for (const { out, err } of [json, rows]) expect(leaksIn(Buffer.from(out + err))).toEqual([]);
  expect([json.err, rows.err, rows.code]).toEqual(["", "", json.code]);
  const found: Explained = JSON.parse(json.out);
  return { ...found, code: json.code, rows: rows.out };
}

const ACCEPTS = {
  "AVIF and WebP": "image/avif,image/webp,image/*,*/*;q=0.8",
  WebP: "image/webp,*/*",
  neither: "image/png,*/*;q=0.8",
};

/** Requests a URL from the Worker as each kind of browser, and compares what the Worker asks for. */
async function agree(url: string, original = "a JPEG"): Promise<void> {
  const { asked, signature, code, refused } = await explain(url);
  expect([code, refused]).toEqual([0, undefined]);
  for (const [reads, accept] of Object.entries(ACCEPTS)) {
    stage.asked = [];
    const answer = await get(url, { headers: { accept } }, env);
    expect([url, answer.status]).toEqual([url, 200]);
    const calls = asked?.options.filter((call) => {
      return call.reads === reads && (call.when?.includes(original) ?? true);
    });
    expect(stage.asked.map(({ image }) => image)).toEqual(calls?.map(({ image }) => image));
    for (const { request } of stage.asked) {
      const [source, parameter] = request.url.split(`?${asked?.parameter}=`);
      expect([source, parameter]).toEqual([
        asked?.originUrl,
        expect.stringMatching(/^[0-9a-f]{32}$/),
      ]);
      const { host, authorization, ...headers } = asked?.headers ?? {};
      const sent = Object.fromEntries(request.headers);
      for (const { "x-amz-date": date } of [headers, sent]) expect(date).toMatch(/T\d{6}Z$/);
      expect(Object.keys(sent).sort()).toEqual(["authorization", ...Object.keys(headers)].sort());
      expect(host).toBe(new URL(request.url).host);
      const [, end, scope, names] =
        /Credential=\w+(\w{4})\/(\S+), SignedHeaders=(\S+),/.exec(`${sent["authorization"]}`) ?? [];
      expect(authorization).toBe(
        `AWS Signature Version 4 of ${names}, for ${scope}, by the current key …${end} (from the environment)`,
      );
    }
  }
  expect(signature).toBe(url.includes("&sig=") ? "right" : "none is asked for");
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
    "/images/wide@1000w/keys/1+1=2.jpg",
    "/images/tall/rotated-gps.jpg#card",
    "/avatars/ada/card@1x",
    "/app/card/keys/1+1=2.jpg",
    "/shown/card/keys/1+1=2.jpg",
    "/images/x/../card/./keys/1+1=2.jpg",
    "/images\\card\\keys\\1+1=2.jpg",
  ])("for %s", (path) => agree(`${HOST}${path}`));

  test("for an SVG, for which no format is asked (R8)", async () => {
    const svg = new TextEncoder().encode('<svg xmlns="http://www.w3.org/2000/svg"/>');
    stage.s3.objects.set("published/icons/a.svg", { body: svg, type: "image/svg+xml" });
    await agree(`${HOST}/icons/card/a.svg`, "another original");
    const { rows } = await explain(`${HOST}/icons/card/a.svg`);
    expect(rows).toMatch(/^ {2}any +\{"fit":"cover",(?!.*"format").*\}$/m);
  });

  test("for a variant with anim: only a GIF moves (O8)", async () => {
    await agree(`${HOST}/images/moving/animated.gif`, "a GIF");
    await agree(`${HOST}/images/moving/keys/1+1=2.jpg`);
    const { rows } = await explain("/images/moving/animated.gif");
    expect(rows).toMatch(/^ {2}WebP: of a GIF +\{.*"anim":true.*\}$/m);
  });

  test.each(["card", "moving", "plain"])("for facts of %s", async (variant) => {
    const path = `${HOST}/facts/${variant}/rotated-gps.jpg?facts`;
    await agree(path);
    const { asked, rows, facts, fallback } = await explain(path);
    expect([facts, fallback, new Set(asked?.kept.map(({ url }) => url)).size]).toEqual([
      ...[true, undefined, 1],
    ]);
    expect(rows).toMatch(/^Answer +the sizes as JSON, not an image/m);
    expect(rows).toMatch(/^ {2}any +\{.*"format":"json".*\}$/m);
    expect(rows).toMatch(/^Kept as +https:\S+\?as=facts&image=/m);
    expect(rows).toMatch(/^Cost +1 unique transformation a month/m);
  });

  test("for facts of a signed URL; and without facts the picture", async () => {
    const query = await signed("/signed/:preset/*", "rotated-gps.jpg");
    await agree(`${HOST}/signed/card/rotated-gps.jpg${query}&facts`);
    await agree(`${HOST}/signed/card/rotated-gps.jpg${query}`);
    await agree(`${HOST}/facts/card/rotated-gps.jpg?facts=1`);
    await agree(`${HOST}/images/card/rotated-gps.jpg?facts`);
    const { facts } = await explain(`${HOST}/images/card/rotated-gps.jpg?facts`);
    expect(facts).toBeUndefined();
  });

  test("for a signed URL with a version, which the edge does not see", async () => {
    const query = await signed(PRIVATE, "rotated-gps.jpg", { version: "1.a_b-C" });
    await agree(`${HOST}/private/card@2x/rotated-gps.jpg${query}`);
    const { asked, rows } = await explain(`${HOST}/private/card@2x/rotated-gps.jpg${query}`);
    expect(asked?.originUrl).toMatch(/published\/rotated-gps\.jpg$/);
    expect(rows).toMatch(/^ +the edge fetches it with \?x-vitrine=/m);
    expect(rows).toMatch(/^Purge +npx vitrine purge rotated-gps\.jpg$/m);
  });
});

/** The URLs that the gateway asks the cached entrypoint for, by what a browser reads. */
async function keptBy(path: string): Promise<object[]> {
  const kept: { reads: string; url: string }[] = [];
  for (const [reads, accept] of Object.entries(ACCEPTS)) {
    const Renditions = {
      fetch: async ({ url }: Request) => {
        kept.push({ reads, url });
        return Response.json({ event: "object-missing", certain: true }, { status: 404 });
      },
      purge: async () => ({ success: true, errors: [] }),
    };
    const context = { waitUntil: () => {}, exports: { Renditions } };
    await worker.fetch(new Request(HOST + path, { headers: { accept } }), { ...env }, context);
  }
  return kept;
}

describe("vitrine explain says under which URL a rendition is kept for all visitors (W3)", () => {
  test.each([
    ...HARD_KEYS.map((key) => `/images/card@2x/${encodePath(key)}`),
    "/images/%63ard%402x/keys/1%2b1%3D%32.jpg?width=1",
    "/images/plain/a.jpg",
    "/images/tall/a.jpg",
    "/images/moving/a.gif",
    "/icons/card/a.svg",
  ])("for %s", async (path) => {
    expect((await explain(path)).asked?.kept).toEqual(await keptBy(path));
  });

  test("for a signed URL: with its version, and without its signature", async () => {
    const query = await signed(PRIVATE, "a.jpg", { version: "1.a_b-C" });
    const { asked } = await explain(`/private/card/a.jpg${query}`);
    expect(asked?.kept).toEqual(await keptBy(`/private/card/a.jpg${query}`));
    for (const { url } of asked?.kept ?? []) expect(url).toMatch(/[^?]+\?as=.*&v=1\.a_b-C$/);
  });

  test("in one row, with what differs by the browser, and for how long", async () => {
    const { rows } = await explain("/images/card/photos/fig.jpg");
    expect(rows).toMatch(
      /^Kept as +https:\/\/renditions\/\d+\/\d+\/AWS\/https\/\S+\/published\/photos\/fig\.jpg\?as=avif\.webp&image=\S+$/m,
    );
    expect(rows).toMatch(
      /^ +by Cloudflare, for all visitors, for 300 s\. Other browsers: the same with as=webp, as=plain$/m,
    );
    const svg = await explain("/icons/card/a.svg");
    expect(svg.rows).toMatch(/^ +by Cloudflare, for all visitors, for 300 s$/m);
  });

  test("nothing, with keep = 0, or in the local run (W15)", async () => {
    const off = makeFolder({ ROUTES, ANSWERS: { keep: 0 } });
    const none = await explain("/images/card/a.jpg", { folder: off });
    expect(none.asked?.kept).toEqual([]);
    expect(none.rows).toMatch(/^Kept as +nothing: keep is 0 in \[vars\.ANSWERS\]$/m);
    const secrets = Object.entries(SECRETS).map(([name, value]) => envLine(name, value));
    const here = makeFolder({ ROUTES }, { ".dev.vars": secrets.join("") });
    const local = await explain("http://localhost:8787/images/card/a.jpg", { folder: here });
    expect(local.rows).toMatch(/^Kept as +nothing: the local run has no Workers Cache$/m);
  });
});

describe("vitrine explain says under which names the store holds a rendition", () => {
  const ANSWERS = { store: "RENDITIONS" };
  const storing = makeFolder({ ROUTES, ANSWERS });
  editFile(join(storing, "wrangler.toml"), (text) => {
    return `${text}\n[[r2_buckets]]\nbinding = "RENDITIONS"\n`;
  });

  /** The names that the Worker asks its store for. */
  async function namesOf(path: string): Promise<string[]> {
    const names = new Set<string>();
    const RENDITIONS = {
      get: async (name: string) => void names.add(name),
      put: async () => null,
      list: async () => ({ objects: [], truncated: false }),
      delete: async () => {},
    };
    for (const accept of Object.values(ACCEPTS)) {
      await get(HOST + path, { headers: { accept } }, { ...env, ANSWERS, RENDITIONS });
    }
    return [...names];
  }

  test.each([
    ["/images/card@2x/keys/with%20space.jpg", 3],
    ["/images/plain/rotated-gps.jpg", 1],
    ["/icons/card/a.svg", 0],
    ["/facts/card/rotated-gps.jpg?facts", 0],
  ])("for %s: %i", async (path, count) => {
    const { asked, rows } = await explain(path, { folder: storing });
    expect([asked?.stored, asked?.stored.length]).toEqual([await namesOf(path), count]);
    expect(rows).toMatch(
      count > 0 ? /^Stored as +[0-9a-f]{64}\/[0-9a-f]{64}$/m : /^Stored as +nothing$/m,
    );
  });
});

describe("if the Worker refuses a URL, vitrine explain says why, as the log does, and ends with 2:", () => {
  test.each(Object.entries(REFUSED))("%s", async (_what, [path, event]) => {
    const url = HOST + (await path);
    await get(url, {}, env);
    const [logged] = stage.logged;
    const { code, rows, refused, route, variant, bucket, key, asked } = await explain(url);
    expect([code, refused?.event, asked]).toEqual([2, event, undefined]);
    expect(logged?.line).toMatchObject(refused ?? {});
    const { line } = logged ?? {};
    expect([line?.["route"], line?.["bucket"], line?.["key"]]).toEqual([
      route,
      bucket,
      key?.slice(0, 1024),
    ]);
    if (line?.["preset"] !== undefined) expect(line["preset"]).toBe(variant);
    expect(rows).toMatch(
      new RegExp(`^Answer +no image: ${event} \\(docs/errors\\.md#${event}\\)$`, "m"),
    );
    expect(rows).not.toMatch(/[^\n\P{Cc}]/u);
  });
});

test("the text to sign is printed line by line", async () => {
  const query = await signed(PRIVATE, "photos/fig.jpg");
  const { rows } = await explain(`/private/hero/photos/fig.jpg${query}`);
  expect(rows).toMatch(
    /^ {2}text +vitrine-url-1\n +new\n +\d+\n *\n +\/private\/:preset\/\*\n +hero\n +photos\/fig\.jpg\nSign /m,
  );
});

test("without the signing keys it says that the signature is not checked, and the rest", async () => {
  const keys = { AWS_ACCESS_KEY_ID: "", AWS_SECRET_ACCESS_KEY: "" };
  const url = (query: string) => `${HOST}/private/card/photos/fig.jpg${query}`;
  const right = await explain(url(await signed(PRIVATE, "photos/fig.jpg", { version: "7" })), {
    env: keys,
  });
  expect(right).toMatchObject({ code: 0, signature: expect.stringMatching(/^not checked: /) });
  expect(right.asked?.kept[0]?.url).toMatch(/&v=7$/);
  expect(right.asked?.headers["authorization"]).toMatch(/, by a key that is not at hand$/);
  // The values that stand for the keys at Cloudflare open nothing.
  const kept = { kid: "kept", secret: "x".repeat(32) };
  const grant = { route: PRIVATE, preset: "card", key: "photos/fig.jpg", expires: now() + 50 };
  const forged = await explain(url(await signGrant(grant, kept)), { env: keys });
  expect(forged.signature).toMatch(/^not checked/);
  const over = await explain(url(await signed(PRIVATE, "photos/fig.jpg", { expires: 1 })), {
    env: keys,
  });
  expect(over).toMatchObject({ code: 2, refused: { event: "url-expired" } });
  const none = await explain(url("?exp=1"), { env: keys });
  expect(none).toMatchObject({ code: 2, refused: { event: "signature-wrong" } });
  expect(none.rows).toMatch(
    /^Sign +npx vitrine sign --route '\/private\/:preset\/\*' --preset card photos\/fig\.jpg$/m,
  );
});

test("it says who may embed the image, its fallback, how long it is kept, and its cost (L2)", async () => {
  const app = await explain("/app/card/photos/fig.jpg");
  expect(app.rows).toMatch(/^Pages +only those of https:\/\/app\.example, its own host$/m);
  const shown = await explain("/shown/card/photos/fig.jpg");
  expect(shown.rows).toMatch(/^Fallback +https:\S+\/published\/transparent\.png$/m);
  expect((await explain("/shown/card/transparent.png")).fallback).toBeUndefined();
  expect(shown.rows).toMatch(/^Browsers +keep it for up to 600 s$/m);
  expect(shown.rows).toMatch(/^Cost +1 unique transformation a month, .*\$0\.50 for 1,000$/m);
  expect(shown.rows).toMatch(/^ +all variants of this object: \d+$/m);
  const moving = await explain("/images/moving/a.gif");
  expect(moving.rows).toMatch(/^Cost +2 unique transformations a month/m);
});

test("if there is no such route or variant, it lists those that exist", async () => {
  const { rows, known } = await explain("/imagess/card/photos/fig.jpg");
  expect(known).toEqual(ROUTES.map(({ path }) => path));
  expect(rows).toMatch(/^There is +\/images\/:preset\/\*, /m);
  expect((await explain("/images/card/50%zz.jpg")).known).toBeUndefined();
  const variant = await explain("/images/card@9x/photos/fig.jpg");
  expect(variant.known).toEqual(expect.arrayContaining(["card", "card@2x"]));
  expect(variant.rows).toMatch(/^There is +.*\bcard, .*\bcard@2x\b/m);
  expect(variant.rows).toMatch(/^Why +the edge makes no density over 2$/m);
  expect((await explain("/images/card@1.7x/photos/fig.jpg")).rows).not.toMatch(/^Why/m);
  expect((await explain("/images/card/photos/fig.jpg")).known).toBeUndefined();
});

test("it says that /healthz is not an image, and how to purge a hard key", async () => {
  const health = await explain("/healthz?deep");
  expect(health).toMatchObject({ code: 0, health: true });
  expect(health.rows).toBe(
    "Answer  the health of Vitrine, not an image (docs/doctor.md, Health)\n",
  );
  const { rows } = await explain("/images/card/it's%20-n.jpg");
  expect(rows).toMatch(/^Purge +npx vitrine purge 'it'\\''s -n\.jpg'$/m);
  expect((await explain("/images/card/-n.jpg")).rows).toMatch(/ purge -- -n\.jpg$/m);
});

describe("the commands that it prints can be pasted:", () => {
  const BUCKETS = { media: VARS.BUCKETS.media, more: VARS.BUCKETS.media };
  const two = makeFolder({ BUCKETS, ROUTES });

  test("an object of several buckets has the name of its bucket", async () => {
    const { rows, object } = await explain("/images/card/it's%20-n.jpg", { folder: two });
    expect(rows).toMatch(/^Purge +npx vitrine purge 'media\/it'\\''s -n\.jpg'$/m);
    expect(object).toBe("media/it's -n.jpg");
    const signs = await explain("/v/card/photos/fig.jpg", { folder: two });
    expect(signs.rows).toMatch(
      /^Sign +npx vitrine sign .* --preset card media\/photos\/fig\.jpg$/m,
    );
  });

  test("a key that begins like the only bucket has it, too", async () => {
    const { rows } = await explain("/images/card/media/a.jpg");
    expect(rows).toMatch(/^Purge +npx vitrine purge media\/media\/a\.jpg$/m);
  });

  test("they have the options that were given", async () => {
    const other = makeFolder({ ROUTES }, { "my secrets.env": "AWS_ACCESS_KEY_ID=x\n" });
    const given = ["--secrets-file", "my secrets.env"];
    const world = { folder: other };
    const purge = await vitrine(["explain", "/images/card/a.jpg", ...given], world);
    expect(purge.out).toMatch(
      /^Purge +npx vitrine purge --secrets-file 'my secrets\.env' a\.jpg$/m,
    );
    const sign = await vitrine(["explain", "/v/card/a.jpg", ...given], world);
    expect(sign.out).toMatch(/^Sign +npx vitrine sign --secrets-file 'my secrets\.env' --route '/m);
  });

  test("they say where Vitrine is, if wrangler.toml does not", async () => {
    const keys = `URL_SIGNING_KEYS='${SECRETS.URL_SIGNING_KEYS}'\n`;
    const local = { folder: makeFolder({ ROUTES }, { ".dev.vars": keys }) };
    const here = await vitrine(["explain", "http://localhost:8787/v/card/a.jpg"], local);
    expect(here.out).toMatch(/^Sign +npx vitrine sign --url http:\/\/localhost:8787 --route '/m);
    const image = await vitrine(["explain", "http://localhost:8787/images/card/a.jpg"], local);
    expect(image.out).toMatch(/^Purge +nothing: the local run has no Workers Cache$/m);
    const doctor = "npx vitrine doctor --url http://localhost:8787 --key ";
    expect(image.out).toMatch(new RegExp(`^Object +is not asked for here\\. .*: ${doctor}`, "m"));
    const routeless = makeFolder({ ROUTES });
    editFile(join(routeless, "wrangler.toml"), (text) => text.replace(/^routes = .*$/m, ""));
    const args = ["explain", `${HOST}/images/card/a.jpg`];
    const { out } = await vitrine(args, { folder: routeless, env: SECRETS });
    expect(out).toMatch(/^Purge +npx vitrine purge --url https:\/\/images\.example a\.jpg$/m);
  });
});

test.each([
  "images.example/images/card/photos/fig.jpg",
  "localhost:8787/images/card/photos/fig.jpg",
  "javascript:alert(1)",
  "images/card/photos/fig.jpg",
  "",
  "https://",
])("%j is not taken for a URL", async (given) => {
  const { code, out, err } = await vitrine(["explain", given], { folder });
  expect([code, out]).toEqual([2, ""]);
  expect(err).toMatch(/is (?:neither a URL that begins with https:\/\/|not a URL)/);
});

test("a path may begin with two slashes: they name no host", async () => {
  const path = "//images/card/photos/fig.jpg";
  expect(await explain(path)).toMatchObject({ refused: { event: "no-such-route", path } });
});

test("a key may look as if it had a signature in it", async () => {
  const { object, asked } = await explain("/images/card/xsig=abc.jpg");
  expect([object, asked?.originUrl]).toEqual([
    "xsig=abc.jpg",
    expect.stringMatching(/\/xsig%3Dabc\.jpg$/),
  ]);
});

test("unseen characters of a key are escaped, so they do nothing to the terminal", async () => {
  const path = "/images/card/%E2%80%AEgpj.exe%E2%80%A8%C2%9B";
  const { rows } = await explain(path);
  expect(rows).toContain("\\u202egpj.exe\\u2028\\u009b");
  const { out } = await vitrine(["explain", "--json", path], { folder });
  expect(out).toContain("\\u202egpj.exe\\u2028\\u009b");
  const { key }: Explained = JSON.parse(out);
  expect(key).toBe("published/\u202egpj.exe\u2028\u009b");
  const broken = await explain("/images/card/a%0AKey%20b");
  expect(broken.rows).toMatch(/^Key +published\/a\\u000aKey b$/m);
});
