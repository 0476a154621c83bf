// What R2's S3 API answers to the requests that Vitrine sends (A14 to A16).

import {
  type Claim,
  conclude,
  createPicture,
  getS3,
  isMade,
  pictureOf,
  putPicture,
  seenFromEdge,
  transformOwn,
} from "../claims.ts";
import type { Reply } from "../operation.ts";
import {
  type Probe,
  putObject,
  record,
  s3Url,
  signS3,
  textOf,
  type Verdict,
  type World,
} from "../probe.ts";

/** A claim about an answer of S3: it names the status, and S3's code. */
function claimS3(holds: boolean | undefined, subject: string, reply: Reply): Claim {
  const code = /<Code>(\w+)<\/Code>/.exec(textOf(reply))?.[1];
  const outcome = reply.error?.message ?? `${reply.status}${code ? ` ${code}` : ""}`;
  return [holds, `${subject}: ${outcome}`];
}

async function answersRanges(world: World): Promise<Verdict> {
  const range = "bytes=0-1023";
  const key = `${world.run}/a14.jpg`;
  await putObject(world, key, pictureOf("made/key.jpg"), "image/jpeg", { focus: "1" });
  const empty = `${world.run}/a14-empty.jpg`;
  await putObject(world, empty, "", "image/jpeg");
  const part = await getS3(world, key, { headers: { range } });
  const none = await getS3(world, empty, { headers: { range } });
  const missing = await getS3(world, `${world.run}/missing`, { headers: { range } });
  const head = await getS3(world, `${world.run}/missing`, { method: "HEAD" });
  const etag = part.headers["etag"] ?? "";
  const same = await getS3(world, key, { headers: { "if-none-match": etag } });
  const needed = ["etag", "content-range", "content-type", "last-modified", "x-amz-meta-focus"];
  const lost = needed.filter((name) => part.headers[name] === undefined);
  const isPart = part.status === 206 && part.size === 1024 && lost.length === 0;
  const isXml = missing.status === 404 && textOf(missing).includes("<Code>NoSuchKey</Code>");
  const isBare = same.status === 304 && same.headers["x-amz-meta-focus"] === undefined;
  return conclude(
    [
      claimS3(isPart, `a range of ${part.size} bytes, without [${lost}]`, part),
      claimS3(none.status === 416, "of an empty object", none),
      claimS3(isXml, "of a missing object", missing),
      claimS3(head.status === 404 && head.size === 0, "its HEAD", head),
      claimS3(isBare, "with its etag", same),
    ],
    [
      ...[record("a range", part), record("empty", none), record("missing", missing)],
      ...[record("missing, HEAD", head), record("with its etag", same)],
    ],
  );
}

async function ignoresQueries(world: World): Promise<Verdict> {
  const key = await putPicture(world);
  const query = "?x-vitrine=0123456789abcdef";
  const plain = await getS3(world, key);
  const reply = await getS3(world, key, { query });
  const signed = await signS3(world, s3Url(world, key, query));
  const other = await getS3(world, key, { query: "?x-vitrine=1", headers: signed });
  const claims = [
    claimS3(reply.status === 200 && reply.sha256 === plain.sha256, "with x-vitrine", reply),
    claimS3(other.status === 403, "with another value than the signed one", other),
  ];
  const id = await createPicture(world);
  const first = await transformOwn(world, id, { width: 8 }, { query: "?x-vitrine=1" });
  if (isMade(first)) {
    await transformOwn(world, id, { width: 8 }, { query: "?x-vitrine=2" });
    const isOther = (await seenFromEdge(world, id)).length > 1;
    claims.push([true, `open: for the edge it is ${isOther ? "another" : "the same"} source`]);
  }
  return conclude(claims, [record("x-vitrine", reply), record("another value", other)]);
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
  const state = `${textOf(cached)}, cf-cache-status ${cached.headers["cf-cache-status"]}`;
  return conclude(
    [
      [cached.status === 200 || undefined, `after a change, a fetch got "${state}"`],
      claimS3(textOf(fresh) === "second", `with no-store "${textOf(fresh).slice(0, 6)}"`, fresh),
    ],
    [record("with a cache", cached), record("no-store", fresh)],
  );
}

export const S3: readonly Probe[] = [
  { rule: "A14", title: "ranges, conditions and refusals", run: answersRanges },
  { rule: "A15", title: "a query that begins with x-", run: ignoresQueries },
  { rule: "A16", title: "no-store bypasses the cache", run: bypassesTheCache },
];
