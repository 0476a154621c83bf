// Requests for one rendition, and the many ways in which visitors ask for it. Written by hand: the properties
// of the cache must not rely on the code that they check.

import fc from "fast-check";
import { HEALTH_TOKEN } from "../support/env.ts";
import { RANGES } from "../support/tables/ranges.ts";
import type { Engine } from "./engines.ts";
import { mood, signQuery } from "./inputs.ts";
import { OTHER_SECRETS } from "./s3-upstream.ts";
import { spellPath } from "./spelling.ts";
import type { Mood } from "./visit-state.ts";
import { CONFIG, URL_PREFIXES, VARIANTS, WITH_FACTS } from "./world.ts";

/** What shapes a rendition, as far as a URL says it. */
export type RenditionKey = {
  readonly route: (typeof ROUTES)[number];
  readonly variant: string;
  readonly key: string;
  /** On a signed route. */
  readonly version: string | null;
  /** Its facts, on a route that has them. */
  readonly facts?: boolean;
};

/** What makes no difference to the rendition. */
export type Variation = {
  readonly method: string;
  /** Chooses a spelling of the Accept header. */
  readonly spelling: number;
  readonly headers: readonly (readonly [string, string])[];
  readonly host: string;
  /** The query of a URL that is not signed, and the seconds until the expiry of one that is. */
  readonly query: string;
  readonly ahead: number;
  readonly kid: "new" | "old";
  readonly dataCentre: string;
};

/** All but the last two lead to the same objects. */
const ROUTES = [
  ...(["/images/:preset/*", "/private/:preset/*", "/secret/:preset/*"] as const),
  ...(["/öffentlich ✓/:preset/*", "/icons/:preset/*"] as const),
  ...(["/app/:preset/*", "/p/:preset/:id/:slug"] as const),
];

/** Keys that a careless cache key would confuse, with the keys that they would be confused with. */
const KEYS = [
  ...["b.jpg", "b.jpg?v=1", "b.jpg?as=plain&image=x", "b%2Ejpg", "B.jpg", "icons/b.jpg", "icons/c"],
  ...["c", "c&v=1", "c#", "c+c", "c c", "ä", "a\u0308", "100%", "😀"],
];

const SIGNED = /^\/(?:private|secret)\//;

export const rendition: fc.Arbitrary<RenditionKey> = fc
  .record({
    route: fc.constantFrom(...ROUTES),
    variant: fc.constantFrom(...Object.keys(VARIANTS)),
    key: fc.oneof(
      { weight: 2, arbitrary: fc.constantFrom("b.jpg", "icons/b.jpg") },
      { weight: 1, arbitrary: fc.constantFrom(...KEYS) },
    ),
    version: fc.constantFrom(null, "1", "2"),
    facts: fc.constantFrom(false, false, true),
  })
  .map((one) => ({ ...one, version: SIGNED.test(one.route) ? one.version : null }));

/** Accept headers by the formats that they name, best first. */
const ACCEPTS = {
  both: ["image/avif,image/webp,*/*;q=0.8", "text/html,image/webp;q=0.2, IMAGE/AVIF;v=b3"],
  avif: ["image/avif", "image/webp;q=0,image/avif;q=0.1,*/*"],
  webp: ["image/webp,*/*", "image/avif;q=0, image/webp"],
  plain: ["*/*", "image/jpeg,image/*", "image/avif;q=0", ""],
} as const;

export type Browser = keyof typeof ACCEPTS;

export const browser = fc.constantFrom<Browser>("both", "avif", "webp", "plain");

/** A text that no answer and no URL of a rendition may contain. */
export const MARK = "m4rked-by-a-visitor";

const header = fc.tuple(
  fc.constantFrom(
    ...["cookie", "authorization", "user-agent", "accept-language", "cf-connecting-ip", "referer"],
    ...["x-forwarded-host", "x-http-method-override", "x-original-url", "forwarded", "x-host"],
    ...["cf-worker", "save-data", "sec-ch-dpr", "width", "cache-control", "pragma", "if-range"],
  ),
  fc.constantFrom(MARK, `no-cache, ${MARK}`, `https://${MARK}.example/`),
);

export const variation: fc.Arbitrary<Variation> = fc.record({
  method: fc.constantFrom("GET", "GET", "HEAD"),
  spelling: fc.nat(11),
  headers: fc.array(fc.oneof(header, fc.constant(["range", "bytes=0-0"] as const)), {
    maxLength: 2,
  }),
  host: fc.constantFrom("images.example", `${MARK}.example`),
  query: fc.constantFrom("", `?${MARK}`, "?v=7", "?as=plain", "?facts"),
  ahead: fc.constantFrom(86_400, 3600, 4000, 60),
  kid: fc.constantFrom("new", "old"),
  dataCentre: fc.constantFrom("here", "there", "elsewhere"),
});

/** A mood in which everything works. The edge knows what the object is. */
export const healthy: fc.Arbitrary<Mood> = fc
  .tuple(mood, fc.nat(3), fc.nat(3), fc.nat(49))
  .map(([one, type, spelling, times]) => ({
    ...{ ...one, outcome: 0, type, fault: spelling + 5 * times },
    replaced: undefined,
  }));

