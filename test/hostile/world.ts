// The surroundings of an attacked Worker: a configuration, a fast edge that keeps the rules by which an
// original could leak, a simple S3, and the strict cache in front of its cached entrypoint. It records
// everything that the Worker does.

import { hash } from "node:crypto";
import { type Cache, createCache } from "../../src/emulator/cache/cache.ts";
import { FAULTS, type Fault, faultAnswer } from "../../src/emulator/edge/faults.ts";
import { createR2, type R2 } from "../../src/emulator/r2/r2.ts";
import type { GatewayContext, Loopback } from "../../src/worker/cache/loopback.ts";
import { ENV, HEALTH_TOKEN, NEXT } from "../support/env.ts";
import {
  type Behaviour,
  CODE,
  createImages,
  etagOf,
  LIES,
  type Lie,
  type Made,
  ORIGINAL,
  objectAnswer,
  r2ObjectOf,
  renditionOf,
  streamOf,
} from "./bound.ts";
import { type Engine, MARK, SESSION, withEngine } from "./engines.ts";
import { installQuickCrypto } from "./quick-crypto.ts";
import { spellPath } from "./spelling.ts";

export { ORIGINAL };

const ORIGIN = "https://acme-media.s3.eu-west-1.amazonaws.com/";
const OTHER = "https://s3.other.example/acme-other/";

/** Written by hand: the properties must not rely on the code that they check. */
export const CONFIG = {
  ...ENV,
  ...NEXT,
  HEALTH_TOKEN,
  BUCKETS: {
    ...ENV.BUCKETS,
    other: { endpoint: "https://s3.other.example", bucket: "acme-other", region: "auto" },
  },
  ROUTES: [
    { path: "/images/:preset/*", object: "media/*", facts: true, fallback: "other/none/@1.png" },
    { path: "/avatars/:user/:preset", object: "media/users/:user/avatar.png", presets: ["card"] },
    { path: "/p/:preset/:id/:slug", object: "other/products/:id.jpg" },
    { path: "/pairs/:preset/:a/:b", object: "other/:a-:b" },
    { path: "/icons/:preset/*", object: "media/icons/*", svg: true, facts: true },
    {
      ...{ path: "/private/:preset/*", object: "media/*", fallback: "media/a.jpg" },
      ...{ signed: true, max_age: 86_400, facts: true },
    },
    { path: "/secret/:preset/*", object: "media/*", signed: true, max_age: 86_400 },
    { path: "/app/:preset/*", object: "other/*", facts: true, origins: ["https://app.example"] },
    { path: "/near/:preset/*", object: "other/*", origins: ["https://app.images.example"] },
    { path: "/öffentlich ✓/:preset/*", object: "media/*" },
  ],
  PRESETS: {
    card: { width: 160, height: 160, fit: "cover", dpr: [1, 2] },
    hero: { width: 1920, height: 1080, widths: [640, 1920], quality: 80 },
    moving: { width: 200, anim: true },
    plain: { width: 200, format: "jpeg" },
    light: { height: 100, format: "webp" },
  },
} as const;

/** The same, with a gateway that makes all renditions itself. */
export const DIRECT = { ...CONFIG, ANSWERS: { ...ENV.ANSWERS, keep: 0 } } as const;

const CARD = { width: 160, height: 160, fit: "cover" };
const HERO = { width: 1920, height: 1080, fit: "scale-down", quality: 80 };

/** Every variant, with the options that it may ask for. */
export const VARIANTS: Readonly<Record<string, object>> = {
  ...{ card: CARD, "card@1x": CARD, "card@2x": { ...CARD, dpr: 2 } },
  ...{ hero: HERO, "hero@640w": { ...HERO, width: 640, height: 360 }, "hero@1920w": HERO },
  moving: { width: 200, fit: "scale-down" },
  plain: { width: 200, fit: "scale-down" },
  light: { height: 100, fit: "scale-down" },
};

