// The subjects of the benchmark and their limits: the built Worker with several kinds of traffic, and the
// Workers with which it is compared.

import { basename, join } from "node:path";
import { buildSync } from "esbuild";
import { signGrant } from "../../src/url/grant.ts";
import { SHIPPED_PRESETS } from "../support/env.ts";
import { builtWorker, type Script } from "../support/workerd.ts";
import type { Load } from "./load.ts";
import { type Random, zipf } from "./random.ts";

export type Subject = {
  readonly name: string;
  /** A short description. */
  readonly note: string;
  readonly script: Script;
  /** The requests of one round. */
  draw(count: number, random: Random): Load | Promise<Load>;
  /** The name of the subject that it is compared with. Absent: it is compared with none. */
  readonly floor?: string;
  /** The limit for the CPU time of a request, divided by that of its floor. */
  readonly limit?: number;
};

/** What the Worker is compared with: Workers that do the same with fixed values, and nothing else. */
const HIT_FLOOR = "floor of a hit";
const GATEWAY_FLOOR = "floor of the gateway";
const MISS_FLOOR = "floor of a miss";
const CHECK_FLOOR = "floor of a check";
const DIRECT_FLOOR = "floor without a cache";

/** A request that the whole Worker answers, and its floor: those of a quick run. */
export const FIRST: readonly string[] = [MISS_FLOOR, "miss"];

/** The name by which scripts of subjects/ import the built Worker. */
const VITRINE = "vitrine.js";

/** How many different keys are asked for. */
const KEYS = 100_000;

/** The exponent of Zipf's law: the second key is asked for half as often as the first. */
const EXPONENT = 1;

const BROWSER = {
  accept: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  "user-agent": "bench",
};
/** Of the rendition in subjects/fixed.js. */
const ETAG = '"4a1d8f0c7b2e695d3c60f9a8e1b7d254"';

