// What the image edge keeps, for how long, and what is billed (C1 to C6, L2).

import { type Reply, RUN_HEADER } from "../operation.ts";
import { type Claim, claimsOf, isTransformed, type Probe, type World } from "../probe.ts";
import { createOrigin, probeOrigin, probeSource, reachOf, SHARE, signS3 } from "../sources.ts";

const IMAGE = { width: 8 };
const cacheText = (isCached: boolean) => (isCached ? "kept" : "not kept");

/** What an own origin answers, what it is told by `cf`, and whether the edge keeps it. */
const TIMES = [
  ["200-299 for no time", {}, { "200-299": -1 }, false],
  ["404 for a minute", { status: 404 }, { "404": 60 }, true],
] as const;

const BATCHES = [5, 4];
/** What reachOf may have had transformed just before. */
const EARLIER = 2;

/** Waits until the count is the same twice, and not one that is known. */
async function countBilled({ countTransformations, pause }: World, previous?: number) {
  let last: number | undefined;
  for (let attempt = 0; attempt < 5; attempt++) {
    const next = await countTransformations();
    if (next === undefined || (next === last && next !== previous)) return next;
    last = next;
    await pause(15_000);
  }
  return last;
}

/** A probe of the cached entrypoint, which asks the edge, and answers with `vary: accept`. */
export const probeTransform = (
  rule: string,
  title: string,
  run: (fetchCached: (accept: string) => Promise<Reply>) => Promise<readonly Claim[]>,
): Probe =>
  probeSource(rule, title, async (create, world) => {
    const { url } = await create();
    const path = `/${world.run}/${crypto.randomUUID()}`;
    const fetch = { type: "fetch", url, headers: await signS3(world, url) } as const;
    const answer = {
      fetch: { ...fetch, cf: { image: { ...IMAGE, ...SHARE } } },
      headers: { vary: "accept", "cache-control": "max-age=600" },
    };
    return run((accept) => world.send({ type: "cached", path, headers: { accept }, answer }));
  });

/** C5 and W14 are one rule. */
export const probeVary = (rule: string, title: string): Probe =>
  probeTransform(rule, title, async (fetchCached) => {
    let first = await fetchCached("image/avif");
    if (!isTransformed(first)) return [[undefined, "behind Workers Cache (W13)", first]];
    for (let attempt = 0; attempt < 3; attempt++) first = await fetchCached("image/avif");
    const second = await fetchCached("image/png");
    const isSame = first.headers[RUN_HEADER] === second.headers[RUN_HEADER];
    return [
      [isSame, "another Accept", second, isSame ? "the same answer" : "an answer of its own"],
    ];
  });

export const CACHES: readonly Probe[] = [
  probeSource("C1", "kept by source and options, for an hour", async (create, world) => {
    const { transform, isCached } = await create();
    const reply = await transform(IMAGE);
    const headers = { accept: "image/x-probe" };
    const cached = await isCached(IMAGE, { headers });
    const short = "public, max-age=2";
    const rows = [
      ["max-age=2, after 4 s", true, short],
      ["the same with must-revalidate", false, `${short}, must-revalidate`],
    ] as const;
    const { reachesOrigin } = await reachOf(world);
    const shortLived = claimsOf(reachesOrigin ? rows : [], async ([name, holds, control]) => {
      const source = await createOrigin(world, { headers: { "cache-control": control } });
      const first = await source.transform(IMAGE);
      await world.pause(4_000);
      const isKept = await source.isCached(IMAGE, {}, holds ? 3 : 1);
      return [isKept === holds, name, first, cacheText(isKept)];
    });
    return [[cached, "with another accept", reply, cacheText(cached)], ...(await shortLived)];
  }),
  probeSource("C2", "the original is kept, too", async (create, world) => {
    const source = await create();
    const first = await source.transform(IMAGE);
    const cached = await source.isCached({ width: 9 });
    const { transform, requests } = await createOrigin(world);
    await transform(IMAGE);
    const before = await requests();
    const withOtherQuery = await transform(IMAGE, { query: "?X-Amz-Signature=2" });
    const isNew = before.length > 0 ? (await requests()).length > before.length : undefined;
    return [
      [cached, "the original, for another variant", first, cacheText(cached)],
      [isNew, "another query", withOtherQuery, isNew ? "a new source" : "the same source"],
    ];
  }),
  probeSource("C3", "purged by the source URL", async (create, world) => {
    const { url, transform, isCached } = await create();
    const first = await transform(IMAGE);
    const isTaken = await world.purgeZone([`${world.url}/images/8/${world.run}.jpg`]);
    if (!isTaken) return [[undefined, "Cloudflare did not take a purge of the zone"]];
    await world.pause(3_000);
    const isStillCached = await isCached(IMAGE);
    if (!(await world.purgeZone([url]))) return [[undefined, "Cloudflare took only one purge"]];
    let isDropped = false;
    for (let attempt = 0; attempt < 5 && !isDropped; attempt++) {
      await world.pause(3_000); // a purge takes some seconds
      isDropped = !(await isCached(IMAGE, {}, 1));
    }
    return [
      [isStillCached, "the public URL purged", first, cacheText(isStillCached)],
      [isDropped, `the source URL purged: ${cacheText(!isDropped)}`],
    ];
  }),
  probeOrigin("C4", "cacheTtlByStatus", async (create) =>
    claimsOf(TIMES, async ([name, origin, cacheTtlByStatus, holds]) => {
      const { transform, isCached } = await create(origin);
      const reply = await transform(IMAGE, { cf: { cacheTtlByStatus } });
      const cached = await isCached(IMAGE, { cf: { cacheTtlByStatus } });
      return [cached === holds, name, reply, cacheText(cached)];
    }),
  ),
  probeVary("C5", "Workers Cache ignores vary"),
  probeOrigin("C6", "the edge revalidates", async (create, { pause }) => {
    const headers = { "cache-control": "public, max-age=1, must-revalidate" };
    const { transform, requests } = await create({ headers });
    await transform(IMAGE);
    await pause(3_000);
    const reply = await transform(IMAGE);
    const isAsked = (await requests()).some(({ names }) => /,if-(none|mod)/.test(`,${names}`));
    const how = `the origin was asked ${isAsked ? "with" : "without"} a condition`;
    return [[isAsked || undefined, "after its time", reply, how]];
  }),
];

export const BILLING = probeSource(
  "L2",
  "unique transformations are counted",
  async (create, world) => {
    let count = await countBilled(world);
    const { transform } = await create();
    const counted: number[] = [];
    let width = 8;
    for (const variants of BATCHES) {
      for (const nextWidth = width + variants; width < nextWidth; width++) {
        for (const format of ["jpeg", "png"]) await transform({ width, format });
      }
      const next = await countBilled(world, count);
      if (count === undefined || next === undefined)
        return [[undefined, "Cloudflare does not say: the token lacks Account Analytics Read"]];
      counted.push(next - count);
      count = next;
    }
    // Others of the account may transform, too, and counts come late: only these numbers mean something.
    const isCounted = (times: number) =>
      BATCHES.every((variants, at) => {
        const more = (counted[at] ?? 0) - variants * times;
        return more === 0 || (at === 0 && more > 0 && more <= EARLIER);
      });
    const holds = isCounted(1) || (isCounted(2) ? false : undefined);
    const countsText = counted.map((one, at) => `${one} for ${BATCHES[at]}`).join(", ");
    return [[holds, `variants in two formats: counted ${countsText}, which may come late`]];
  },
);
