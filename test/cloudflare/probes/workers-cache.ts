// What Workers Cache does in front of an entrypoint (W1 to W18). All data centres but the nearest are out of sight.

import { type Claim, conclude, isTransformed } from "../claims.ts";
import type { CachedAnswer, Reply, TogetherOperation } from "../operation.ts";
import {
  createOrigin,
  notSeen,
  type Probe,
  readSeen,
  textOf,
  unseen,
  type Verdict,
  type World,
} from "../probe.ts";
import { ignoresVary, withCachedTransform } from "./caches.ts";
import {
  type Again,
  ARRIVAL_MS,
  arrives,
  cacheStatusOf,
  call,
  HOUR,
  idOf,
  keep,
  newPath,
  type Pair,
  sharesEntry,
  tableOf,
} from "./entries.ts";

/** The second call is answered with what the first one left. */
const shared = (name: string, more: Partial<Pair> = {}): Pair => ({
  ...{ name, isShared: true },
  ...more,
});
/** The second call runs the entrypoint, too. */
const apart = (name: string, more: Partial<Pair>): Pair => ({ name, isShared: false, ...more });

const POISON = [
  ...["x-forwarded-host", "x-forwarded-scheme", "x-host", "x-http-method", "forwarded"],
  ...["x-http-method-override", "x-method-override", "x-original-url", "x-rewrite-url"],
  "cloudflare-workers-version-key",
];
const OTHERS = { "user-agent": "probe", "accept-language": "fr", cookie: "a=b" };
const KEYED = { cacheKey: crypto.randomUUID() };

const KEYS: readonly Pair[] = [
  shared("another host", { second: () => ({ host: "other.example" }) }),
  shared("HEAD", { second: () => ({ method: "HEAD" }), fits: ({ size }) => size === 0 }),
  shared("other headers", { second: () => ({ headers: OTHERS }) }),
  shared("one cf.cacheKey", { first: KEYED, second: (path) => ({ path: `/another${path}` }) }),
  apart("another cf.cacheKey", { second: (path) => ({ cacheKey: `${path}&c` }) }),
  apart("another query", { second: (path) => ({ path: path.replace("a&b", "b&a") }) }),
  apart("other props", { second: () => ({ props: { a: "1" } }) }),
  ...POISON.map((name) => apart(name, { second: () => ({ headers: { [name]: "probe" } }) })),
];

const OWN = "cloudflare-cdn-cache-control";
const CDN = "cdn-cache-control";
const KEPT = [200, 203, 204, 300, 301, 404, 405, 410, 414, 501];

const LIFETIMES: readonly Pair[] = [
  ...KEPT.map((status) => shared(`a ${status}`, { answer: { status } })),
  ...[302, 403, 500].map((status) => apart(`a ${status}`, { answer: { status } })),
  ...["no-store", "private, max-age=60"].map((one) => apart(one, { answer: keep(one) })),
  shared(CDN, { answer: keep("no-store", { [CDN]: "max-age=60" }) }),
  shared(OWN, { answer: keep("no-store", { [OWN]: "max-age=60", [CDN]: "no-store" }) }),
];

const FAILS: CachedAnswer = { status: 503, body: "" };
const [SHORT, WHILE] = ["max-age=1", "stale-while-revalidate=60"];

/** @param control the `cache-control` of the first answer, if `more` does not say otherwise */
const again = (control: string, expected: Again["expected"], more: Partial<Again> = {}): Again => ({
  ...{ name: `${control}${more.second === FAILS ? ", then a failure" : ""}`, expected },
  ...{ first: keep(control), ...more },
});

/** After a minute. A failure would not take the place of an entry, so they answer 200 then. */
const MINUTE: readonly Again[] = [405, 414, 501, 404, 410, 301, 200].map((status) => {
  const expected = [405, 414, 501].includes(status) ? "new" : "old";
  return again(`a ${status} after 61 s`, expected, { first: { status }, second: { status: 200 } });
});

const STALE: readonly Again[] = [
  again(`${SHORT}, ${WHILE}`, "old", { later: "new" }),
  again(`${SHORT}, stale-if-error=60`, "old", { second: FAILS }),
  again(SHORT, "old", { second: FAILS }),
  again(SHORT, "old", { second: { throws: true }, name: "an exception" }),
  again(`${SHORT}, stale-if-error=1`, "none", { second: FAILS }),
  ...["s-maxage=1", `${SHORT}, must-revalidate`, `${SHORT}, proxy-revalidate`].flatMap((strict) => [
    again(`${strict}, ${WHILE}`, "new"),
    again(`${strict}, stale-if-error=60`, "none", { second: FAILS }),
  ]),
];

const AUTHORIZED = { headers: { authorization: "Bearer probe" } };