/** From the documentation of AWS. They open nothing. */
const KEY_PAIR = {
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
  AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
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

const HOT = "/images/card/photos/dandelion.jpg";
const key = (at: number) => `photos/2026/${at % 365}/IMG_${at}.jpg`;

/** Repeats one request. */
function again(path: string, status = 200, more: Record<string, string> = {}) {
  return (count: number): Load => {
    return { paths: Array<string>(count).fill(path), headers: { ...BROWSER, ...more }, status };
  };
}

/** Makes requests one by one. */
function each(make: () => string, status = 200) {
  return (count: number): Load => {
    return { paths: Array.from({ length: count }, make), headers: BROWSER, status };
  };
}

/** Makes a new key each time. */
function differentKeys() {
  let fresh = KEYS;
  return each(() => `/images/card/${key(fresh++)}`);
}

/** Returns the subjects. Each call uses keys that were never asked for. */
export function subjects(): Subject[] {
  const whole = builtWorker(VARS);
  const gateway = wrap("hit", whole);
  const alone = wrap("gateway", whole);
  const wanted = zipf(KEYS, EXPONENT);
  const draw = (count: number, random: Random) =>
    each(() => `/images/card/${key(wanted(random))}`)(count);
  let at = 0;
  const unfound = ["/favicon.ico", "/images/huge/photos/dandelion.jpg", "/images/card/a//b.jpg"];
  const drawUnfound = each(() => unfound[at++ % unfound.length] ?? "/", 404);

  return [
    {
      ...{ name: HIT_FLOOR, note: "asks a second entrypoint, which answers at once" },
      ...{ script: bundled("floor-hit"), draw: again(HOT) },
    },
    {
      ...{ name: GATEWAY_FLOOR, note: "asks an object of the isolate, which answers at once" },
      ...{ script: bundled("floor-gateway"), draw: again(HOT) },
    },
    {
      ...{ name: MISS_FLOOR, note: "asks a second entrypoint, which asks S3 and the edge" },
      ...{ script: bundled("floor-miss"), draw: again(HOT) },
    },
    {
      ...{ name: CHECK_FLOOR, note: "asks a second entrypoint, which asks S3" },
      ...{ script: bundled("floor-check"), draw: again(HOT, 304) },
    },
    {
      ...{ name: DIRECT_FLOOR, note: "asks S3 and the edge" },
      ...{ script: bundled("floor-direct"), draw: again(HOT) },
    },
    {
      ...{ name: "hit", note: "kept by the cache, 100,000 keys by Zipf's law" },
      ...{ script: gateway, draw, floor: HIT_FLOOR, limit: 1.15 },
    },
    {
      ...{ name: "miss", note: "made now, a key that was never asked for, each time" },
      ...{ script: whole, draw: differentKeys(), floor: MISS_FLOOR, limit: 1.45 },
    },
    {
      ...{ name: "check", note: "S3 is asked, and nothing changed: 304 to the cache" },
      ...{ script: wrap("check", whole), floor: CHECK_FLOOR },
      draw: async (count, random) => ({ ...(await draw(count, random)), status: 304 }),
    },
    {
      ...{ name: "signed", note: "a hit by signed URLs, 100,000 keys by Zipf's law" },
      ...{ script: gateway, draw: drawSigned(wanted), floor: HIT_FLOOR, limit: 1.3 },
    },
    {
      ...{ name: "404", note: "no such route, preset or key; compared with a hit" },
      ...{ script: gateway, draw: drawUnfound, floor: HIT_FLOOR, limit: 0.5 },
    },
    {
      ...{ name: "hit, gateway alone", note: "an object of the isolate is in place of the cache" },
      ...{ script: alone, draw, floor: GATEWAY_FLOOR, limit: 1.2 },
    },
    {
      ...{ name: "signed, gateway alone", note: "the same, by signed URLs" },
      ...{ script: alone, draw: drawSigned(wanted), floor: GATEWAY_FLOOR, limit: 1.4 },
    },
    {
      ...{ name: "404, gateway alone", note: "no such route, preset or key; compared with a hit" },
      ...{ script: alone, draw: drawUnfound, floor: GATEWAY_FLOOR, limit: 0.8 },
    },
    {
      ...{ name: "304", note: "a hit that the browser has" },
      ...{ script: gateway, draw: again(HOT, 304, { "if-none-match": ETAG }), floor: HIT_FLOOR },
    },
    {
      ...{ name: "direct", note: "keep = 0: no cache, 100,000 keys by Zipf's law" },
      ...{ script: builtWorker({ ...VARS, ANSWERS: { keep: 0 } }), draw },
      ...{ floor: DIRECT_FLOOR, limit: 1.2 },
    },
    {
      ...{ name: "the docs' way", note: "a new client, and a signature for each request" },
      ...{ script: bundled("docs"), draw: again(HOT), floor: DIRECT_FLOOR },
    },
    {
      ...{ name: "bare", note: "a fetch that is passed through" },
      ...{ script: bundled("bare"), draw: again(HOT), floor: DIRECT_FLOOR },
    },
  ];
}

const MOST_MORE = 1.05;

/** What larger configurations and longer keys are compared with. */
const SMALLEST = "1 route, 1 preset";
const SHORTEST = "a key of 10 bytes";

/** The Worker with 1, 100 and 1,000 routes and presets. The last one is asked for. */
export function sizesOfConfiguration(): Subject[] {
  return [1, 100, 1_000].map((count) => {
    const numbers = Array.from({ length: count }, (_, at) => at + 1);
    const presets = numbers.map((at) => [`preset-${at}`, { width: 400 + at, dpr: [1, 2] }]);
    const vars = {
      ...VARS,
      ROUTES: numbers.map((at) => ({ path: `/site-${at}/:preset/*`, object: "media/*" })),
      PRESETS: Object.fromEntries(presets),
    };
    return {
      name: count === 1 ? SMALLEST : `${count} routes and presets`,
      note: "the last of them is asked for",
      script: builtWorker(vars),
      draw: again(`/site-${count}/preset-${count}/photos/dandelion.jpg`),
      ...(count > 1 && { floor: SMALLEST, limit: MOST_MORE }),
    };
  });
}

/** Keys of 10 and of 1,000 bytes. */
export function lengthsOfKeys(): Subject[] {
  return [10, 1_000].map((bytes) => ({
    name: bytes === 10 ? SHORTEST : `a key of ${bytes} bytes`,
    note: "one URL",
    ...(bytes > 10 && { floor: SHORTEST }),
    script: builtWorker(VARS),
    draw: again(`/images/card/${"k".repeat(bytes - 4)}.jpg`),
  }));
}

/** Signs each URL once, and asks for keys by their numbers. */
function drawSigned(wanted: (random: Random) => number): Subject["draw"] {
  const queries = new Map<string, string>();
  return async (count, random) => {
    const keys = Array.from({ length: count }, () => key(wanted(random)));
    const expires = Math.floor(Date.now() / 1000) + 86_400;
    for (const one of new Set(keys)) {
      const grant = { route: "/private/:preset/*", preset: "card", key: one, expires };
      if (!queries.has(one)) queries.set(one, await signGrant(grant, SIGNING_KEY));
    }
    const paths = keys.map((one) => `/private/card/${one}${queries.get(one)}`);
    return { paths, headers: BROWSER, status: 200 };
  };
}

/** The scripts of subjects/, by their names. All are built at once: no process of esbuild is waiting between. */
let bundles: ReadonlyMap<string, string> | undefined;

function bundleAll(): ReadonlyMap<string, string> {
  const folder = join(import.meta.dirname, "subjects");
  const { outputFiles } = buildSync({
    ...{ bundle: true, format: "esm", minify: true, write: false, outdir: "/" },
    ...{ entryPoints: [join(folder, "*.js")], external: ["cloudflare:workers", VITRINE] },
  });
  return new Map(outputFiles.map(({ path, text }) => [basename(path, ".js"), text]));
}

/** The script of a file of subjects/. @throws if there is no such file */
function bundled(name: string): Script {
  bundles ??= bundleAll();
  const code = bundles.get(name);
  if (code === undefined) throw new Error(`test/bench/subjects has no ${name}.js`);
  return { code, vars: KEY_PAIR };
}

/** A script of subjects/ that imports a Worker. */
function wrap(name: string, { code, vars = {} }: Script): Script {
  return { ...bundled(name), modules: { [VITRINE]: code }, vars };
}
