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
  claimsOf,
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

/** How often a table is tried: an answer may be stored a moment after it was sent, or in a part of the cache. */
const TRIES = 3;
/** How often, and with which pause, it looks whether a purge or a deploy has arrived: they take seconds. */
const ARRIVALS = 10;
const ARRIVAL_MS = 1_000;

const CDN_CACHE_CONTROL = "cloudflare-cdn-cache-control";
const keep = (cacheControl: string, more: Texts = {}): CachedAnswer => ({
  headers: { "cache-control": cacheControl, ...more },
});
const HOUR = keep("max-age=3600");
const FAILS: CachedAnswer = { status: 503, body: "" };

const call = (world: World, one: Call) => world.send({ type: "cached", ...one });
const newPath = ({ run }: World) => `/${run}/${crypto.randomUUID()}?a&b`;
const idOf = ({ headers }: Reply) => headers[RUN_HEADER];
const cacheStatusOf = ({ headers }: Reply) => headers["cf-cache-status"] ?? "no cf-cache-status";

/** Calls until an answer comes from the cache. @returns it, or undefined */
async function fill(world: World, one: Call): Promise<Reply | undefined> {
  let id: string | undefined;
  for (let attempt = 0; attempt <= TRIES; attempt++) {
    const reply = await call(world, one);
    if (id !== undefined && idOf(reply) === id) return reply;
    id = idOf(reply);
  }
  return undefined;
}

/** Waits until a call is answered as it should be. Returns whether that came. */
async function arrives(world: World, one: Call, isRight: (reply: Reply) => boolean) {
  for (let attempt = 0; attempt < ARRIVALS; attempt++) {
    await world.pause(ARRIVAL_MS);
    if (isRight(await call(world, one))) return true;
  }
  return false;
}

/** Two calls, some time apart, and what the second one gets: the old body, which is in the cache, or another. */
type Case = {
  readonly name: string;
  /** The body: `old` of the first answer, `new` of the second one, or `none`, where that failed. */
  readonly expected: string;
  readonly first: CachedAnswer;
  /** What the entrypoint answers later, if that is not the same with another body. */
  readonly next?: CachedAnswer;
  readonly headers?: Texts;
  readonly second?: (path: string) => Partial<Call>;
  /** `cf-cache-status`, where it matters. */
  readonly is?: string;
  /** The body some seconds after that. */
  readonly later?: string;
};
const hit = (name: string, more: Partial<Case> = {}): Case => ({
  ...{ name, expected: "old", first: HOUR },
  ...more,
});
const miss = (name: string, more: Partial<Case> = {}) => hit(name, { expected: "new", ...more });
/** A case whose name is the `cache-control` of the first answer. */
const again = (control: string, expected: string, more: Partial<Case> = {}): Case => ({
  ...{ name: `${control}${more.next === FAILS ? ", then a failure" : ""}`, expected },
  ...{ first: keep(control), ...more },
});

async function tryCases(world: World, cases: readonly Case[], ms: number) {
  const filled = cases.map((one) => {
    const { first: answer, headers = {} } = one;
    return { ...one, one: { path: newPath(world), headers, answer: { ...answer, body: "old" } } };
  });
  await Promise.all(filled.map(({ one }) => call(world, one)));
  await world.pause(ms);
  return claimsOf(filled, async ({ name, expected, first, next, second, is, later, one }) => {
    const answer = { ...first, body: "new", ...next };
    const repeated = { ...one, answer, ...second?.(one.path) };
    const reply = await call(world, repeated);
    const body = textOf(reply) || "none"; // or it throws
    const cacheStatus = cacheStatusOf(reply);
    const isStripped = reply.headers[CDN_CACHE_CONTROL] === undefined; // W7
    let isRight = body === expected && isStripped && (is ?? cacheStatus) === cacheStatus;
    if (later) isRight &&= await arrives(world, repeated, (after) => textOf(after) === later);
    const isSeen = reply.error === undefined || next !== undefined;
    return [isSeen ? isRight : undefined, name, reply, `${cacheStatus}, ${body}`];
  });
}