/** The request for a rendition. @param now ms since 1970 */
export function requestFor(
  rendition: RenditionKey,
  variation: Variation,
  browser: Browser,
  now: number,
): Request {
  const { route, key } = rendition;
  const path = pathOf(rendition, variation);
  const query = SIGNED.test(route)
    ? signRendition(rendition, variation, now)
    : queryOf(rendition, variation);
  const headers = new Headers();
  const accepts = ACCEPTS[browser];
  headers.set("accept", accepts[variation.spelling % accepts.length] ?? "");
  if (route.startsWith("/app/")) headers.set("origin", "https://app.example");
  for (const [name, value] of variation.headers) {
    if (name !== "referer" || !route.startsWith("/app/")) headers.append(name, value);
  }
  const { method, host } = variation;
  const pathname = key.includes("..") ? path : spellPath(path);
  const facts = SIGNED.test(route) && rendition.facts && WITH_FACTS.has(route) ? "&facts" : "";
  return new Request(`https://${host}${pathname}${query}${facts}`, { method, headers });
}

/** The query of a URL that is not signed. Only one asks for facts, and not on every route. */
function queryOf({ route, facts }: RenditionKey, { query }: Variation): string {
  if (!WITH_FACTS.has(route)) return query;
  return facts ? "?facts" : query === "?facts" ? "?facts=" : query;
}

function pathOf({ route, variant, key }: RenditionKey, { spelling }: Variation): string {
  const path = route.replace(":preset", () => aliasOf(variant, spelling));
  if (!route.startsWith("/p/")) return path.replace("*", () => key);
  return path.replace(":id", () => key.replaceAll("/", "_")).replace(":slug", `slug-${spelling}`);
}

function aliasOf(variant: string, spelling: number): string {
  const all = [
    ["card", "card@1x"],
    ["hero", "hero@1920w"],
  ].find((names) => names.includes(variant));
  return all?.[spelling % 2] ?? variant;
}

export function sourceOf({ route, key }: Pick<RenditionKey, "route" | "key">): string {
  const file = route.startsWith("/p/") ? `${key.replaceAll("/", "_")}.jpg` : key;
  return URL_PREFIXES[route] + spellPath(file).replaceAll("@", "%40");
}

function signRendition(
  { variant, ...rest }: RenditionKey,
  { kid, ahead }: Variation,
  now: number,
): string {
  const exp = Math.floor(now / 1000) + ahead;
  return signQuery({ ...rest, preset: variant.replace(/@.*/, ""), exp, kid });
}

const { media } = CONFIG.BUCKETS;

/** A deploy that changes each option of all presets, and whether the edge alone has its value. */
const OPTIONS = Object.entries(RANGES).flatMap(([option, { valid, needs, lacking, ...range }]) => {
  if (range.isOfVariants) return []; // a preset has one of these two
  const value = option === "width" ? 900 : valid[0]; // its heights must stay possible
  const presets = Object.entries(CONFIG.PRESETS).map(([name, one]) => [
    name,
    { ...one, ...needs, [option]: value },
  ]);
  const vars = { ...CONFIG, PRESETS: Object.fromEntries(presets) };
  return [{ vars, isOfEdge: option === "draw" || lacking?.includes(value) === true }];
});

/** Deploys that change what shapes renditions: each option, the SVG rule, and the bucket. */
export const changedDeploys = (engine: Engine): readonly object[] => [
  CONFIG,
  ...OPTIONS.filter(({ isOfEdge }) => engine === "cf" || !isOfEdge).map(({ vars }) => vars),
  { ...CONFIG, ROUTES: CONFIG.ROUTES.map((route) => ({ ...route, svg: !("svg" in route) })) },
  withMedia({ prefix: "published/icons/" }),
  withMedia({ bucket: "acme-media-2" }),
  withMedia({ endpoint: "https://s3.other.example" }),
  { ...withMedia({ credentials: "OTHER" }), ...OTHER_SECRETS },
];

function withMedia(change: object): object {
  return { ...CONFIG, BUCKETS: { ...CONFIG.BUCKETS, media: { ...media, ...change } } };
}

const card = { fit: "cover", height: 160, dpr: [2, 1], width: 160 };
const first = { path: "/first/:preset/*", object: "other/*" };

/** Deploys that change nothing of a rendition. */
export const EQUAL: readonly object[] = [
  CONFIG,
  { ...CONFIG, HEALTH_TOKEN: `${HEALTH_TOKEN} 2` },
  { ...CONFIG, ANSWERS: { max_age: 7, timeout: 5 } },
  // Without a next slot: the reply of S3 to one object is at once a guess of another.
  { ...CONFIG, AWS_ACCESS_KEY_ID_NEXT: "", AWS_SECRET_ACCESS_KEY_NEXT: "" },
  { ...CONFIG, PRESETS: { first: { width: 7 }, ...CONFIG.PRESETS, card } },
  { ...CONFIG, ROUTES: [first, ...CONFIG.ROUTES] },
];
