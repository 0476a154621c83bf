// What Workers Cache does in front of an entrypoint (W1 to W18). Each run of the entrypoint has a random id: an answer
// with an earlier id came from the cache. All data centres but the nearest are out of sight.

import {
  type CachedAnswer,
  type CachedOperation,
  type Reply,
  RUN_HEADER,
  type Texts,
  type TogetherOperation,
} from "../operation.ts";
import {
  type Claim,
  isTransformed,
  type Probe,
  probe,
  textOf,
  unseen,
  type World,
} from "../probe.ts";
import { createOrigin } from "../sources.ts";
import { probeTransform, probeVary } from "./caches.ts";

type Call = Omit<CachedOperation, "type">;

/** How often a probe asks again: an answer may be stored a moment after it was sent. */
const TRIES = 3;
/** How often, and with which pause, it looks whether a purge or a deploy has arrived: they take seconds. */
const ARRIVALS = 10;
const ARRIVAL_MS = 1_000;

const keep = (cacheControl: string, more: Texts = {}): CachedAnswer => ({
  headers: { "cache-control": cacheControl, ...more },
});
const HOUR = keep("max-age=3600");
const FAILS: CachedAnswer = { status: 503, body: "" };

const call = (world: World, one: Call) => world.send({ type: "cached", ...one });
const newPath = ({ run }: World) => `/${run}/${crypto.randomUUID()}?a&b`;
const idOf = ({ headers }: Reply) => headers[RUN_HEADER];
const cacheStatusOf = ({ headers }: Reply) => headers["cf-cache-status"] ?? "no cf-cache-status";

/** Returns whether a call gets what another one has left in the cache, and what it got. */
async function sharesEntry(world: World, first: Call, second: Call = first) {
  for (let attempt = 1; ; attempt++) {
    const id = idOf(await call(world, first));
    const reply = await call(world, second);
    const isShared = id !== undefined && id === idOf(reply);
    if (isShared || attempt === TRIES) return { isShared, reply };
  }
}

/** Waits until a call is answered as it should be. Returns whether that came. */
async function arrives(world: World, one: Call, isRight: (reply: Reply) => boolean) {
  for (let attempt = 0; attempt < ARRIVALS; attempt++) {
    await world.pause(ARRIVAL_MS);
    if (isRight(await call(world, one))) return true;
  }
  return false;
}

/** Two calls, and whether the second one is answered from the cache. */
type Pair = {
  readonly name: string;
  readonly isShared: boolean;
  readonly answer?: CachedAnswer;
  readonly first?: Partial<Call>;
  readonly second?: (path: string) => Partial<Call>;
  /** What else must be right of the second answer. */
  readonly fits?: (reply: Reply) => boolean;
};
/** The second call is answered with what the first one left. */
const shared = (name: string, more: Partial<Pair> = {}): Pair => ({
  name,
  isShared: true,
  ...more,
});
/** The second call runs the entrypoint, too. */
const apart = (name: string, more: Partial<Pair>): Pair => ({ name, isShared: false, ...more });

async function tryPair(world: World, pair: Pair): Promise<Claim> {
  const { name, answer = HOUR, first, second, fits } = pair;
  const one = { path: newPath(world), answer, ...first };
  const { isShared, reply } = await sharesEntry(world, one, { ...one, ...second?.(one.path) });
  const isRight = isShared === pair.isShared && (fits?.(reply) ?? true);
  const isSeen = reply.error === undefined;
  return [isSeen ? isRight : undefined, name, reply, isShared ? "kept" : "run again"];
}

/** What is kept gets too old; then the entrypoint answers otherwise. */
type Again = {
  readonly name: string;
  readonly first: CachedAnswer;
  readonly second?: CachedAnswer;
  /** The old body, the new one, or none. */
  readonly expected: "old" | "new" | "none";
  /** `cf-cache-status`, where it matters. */
  readonly is?: string;
  /** What comes some seconds after that. */
  readonly later?: "old" | "new";
};
/** @param control the `cache-control` of the first answer, if `more` does not say otherwise */
const again = (control: string, expected: Again["expected"], more: Partial<Again> = {}): Again => ({
  ...{ name: `${control}${more.second === FAILS ? ", then a failure" : ""}`, expected },
  ...{ first: keep(control), ...more },
});

