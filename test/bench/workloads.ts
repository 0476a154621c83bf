// The workloads of the benchmark and their limits: the built Worker with several kinds of traffic, and the
// Workers with which it is compared.

import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { basename, join } from "node:path";
import { buildSync } from "esbuild";
import { SignJWT } from "jose";
import { signGrant } from "../../src/url/grant.ts";
import { SECRETS, SHIPPED_PRESETS } from "../support/env.ts";
import { builtWorker, type Script } from "../support/workerd.ts";
import type { Load } from "./load.ts";
import { type Random, zipf } from "./random.ts";

export type Workload = {
  readonly name: string;
  readonly note: string;
  readonly script: Script;
  draw(count: number, random: Random): Load | Promise<Load>;
  /** The name of the workload that it is compared with. Undefined: it is compared with none. */
  readonly floor?: string | undefined;
  /** The limit for the CPU time of a request, divided by that of its floor. */
  readonly limit?: number | undefined;
};

/** What the Worker is compared with: Workers that do the same with fixed values, and nothing else. */
const HIT_FLOOR = "floor of a hit";
const GATEWAY_FLOOR = "floor of the gateway";
const MISS_FLOOR = "floor of a miss";
const CHECK_FLOOR = "floor of a check";
const DIRECT_FLOOR = "floor without a cache";

/** The name by which scripts of workers/ import the built Worker. */
const VITRINE = "vitrine.js";

const KEYS = 100_000;

/** The exponent of Zipf's law: the second key is asked for half as often as the first. */
const EXPONENT = 1;

const BROWSER = {
  accept: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  "user-agent": "bench",
};
/** Of the rendition in workers/fixed.js. */
const ETAG = '"4a1d8f0c7b2e695d3c60f9a8e1b7d254"';

const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = SECRETS;
const KEY_PAIR = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
const SIGNING_KEY = { kid: "k1", secret: "the-key-that-signs-public-URLs-now-01" };

/** The shipped wrangler.toml, with a signed route. */
const VARS = {
  ...KEY_PAIR,
  URL_SIGNING_KEYS: JSON.stringify({ [SIGNING_KEY.kid]: SIGNING_KEY.secret }),
  BUCKETS: {
    media: {
      endpoint: "https://s3.eu-west-1.amazonaws.com",
      bucket: "acme-media",
      region: "eu-west-1",
    },
  },
  ROUTES: [
    { path: "/images/:preset/*", object: "media/*" },
    { path: "/avatars/:user/:preset", object: "media/users/:user/avatar.png" },
    { path: "/private/:preset/*", object: "media/*", signed: true },
  ],
  PRESETS: SHIPPED_PRESETS,
};

/** A route that the token of a login opens. The URL of the login's keys has the keys in it: see workers/edge.js. */
const LOGIN = { issuer: "https://login.example.com/", audience: "images", kid: "2026" };

function withToken(alg: string, publicKey: KeyObject): Script {
  const { issuer, audience, kid } = LOGIN;
  const key = { ...publicKey.export({ format: "jwk" }), kid, alg, use: "sig" };
  const keys = JSON.stringify({ keys: [key] });
  const token = {
    ...{ issuer, audience, claims: { sub: ":user" } },
    keys: `${issuer}jwks?keys=${encodeURIComponent(keys)}`,
  };
  const ROUTES = [
    { path: "/users/:user/:preset/*", object: "media/users/:user/*", token },
    { path: "/icons/:preset/*", object: "media/icons/*" },
    { path: "/pages/:preset/*", object: "media/pages/*" },
  ];
  return builtWorker({ ...VARS, ROUTES });
}

const HOT = "/images/card/photos/dandelion.jpg";
const key = (at: number) => `photos/2026/${at % 365}/IMG_${at}.jpg`;

function again(path: string, status = 200, more: Record<string, string> = {}) {
  return (count: number): Load => {
    return { paths: Array<string>(count).fill(path), headers: { ...BROWSER, ...more }, status };
  };
}

function each(createPath: () => string, status = 200) {
  return (count: number): Load => {
    return { paths: Array.from({ length: count }, createPath), headers: BROWSER, status };
  };
}

function differentKeys() {
  let fresh = KEYS;
  return each(() => `/images/card/${key(fresh++)}`);
}