const BYPASSES: readonly Pair[] = [
  apart("authorization", { first: AUTHORIZED }),
  ...["public, max-age=60", "s-maxage=60", "max-age=60, must-revalidate"].map((one) =>
    shared(`authorization, ${one}`, { answer: keep(one), first: AUTHORIZED }),
  ),
  apart("set-cookie", { answer: keep("max-age=60", { "set-cookie": "a=b" }) }),
  ...[206, 520, 523, 526].map((status) => apart(`a ${status}`, { answer: { status, ...HOUR } })),
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

const REVALIDATED: readonly Again[] = [
  again("unchanged", "old", { first: keep(SHORT, ETAG), ...SAME, is: "REVALIDATED" }),
  again("in the background", "old", {
    ...{ first: keep(`${SHORT}, ${WHILE}`, ETAG), ...SAME, is: "UPDATING" },
  }),
  again("changed", "new", { first: keep(SHORT, ETAG) }),
  again("no etag", "new", { first: keep(SHORT), second: { status: 304 } }),
];

const STATUSES: readonly Again[] = [
  again("max-age=60", "old", { is: "HIT" }),
  again("s-maxage=1", "new", { is: "EXPIRED" }),
  again(`${SHORT}, ${WHILE}`, "old", { is: "UPDATING" }),
  again(SHORT, "old", { second: FAILS, is: "STALE" }),
  again("no-store", "new", { is: "BYPASS" }),
  ...REVALIDATED.slice(0, 1),
];

async function runsGateway(world: World): Promise<Verdict> {
  const id = await createOrigin(world, { headers: { "cache-control": "public, max-age=3600" } });
  await world.visit(`/origin/${id}.jpg`);
  const reply = await world.visit(`/origin/${id}.jpg`);
  const { length } = await readSeen(world, id);
  return conclude([[length === 2, "two visits", reply, `${length} runs of the gateway`]]);
}

async function isEmptiedByDeploys(world: World): Promise<Verdict> {
  const fill = async () => {
    const one = { path: newPath(world), answer: HOUR };
    return { one, id: idOf(await call(world, one)) };
  };
  const versioned = await fill();
  await world.redeploy({ crossVersion: true });
  const shared = await fill();
  await world.redeploy({ crossVersion: false });
  const isRun = await arrives(world, versioned.one, (reply) => idOf(reply) !== versioned.id);
  await world.redeploy({ crossVersion: true });
  const isKept = await arrives(world, shared.one, (reply) => idOf(reply) === shared.id);
  const reply = await call(world, shared.one);
  return conclude([
    [isRun, `after a deploy the entrypoint ${isRun ? "ran" : "did not run"}`],
    [isKept, "with cross_version_cache", reply, isKept ? "it did not run" : "it ran"],
  ]);
}

const TOGETHER = 5;

async function collapses(world: World): Promise<Verdict> {
  const claims: Claim[] = [];
  for (const [cacheControl, expected] of [
    ["max-age=3600", 1] as const,
    ["no-store", TOGETHER] as const,
  ]) {
    const answer = { ...keep(cacheControl), reads: 5 };
    const one = { type: "cached", path: newPath(world), answer } as const;
    const replies = await sendTogether(
      world,
      Array.from({ length: TOGETHER }, () => one),
    );
    const { size } = new Set(replies.map(idOf));
    const isAnswered = replies.length > 0 && replies.every((reply) => idOf(reply) !== undefined);
    const holds = isAnswered ? size === expected : undefined;
    claims.push([holds, `${TOGETHER} calls with ${cacheControl}`, replies[0], `${size} runs`]);
  }
  return conclude(claims);
}

/** Sends operations in one run of the gateway. */
export async function sendTogether(world: World, operations: TogetherOperation["operations"]) {
  const reply = await world.send({ type: "together", operations });
  const replies: readonly Reply[] = reply.error === undefined ? JSON.parse(textOf(reply)) : [];
  return replies;
}

/** @returns what `purge` or `invalidate` says; null where the runtime has no such method, or it throws */
async function purge(
  world: World,
  options: CachePurgeOptions,
  type: "purge" | "invalidate" = "purge",
) {
  const reply = await world.send({ type, options });
  const result: CachePurgeResult | null = reply.error ? null : JSON.parse(textOf(reply));
  return result;
}

async function purgesByTag(world: World): Promise<Verdict> {
  const tag = `${world.run}-Tag`;
  const wrong = [`${tag} spaced`, `${tag}-`.padEnd(1_025, "x")];
  const answer = keep("max-age=3600", { "cache-tag": `${tag},${wrong}` });
  const one = { path: newPath(world), answer };
  const { isShared, reply } = await sharesEntry(world, one);
  const isNew = (later: Reply) => idOf(later) !== idOf(reply);
  const many = await purge(world, { tags: Array.from({ length: 101 }, (_, at) => `${tag}${at}`) });
  await purge(world, { tags: wrong });
  const isZoned = world.zone !== undefined && (await world.purgeZone([world.url + one.path]));
  await world.pause(ARRIVAL_MS * 5);
  const isLeft = !isNew(await call(world, one));
  const result = await purge(world, { tags: [tag.toLowerCase()] });
  if (!isShared || !result?.success) return notSeen(`no purge: ${JSON.stringify(result)}`);
  const isGone = await arrives(world, one, isNew);
  const refused =
    many?.errors.map(({ code, message }) => `${code} ${message}`).join() ?? "it threw";
  const left = `wrong tags${isZoned ? " and a purge of the zone" : ""}`;
  return conclude([
    [reply.headers["cache-tag"] === undefined, "tagged", reply],
    [many?.success === false && many.errors.length > 0, "101 tags", undefined, refused],
    [isLeft, `after ${left} the entry was ${isLeft ? "kept" : "gone"}`],
    [isGone, `after its tag in small letters it was ${isGone ? "gone" : "kept"}`],
    [undefined, "the limit of calls was not tried: it may be that of the account"],
  ]);
}

async function transformsBehind(world: World): Promise<Verdict> {
  return withCachedTransform(world, async (ask) => {
    const reply = await ask("image/png");
    const isAnswered = reply.status === 200 && reply.size > 0;
    const how = isTransformed(reply) ? "transformed" : "not transformed";
    return [[isAnswered || undefined, "open: behind a loopback", reply, how]];
  });
}

async function invalidates(world: World): Promise<Verdict> {
  const tag = `${world.run}-w17`;
  const answer = keep(`max-age=3600, ${WHILE}`, { "cache-tag": tag });
  const one = { path: newPath(world), answer };
  const keyed = { path: newPath(world), answer: HOUR, cacheKey: crypto.randomUUID() };
  const { reply: kept } = await sharesEntry(world, one);
  await sharesEntry(world, keyed);
  const pathPrefixes = [keyed.path.replace(/\?.*/, "")];
  const result = await purge(world, { pathPrefixes }, "invalidate");
  if (!result?.success) return notSeen(`no ctx.cache.invalidate: ${JSON.stringify(result)}`);
  await world.pause(ARRIVAL_MS * 5);
  const isFound = cacheStatusOf(await call(world, keyed)) !== "HIT";
  await purge(world, { tags: [tag] }, "invalidate");
  let stale = kept;
  const isStale = await arrives(world, one, (reply) => {
    stale = reply;
    return cacheStatusOf(reply) !== "HIT";
  });
  const isOld = idOf(stale) === idOf(kept);
  const isNew = await arrives(world, one, (reply) => idOf(reply) !== idOf(kept));
  const age = isOld ? "old" : "new";
  return conclude([
    [!isFound, `a path prefix ${isFound ? "finds" : "does not find"} a cf.cacheKey`],
    [isStale && isOld, "after its tag", stale, `${cacheStatusOf(stale)}, ${age}`],
    [isNew, `later ${isNew ? "the new one" : "the old one"}`],
  ]);
}

export const WORKERS_CACHE: readonly Probe[] = [
  {
    rule: "W1",
    title: "a cache before an entrypoint",
    run: tableOf([shared("by ctx.exports")]),
  },
  { rule: "W2", title: "a gateway without it runs for every request", run: runsGateway },
  { rule: "W3", title: "the key", run: tableOf(KEYS) },
  unseen("W5", "two tiers", "only one data centre can be reached from here"),
  { rule: "W6", title: "calls that come together run it once", run: collapses },
  { rule: "W7", title: "lifetimes", run: tableOf(LIFETIMES, MINUTE, 61_000) },
  { rule: "W8", title: "stale answers", run: tableOf([], STALE) },
  { rule: "W9", title: "what bypasses it, and ranges", run: tableOf(BYPASSES) },
  { rule: "W10", title: "tags and purges", run: purgesByTag },
  { rule: "W11", title: "cf-cache-status", run: tableOf([], STATUSES) },
  unseen("W12", "the price", "it would need a bill"),
  { rule: "W13", title: "cf.image behind a loopback", run: transformsBehind },
  { rule: "W14", title: "vary of what was transformed is ignored", run: ignoresVary },
  unseen("W15", "wrangler dev", "it is about a local machine"),
  unseen("W16", "at most 512 MB", "it would need an answer of more than 512 MB"),
  { rule: "W17", title: "invalidate", run: invalidates },
  { rule: "W18", title: "an entry with an etag is revalidated", run: tableOf([], REVALIDATED) },
  {
    rule: "W4",
    title: "deploys, and a cache of all versions",
    run: isEmptiedByDeploys,
  },
];
