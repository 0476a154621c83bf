// The subjects of the benchmark and their limits: the built Worker with several kinds of traffic, and the
// Workers with which it is compared.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { buildSync } from "esbuild";
import { signGrant } from "../../src/url/grant.ts";
import { BUILT } from "../support/built.ts";
import type { Load } from "./load.ts";
import { type Random, zipf } from "./random.ts";
import type { Script } from "./workerd.ts";

export type Subject = {
  readonly name: string;
  /** A short description. */
  readonly note: string;
  readonly script: Script;
  /** The requests of one round. */
  draw(count: number, random: Random): Load | Promise<Load>;
  /** The limit for the CPU time of a request, divided by that of the floor. */
  readonly limit?: number;
};

export const FLOOR = "floor";

/** How many different keys are asked for. */
const KEYS = 100_000;

/** The exponent of Zipf's law: the second key is asked for half as often as the first. */
const EXPONENT = 1;

const BROWSER = {
  accept: "image/avif,image/webp,image/apng,image/svg+xml,image/*,*/*;q=0.8",
  "user-agent": "bench",
};
const ETAG = '"cfJ2tGBBeYWBC8vHqAgVxmSDPwDkDbDNVj3OXG9yv4bQQ:9bb58f26192e4ba00f01e2e7b136bbd8"';

/** From the documentation of AWS. They open nothing. */
const KEY_PAIR = {
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
  AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};
const SIGNING_KEY = { kid: "k1", secret: "the-key-that-signs-public-URLs-now-01" };

/** The shipped wrangler.toml, with a signed route. */
export const VARS = {
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
  PRESETS: {
    thumbnail: { width: 160, height: 160, fit: "cover", dpr: [1, 2] },
    card: { width: 480, dpr: [1, 1.5, 2] },
    hero: { width: 1920, widths: [640, 960, 1280, 1920], quality: 80 },
  },
};

const HOT = "/images/card/photos/dandelion.jpg";
const key = (at: number) => `photos/2026/${at % 365}/IMG_${at}.jpg`;

/** Repeats one request. */
export function again(path: string, status = 200, more: Record<string, string> = {}) {
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
export function differentKeys() {
  let fresh = KEYS;
  return each(() => `/images/card/${key(fresh++)}`);
}

/** Returns the subjects. Each call uses keys that were never asked for. */
export function subjects(): Subject[] {
  const script = (name: string): Script => {
    const entry = join(import.meta.dirname, "subjects", `${name}.js`);
    const options = { bundle: true, format: "esm", minify: true, write: false } as const;
    const [file] = buildSync({ ...options, entryPoints: [entry] }).outputFiles;
    return { code: file?.text ?? "", vars: KEY_PAIR };
  };
  const vitrine = builtWorker(VARS);
  const wanted = zipf(KEYS, EXPONENT);
  const queries = new Map<string, string>();
  let at = 0;
  const unfound = ["/favicon.ico", "/images/huge/photos/dandelion.jpg", "/images/card/a//b.jpg"];

  return [
    {
      ...{ name: FLOOR, note: "what no Worker of this kind can leave out" },
      ...{ script: script("floor"), draw: again(HOT) },
    },
    {
      ...{ name: "bare", note: "a fetch that is passed through" },
      ...{ script: script("bare"), draw: again(HOT) },
    },
    {
      ...{ name: "the docs' way", note: "a new client, and a signature for each request" },
      ...{ script: script("docs"), draw: again(HOT) },
    },
    {
      ...{ name: "hot", note: "one URL", limit: 1.1 },
      ...{ script: vitrine, draw: again(HOT) },
    },
    {
      ...{ name: "zipf", note: "100,000 keys by Zipf's law", limit: 1.2 },
      script: vitrine,
      draw: (count, random) => each(() => `/images/card/${key(wanted(random))}`)(count),
    },
    {
      ...{ name: "different", note: "a key that was never asked for, each time", limit: 1.45 },
      ...{ script: vitrine, draw: differentKeys() },
    },
    {
      ...{ name: "signed", note: "signed public URLs, 100,000 keys by Zipf's law", limit: 1.35 },
      script: vitrine,
      async draw(count, random) {
        const keys = Array.from({ length: count }, () => key(wanted(random)));
        const expires = Math.floor(Date.now() / 1000) + 86_400;
        for (const one of new Set(keys)) {
          const grant = { route: "/private/:preset/*", preset: "card", key: one, expires };
          if (!queries.has(one)) queries.set(one, await signGrant(grant, SIGNING_KEY));
        }
        const paths = keys.map((one) => `/private/card/${one}${queries.get(one)}`);
        return { paths, headers: BROWSER, status: 200 };
      },
    },
    {
      ...{ name: "404", note: "no such route, preset or key", limit: 0.5 },
      script: vitrine,
      draw: each(() => unfound[at++ % unfound.length] ?? "/", 404),
    },
    {
      ...{ name: "304", note: "one URL that the browser has" },
      ...{ script: vitrine, draw: again(HOT, 304, { "if-none-match": ETAG }) },
    },
  ];
}

/** The deployed Worker. */
export function builtWorker(vars: Readonly<Record<string, unknown>>): Script {
  return { code: readFileSync(join(BUILT, "index.js"), "utf8"), vars };
}