/** Returns the workloads. Each call uses keys that were never asked for. */
export function workloads(): Workload[] {
  const whole = builtWorker(VARS);
  const gateway = wrap("hit", whole);
  const alone = wrap("gateway", whole);
  const chooseKey = zipf(KEYS, EXPONENT);
  const draw = (count: number, random: Random) =>
    each(() => `/images/card/${key(chooseKey(random))}`)(count);
  let at = 0;
  const unfound = ["/favicon.ico", "/images/huge/photos/dandelion.jpg", "/images/card/a//b.jpg"];
  const drawUnfound = each(() => unfound[at++ % unfound.length] ?? "/", 404);

  const direct = builtWorker({ ...VARS, ANSWERS: { keep: 0 } });
  const drawChecks = async (count: number, random: Random) => ({
    ...draw(count, random),
    status: 304,
  });
  const rows: readonly Row[] = [
    [HIT_FLOOR, bundled("floor-hit"), again(HOT)],
    [GATEWAY_FLOOR, bundled("floor-gateway"), again(HOT)],
    [MISS_FLOOR, bundled("floor-miss"), again(HOT)],
    [CHECK_FLOOR, bundled("floor-check"), again(HOT, 304)],
    [DIRECT_FLOOR, bundled("floor-direct"), again(HOT)],
    ["hit", gateway, draw, HIT_FLOOR, 1.15],
    ["miss", whole, differentKeys(), MISS_FLOOR, 1.45],
    ["check", wrap("check", whole), drawChecks, CHECK_FLOOR],
    ["signed", gateway, drawSigned(chooseKey), HIT_FLOOR, 1.3],
    ["404", gateway, drawUnfound, HIT_FLOOR, 0.5],
    ["hit, gateway alone", alone, draw, GATEWAY_FLOOR, 1.2],
    ["signed, gateway alone", alone, drawSigned(chooseKey), GATEWAY_FLOOR, 1.4],
    ["404, gateway alone", alone, drawUnfound, GATEWAY_FLOOR, 0.8],
    ["304", gateway, again(HOT, 304, { "if-none-match": ETAG }), HIT_FLOOR],
    ["direct", direct, draw, DIRECT_FLOOR, 1.2],
    ["the docs' way", bundled("docs"), again(HOT), DIRECT_FLOOR],
    ["bare", bundled("bare"), again(HOT), DIRECT_FLOOR],
  ];
  return workloadsOf(rows);
}

/** A hit with the token of a login, compared with one that needs none. */
export function tokenWorkloads(): Workload[] {
  const chooseKey = zipf(KEYS, EXPONENT);
  const draw = (count: number, random: Random) =>
    each(() => `/images/card/${key(chooseKey(random))}`)(count);

  return workloadsOf([
    ["hit", wrap("hit", builtWorker(VARS)), draw],
    ["token, ES256", ...tokenHits("ES256", ES256, chooseKey), "hit", 3],
    ["token, RS256", ...tokenHits("RS256", RS256, chooseKey), "hit", 3],
  ]);
}

function workloadsOf(rows: readonly Row[]): Workload[] {
  return rows.map(([name, script, draw, floor, limit]) => {
    return { name, note: NOTES[name], script, draw, floor, limit };
  });
}

type KeyPair = { readonly publicKey: KeyObject; readonly privateKey: KeyObject };

const ES256: KeyPair = generateKeyPairSync("ec", { namedCurve: "P-256" });
const RS256: KeyPair = generateKeyPairSync("rsa", { modulusLength: 2048 });

/** Hits of one visitor with a token, as a login signs it. */
function tokenHits(
  alg: string,
  { publicKey, privateKey }: KeyPair,
  chooseKey: (random: Random) => number,
): readonly [Script, Workload["draw"]] {
  const { issuer, audience, kid } = LOGIN;
  const draw: Workload["draw"] = async (count, random) => {
    const token = await new SignJWT({ email: "alice@example.com", scope: "openid profile email" })
      .setProtectedHeader({ alg, kid, typ: "JWT" })
      .setIssuer(issuer)
      .setAudience(audience)
      .setSubject("auth0|5f7c8ec7c33c6c004bbafe82")
      .setIssuedAt()
      .setExpirationTime("1h")
      .sign(privateKey);
    const folder = "/users/auth0%7C5f7c8ec7c33c6c004bbafe82/card";
    const load = each(() => `${folder}/${key(chooseKey(random))}`)(count);
    return { ...load, headers: { ...load.headers, authorization: `Bearer ${token}` } };
  };
  return [wrap("hit", withToken(alg, publicKey)), draw];
}

type Row = readonly [
  name: keyof typeof NOTES,
  script: Script,
  draw: Workload["draw"],
  floor?: string,
  limit?: number,
];

