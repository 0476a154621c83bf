// The URL of a bucket and of its objects.

import { expect, test } from "vitest";
import { bucketUrl, defaultAddressing } from "../../../src/worker/config/bucket-settings.ts";
import { sourceUrl } from "../../../src/worker/origin/object-url.ts";

test.each<{ endpoint: string; bucket: string; addressing: "virtual" | "path" }>([
  { endpoint: "https://s3.eu-west-1.amazonaws.com", bucket: "acme-media", addressing: "virtual" },
  {
    endpoint: "https://s3.cn-north-1.amazonaws.com.cn",
    bucket: "acme-media",
    addressing: "virtual",
  },
  { endpoint: "https://s3.eu-west-1.amazonaws.com", bucket: "acme.media", addressing: "path" },
  { endpoint: "https://0123.r2.cloudflarestorage.com", bucket: "acme-media", addressing: "path" },
  { endpoint: "https://minio.example:9000", bucket: "acme-media", addressing: "path" },
  { endpoint: "https://amazonaws.com.example", bucket: "acme-media", addressing: "path" },
])(
  "at $endpoint the bucket $bucket has $addressing addressing (A4)",
  ({ endpoint, bucket, addressing }) => {
    expect(defaultAddressing(endpoint, bucket)).toBe(addressing);
  },
);

test.each<{ endpoint: string; addressing: "virtual" | "path"; url: string }>([
  {
    endpoint: "https://s3.eu-west-1.amazonaws.com",
    addressing: "virtual",
    url: "https://b.s3.eu-west-1.amazonaws.com/",
  },
  {
    endpoint: "https://s3.eu-west-1.amazonaws.com",
    addressing: "path",
    url: "https://s3.eu-west-1.amazonaws.com/b/",
  },
  {
    endpoint: "https://minio.example:9000",
    addressing: "path",
    url: "https://minio.example:9000/b/",
  },
  {
    endpoint: "http://localhost:8787/cdn-cgi/r2/s3",
    addressing: "path",
    url: "http://localhost:8787/cdn-cgi/r2/s3/b/",
  },
  { endpoint: "https://s3.example/base", addressing: "virtual", url: "https://b.s3.example/base/" },
])(
  "the bucket b at $endpoint with $addressing addressing is at $url (A4)",
  ({ endpoint, addressing, url }) => {
    expect(bucketUrl(endpoint, "b", addressing)).toBe(url);
  },
);

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
  { title: "without what names its bytes", hasSourceParameter: true, etag: undefined },
  { title: "where source_parameter is off", hasSourceParameter: false, etag: "an-etag" },
])("$title an object's URL for the edge has no parameter", async ({ hasSourceParameter, etag }) => {
  const bucket = { baseUrl: "https://b.example/", hasSourceParameter };
  expect(await sourceUrl(bucket, "a", etag)).toBe("https://b.example/a");
});
