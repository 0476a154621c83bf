// The properties of routes that the visitor's own token opens. Three users visit by browsers that they share, by other
// programs, and through caches of others, while tokens expire, objects are replaced and S3 fails. The bytes of a picture say
// whose it is. Who may have it is decided by user-tokens.ts alone, not by the code of the Worker.

import assert from "node:assert/strict";
import fc from "fast-check";
import { createR2 } from "../../src/emulator/r2/r2.ts";
import { aMinuteAgo } from "../support/clock.ts";
import { PURGE_TOKEN } from "../support/env.ts";
import { ownerIn } from "./files.ts";
import { createHttpCache, type HttpCache, type Reply } from "./http-cache.ts";
import { mood } from "./inputs.ts";
import { type Exchange, HOST, property, type Suspect } from "./property.ts";
import { healthy } from "./rendition-requests.ts";
import { REPLIES } from "./s3-upstream.ts";
import {
  COOKIE,
  KINDS,
  type KindName,
  type Owner,
  opens,
  TEAM_RULES,
  TEAMS,
  type TokenSpec,
  tokenOf,
  USER_RULE,
  USERS,
} from "./user-tokens.ts";
import { type Mood, NOW } from "./visit-state.ts";
import { CONFIG, createIsolate, emptyCache, type Scene, sendRequest } from "./world.ts";

const APP = "https://app.example";
const EVIL = "https://evil.example";

/** Two routes that a token opens, and one that is open. They share no object. */
const VARS = {
  ...{ ...CONFIG, PURGE_TOKEN },
  ROUTES: [
    {
      ...{ path: "/users/:user/:preset/*", object: "media/people/:user/*", token: USER_RULE },
      // Browsers may keep its pictures: else nothing would depend on vary.
      ...{ facts: true, fallback: "other/none/@1.png", answers: { max_age: 600 } },
    },
    {
      ...{ path: "/teams/:team/:preset/*", object: "other/people/:team/*", token: TEAM_RULES },
      origins: [APP],
    },
    { path: "/icons/:preset/*", object: "media/icons/*" },
  ],
};

/** The same, with a gateway that makes all renditions itself. */
const DIRECT = { ...VARS, ANSWERS: { ...CONFIG.ANSWERS, keep: 0 } };

const isKind = (name: string): name is KindName => Object.hasOwn(KINDS, name);

const user = fc.constantFrom(...USERS);
const owner: fc.Arbitrary<Owner> = fc.oneof(
  { weight: 3, arbitrary: user.map((user): Owner => ({ kind: "user", user })) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(...TEAMS).map((team): Owner => ({ kind: "team", team })),
  },
);

/** Most tokens are right. */
const token: fc.Arbitrary<TokenSpec> = fc.record({
  user,
  issuer: fc.oneof(
    { weight: 6, arbitrary: fc.constant("login" as const) },
    { weight: 1, arbitrary: fc.constantFrom("partner" as const, "staging" as const) },
  ),
  kind: fc.oneof(
    { weight: 5, arbitrary: fc.constant("right" as const) },
    { weight: 1, arbitrary: fc.constantFrom(...Object.keys(KINDS).filter(isKind)) },
  ),
});

/** Nothing in most cases. */
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof(
    { weight: 3, arbitrary: fc.constant(undefined) },
    { weight: 1, arbitrary: arbitrary.map((value): T | undefined => value) },
  );

/** How many browsers there are. Whoever logs in to one is followed by another user. */
const BROWSERS = 2;