async function tryAgain(world: World, cases: readonly Again[], ms: number): Promise<Claim[]> {
  const ask = (path: string, answer: CachedAnswer) => call(world, { path, answer });
  const filled = cases.map((one) => ({ ...one, path: newPath(world) }));
  await Promise.all(filled.map(({ path, first }) => ask(path, { ...first, body: "old" })));
  await world.pause(ms);
  const claims: Claim[] = [];
  for (const { name, path, first, second, expected, is, later } of filled) {
    const answer = { ...first, body: "new", ...second };
    const reply = await ask(path, answer);
    const isFailed = reply.status >= 500 || reply.error !== undefined; // or it throws
    const shown = isFailed ? "none" : textOf(reply);
    const cacheStatus = cacheStatusOf(reply);
    let isRight = shown === expected && (is ?? cacheStatus) === cacheStatus;
    if (later) isRight &&= await arrives(world, { path, answer }, (one) => textOf(one) === later);
    claims.push([isRight, name, reply, `${cacheStatus}, ${shown}`]);
  }
  return claims;
}

/** A probe that is a table of cases. @param ms after which entries are too old */
const probeTable = (
  rule: string,
  title: string,
  pairs: readonly Pair[],
  agains: readonly Again[] = [],
  ms = 4_000,
) =>
  probe(rule, title, async (world) => {
    const claims = await Promise.all(pairs.map((pair) => tryPair(world, pair)));
    return agains.length === 0 ? claims : [...claims, ...(await tryAgain(world, agains, ms))];
  });

const KEYED = { cacheKey: crypto.randomUUID() };
const KEYS: readonly Pair[] = [
  shared("another host", { second: () => ({ host: "other.example" }) }),
  shared("HEAD", { second: () => ({ method: "HEAD" }), fits: ({ size }) => size === 0 }),
  shared("other headers", { second: () => ({ headers: { cookie: "a=b" } }) }),
  shared("one cf.cacheKey", { first: KEYED, second: (path) => ({ path: `/another${path}` }) }),
  apart("another cf.cacheKey", { second: (path) => ({ cacheKey: `${path}&c` }) }),
  apart("another query", { second: (path) => ({ path: path.replace("a&b", "b&a") }) }),
  apart("other props", { second: () => ({ props: { a: "1" } }) }),
  ...["x-forwarded-host", "x-original-url", "cloudflare-workers-version-key"].map((name) =>
    apart(name, { second: () => ({ headers: { [name]: "probe" } }) }),
  ),
];

const OWN = "cloudflare-cdn-cache-control";
const CDN = "cdn-cache-control";
const LIFETIMES: readonly Pair[] = [
  ...[200, 301, 404, 501].map((status) => shared(`a ${status}`, { answer: { status } })),
  ...[302, 403].map((status) => apart(`a ${status}`, { answer: { status } })),
  ...["no-store", "private, max-age=60"].map((one) => apart(one, { answer: keep(one) })),
  shared(OWN, {
    answer: keep("no-store", { [OWN]: "max-age=60", [CDN]: "no-store" }),
    fits: ({ headers }) => headers[OWN] === undefined,
  }),
];
/** After a minute. A failure would not take the place of an entry, so they answer 200 then. */
const MINUTE: readonly Again[] = [405, 501, 404, 301].map((status) => {
  const expected = status === 405 || status === 501 ? "new" : "old";
  return again(`a ${status} after 61 s`, expected, { first: { status }, second: { status: 200 } });
});

const [SHORT, WHILE] = ["max-age=1", "stale-while-revalidate=60"];
const STALE: readonly Again[] = [
  again(`${SHORT}, ${WHILE}`, "old", { later: "new" }),
  again(SHORT, "old", { second: FAILS }),
  again(SHORT, "old", { second: { throws: true }, name: "an exception" }),
  again(`${SHORT}, stale-if-error=1`, "none", { second: FAILS }),
  again(`s-maxage=1, ${WHILE}`, "new"),
  again(`${SHORT}, must-revalidate, stale-if-error=60`, "none", { second: FAILS }),
];

