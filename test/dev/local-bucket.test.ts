// What is put into a local bucket, as the files change.

import { mkdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { FIXTURE_OBJECTS } from "../../src/dev/fixture-objects.ts";
import { createBucketSync } from "../../src/dev/local-bucket.ts";
import { file } from "../support/emulators.ts";
import { LOCAL_KEYS } from "../support/env.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

test("fixtures and files of the folder are put, put again when they change, and deleted", async () => {
  const sent: string[] = [];
  vi.stubGlobal("fetch", async (url: string, { method, headers }: RequestInit) => {
    sent.push(`${method} ${url} ${new Headers(headers).get("content-type")}`);
    return new Response();
  });
  const folder = createTemporaryFolder("vitrine-objects-");
  const sync = createBucketSync({ baseUrl: "http://s3/b/", prefix: "p/" }, LOCAL_KEYS, folder);
  const requestsOf = async () => {
    sent.length = 0;
    await sync();
    return sent;
  };
  expect(await requestsOf()).toHaveLength(FIXTURE_OBJECTS.length);
  expect(sent).toContain("PUT http://s3/b/p/photos/fig.jpg image/jpeg");
  expect(await requestsOf()).toEqual([]);

  mkdirSync(join(folder, "shoes"));
  const shoe = join(folder, "shoes/1 left.png");
  writeFileSync(shoe, file("made/transparent.png"));
  writeFileSync(join(folder, "..a"), "no key is so"); // R5
  const url = "http://s3/b/p/shoes/1%20left.png";
  expect(await requestsOf()).toContain(`PUT ${url} image/png`);
  utimesSync(shoe, 1, 1);
  expect(await requestsOf()).toEqual([`PUT ${url} image/png`]);
  rmSync(shoe);
  expect(await requestsOf()).toEqual([`DELETE ${url} null`]);
});

test("what the local S3 refuses is an error that names the object, and neither key nor bucket", async () => {
  vi.stubGlobal("fetch", async () => new Response("<Code>NoSuchBucket</Code>", { status: 404 }));
  const fill = createBucketSync({ baseUrl: "http://s3/b/", prefix: "" }, LOCAL_KEYS, "none");
  await expect(fill()).rejects.toThrow(/^[^/]* refuses PUT photos\/dandelion.jpg: 404$/);
  const tooLong = { baseUrl: "http://s3/b/", prefix: "p".repeat(1_024) };
  expect(await createBucketSync(tooLong, LOCAL_KEYS, "none")()).toBe(0);
});