const visit = fc.record({
  /** Whose picture is asked for. "own": that of the user of the token that the visitor has. */
  owner: fc.oneof(fc.constant("own" as const), fc.constant("own" as const), owner),
  key: fc.constantFrom("a.jpg", "a.jpg", "b.jpg"),
  variant: fc.constantFrom("card", "card", "plain"),
  facts: fc.constantFrom(false, false, false, true),
  /** Whether a URL has the bar of a user's name as it is. */
  isPlain: fc.boolean(),
  method: fc.constantFrom("GET", "GET", "GET", "HEAD"),
  accept: fc.constantFrom("image/avif,image/webp,*/*", "image/avif,image/webp,*/*", "*/*"),
  origin: fc.constantFrom(undefined, undefined, undefined, APP, EVIL),
  /** Undefined: no browser, but another program, which caches nothing. */
  browser: fc.constantFrom(undefined, ...Array.from({ length: BROWSERS }, (_, at) => at)),
  /** Whose token the browser gets before, if it is not "out": then it has none. */
  login: fc.option(fc.oneof(token, token, token, fc.constant("out" as const)), {
    nil: undefined,
    freq: 2,
  }),
  /** The token that is sent as `Authorization: Bearer`. */
  bearer: fc.option(token, { nil: undefined, freq: 1 }),
  /** Whether the browser asks anew, whatever it has. */
  isReload: fc.constantFrom(false, false, true),
  /** The ETag that a script or a program sends: the last one of this URL, or of any, whoever got it. */
  condition: rarely(fc.constantFrom("of this", "of any", "*")),
  /** What is in front of the Worker. */
  front: fc.constantFrom("none", "cdn", "careless cdn"),
  dataCentre: fc.constantFrom("here", "there"),
  /** What happens before. */
  event: rarely(fc.constantFrom("replaced", "purged", "missing", "outage", "no keys" as const)),
  /** s since the visit before */
  step: fc.constantFrom(0, 0, 0, 1, 10, 61, 301),
});
type PictureVisit = typeof visit extends fc.Arbitrary<infer V> ? V : never;

type Browser = { readonly cache: HttpCache; login: TokenSpec | undefined };

/** What the visits of one input share. */
type Story = {
  readonly suspect: Suspect;
  readonly mood: Mood;
  readonly scene: Pick<Scene, "isolate" | "cache">;
  readonly fronts: Readonly<Record<PictureVisit["front"], HttpCache>>;
  readonly browsers: readonly Browser[];
  /** By URL: the last ETag that the Worker sent. */
  readonly etags: Map<string, string>;
  /** How often the objects were replaced. */
  revision: number;
  /** ms since 1970 */
  now: number;
  /** When S3 or an issuer failed: ms since 1970. */
  failedAt: number;
};

function begin(suspect: Suspect, mood: Mood, isolate: object): Story {
  const browsers = Array.from({ length: BROWSERS }, (): Browser => {
    return { cache: createHttpCache({ isShared: false, heedsVary: true }), login: undefined };
  });
  return {
    ...{ suspect, browsers, scene: { isolate, cache: emptyCache() }, etags: new Map() },
    mood: { ...mood, spent: false, twist: undefined, meanwhile: undefined },
    fronts: {
      none: (request, _now, next) => next(request),
      cdn: createHttpCache({ isShared: true, heedsVary: true }),
      "careless cdn": createHttpCache({ isShared: true, heedsVary: false }),
    },
    ...{ revision: 0, now: NOW, failedAt: Number.NEGATIVE_INFINITY },
  };
}

const NO_SUCH_KEY = REPLIES.findIndex(([, code]) => code === "NoSuchKey");
const SLOW_DOWN = REPLIES.findIndex(([, code]) => code === "SlowDown");

/** How everything is during a visit. */
function moodOf({ mood, revision }: Story, event: PictureVisit["event"]): Mood {
  switch (event) {
    case "missing":
      return { ...mood, revision, down: NO_SUCH_KEY };
    case "outage":
      return { ...mood, revision, down: SLOW_DOWN };
    case "no keys":
      return { ...mood, revision, isIssuerDown: true };
    default:
      return { ...mood, revision };
  }
}

async function purgeAll(story: Story): Promise<void> {
  const { suspect, scene, now } = story;
  const headers = { authorization: `Bearer ${PURGE_TOKEN}` };
  const body = JSON.stringify({ everything: true });
  const request = new Request(`${HOST}/purge`, { method: "POST", headers, body });
  const mood = moodOf(story, "purged");
  const { answer } = await sendRequest(suspect.worker, request, mood, { ...scene, now });
  assert.equal(answer.status, 200);
}

/** The name of a user or a team. */
const nameOf = (owner: Owner) => (owner.kind === "user" ? owner.user : owner.team);

function urlOf({ key, variant, facts, isPlain }: PictureVisit, owner: Owner): string {
  const name = nameOf(owner);
  const segment = isPlain ? name : encodeURIComponent(name);
  return `${HOST}/${owner.kind}s/${segment}/${variant}/${key}${facts ? "?facts" : ""}`;
}