/** How the origin URLs of each route may begin. */
export const PLACES = {
  "/images/:preset/*": `${ORIGIN}published/`,
  "/avatars/:user/:preset": `${ORIGIN}published/users/`,
  "/p/:preset/:id/:slug": `${OTHER}products/`,
  "/pairs/:preset/:a/:b": OTHER,
  "/icons/:preset/*": `${ORIGIN}published/icons/`,
  "/private/:preset/*": `${ORIGIN}published/`,
  "/secret/:preset/*": `${ORIGIN}published/`,
  "/app/:preset/*": OTHER,
  "/near/:preset/*": OTHER,
  "/öffentlich ✓/:preset/*": `${ORIGIN}published/`,
} as const satisfies Record<(typeof CONFIG)["ROUTES"][number]["path"], string>;

/** The routes with facts. */
export const WITH_FACTS: ReadonlySet<string> = new Set(
  CONFIG.ROUTES.filter((route) => "facts" in route).map(({ path }) => path),
);

/** The fallback object of each route that has one. */
export const FALLBACKS: Readonly<Record<string, string>> = {
  "/images/:preset/*": `${OTHER}none/%401.png`,
  "/private/:preset/*": `${ORIGIN}published/a.jpg`,
};

const TYPES = ["image/jpeg", "image/png", "image/webp", "image/gif", "image/svg+xml", "text/html"];
const ALL_FAULTS: readonly Fault[] = FAULTS;
const OUTCOMES = ["made", "off", "smaller", "too-large", "fault", "broken", "odd"] as const;

/** How the edge and S3 behave, separately for a fallback. Each number chooses from a list, modulo its length. */
export type Mood = {
  readonly outcome: number;
  readonly type: number;
  readonly fault: number;
  readonly s3: number;
  /** Whether the limiter refuses this visitor. */
  readonly spent: boolean;
  /** The headers of the edge with the outcome "odd". */
  readonly resized: string;
  readonly contentType: string;
  readonly etag: string;
  readonly warning: string;
  /** The type of an object that this one took the place of, if the edge still has that one (C1). */
  readonly replaced?: number | undefined;
  /** How the edge fails, whatever the outcome is; not for a fallback. */
  readonly failure?: Fault | undefined;
  /** How STS fails; undefined: it does not. */
  readonly sts?: number | undefined;
  /** What S3 says in place of the object, of REPLIES, whatever is said of the edge; not for a fallback. */
  readonly down?: number | undefined;
  /** How the object, or what is made of it, is not as it should be. */
  readonly twist?: Twist | undefined;
  /** What is so as soon as a rendition is made. */
  readonly meanwhile?: Partial<Mood> | undefined;
  /** Which bytes the object has now, and so which ETag. */
  readonly revision?: number | undefined;
  /** The id of an access key that may not read any object. */
  readonly denied?: string | undefined;
};

/** S3 names no bytes; the rendition breaks off, or is shorter than it says; or has a type in place of another. */
export const TWISTS = ["no-etag", "half", "short", "stand-in"] as const;
type Twist = (typeof TWISTS)[number];

/** One call of fetch. */
export type Call = {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly cf: RequestInitCfProperties | undefined;
  readonly redirect: string | undefined;
  readonly cache: string | undefined;
  /** What came back: the status with the edge's result, or with S3's code; undefined if nothing did. */
  said: string | undefined;
};

/** The counts of a thread: visits, visits that reached the edge, and answers by status. */
export const tally: Record<string, number> = {};

/** What the gateway asked the cached entrypoint for. */
type Loop = { readonly url: string; readonly method: string; readonly headers: Headers };

/** What the Worker did. */
export type Events = {
  calls: Call[];
  loops: Loop[];
  /** What the Images binding was asked for. */
  made: Made[];
  /** The calls for what is drawn on a picture. */
  drawn: Call[];
  logged: string[];
  limited: string[];
};

