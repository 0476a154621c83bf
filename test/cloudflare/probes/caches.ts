// What the image edge keeps, for how long, and what is billed (C1 to C6, L2).

import {
  type Claim,
  createOriginSource,
  createS3Source,
  isTransformed,
  reachOf,
  seenFromEdge,
  withOrigin,
  withSource,
} from "../claims.ts";
import { type CachedOperation, type Origin, type Reply, RUN_HEADER } from "../operation.ts";
import { notSeen, type Probe, signS3, type Verdict, type World } from "../probe.ts";

const cacheText = (isCached: boolean) => (isCached ? "kept" : "not kept");

async function keepsBySource(world: World): Promise<Verdict> {
  return withSource(world, async () => {
    const { reachesS3, reachesOrigin } = await reachOf(world);
    const claims: Claim[] = [];
    if (reachesS3) {
      const s3 = await createS3Source(world);
      const reply = await s3.ask({ width: 8 });
      const cached = await s3.isCached({ width: 8 });
      claims.push([cached, "with another authorization and accept", reply, cacheText(cached)]);
    }
    if (!reachesOrigin) return claims;
    const keep = async (origin: Origin, tries?: number) => {
      const source = await createOriginSource(world, origin);
      const reply = await source.ask({ width: 8 });
      await world.pause(4_000);
      return { reply, cached: await source.isCached({ width: 8 }, {}, tries) };
    };
    const maxAge = "public, max-age=2";
    const short = await keep({ headers: { "cache-control": maxAge } });
    const strict = await keep({ headers: { "cache-control": `${maxAge}, must-revalidate` } }, 1);
    const denied = await keep({ status: 403 });
    claims.push(
      [short.cached, "max-age=2, after 4 s", short.reply, cacheText(short.cached)],
      [!strict.cached, "the same with must-revalidate", strict.reply, cacheText(strict.cached)],
      [undefined, "open: a denial by the origin", denied.reply, cacheText(denied.cached)],
    );
    return claims;
  });
}

async function keepsOriginals(world: World): Promise<Verdict> {
  return withSource(world, async (create) => {
    const source = await create();
    const first = await source.ask({ width: 8 });
    const cached = await source.isCached({ width: 9 });
    const claims: Claim[] = [
      [cached, "the original, for another variant", first, cacheText(cached)],
    ];
    if (!(await reachOf(world)).reachesOrigin) return claims;
    const origin = await createOriginSource(world);
    await origin.ask({ width: 8 });
    const before = await origin.countFetches();
    const other = await origin.ask({ width: 8 }, { query: "?X-Amz-Signature=2" });
    const isNew = (await origin.countFetches()) > before;
    return [...claims, [isNew, "another query", other, isNew ? "a new source" : "the same source"]];
  });
}

async function isPurgedBySource(world: World): Promise<Verdict> {
  if (world.zone === undefined) return notSeen("a purge needs a zone");
  return withSource(world, async (create) => {
    const source = await create();
    const { url, ask, isCached } = source;
    const first = await ask({ width: 8 });
    const isTaken = await world.purgeZone([`${world.url}/images/8/${world.run}.jpg`]);
    if (!isTaken) return [[undefined, "Cloudflare did not take a purge of the zone"]];
    await world.pause(3_000);
    const isStillCached = await isCached({ width: 8 });
    await world.purgeZone([url]);
    let isDropped = false;
    for (let attempt = 0; attempt < 5 && !isDropped; attempt++) {
      await world.pause(3_000); // a purge takes some seconds
      isDropped = !(await isCached({ width: 8 }, {}, 1));
    }
    return [
      [isStillCached, "the public URL purged", first, cacheText(isStillCached)],
      [isDropped, `the source URL purged: ${cacheText(!isDropped)}`],
    ];
  });
}

async function takesTimesByStatus(world: World): Promise<Verdict> {
  return withOrigin(world, async () => {
    const cases = [
      ["200-299 for no time", {}, { "200-299": -1 }, false],
      ["404 for a minute", { status: 404 }, { "404": 60 }, true],
      ["404 for no time", { status: 404 }, { "404": -1 }, false],
    ] as const;
    const claims: Claim[] = [];
    for (const [name, origin, cacheTtlByStatus, isRight] of cases) {
      const { ask, isCached } = await createOriginSource(world, origin);
      const reply = await ask({ width: 8 }, { cf: { cacheTtlByStatus } });
      const cached = await isCached({ width: 8 }, { cf: { cacheTtlByStatus } });
      claims.push([cached === isRight, name, reply, cacheText(cached)]);
    }
    return claims;
  });
}