async function requestOf(
  visit: PictureVisit,
  url: string,
  cookie: TokenSpec | undefined,
  etags: Story["etags"],
): Promise<Request> {
  const { method, accept, origin, bearer, isReload } = visit;
  const headers = new Headers({ accept });
  if (origin) headers.set("origin", origin);
  if (bearer) headers.set("authorization", `Bearer ${await tokenOf(bearer)}`);
  if (cookie) headers.set("cookie", `theme=dark; ${COOKIE}=${await tokenOf(cookie)}; a=b`);
  if (isReload) headers.set("cache-control", "no-cache");

  const condition = { "*": "*", "of this": etags.get(url), "of any": [...etags.values()].at(-1) };
  const etag = visit.condition && condition[visit.condition];
  if (etag) headers.set("if-none-match", etag);
  return new Request(url, { method, headers });
}

/** For so long, what failed may be shown as failed: s. */
const FAILURE_S = 61;

/** Lets somebody visit, and checks what they get, and what the Worker did for it. */
async function visitOnce(story: Story, visit: PictureVisit): Promise<void> {
  const { suspect, scene, etags } = story;
  const { event, dataCentre, front, bearer } = visit;
  story.now += visit.step * 1000;
  if (event === "replaced") story.revision += 1;
  if (event === "purged") await purgeAll(story);
  const isFailing = event === "missing" || event === "outage" || event === "no keys";
  if (isFailing) story.failedAt = story.now;

  const { now } = story;
  const browser = visit.browser === undefined ? undefined : story.browsers[visit.browser];
  if (browser && visit.login) browser.login = visit.login === "out" ? undefined : visit.login;
  const cookie = browser?.login;
  const { user = "alice" } = bearer ?? cookie ?? {};
  const owner: Owner = visit.owner === "own" ? { kind: "user", user } : visit.owner;
  const url = urlOf(visit, owner);
  const request = await requestOf(visit, url, cookie, etags);

  const exchanges: Exchange[] = [];
  const askWorker = async (forwarded: Request): Promise<Reply> => {
    const during = { ...scene, dataCentre, now };
    const sent = await sendRequest(suspect.worker, forwarded, moodOf(story, event), during);
    exchanges.push({ ...sent, request: forwarded });
    const { status, headers } = sent.answer;
    const etag = headers.get("etag");
    if (etag) etags.set(url, etag);
    return { status, headers, body: sent.body };
  };
  const askFront = (forwarded: Request) => story.fronts[front](forwarded, now, askWorker);
  // What a script asks with a condition of its own passes by the browser's cache.
  const isCached = browser && !request.headers.has("if-none-match");
  const reply = await (isCached ? browser.cache(request, now, askFront) : askFront(request));

  const tokens = [bearer, cookie].filter((one) => one !== undefined);
  const isForeign = owner.kind === "team" && visit.origin === EVIL;
  const isOpen =
    (bearer && opens(bearer, "bearer", owner, now)) ||
    (cookie && opens(cookie, "cookie", owner, now));
  const mayHave = !isForeign && isOpen === true;
  const isWell = now - story.failedAt > FAILURE_S * 1000;
  checkReply(visit, reply, { owner, mayHave, isWell, tokens });
  for (const exchange of exchanges) {
    await checkExchange(exchange, mayHave, tokens);
  }
}

type Expected = {
  readonly owner: Owner;
  readonly mayHave: boolean;
  /** Whether nothing has failed for a while. */
  readonly isWell: boolean;
  readonly tokens: readonly TokenSpec[];
};

/** Checks what a visitor gets, from the Worker or from a cache. */
function checkReply(visit: PictureVisit, reply: Reply, expected: Expected): void {
  const { status, headers, body } = reply;
  const { owner, mayHave, isWell, tokens } = expected;
  const name = nameOf(owner);
  const pictured = ownerIn(body);
  const held = tokens.map(({ user, kind, issuer }) => `${user}, ${kind}, of ${issuer}`);
  const visitor = `who has ${JSON.stringify(held)} and asks for a picture of ${name}`;
  const isImage = headers.get("content-type")?.startsWith("image/");
  const isShown = status === 200 || status === 304;

  if (!mayHave) {
    assert.equal(pictured, undefined, `${visitor}, gets one of ${pictured}`);
    assert.ok(!isShown, `${visitor}, gets a ${status}`);
    assert.ok(!isImage, `${visitor}, gets a fallback`);
    return;
  }

  if (pictured !== undefined) {
    assert.equal(decodeURIComponent(pictured), name, `${visitor}, gets one of ${pictured}`);
  }
  if (isWell) assert.ok(isShown, `${visitor}, gets a ${status}`);
  const isPicture = status === 200 && visit.method === "GET" && isImage;
  if (isPicture) assert.ok(pictured !== undefined, `${visitor}, gets another picture`);
}