const pick = <T>(list: readonly T[], at: number): T => {
  const one = list[at % list.length];
  if (one === undefined) throw new Error("nothing to choose from");
  return one;
};

/** The interface of a Worker: the gateway, and the cached entrypoint. */
export type Worker = {
  fetch(request: Request, env: object, context: GatewayContext): Promise<Response>;
  readonly Renditions: new (context: ExecutionContext, env: object) => Cached;
};

type Cached = Loopback & object;

/** Where and when a visit takes place. */
export type Scene = {
  /** The `env` of an isolate. What it remembers of earlier visits ends with it. */
  readonly isolate: object;
  /** In front of the cached entrypoint. */
  readonly cache: Cache;
  /** The visitor's data centre. */
  readonly place: string;
  /** ms since 1970. */
  readonly now: number;
};

const asked: Events = { calls: [], loops: [], made: [], drawn: [], logged: [], limited: [] };
let mood: Mood;
let engine: Engine = "cf";

/** From now on, all isolates have this engine. */
export function useEngine(next: Engine): void {
  engine = next;
}

/** The URL by which the tags name an object, or the beginning of them: R2 has names of its own. */
export function nameOf(url: string): string {
  if (engine !== "r2") return url;
  return url
    .replace(ORIGIN, "r2://MEDIA_BUCKET.acme-media/")
    .replace(OTHER, "r2://OTHER_BUCKET.acme-other/");
}

/** The engine of all isolates. */
export const engineNow = (): Engine => engine;

/** The time of a visit, if nothing else is said: ms since 1970. Findings must be reproducible. */
export const NOW = Date.UTC(2026, 10, 24, 12) + 400;

/** The same in whole seconds, for signing. */
export const NOW_S = Math.floor(NOW / 1000);

let clock = NOW;

/** Replaces the network, the log and the clock; and WebCrypto, for speed. */
export function install(): void {
  installQuickCrypto();
  Date.now = () => clock;
  Object.assign(globalThis, { scheduler: { wait: async () => {} } });
  globalThis.fetch = async (input, init = {}) => {
    const { method = "GET", redirect, cache } = init;
    const url = `${input}`;
    if (url.startsWith("https://sts.")) return answerOfSts(`${init.body}`);
    const headers = new Headers(init.headers);
    const call: Call = { url, method, headers, cf: init.cf, redirect, cache, said: undefined };
    (isMark(url) ? asked.drawn : asked.calls).push(call);
    const isDenied = headers.get("authorization")?.includes(`=${mood.denied}/`);
    if (init.cf === undefined) {
      const isHead = headers.has("range");
      const answer = isDenied ? refusalOfS3(403, "AccessDenied") : objectOf(url, isHead);
      call.said = saidBy(answer);
      return answer;
    }
    const { type, outcome, failure: own } = moodOf(url);
    const failure = isDenied ? { code: 9408, status: 403 } : own;
    const image = init.cf.image ?? {};
    const answer = failure ? faultAnswer(failure) : answerOfEdge(url, image, type, outcome);
    call.said = `${answer.status} ${answer.headers.get("cf-resized")}`;
    mood = { ...mood, ...mood.meanwhile };
    return answer;
  };
  for (const level of ["info", "warn", "error"] as const) {
    console[level] = (line: unknown) => void asked.logged.push(`${line}`);
  }
}

/** Creates the `env` of a new isolate. It remembers nothing of visits with another one. */
export function createIsolate(vars: object = CONFIG, store?: R2): object {
  const limit = async ({ key }: { key: string }) => {
    asked.limited.push(key);
    return { success: !mood.spent };
  };
  const { ANSWERS = {} }: { readonly ANSWERS?: object } = vars;
  const storing = { ANSWERS: { ...ANSWERS, store: "RENDITIONS" }, RENDITIONS: store };
  const own = { ...withEngine(vars, engine), ...(store && storing) };
  if (engine === "cf") return { ...own, RATE_LIMITER: { limit } };
  const IMAGES = createImages(behaviourOf, (made) => {
    asked.made.push(made);
    mood = { ...mood, ...mood.meanwhile };
  });
  const R2 = { MEDIA_BUCKET: r2Of(ORIGIN), OTHER_BUCKET: r2Of(OTHER) };
  return { ...own, RATE_LIMITER: { limit }, IMAGES, ...(engine === "r2" ? R2 : {}) };
}

