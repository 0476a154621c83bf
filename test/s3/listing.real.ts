// Lists of a bucket, page by page, as vitrine purge --prefix and the doctor ask for them.

import { beforeAll, expect, test } from "vitest";
import { listPage } from "../../src/cli/objects/list-page.ts";
import { readConfig } from "../../src/worker/config/config.ts";
import { createBucket, putObject } from "./client.ts";
import { hardKeys } from "./hard-keys.ts";
import { secretsOf, varsFor } from "./run-vitrine.ts";
import { theWorld, USERS } from "./world.ts";

const media = { bucket: "listing", prefix: "below/" };
/** Vitrine shows none of these, but a list may have them. */
const STRANGE = [
  ...["\x01", "a\x1fb", "tab\t", "line\nend", "\r\n", "\x7f", "\x85", "a\\b", "a//b", "../a"],
];
const keys = [...hardKeys(theWorld().seed, 200), ...STRANGE].map((key) => media.prefix + key);

beforeAll(async () => {
  await createBucket(media.bucket);
  for (const key of keys) await putObject(media.bucket, key, "x", "text/plain");
});

test.for([1000, 50, 7])("every key is listed as it is, %i a page (A10)", async (maxKeys) => {
  const config = readConfig({ ...varsFor(media), ...secretsOf(USERS.owner) });
  const [bucket] = "mistakes" in config ? [] : config.buckets;
  if (bucket === undefined) return expect.unreachable();
  const listed: string[] = [];
  let pages = 0;
  for (let next: string | undefined; pages === 0 || next !== undefined; pages++) {
    const options = { prefix: media.prefix, maxKeys, next };
    const page = await listPage(bucket, USERS.owner, options, Date.now());
    if (!("objects" in page)) throw new Error(JSON.stringify(page));
    listed.push(...page.objects.map(({ key }) => key));
    ({ next } = page);
  }
  expect(listed.toSorted()).toEqual(keys.toSorted());
  expect(pages).toBe(Math.ceil(keys.length / maxKeys));
});