/** Checks one answer of the Worker, and what it asked for that. */
async function checkExchange(
  { calls, loops, logged, answer, body, request }: Exchange,
  mayHave: boolean,
  tokens: readonly TokenSpec[],
): Promise<void> {
  const secrets = await Promise.all(tokens.map(tokenOf));
  const outside = [
    ...logged,
    ...[...calls, ...loops].map(({ url, headers }) => `${url} ${[...headers]}`),
  ];
  for (const secret of secrets) {
    const [, payload = "-"] = secret.split(".");
    assert.ok(!outside.some((text) => text.includes(payload)), "a token is passed on, or logged");
  }

  if (mayHave) return;
  assert.equal(calls.length + loops.length, 0, "something is asked before the token is checked");
  if (answer.status !== 404) return;
  assert.equal(answer.headers.get("cache-control"), "no-store");
  assert.equal(body, request.method === "HEAD" ? "" : "Not found\n");
}

/** A request for a token route that may be wrong in any way. */
const anyRequest = fc.record({
  owner,
  rest: fc.constantFrom(
    ...["card/a.jpg", "card/a.jpg", "card/a.jpg?facts", "none/a.jpg", "card/a//b"],
  ),
  method: fc.constantFrom("GET", "GET", "GET", "HEAD", "OPTIONS", "POST"),
  origin: fc.constantFrom(undefined, APP, EVIL),
  via: fc.constantFrom("", "", "", "1.1 image-resizing-proxy"),
  cookie: fc.option(token, { nil: undefined }),
  bearer: rarely(token),
  condition: rarely(fc.constant("*")),
});

export const ofUsers = {
  users: property(
    "whoever gets a picture that a token opens has one for it, and whoever has one gets the picture, whatever caches are between",
    fc.record({
      mood: healthy,
      ...{ isDirect: fc.boolean(), hasStore: fc.boolean() },
      visits: fc.array(visit, { minLength: 1, maxLength: 16, size: "max" }),
    }),
    async (suspect, { mood, isDirect, hasStore, visits }) => {
      const store = hasStore ? createR2({}, { now: aMinuteAgo }) : undefined;
      const story = begin(suspect, mood, createIsolate(isDirect ? DIRECT : VARS, store));
      for (const visit of visits) await visitOnce(story, visit);
    },
  ),
  private: property(
    "every answer of a route that a token opens is for this visitor alone, and for pages of the same site",
    fc.record({ requested: anyRequest, mood: fc.oneof(healthy, mood), isDirect: fc.boolean() }),
    async ({ worker }, { requested, mood, isDirect }) => {
      const { owner, rest, method, origin, via, cookie, bearer, condition } = requested;
      const name = encodeURIComponent(nameOf(owner));
      const headers = new Headers({ via });
      if (origin) headers.set("origin", origin);
      if (cookie) headers.set("cookie", `${COOKIE}=${await tokenOf(cookie)}`);
      if (bearer) headers.set("authorization", `Bearer ${await tokenOf(bearer)}`);
      if (condition) headers.set("if-none-match", condition);
      const request = new Request(`${HOST}/${owner.kind}s/${name}/${rest}`, { method, headers });
      const isolate = createIsolate(isDirect ? DIRECT : VARS);
      const { answer } = await sendRequest(worker, request, mood, { isolate });

      const header = (name: string) => answer.headers.get(name);
      const message = `${answer.status} to ${method} ${request.url}`;
      const vary = header("vary")?.split(/,\s*/) ?? [];
      for (const name of ["cookie", "authorization"]) {
        assert.ok(vary.includes(name), `${message}: vary: ${vary}`);
      }
      const isPreflight = answer.status === 204;
      if (!isPreflight)
        assert.match(header("cache-control") ?? "", /^(?:private,|no-store$)/, message);
      assert.equal(header("cross-origin-resource-policy"), "same-site", message);

      // Only a page that the route names may read an answer, and only it may send credentials.
      const isNamed = owner.kind === "team" && origin === APP;
      const readers = [
        header("access-control-allow-origin"),
        header("access-control-allow-credentials"),
      ];
      assert.deepEqual(readers, isNamed ? [APP, "true"] : [null, null], message);
      if (isPreflight) assert.equal(header("access-control-allow-headers"), "authorization");
    },
  ),
};