/** What STS gives for a role, or why not. */
function answerOfSts(form: string): Response {
  const { sts } = mood;
  if (sts === undefined) return new Response(grantOf(SESSION.sessionToken));
  if (sts % 2 === 0) throw new TypeError(`no route to ${form}`);
  const codes = ["InvalidIdentityToken", "AccessDenied", "ExpiredTokenException", form.slice(-80)];
  const error = `<Error><Code>${pick(codes, sts)}</Code><Message>${form}</Message></Error>`;
  const text = pick([error, form, ""], sts >> 2);
  const status = pick([200, 400, 403, 302], sts);
  return new Response(pick([grantOf(""), text, text], sts), { status });
}

const grantOf = (token: string) => `<AssumeRoleWithWebIdentityResponse
xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><AssumeRoleWithWebIdentityResult><Credentials>
<AccessKeyId>${SESSION.accessKeyId}</AccessKeyId><SessionToken>${token}</SessionToken>
<SecretAccessKey>${SESSION.secretAccessKey}</SecretAccessKey>
<Expiration>${new Date(clock + 3_600_000).toISOString()}</Expiration></Credentials>
</AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>`;

/** Returns whether a URL is of an overlay. No visitor asks for one. */
const isMark = (url: string) =>
  url.endsWith(`/${encodeURIComponent(MARK.key).replace("%2F", "/")}`);

/** An R2 bucket. Its calls are noted as if they went to a URL. */
function r2Of(base: string): object {
  const ask = async (key: string, { range }: { readonly range?: object } = {}) => {
    const url = base + spellPath(key).replaceAll("@", "%40");
    const request = {
      method: "GET",
      headers: new Headers(),
      redirect: "manual",
      cache: "no-store",
    };
    const call: Call = { url, ...request, cf: undefined, said: undefined };
    (isMark(url) ? asked.drawn : asked.calls).push(call);
    const answer = objectOf(url, range !== undefined);
    call.said = saidBy(answer);
    if (answer.ok || answer.status === 404) return r2ObjectOf(key, answer);
    throw new Error(`get: Unspecified error (0) ${ORIGINAL}`);
  };
  return { get: ask, head: ask };
}

/**
 * Answers a request for an object, by the mood.
 * @param isHead whether only the first bytes are asked for
 * @throws if the connection is lost
 */
function objectOf(url: string, isHead: boolean): Response {
  const revision = mood.revision ?? 0;
  if (isMark(url)) return objectAnswer(url, "image/png", undefined, isHead, 0);
  const { outcome, type, failure, down } = moodOf(url);
  if (down !== undefined) return failOfS3(down);
  const trouble = failure ?? (outcome === "fault" ? pick(ALL_FAULTS, mood.fault) : undefined);
  // With "cf", most of what fails there is the edge's own fault.
  const isOfEdge = engine === "cf" && mood.s3 % 3 !== 0;
  if (trouble?.status === 404) return refusalOfS3(404, "NoSuchKey");
  const isDenial = failure === undefined && outcome === "fault" && mood.fault % 3 === 0;
  if ((isDenial || trouble?.code === 9408) && mood.s3 % 4 !== 0) return failOfS3(mood.s3 >> 2);
  if (!isOfEdge && [9505, 9509, 9510, 9518, 9519].includes(trouble?.code ?? 0)) {
    if (mood.s3 % 2 === 0) throw new TypeError("Network connection lost.");
    return refusalOfS3(pick([500, 503, 400, 429], mood.s3 >> 1), "InternalError");
  }
  if (!isOfEdge && trouble?.code === 9420) return redirectAway();
  if (!isOfEdge && outcome === "broken" && failure === undefined) {
    if (mood.fault % 2 === 0) throw new TypeError("Network connection lost.");
    return redirectAway();
  }
  const isOwn = failure === undefined; // else it fails in that way alone
  const isLie = isOwn && outcome === "odd" && mood.fault % 2 === 0;
  const isLarge = (isOwn && outcome === "too-large") || trouble?.code === 9402;
  const named = mood.twist === "no-etag" && engine !== "r2" ? "no-etag" : undefined;
  const lie: Lie | undefined = isLarge ? "too-large" : isLie ? pick(LIES, mood.fault >> 1) : named;
  const send = (what: string) => objectAnswer(url, what, lie, isHead, revision);
  if (!isOfEdge && trouble?.code === 9412) return send("text/html");
  // Where Images fails, the object itself is one that it reads.
  const isHarmless = isOwn || TYPES.indexOf(type) < 4;
  return send(isHarmless ? type : "image/png");
}

