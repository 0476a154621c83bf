// What the image edge keeps, for how long, and what is billed (C1 to C6, L2).

import {
  claim,
  conclude,
  createPicture,
  isMade,
  ownUrl,
  putPicture,
  reachOf,
  seenFromEdge,
  transformOwn,
  withOwn,
  withSource,
} from "../claims.ts";
import { type CachedOperation, type Origin, type Reply, RUN_HEADER } from "../operation.ts";
import {
  notSeen,
  type Probe,
  record,
  s3Url,
  signS3,
  transformS3,
  type Verdict,
  type World,
} from "../probe.ts";

/** How often a probe asks a cache that may have several parts, each of which is empty at first. */
const TRIES = 3;

/** How often the edge fetched an own origin. */
const fetchesOf = async (world: World, id: string) => (await seenFromEdge(world, id)).length;

/** Returns whether the edge answers one of some requests without fetching the origin again. */
async function isKept(
  world: World,
  id: string,
  ask: (attempt: number) => Promise<Reply>,
  tries = TRIES,
): Promise<boolean> {
  for (let attempt = 0; attempt < tries; attempt++) {
    const before = await fetchesOf(world, id);
    await ask(attempt);
    if ((await fetchesOf(world, id)) === before) return true;
  }
  return false;
}

async function keepsBySource(world: World): Promise<Verdict> {
  const { reachesS3, reachesOwn } = await reachOf(world);
  if (!reachesS3 && !reachesOwn) return notSeen("the edge transforms no source of this run");
  const claims = [];
  const records = [];
  if (reachesS3) {
    const key = await putPicture(world);
    const wrong = { authorization: "AWS4-HMAC-SHA256 probe", accept: "image/x-probe" };
    const made = await transformS3(world, key, { width: 8 });
    let reply = made;
    for (let attempt = 0; attempt < TRIES; attempt++) {
      reply = await transformS3(world, key, { width: 8 }, { headers: wrong });
      if (isMade(reply)) break;
      await transformS3(world, key, { width: 8 });
    }
    claims.push(claim(isMade(reply), "kept, with another authorization and accept", reply));
    records.push(record("another authorization", reply));
  }
  if (reachesOwn) {
    const keep = async (origin: Origin, tries?: number) => {
      const id = await createPicture(world, origin);
      const ask = () => transformOwn(world, id, { width: 8 });
      const reply = await ask();
      await world.pause(4_000);
      return { reply, kept: await isKept(world, id, ask, tries) };
    };
    const maxAge = "public, max-age=2";
    const short = await keep({ headers: { "cache-control": maxAge } });
    const strict = await keep({ headers: { "cache-control": `${maxAge}, must-revalidate` } }, 1);
    const denied = await keep({ status: 403 });
    claims.push(
      claim(short.kept, `max-age=2, after 4 s: ${shown(short.kept)}`, short.reply),
      claim(!strict.kept, `with must-revalidate: ${shown(strict.kept)}`, strict.reply),
      claim(undefined, `open: a denial of the origin is ${shown(denied.kept)}`, denied.reply),
    );
    records.push(record("max-age=2", short.reply), record("must-revalidate", strict.reply));
  }
  return conclude(claims, records);
}

const shown = (kept: boolean) => (kept ? "kept" : "not kept");

async function keepsOriginals(world: World): Promise<Verdict> {
  return withOwn(world, async () => {
    const id = await createPicture(world);
    const first = await transformOwn(world, id, { width: 8 });
    const kept = await isKept(world, id, (attempt) =>
      transformOwn(world, id, { width: 9 + attempt }),
    );
    const before = await fetchesOf(world, id);
    const presigned = await transformOwn(world, id, { width: 8 }, { query: "?X-Amz-Signature=2" });
    const isNew = (await fetchesOf(world, id)) > before;
    return conclude(
      [
        claim(kept, `the original of another variant is ${shown(kept)}`, first),
        claim(isNew, `with another query it is ${isNew ? "a new" : "the same"} source`, presigned),
      ],
      [record("first", first), record("another query", presigned)],
    );
  });
}

async function isPurgedBySource(world: World): Promise<Verdict> {
  if (world.zone === undefined) return notSeen("a purge needs a zone");
  return withOwn(world, async () => {
    const id = await createPicture(world);
    const ask = () => transformOwn(world, id, { width: 8 });
    const first = await ask();
    const isAccepted = await world.purgeZone([`${world.url}/images/8/${id}.jpg`]);
    if (!isAccepted) return notSeen("Cloudflare did not take a purge of the zone");
    await world.pause(3_000);
    const isKeptAfterPublic = await isKept(world, id, ask);
    let reply = await ask();
    let isDropped = false;
    await world.purgeZone([ownUrl(world, id)]);
    for (let attempt = 0; attempt < 5 && !isDropped; attempt++) {
      await world.pause(3_000); // a purge takes some seconds
      const before = await fetchesOf(world, id);
      reply = await ask();
      isDropped = (await fetchesOf(world, id)) > before;
    }
    return conclude(
      [
        claim(isKeptAfterPublic, `a public URL purged: ${shown(isKeptAfterPublic)}`, first),
        claim(isDropped, `the source URL purged: ${shown(!isDropped)}`, reply),
      ],
      [record("after the purge", reply)],
    );
  });
}