const NOTES = {
  [HIT_FLOOR]: "asks a second entrypoint, which answers at once",
  [GATEWAY_FLOOR]: "asks an object of the isolate, which answers at once",
  [MISS_FLOOR]: "asks a second entrypoint, which asks S3 and the edge",
  [CHECK_FLOOR]: "asks a second entrypoint, which asks S3",
  [DIRECT_FLOOR]: "asks S3 and the edge",
  hit: "kept by the cache, 100,000 keys by Zipf's law",
  miss: "made now, a key that was never asked for, each time",
  check: "S3 is asked, and nothing changed: 304 to the cache",
  signed: "a hit by signed URLs, 100,000 keys by Zipf's law",
  "token, ES256": "a hit with the token of a login, by ECDSA; compared with a hit",
  "token, RS256": "the same, by RSA",
  "404": "no such route, preset or key; compared with a hit",
  "hit, gateway alone": "an object of the isolate is in place of the cache",
  "signed, gateway alone": "the same, by signed URLs",
  "404, gateway alone": "no such route, preset or key; compared with a hit",
  "304": "a hit that the browser has",
  direct: "keep = 0: no cache, 100,000 keys by Zipf's law",
  "the docs' way": "a new client, and a signature for each request",
  bare: "a fetch that is passed through",
} as const;

const MOST_MORE = 1.05;

/** What larger configurations and longer keys are compared with. */
const SMALL_CONFIGURATION = "1 route, 1 preset";
const SHORT_KEY = "a key of 10 bytes";

/** The Worker with 1, 100 and 1,000 routes and presets. The last one is asked for. */
export function sizesOfConfiguration(): Workload[] {
  return [1, 100, 1_000].map((count) => {
    const numbers = Array.from({ length: count }, (_, at) => at + 1);
    const presets = numbers.map((at) => [`preset-${at}`, { width: 400 + at, dpr: [1, 2] }]);
    const vars = {
      ...VARS,
      ROUTES: numbers.map((at) => ({ path: `/site-${at}/:preset/*`, object: "media/*" })),
      PRESETS: Object.fromEntries(presets),
    };
    return {
      name: count === 1 ? SMALL_CONFIGURATION : `${count} routes and presets`,
      note: "the last of them is asked for",
      script: builtWorker(vars),
      draw: again(`/site-${count}/preset-${count}/photos/dandelion.jpg`),
      ...(count > 1 && { floor: SMALL_CONFIGURATION, limit: MOST_MORE }),
    };
  });
}

export function lengthsOfKeys(): Workload[] {
  return [10, 1_000].map((bytes) => ({
    name: bytes === 10 ? SHORT_KEY : `a key of ${bytes} bytes`,
    note: "one URL",
    ...(bytes > 10 && { floor: SHORT_KEY }),
    script: builtWorker(VARS),
    draw: again(`/images/card/${"k".repeat(bytes - 4)}.jpg`),
  }));
}

/** Signs each URL once, and asks for keys by their numbers. */
function drawSigned(chooseKey: (random: Random) => number): Workload["draw"] {
  const queries = new Map<string, string>();
  return async (count, random) => {
    const keys = Array.from({ length: count }, () => key(chooseKey(random)));
    const expires = Math.floor(Date.now() / 1000) + 86_400;
    for (const one of new Set(keys)) {
      const grant = { route: "/private/:preset/*", preset: "card", key: one, expires };
      if (!queries.has(one)) queries.set(one, await signGrant(grant, SIGNING_KEY));
    }
    const paths = keys.map((one) => `/private/card/${one}${queries.get(one)}`);
    return { paths, headers: BROWSER, status: 200 };
  };
}

/** The scripts of workers/, by their names. All are built at once: no process of esbuild is waiting between. */
let bundles: ReadonlyMap<string, string> | undefined;

function bundleAll(): ReadonlyMap<string, string> {
  const folder = join(import.meta.dirname, "workers");
  const { outputFiles } = buildSync({
    ...{ bundle: true, format: "esm", minify: true, write: false, outdir: "/" },
    ...{ entryPoints: [join(folder, "*.js")], external: ["cloudflare:workers", VITRINE] },
  });
  return new Map(outputFiles.map(({ path, text }) => [basename(path, ".js"), text]));
}

/** The script of a file of workers/. @throws if there is no such file */
function bundled(name: string): Script {
  bundles ??= bundleAll();
  const code = bundles.get(name);
  if (code === undefined) throw new Error(`test/bench/workers has no ${name}.js`);
  return { code, vars: KEY_PAIR };
}

/** A script of workers/ that imports a Worker. */
function wrap(name: string, { code, vars = {} }: Script): Script {
  return { ...bundled(name), modules: { [VITRINE]: code }, vars };
}