/** @throws if the connection is lost */
function failOfS3(down: number): Response {
  const [status, code] = pick(REPLIES, down);
  if (status === 0) throw new TypeError("Network connection lost.");
  return status === 302 ? redirectAway() : refusalOfS3(status, code);
}

/** What S3 can say in place of an object. Only outages, which come first, are no word on the object. */
export const REPLIES = [
  [0, "", "outage"],
  [500, "InternalError", "outage"],
  [503, "SlowDown", "outage"],
  [429, "TooManyRequests", "outage"],
  [403, "InvalidAccessKeyId", "outage"],
  [302, "", "outage"],
  [403, "RequestTimeTooSkewed", "outage"],
  [404, "NoSuchKey", "gone"],
  [404, "", "word"],
  [404, "NoSuchBucket", "word"],
  [403, "AccessDenied", "word"],
  [403, "InvalidObjectState", "word"],
  [400, "Weird", "word"],
] as const;

const redirectAway = () =>
  new Response(null, { status: 302, headers: { location: "https://evil.example/" } });

/** The mood for an object: a fallback has its own. */
function moodOf(url: string) {
  const isOther = Object.values(FALLBACKS).includes(withoutSource(url));
  const [type, outcome] = isOther ? [mood.s3 >> 4, mood.s3] : [mood.type, mood.outcome];
  const [failure, down] = isOther ? [] : [mood.failure, mood.down];
  return { down, type: pick(TYPES, type), outcome: pick(OUTCOMES, outcome), failure };
}

/** What the Images binding makes of the object of a URL. */
function behaviourOf(url: string): Behaviour {
  const { outcome, failure } = moodOf(url);
  const fault = failure ?? pick(ALL_FAULTS, mood.fault);
  const isFault = outcome === "fault" || (failure !== undefined && failure.code !== 9408);
  const own = outcome === "off" || outcome === "smaller" || outcome === "odd" ? outcome : "made";
  return {
    ...{ outcome: isFault ? "fault" : own, code: fault.code },
    ...{ contentType: mood.contentType, keepsMetadata: mood.s3 % 2 === 0 },
    isHalf: mood.twist === "half",
  };
}

/** Creates an empty cache in front of the cached entrypoint. */
export function emptyCache(): Cache {
  return createCache({ now: () => clock });
}

/**
 * Asks the Worker. What the scene does not name is new: nothing is remembered or kept of earlier visits.
 * In half of the moods, such a new gateway asks the cached entrypoint, else it makes renditions itself. In half of
 * them there is a store.
 */
