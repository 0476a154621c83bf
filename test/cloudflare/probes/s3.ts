// What R2's S3 API answers to the requests that Vitrine sends (A14 to A16).

import { hasBytes, listOf, PHOTO, type Probe, pictureOf, probe, textOf } from "../probe.ts";
import { createOrigin, getS3, putObject, putPicture, s3Url, signS3 } from "../sources.ts";

/** What the answer to a range has. */
const NEEDED = ["etag", "content-range", "content-type", "last-modified", "x-amz-meta-focus"];

export const S3: readonly Probe[] = [
  probe("A14", "ranges, conditions and refusals", async (world) => {
    const headers = { range: "bytes=0-1023" };
    const [key, empty, absent] = [`${world.run}/a14`, `${world.run}/empty`, `${world.run}/none`];
    await putObject(world, key, pictureOf(PHOTO), "image/jpeg", { focus: "1" });
    await putObject(world, empty, "");
    const part = await getS3(world, key, { headers });
    const nothing = await getS3(world, empty, { headers });
    const missing = await getS3(world, absent, { headers });
    const head = await getS3(world, absent, { method: "HEAD" });
    const same = await getS3(world, key, {
      headers: { "if-none-match": `${part.headers["etag"]}` },
    });
    const lost = NEEDED.filter((name) => part.headers[name] === undefined);
    const isPart = part.status === 206 && part.size === 1024 && lost.length === 0;
    const isXml = missing.status === 404 && textOf(missing).includes("<Code>NoSuchKey</Code>");
    const isBare = same.status === 304 && same.headers["x-amz-meta-focus"] === undefined;
    return [
      [isPart, "the first 1,024 bytes", part, `missing: ${listOf(lost)}`],
      [nothing.status === 416, "of an empty object", nothing],
      [isXml, "of a missing object", missing],
      [head.status === 404 && head.size === 0, "HEAD of a missing object", head],
      [isBare, "with its etag", same],
    ];
  }),
  probe("A15", "a query that begins with x-", async (world) => {
    const key = await putPicture(world);
    const query = "?x-vitrine=0123456789abcdef";
    const reply = await getS3(world, key, { query });
    const headers = await signS3(world, s3Url(world, key, query));
    const withOtherQuery = await getS3(world, key, { query: "?x-vitrine=1", headers });
    const isWhole = reply.status === 200 && hasBytes(reply, pictureOf(PHOTO));
    const { transform, requests } = await createOrigin(world);
    for (const value of [1, 2]) await transform({ width: 8 }, { query: `?x-vitrine=${value}` });
    const fetches = (await requests()).length;
    return [
      [isWhole, "with x-vitrine", reply],
      [withOtherQuery.status === 403, "with another value than the signed one", withOtherQuery],
      [undefined, `open: the edge fetched two such sources ${fetches} times`],
    ];
  }),
  probe("A16", "no-store bypasses the cache", async (world) => {
    const key = `${world.run}/a16.txt`;
    const url = s3Url(world, key);
    const cf = { cacheEverything: true, cacheTtl: 300 };
    const get = async () =>
      world.send({ type: "fetch", url, headers: await signS3(world, url), cf });
    await putObject(world, key, "first");
    await get();
    await get();
    await world.pause(1_500); // a key takes one write a second (T3)
    await putObject(world, key, "second");
    const [cached, fresh] = [await get(), await getS3(world, key)];
    return [
      [undefined, "what may be cached, after a change", cached, textOf(cached)],
      [textOf(fresh) === "second", "with no-store", fresh, textOf(fresh)],
    ];
  }),
];