async function takesTimesByStatus(world: World): Promise<Verdict> {
  return withOwn(world, async () => {
    const cases = [
      ["200-299 for no time", {}, { "200-299": -1 }, false],
      ["404 for a minute", { status: 404 }, { "404": 60 }, true],
      ["404 for no time", { status: 404 }, { "404": -1 }, false],
    ] as const;
    const claims = [];
    const records = [];
    for (const [name, origin, cacheTtlByStatus, isRight] of cases) {
      const id = await createPicture(world, origin);
      const ask = () => transformOwn(world, id, { width: 8 }, { cf: { cacheTtlByStatus } });
      const reply = await ask();
      const kept = await isKept(world, id, ask);
      claims.push(claim(kept === isRight, `${name}: ${shown(kept)}`, reply));
      records.push(record(name, reply));
    }
    return conclude(claims, records);
  });
}

async function ignoresVary(world: World): Promise<Verdict> {
  const { reachesS3 } = await reachOf(world);
  const url = reachesS3
    ? s3Url(world, await putPicture(world))
    : ownUrl(world, await createPicture(world));
  const fetched = {
    type: "fetch",
    url,
    headers: await signS3(world, url),
    cf: { image: { width: 8, "origin-auth": "share-publicly" } },
  } as const;
  const ask = (accept: string) =>
    world.send({
      ...{ type: "cached", path: `/${world.run}/c5`, headers: { accept } },
      answer: { fetch: fetched, headers: { vary: "accept", "cache-control": "max-age=600" } },
    } satisfies CachedOperation);
  let first = await ask("image/avif");
  if (!isMade(first)) {
    return conclude(
      [claim(undefined, "behind Workers Cache (W13)", first)],
      [record("first", first)],
    );
  }
  for (let attempt = 0; attempt < TRIES; attempt++) first = await ask("image/avif");
  const other = await ask("image/png");
  const isSame = first.headers[RUN_HEADER] === other.headers[RUN_HEADER];
  const text = `another Accept got ${isSame ? "the same answer" : "an answer of its own"}`;
  return conclude([claim(isSame, text, other)], [record("another Accept", other)]);
}

async function revalidates(world: World): Promise<Verdict> {
  return withOwn(world, async () => {
    const headers = { "cache-control": "public, max-age=1, must-revalidate" };
    const id = await createPicture(world, { headers });
    await transformOwn(world, id, { width: 8 });
    await world.pause(3_000);
    const reply = await transformOwn(world, id, { width: 8 });
    const seen = await seenFromEdge(world, id);
    const conditions = ["if-none-match", "if-modified-since"];
    const isAsked = seen.some(({ names }) => conditions.some((name) => names.includes(name)));
    const how = isAsked ? "with" : "without";
    const text = `the origin was asked ${seen.length} times, ${how} a condition`;
    return conclude([claim(isAsked || undefined, text, reply)], [record("asked again", reply)]);
  });
}

/** Sources with their options, each in two formats and twice. */
const UNIQUE = 5;

async function billsUnique(world: World): Promise<Verdict> {
  const count = world.countTransformations;
  if (count === undefined) return notSeen("it needs Cloudflare's GraphQL API");
  return withSource(world, async (source) => {
    const before = await settle(world, count);
    const ask = await source();
    let reply = await ask({ width: 8, format: "jpeg" });
    for (let width = 8; width < 8 + UNIQUE; width++) {
      for (const format of ["jpeg", "png", "jpeg"]) reply = await ask({ width, format });
    }
    const after = await settle(world, count, before);
    if (before === undefined || after === undefined) return notSeen("the API gives no count");
    const counted = after - before;
    // The count comes late, and others of the account are in it: only these numbers mean something.
    const holds = counted === UNIQUE || (counted >= UNIQUE * 2 ? false : undefined);
    const text = `${UNIQUE} variants in two formats: counted ${counted} (the count may come late)`;
    return conclude([claim(holds, text, reply)], [record("the last one", reply)]);
  });
}

/** Waits until a count is the same twice. @param other wait longer while it is this one */
async function settle(
  world: World,
  count: NonNullable<World["countTransformations"]>,
  other?: number,
): Promise<number | undefined> {
  let last = await count();
  for (let attempt = 0; attempt < 4; attempt++) {
    await world.pause(15_000);
    const next = await count();
    if (next === last && next !== other) return next;
    last = next;
  }
  return last;
}

export const CACHES: readonly Probe[] = [
  { rule: "C1", title: "kept by source and options, for an hour", run: keepsBySource },
  { rule: "C2", title: "the original is kept, too", run: keepsOriginals },
  { rule: "C3", title: "purged by the source URL", run: isPurgedBySource },
  { rule: "C4", title: "cacheTtlByStatus", run: takesTimesByStatus },
  { rule: "C5", title: "Workers Cache ignores vary", run: ignoresVary },
  { rule: "C6", title: "the edge revalidates", run: revalidates },
  { rule: "L2", title: "unique transformations are counted", run: billsUnique },
];