const AUTHORIZED = { headers: { authorization: "Bearer probe" } };
const BYPASSES: readonly Pair[] = [
  apart("authorization", { first: AUTHORIZED }),
  ...["public, max-age=60", "s-maxage=60", "max-age=60, must-revalidate"].map((one) =>
    shared(`authorization, ${one}`, { answer: keep(one), first: AUTHORIZED }),
  ),
  apart("set-cookie", { answer: keep("max-age=60", { "set-cookie": "a=b" }) }),
  ...[206, 520].map((status) => apart(`a ${status}`, { answer: { status, ...HOUR } })),
  shared("a range", {
    answer: { ...HOUR, body: "0123456789" },
    second: () => ({ headers: { range: "bytes=2-4" } }),
    fits: (reply) => reply.status === 206 && textOf(reply) === "234",
  }),
];

const ETAG = { etag: '"probe"' };
const SAME: Partial<Again> = {
  ...{ second: { status: 304, ...keep("max-age=3600", ETAG) }, later: "old" },
};
const UNCHANGED = again("unchanged", "old", {
  first: keep(SHORT, ETAG),
  ...SAME,
  is: "REVALIDATED",
});
const REVALIDATED: readonly Again[] = [
  UNCHANGED,
  again("in the background", "old", {
    ...{ first: keep(`${SHORT}, ${WHILE}`, ETAG), ...SAME, is: "UPDATING" },
  }),
  again("no etag", "new", { first: keep(SHORT), second: { status: 304 } }),
];

const STATUSES: readonly Again[] = [
  again("max-age=60", "old", { is: "HIT" }),
  again("s-maxage=1", "new", { is: "EXPIRED" }),
  again(`${SHORT}, ${WHILE}`, "old", { is: "UPDATING" }),
  again(SHORT, "old", { second: FAILS, is: "STALE" }),
  again("no-store", "new", { is: "BYPASS" }),
  UNCHANGED,
];

const TOGETHER = 5;

/** Sends an operation five times in one run of the gateway. @returns the replies; none if it failed */
export async function sendTogether(
  { send }: World,
  operation: TogetherOperation["operations"][number],
): Promise<readonly Reply[]> {
  const operations = Array.from({ length: TOGETHER }, () => operation);
  const reply = await send({ type: "together", operations });
  return reply.error === undefined ? JSON.parse(textOf(reply)) : [];
}

/** @returns what `purge` or `invalidate` says; null where the runtime has no such method, or it throws */
async function purge({ send }: World, options: CachePurgeOptions, type: "purge" | "invalidate") {
  const reply = await send({ type, options });
  const result: CachePurgeResult | null = reply.error ? null : JSON.parse(textOf(reply));
  return result;
}