export async function visit(
  worker: Worker,
  request: Request,
  now: Mood,
  scene: Partial<Scene> = {},
): Promise<Events & { answer: Response; body: string }> {
  const vars = now.fault < 128 ? CONFIG : DIRECT;
  const store = now.s3 < 128 ? createR2() : undefined;
  const { isolate = createIsolate(vars, store), cache = emptyCache(), place = "here" } = scene;
  mood = now;
  clock = scene.now ?? NOW;
  Object.assign(asked, { calls: [], loops: [], made: [], drawn: [], logged: [], limited: [] });
  const after: Promise<unknown>[] = [];
  const loopback = loopbackOf(worker, { isolate, cache, place });
  const record = (request: Request) => {
    const { url, method, headers } = request;
    asked.loops.push({ url, method, headers });
    return loopback.fetch(request);
  };
  const context = {
    waitUntil: (work: Promise<unknown>) => void after.push(work),
    exports: { Renditions: { ...loopback, fetch: record } },
  };
  const answer = await worker.fetch(request, isolate, context);
  const body = await answer.text().catch((error) => (now.twist ? "" : Promise.reject(error)));
  await Promise.all(after);
  await cache.settled();
  const reached = asked.calls.length > 0 ? ["reached the edge"] : [];
  for (const what of ["visits", ...reached, `${answer.status}`])
    tally[what] = (tally[what] ?? 0) + 1;
  return { ...asked, answer, body };
}

/** The `ctx.exports.Renditions` of a gateway. */
export function loopbackOf(
  { Renditions }: Worker,
  { isolate, cache, place }: Omit<Scene, "now">,
): Loopback {
  const make = (run: object) => new Renditions(Object.assign(Object.create(null), run), isolate);
  return cache.entrypoint(make, { place });
}

/** Returns whether a call failed in a way that may be over soon: a busy edge or origin, a lost connection. */
export function mayBeOver({ cf, said }: Call): boolean {
  if (cf === undefined) return /^(?:undefined|429|5)/.test(`${said}`);
  return said === undefined || /^\d+ err=(?:9505|9509|9510|9518|9522|9527|9528)\b/.test(said);
}

/** What the edge may call a type when it is asked for facts (R9, open). */
const spellingsOf = (type: string) => {
  const name = type.replace("image/", "");
  return [type, name, type.toUpperCase(), type.replace("jpeg", "jpg"), ""];
};

/** The URL of an object, of the URL of its bytes that the edge is asked for. */
export const withoutSource = (url: string) => url.replace(/\?x-vitrine=[0-9a-f]{32}$/, "");

