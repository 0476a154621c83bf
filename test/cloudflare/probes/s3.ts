// What R2's S3 API answers to the requests that Vitrine sends (A14 to A16).

import {
  type Claim,
  conclude,
  createOriginSource,
  getS3,
  isTransformed,
  listOf,
  pictureOf,
} from "../claims.ts";
import {
  type Probe,
  putObject,
  s3Url,
  signS3,
  textOf,
  type Verdict,
  type World,
} from "../probe.ts";

/** What the answer to a range has. */
const NEEDED = ["etag", "content-range", "content-type", "last-modified", "x-amz-meta-focus"];

async function answersRanges(world: World): Promise<Verdict> {
  const range = "bytes=0-1023";
  const [key, empty, none] = [
    `${world.run}/a14.jpg`,
    `${world.run}/empty.jpg`,
    `${world.run}/none`,
  ];
  await putObject(world, key, pictureOf("made/key.jpg"), "image/jpeg", { focus: "1" });
  await putObject(world, empty, "", "image/jpeg");
  const part = await getS3(world, key, { headers: { range } });
  const nothing = await getS3(world, empty, { headers: { range } });
  const missing = await getS3(world, none, { headers: { range } });
  const head = await getS3(world, none, { method: "HEAD" });
  const same = await getS3(world, key, { headers: { "if-none-match": `${part.headers["etag"]}` } });
  const lost = NEEDED.filter((name) => part.headers[name] === undefined);
  const isPart = part.status === 206 && part.size === 1024 && lost.length === 0;
  const isXml = missing.status === 404 && textOf(missing).includes("<Code>NoSuchKey</Code>");
  const isBare = same.status === 304 && same.headers["x-amz-meta-focus"] === undefined;
  return conclude([
    [isPart, "the first 1,024 bytes", part, `${part.size} bytes, missing: ${listOf(lost)}`],
    [nothing.status === 416, "of an empty object", nothing],
    [isXml, "of a missing object", missing],
    [head.status === 404 && head.size === 0, "HEAD of a missing object", head],
    [isBare, "with its etag", same],
  ]);
}

async function ignoresQueries(world: World): Promise<Verdict> {
  const key = `${world.run}/a15.jpg`;
  await putObject(world, key, pictureOf("made/key.jpg"), "image/jpeg");
  const query = "?x-vitrine=0123456789abcdef";
  const plain = await getS3(world, key);
  const reply = await getS3(world, key, { query });
  const signed = await signS3(world, s3Url(world, key, query));
  const other = await getS3(world, key, { query: "?x-vitrine=1", headers: signed });
  const claims: Claim[] = [
    [reply.status === 200 && reply.sha256 === plain.sha256, "with x-vitrine", reply],
    [other.status === 403, "with another value than the signed one", other],
  ];
  const { ask, countFetches } = await createOriginSource(world);
  if (isTransformed(await ask({ width: 8 }, { query: "?x-vitrine=1" }))) {
    await ask({ width: 8 }, { query: "?x-vitrine=2" });
    const which = (await countFetches()) > 1 ? "another" : "the same";
    claims.push([undefined, `open: for the edge it is ${which} source`]);
  }
  return conclude(claims);
}

async function bypassesTheCache(world: World): Promise<Verdict> {
  const key = `${world.run}/a16.txt`;
  const url = s3Url(world, key);
  const cf = { cacheEverything: true, cacheTtl: 300 };
  const get = async (more: object) =>
    world.send({ type: "fetch", url, headers: await signS3(world, url), ...more });
  await putObject(world, key, "first", "text/plain");
  await get({ cf });
  await get({ cf });
  await world.pause(1_500); // a key takes one write a second (T3)
  await putObject(world, key, "second", "text/plain");
  const cached = await get({ cf });
  const fresh = await get({ cache: "no-store" });
  const saw = ({ body }: { body: string }) => (body === btoa("second") ? "the new" : "another");
  return conclude([
    [undefined, "what may be cached, after a change", cached, `${saw(cached)} text`],
    [textOf(fresh) === "second", "with no-store", fresh, `${saw(fresh)} text`],
  ]);
}

export const S3: readonly Probe[] = [
  { rule: "A14", title: "ranges, conditions and refusals", run: answersRanges },
  { rule: "A15", title: "a query that begins with x-", run: ignoresQueries },
  { rule: "A16", title: "no-store bypasses the cache", run: bypassesTheCache },
];