/** Runs a probe with the cached entrypoint, which asks the edge, and answers with `vary: accept`. */
export function withCachedTransform(
  world: World,
  run: (ask: (accept: string) => Promise<Reply>) => Promise<readonly Claim[]>,
): Promise<Verdict> {
  return withSource(world, async (create) => {
    const { url } = await create();
    const path = `/${world.run}/${crypto.randomUUID()}`;
    const image = { width: 8, "origin-auth": "share-publicly" };
    const headers = await signS3(world, url);
    return run((accept) =>
      world.send({
        ...{ type: "cached", path, headers: { accept } },
        answer: {
          fetch: { type: "fetch", url, headers, cf: { image } },
          headers: { vary: "accept", "cache-control": "max-age=600" },
        },
      } satisfies CachedOperation),
    );
  });
}

export async function ignoresVary(world: World): Promise<Verdict> {
  return withCachedTransform(world, async (ask) => {
    let first = await ask("image/avif");
    if (!isTransformed(first)) return [[undefined, "behind Workers Cache (W13)", first]];
    for (let attempt = 0; attempt < 3; attempt++) first = await ask("image/avif");
    const other = await ask("image/png");
    const isSame = first.headers[RUN_HEADER] === other.headers[RUN_HEADER];
    return [[isSame, "another Accept", other, isSame ? "the same answer" : "an answer of its own"]];
  });
}

async function revalidates(world: World): Promise<Verdict> {
  return withOrigin(world, async () => {
    const headers = { "cache-control": "public, max-age=1, must-revalidate" };
    const { id, ask } = await createOriginSource(world, { headers });
    await ask({ width: 8 });
    await world.pause(3_000);
    const reply = await ask({ width: 8 });
    const seen = await seenFromEdge(world, id);
    const conditions = ["if-none-match", "if-modified-since"];
    const isAsked = seen.some(({ names }) => conditions.some((name) => names.includes(name)));
    const how = `the origin was asked ${seen.length} times, ${isAsked ? "with" : "without"} a condition`;
    return [[isAsked || undefined, "after its time", reply, how]];
  });
}

/** Variants, each of which is asked for in two formats. */
const VARIANTS = 5;

async function billsUnique(world: World): Promise<Verdict> {
  const { countTransformations } = world;
  if (countTransformations === undefined) return notSeen("it needs Cloudflare's GraphQL API");

  /** Waits until the count is the same twice, and not one that is known. */
  async function settle(known?: number): Promise<number> {
    let last = Number.NaN;
    for (let attempt = 0; attempt < 5; attempt++) {
      const next = (await countTransformations?.()) ?? Number.NaN;
      if (next === last && next !== known) break;
      last = next;
      await world.pause(15_000);
    }
    return last;
  }

  return withSource(world, async (create) => {
    const before = await settle();
    const { ask } = await create();
    for (let width = 8; width < 8 + VARIANTS; width++) {
      for (const format of ["jpeg", "png", "jpeg"]) await ask({ width, format });
    }
    const counted = (await settle(before)) - before;
    // It comes late, and counts what others of the account do: only these numbers mean something.
    const isMore = counted >= VARIANTS * 2 && counted <= VARIANTS * 3;
    const holds = counted === VARIANTS || (isMore ? false : undefined);
    return [
      [holds, `${VARIANTS} variants in two formats: counted ${counted}, which may come late`],
    ];
  });
}

export const CACHES: readonly Probe[] = [
  { rule: "C1", title: "kept by source and options, for an hour", run: keepsBySource },
  { rule: "C2", title: "the original is kept, too", run: keepsOriginals },
  { rule: "C3", title: "purged by the source URL", run: isPurgedBySource },
  { rule: "C4", title: "cacheTtlByStatus", run: takesTimesByStatus },
  { rule: "C5", title: "Workers Cache ignores vary", run: ignoresVary },
  { rule: "C6", title: "the edge revalidates", run: revalidates },
];

export const BILLING: Probe = {
  ...{ rule: "L2", title: "unique transformations are counted", run: billsUnique },
};