/** What the edge makes of an original, by the rules of docs/rules.md. */
function answerOfEdge(
  url: string,
  image: RequestInitCfPropertiesImage,
  current: (typeof TYPES)[number],
  outcome: (typeof OUTCOMES)[number],
): Response {
  const send = (body: BodyInit, type: string, more: Record<string, string> = {}) =>
    new Response(body, {
      headers: { "content-type": type, etag, "x-amz-request-id": "4442587F", ...more, ...dated },
    });
  const { replaced } = mood;
  const isOld = replaced !== undefined;
  const etag = isOld ? '"cf1:y"' : `"cf1:${etagOf(mood.revision ?? 0)}"`;
  // It contradicts S3 if both its tag and its date are other ones.
  const dated: Record<string, string> =
    isOld && replaced % 2 ? { "last-modified": "Mon, 02 Nov 2026 09:00:00 GMT" } : {};
  const original = isOld ? pick(TYPES, replaced) : current;
  const made = { "cf-resized": "internal=ok/m q=0 n=1+2 c=0+3" };
  switch (outcome) {
    case "off": // R2
      return send(ORIGINAL, original);
    case "fault":
      return faultAnswer(pick(ALL_FAULTS, mood.fault));
    case "broken":
      if (mood.fault % 2 === 0) throw new TypeError("Network connection lost.");
      return new Response(null, { status: 302, headers: { location: "https://evil.example/" } });
    case "odd":
      return send(image.format === "json" ? pick(ODD_FACTS, mood.fault) : "odd", mood.contentType, {
        ...{ "cf-resized": mood.resized, etag: mood.etag, warning: mood.warning },
      });
    case "made":
    case "smaller":
    case "too-large": {
      const isSvg = original === "image/svg+xml"; // R8
      if (isSvg && image.format === undefined) return send("<svg/>", original, made);
      if (isSvg || original === "text/html") return faultAnswer({ code: 9412, status: 415 });
      if (image.format === "json") {
        const format = pick(spellingsOf(original), mood.fault);
        const facts = factsOf(url, image, format);
        return send(JSON.stringify(facts), "application/json", made); // R9
      }
      const moves = original === "image/gif" || original === "image/webp";
      if (outcome === "too-large" && moves && image.anim !== false) {
        return send(ORIGINAL, original, made); // O8
      }
      if (outcome === "too-large" && image.format === "avif") {
        const warning = 'cf-images 299 "image too large for AVIF"';
        return send(ORIGINAL, original, { ...made, warning }); // O7
      }
      const kept = original === "image/gif" ? "image/png" : original;
      const right = image.format === undefined ? kept : typeOf(image.format);
      const type = mood.twist === "stand-in" ? "image/jpeg" : right;
      if (outcome === "smaller" && type === original) {
        const warning = 'cf-images 299 "original is smaller"';
        return send(ORIGINAL, original, { ...made, warning }); // R6
      }
      // Other bytes for each source and each option: it keeps what it made of a source for ever.
      const file = renditionOf(type, url + JSON.stringify(image));
      const length = { "content-length": `${file.length + 5}` };
      if (mood.twist === "half") return send(streamOf(file, new Error("it broke off")), type, made);
      return send(file, type, mood.twist === "short" ? { ...made, ...length } : made);
    }
  }
}

/**
 * What the edge tells of an object for a variant (R9). Half of the objects are turned by EXIF (O9): the
 * edge tells them as they are stored.
 */
function factsOf(url: string, image: RequestInitCfPropertiesImage, format: string) {
  const [across = 0, down = 0, isTurned = 0] = hash("sha1", withoutSource(url), "buffer");
  const [width, height] = [40 + across, 40 + down];
  const { width: w = Infinity, height: h = Infinity } = image;
  const scale = Math.min(w / width, h / height, 1);
  const made =
    image.fit === "cover"
      ? { width: w, height: h }
      : { width: Math.round(width * scale), height: Math.round(height * scale) };
  const stored = isTurned % 2 ? { width: height, height: width } : { width, height };
  const file = { file_size: 123_456_789, name: ORIGINAL };
  return { ...made, ...file, original: { ...file, ...stored, format } };
}

const oddFacts = (side: unknown, other: unknown, format = "png") =>
  `{"width":${side},"height":9,"original":{"width":9,"height":${other},"format":"${format}"}}`;

/** What the edge could tell if it were broken, or another. */
const ODD_FACTS = [
  ...["", "{}", "[]", "null", ORIGINAL, `"${ORIGINAL}"`],
  ...['{"width":1,"height":1}', '{"original":{}}'],
  ...[0, -1, 1.5, 1e9, `"${ORIGINAL}"`, '"9"', "null", "[9]", "true", 9].flatMap((side) => [
    oddFacts(side, 9),
    oddFacts(9, side),
  ]),
  ...[ORIGINAL, "<b>", "image/svg+xml", "image/x-icon"].map((format) => oddFacts(9, 9, format)),
];

function typeOf(format: string): string {
  return `image/${format.replace("baseline-", "").replace("-force", "")}`;
}

function refusalOfS3(status: number, code: string): Response {
  const xml = `<Error><Code>${code}</Code><Region>${mood.resized}</Region></Error>`;
  return new Response(xml, { status, headers: { date: mood.etag, [CODE]: code } });
}

const saidBy = ({ ok, status, headers }: Response) =>
  `${ok ? 200 : status} ${headers.get(CODE) ?? ""}`;
