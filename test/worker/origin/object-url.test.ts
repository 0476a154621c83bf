// The URL of a bucket and of its objects.

import { expect, test } from "vitest";
import { bucketUrl, defaultAddressing } from "../../../src/worker/config/bucket-settings.ts";
import { sourceUrl } from "../../../src/worker/origin/object-url.ts";

test.each<[string, string, "virtual" | "path"]>([
  ["https://s3.eu-west-1.amazonaws.com", "acme-media", "virtual"],
  ["https://s3.cn-north-1.amazonaws.com.cn", "acme-media", "virtual"],
  ["https://s3.eu-west-1.amazonaws.com", "acme.media", "path"],
  ["https://0123.r2.cloudflarestorage.com", "acme-media", "path"],
  ["https://minio.example:9000", "acme-media", "path"],
  ["https://amazonaws.com.example", "acme-media", "path"],
])("at %s the bucket %s has %s addressing (A4)", (endpoint, bucket, addressing) => {
  expect(defaultAddressing(endpoint, bucket)).toBe(addressing);
});

test.each<[string, "virtual" | "path", string]>([
  ["https://s3.eu-west-1.amazonaws.com", "virtual", "https://b.s3.eu-west-1.amazonaws.com/"],
  ["https://s3.eu-west-1.amazonaws.com", "path", "https://s3.eu-west-1.amazonaws.com/b/"],
  ["https://minio.example:9000", "path", "https://minio.example:9000/b/"],
  ["http://localhost:8787/cdn-cgi/r2/s3", "path", "http://localhost:8787/cdn-cgi/r2/s3/b/"],
  ["https://s3.example/base", "virtual", "https://b.s3.example/base/"],
])("the bucket b at %s with %s addressing is at %s (A4)", (endpoint, addressing, url) => {
  expect(bucketUrl(endpoint, "b", addressing)).toBe(url);
});

test("the URL for the edge names the object's bytes, and its ETag does not follow from it (A15)", async () => {
  const bucket = { baseUrl: "https://b.example/", hasSourceParameter: true };
  const etag = "9b2cf535f27731c974343645a3985328";
  const urls = await Promise.all([etag, `${etag}-2`].map((one) => sourceUrl(bucket, "a b", one)));

  for (const url of urls)
    expect(url).toMatch(/^https:\/\/b\.example\/a%20b\?x-vitrine=[0-9a-f]{32}$/);
  expect(new Set([...urls, etag]).size).toBe(3);
  expect(urls.join()).not.toContain(etag);
  expect(await sourceUrl(bucket, "a b", etag)).toBe(urls[0]);
});

test.each([
  ["without what names its bytes", true, undefined],
  ["where source_parameter is off", false, "an-etag"],
])("%s an object's URL for the edge has no parameter", async (_what, hasSourceParameter, etag) => {
  const bucket = { baseUrl: "https://b.example/", hasSourceParameter };
  expect(await sourceUrl(bucket, "a", etag)).toBe("https://b.example/a");
});
