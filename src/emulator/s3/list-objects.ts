// S3's answer to ListObjectsV2.

import { escapeXml, REQUEST_IDS } from "./refuse.ts";
import { etagOf, type Stored } from "./send-object.ts";

const MOST_LISTED = 1000;

/** Lists keys in byte order. With a delimiter, keys that share a prefix up to it are listed once. */
export function listObjects(
  objects: ReadonlyMap<string, Stored>,
  asked: URLSearchParams,
): Response {
  const most = Math.min(MOST_LISTED, Number(asked.get("max-keys") ?? MOST_LISTED));
  const entries = entriesOf(
    objects.keys(),
    asked.get("prefix") ?? "",
    asked.get("delimiter") ?? "",
  );
  const from = Number(asked.get("continuation-token") ?? 0);
  const page = entries.slice(from, from + most);
  const truncated = from + page.length < entries.length;
  const encodes = asked.get("encoding-type") === "url";
  const told = page.map((entry) => {
    const object = objects.get(entry);
    const name = escapeXml(encodes ? encodeEntry(entry) : entry);
    if (object === undefined) return `<CommonPrefixes><Prefix>${name}</Prefix></CommonPrefixes>`;
    const etag = etagOf(object);
    const tag = etag === null ? "" : `<ETag>${escapeXml(`"${etag}"`)}</ETag>`;
    return `<Contents><Key>${name}</Key>${tag}<Size>${object.body.length}</Size></Contents>`;
  });
  const encoding = encodes ? "<EncodingType>url</EncodingType>" : "";
  const next = `<NextContinuationToken>${from + page.length}</NextContinuationToken>`;
  const xml = `<?xml version="1.0" encoding="UTF-8"?>
<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${encoding}<KeyCount>${page.length}</KeyCount><IsTruncated>${truncated}</IsTruncated>${truncated ? next : ""}${told.join("")}</ListBucketResult>`;
  return new Response(xml, { headers: { "content-type": "application/xml", ...REQUEST_IDS } });
}

/** Percent-encodes a key as AWS does in lists: a space becomes `+`, and slashes stay. */
function encodeEntry(entry: string): string {
  return encodeURIComponent(entry).replaceAll("%20", "+").replaceAll("%2F", "/");
}

/** The keys and common prefixes, in byte order. */
function entriesOf(keys: Iterable<string>, prefix: string, delimiter: string): string[] {
  const entries = [...keys]
    .filter((key) => key.startsWith(prefix))
    .map((key) => {
      const end = delimiter === "" ? -1 : key.indexOf(delimiter, prefix.length);
      return end < 0 ? key : key.slice(0, end + delimiter.length);
    });
  return [...new Set(entries)].sort(compareKeys);
}

/** Compares keys as buckets order them: by the bytes of their UTF-8. */
export function compareKeys(one: string, other: string): number {
  return Buffer.compare(Buffer.from(one), Buffer.from(other));
}