export const WORKERS_CACHE: readonly Probe[] = [
  probeTable("W1", "a cache before an entrypoint", [shared("by ctx.exports")]),
  probe("W2", "a gateway without it runs for every request", async (world) => {
    const { path, seen } = await createOrigin(world);
    await world.visit(path);
    const reply = await world.visit(path);
    const { length } = await seen("");
    return [[length === 2, "two visits", reply, `${length} runs of the gateway`]];
  }),
  probeTable("W3", "the key", KEYS),
  unseen("W5", "two tiers", "only one data centre can be reached from here"),
  probe("W6", "calls that come together run it once", async (world) => {
    const claims: Claim[] = [];
    for (const [cacheControl, expected] of [
      ["max-age=3600", 1],
      ["no-store", TOGETHER],
    ] as const) {
      const answer = { ...keep(cacheControl), reads: 5 };
      const replies = await sendTogether(world, { type: "cached", path: newPath(world), answer });
      const ids = replies.map(idOf);
      const isRight = new Set(ids).size === expected;
      const holds = ids.length > 0 && !ids.includes(undefined) ? isRight : undefined;
      const name = `${TOGETHER} calls with ${cacheControl}`;
      claims.push([holds, name, replies[0], `${new Set(ids).size} runs`]);
    }
    return claims;
  }),
  probeTable("W7", "lifetimes", LIFETIMES, MINUTE, 61_000),
  probeTable("W8", "stale answers", [], STALE),
  probeTable("W9", "what bypasses it, and ranges", BYPASSES),
  probe("W10", "tags and purges", async (world) => {
    const tag = `${world.run}-Tag`;
    const answer = keep("max-age=3600", { "cache-tag": `${tag},${tag} spaced` });
    const one = { path: newPath(world), answer };
    const { isShared, reply } = await sharesEntry(world, one);
    const isNew = (later: Reply) => idOf(later) !== idOf(reply);
    const tags = Array.from({ length: 101 }, (_, at) => `${tag}${at}`);
    const many = await purge(world, { tags }, "purge");
    await purge(world, { tags: [`${tag} spaced`] }, "purge");
    await world.pause(ARRIVAL_MS * 5);
    const isLeft = !isNew(await call(world, one));
    const result = await purge(world, { tags: [tag.toLowerCase()] }, "purge");
    if (!isShared || !result?.success) return `no purge: ${JSON.stringify(result)}`;
    const isGone = await arrives(world, one, isNew);
    return [
      [reply.headers["cache-tag"] === undefined, "tagged", reply],
      [many?.success === false, "101 tags", undefined, JSON.stringify(many)],
      [isLeft, `after a tag with a space the entry was ${isLeft ? "kept" : "gone"}`],
      [isGone, `after its tag in small letters it was ${isGone ? "gone" : "kept"}`],
    ];
  }),
  probeTable("W11", "cf-cache-status", [], STATUSES),
  unseen("W12", "the price", "it would need a bill"),
  probeTransform("W13", "cf.image behind a loopback", async (ask) => {
    const reply = await ask("image/png");
    const isAnswered = reply.status === 200 && reply.size > 0;
    const how = isTransformed(reply) ? "transformed" : "not transformed";
    return [[isAnswered || undefined, "open: behind a loopback", reply, how]];
  }),
  probeVary("W14", "vary of what was transformed is ignored"),
  unseen("W15", "wrangler dev", "it is about a local machine"),
  unseen("W16", "at most 512 MB", "it would need an answer of more than 512 MB"),
  probe("W17", "invalidate", async (world) => {
    const tag = `${world.run}-w17`;
    const answer = keep(`max-age=3600, ${WHILE}`, { "cache-tag": tag });
    const one = { path: newPath(world), answer };
    const { reply: kept } = await sharesEntry(world, one);
    const result = await purge(world, { tags: [tag] }, "invalidate");
    if (!result?.success) return `no ctx.cache.invalidate: ${JSON.stringify(result)}`;
    let stale = kept;
    const isStale = await arrives(world, one, (reply) => {
      stale = reply;
      return cacheStatusOf(reply) !== "HIT";
    });
    const isOld = idOf(stale) === idOf(kept);
    const isNew = await arrives(world, one, (reply) => idOf(reply) !== idOf(kept));
    return [
      [isStale && isOld, "after its tag", stale, isOld ? "old" : "new"],
      [isNew, `later ${isNew ? "the new one" : "the old one"}`],
    ];
  }),
  probeTable("W18", "an entry with an etag is revalidated", [], REVALIDATED),
  probe("W4", "deploys, and a cache of all versions", async (world) => {
    const fill = async () => {
      const one = { path: newPath(world), answer: HOUR };
      return { one, id: idOf(await call(world, one)) };
    };
    const versioned = await fill();
    await world.redeploy({ crossVersion: true });
    const crossing = await fill();
    await world.redeploy({ crossVersion: false });
    const isRun = await arrives(world, versioned.one, (reply) => idOf(reply) !== versioned.id);
    await world.redeploy({ crossVersion: true });
    const isKept = await arrives(world, crossing.one, (reply) => idOf(reply) === crossing.id);
    return [
      [isRun, `after a deploy the entrypoint ${isRun ? "ran" : "did not run"}`],
      [isKept, `with cross_version_cache it ${isKept ? "did not run" : "ran"}`],
    ];
  }),
];