/** A probe that is a table of cases. @param ms between the calls */
const probeTable = (rule: string, title: string, cases: readonly Case[], ms = 4_000) =>
  probe(rule, title, async (world) => {
    for (let attempt = 1; ; attempt++) {
      const claims = await tryCases(world, cases, ms);
      const isRight = claims.every(([holds]) => holds !== false);
      if (isRight || attempt === TRIES) return claims;
    }
  });

const KEYS: readonly Case[] = [
  hit("another host", { second: () => ({ host: "other.example" }) }),
  hit("other headers", { second: () => ({ headers: { cookie: "a=b" } }) }),
  miss("another cf.cacheKey", { second: (path) => ({ cacheKey: `${path}&c` }) }),
  miss("another query", { second: (path) => ({ path: path.replace("a&b", "b&a") }) }),
  ...["x-forwarded-host", "x-original-url", "cloudflare-workers-version-key"].map((name) =>
    miss(name, { second: () => ({ headers: { [name]: "probe" } }) }),
  ),
];

const LIFETIMES: readonly Case[] = [
  ...[200, 301, 404].map((status) => hit(`a ${status}`, { first: { status } })),
  ...[302, 403].map((status) => miss(`a ${status}`, { first: { status } })),
  // A failure would not take the place of an entry, so it answers 200 then.
  ...[405, 501].map((status) => miss(`a ${status}`, { first: { status }, next: { status: 200 } })),
  ...["no-store", "private, max-age=90"].map((one) => again(one, "new")),
  hit(CDN_CACHE_CONTROL, {
    first: keep("no-store", { [CDN_CACHE_CONTROL]: "max-age=90", "cdn-cache-control": "no-store" }),
  }),
];

const [SHORT, WHILE] = ["max-age=1", "stale-while-revalidate=60"];
const STALE: readonly Case[] = [
  again(`${SHORT}, ${WHILE}`, "old", { later: "new" }),
  again(SHORT, "old", { next: FAILS }),
  again(SHORT, "old", { next: { throws: true }, name: "an exception" }),
  again(`${SHORT}, stale-if-error=1`, "none", { next: FAILS }),
  again(`s-maxage=1, ${WHILE}`, "new"),
  again(`${SHORT}, must-revalidate, stale-if-error=60`, "none", { next: FAILS }),
];

const headers = { authorization: "Bearer probe" };
const BYPASSES: readonly Case[] = [
  miss("authorization", { headers }),
  ...["public, max-age=60", "s-maxage=60", "max-age=60, must-revalidate"].map((one) =>
    again(one, "old", { headers, name: `authorization, ${one}` }),
  ),
  miss("set-cookie", { first: keep("max-age=60", { "set-cookie": "a=b" }) }),
  ...[206, 520].map((status) => miss(`a ${status}`, { first: { status, ...HOUR } })),
  hit("a range", { expected: "ld", second: () => ({ headers: { range: "bytes=1-2" } }) }),
];

const ETAG = { etag: '"probe"' };
const SAME = { next: { status: 304, ...keep("max-age=3600", ETAG) }, later: "old" };
const UNCHANGED = hit("unchanged", { first: keep(SHORT, ETAG), ...SAME, is: "REVALIDATED" });
const REVALIDATED: readonly Case[] = [
  UNCHANGED,
  hit("in the background", { first: keep(`${SHORT}, ${WHILE}`, ETAG), ...SAME, is: "UPDATING" }),
  miss("no etag", { first: keep(SHORT), next: { status: 304 } }),
];

const STATUSES: readonly Case[] = [
  again("max-age=60", "old", { is: "HIT" }),
  again("s-maxage=1", "new", { is: "EXPIRED" }),
  again(`${SHORT}, ${WHILE}`, "old", { is: "UPDATING" }),
  again(SHORT, "old", { next: FAILS, is: "STALE" }),
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
  probeTable("W1", "a cache before an entrypoint", [hit("by ctx.exports")]),
  probe("W2", "a gateway without it runs for every request", async (world) => {
    const { path, requests } = await createOrigin(world);
    await world.fetchAsVisitor(path);
    const reply = await world.fetchAsVisitor(path);
    const { length } = await requests("");
    return [[length === 2, "two visits", reply, `${length} runs of the gateway`]];
  }),
  probeTable("W3", "the key", KEYS),
  unseen("W5", "two tiers", "only one data centre can be reached from here"),
  probe("W6", "calls that come together run it once", async (world) => {
    const rows = [
      ["max-age=3600", 1],
      ["no-store", TOGETHER],
    ] as const;
    return claimsOf(rows, async ([cacheControl, expected]) => {
      const answer = { ...keep(cacheControl), bucketReads: 5 };
      const replies = await sendTogether(world, { type: "cached", path: newPath(world), answer });
      const ids = replies.map(idOf);
      const isRight = new Set(ids).size === expected;
      const holds = ids.length > 0 && !ids.includes(undefined) ? isRight : undefined;
      const name = `${TOGETHER} calls with ${cacheControl}`;
      return [holds, name, replies[0], `${new Set(ids).size} runs`];
    });
  }),
  probeTable("W7", "lifetimes", LIFETIMES, 61_000),
  probeTable("W8", "stale answers", STALE),
  probeTable("W9", "what bypasses it, and ranges", BYPASSES),
  probe("W10", "tags and purges", async (world) => {
    const tag = `${world.run}-Tag`;
    const answer = keep("max-age=3600", { "cache-tag": `${tag},${tag} spaced` });
    const one = { path: newPath(world), answer };
    const reply = await fill(world, one);
    if (reply === undefined) return "nothing is kept";
    const isNew = (later: Reply) => idOf(later) !== idOf(reply);
    const tags = Array.from({ length: 101 }, (_, at) => `${tag}${at}`);
    const many = await purge(world, { tags }, "purge");
    await purge(world, { tags: [`${tag} spaced`] }, "purge");
    await world.pause(ARRIVAL_MS * 5);
    const isLeft = !isNew(await call(world, one));
    const result = await purge(world, { tags: [tag.toLowerCase()] }, "purge");
    if (!result?.success) return `no purge: ${JSON.stringify(result)}`;
    const isGone = await arrives(world, one, isNew);
    return [
      [reply.headers["cache-tag"] === undefined, "tagged", reply],
      [many?.success === false, "101 tags", undefined, JSON.stringify(many)],
      [isLeft, `after a tag with a space the entry was ${isLeft ? "kept" : "gone"}`],
      [isGone, `after its tag in small letters it was ${isGone ? "gone" : "kept"}`],
    ];
  }),
  probeTable("W11", "cf-cache-status", STATUSES),
  unseen("W12", "the price", "it would need a bill"),
  probeTransform("W13", "cf.image behind a loopback", async (fetchCached) => {
    const reply = await fetchCached("image/png");
    const isAnswered = reply.status === 200 && reply.size > 0;
    const how = isTransformed(reply) ? "transformed" : "not transformed";
    return [[isAnswered ? "open" : undefined, "behind a loopback", reply, how]];
  }),
  probeVary("W14", "vary of what was transformed is ignored"),
  unseen("W15", "wrangler dev", "it is about a local machine"),
  unseen("W16", "at most 512 MB", "it would need an answer of more than 512 MB"),
  probe("W17", "invalidate", async (world) => {
    const tag = `${world.run}-w17`;
    const answer = keep(`max-age=3600, ${WHILE}`, { "cache-tag": tag });
    const one = { path: newPath(world), answer };
    const entry = await fill(world, one);
    if (entry === undefined) return "nothing is kept";
    const result = await purge(world, { tags: [tag] }, "invalidate");
    if (!result?.success) return `no ctx.cache.invalidate: ${JSON.stringify(result)}`;
    let stale = entry;
    const isStale = await arrives(world, one, (reply) => {
      stale = reply;
      return cacheStatusOf(reply) !== "HIT";
    });
    const isOld = idOf(stale) === idOf(entry);
    const isNew = await arrives(world, one, (reply) => idOf(reply) !== idOf(entry));
    return [
      [isStale && isOld, "after its tag", stale, isOld ? "old" : "new"],
      [isNew, `later ${isNew ? "the new one" : "the old one"}`],
    ];
  }),
  probeTable("W18", "an entry with an etag is revalidated", REVALIDATED),
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
