// What to list under Sources for a bucket.

import { expect, test } from "vitest";
import { originOf } from "../../../src/cli/config/buckets.ts";

const VIRTUAL = "https://acme.s3.eu-west-1.amazonaws.com/";
const PATH = "https://s3.eu-central-1.wasabisys.com/acme/";

test.each([
  [VIRTUAL, "", "acme.s3.eu-west-1.amazonaws.com", false],
  [VIRTUAL, "published/", "acme.s3.eu-west-1.amazonaws.com/published/", false],
  [PATH, "", "s3.eu-central-1.wasabisys.com/acme/", true],
  [PATH, "a/b.c/", "s3.eu-central-1.wasabisys.com/acme/a/b.c/", true],
  ["https://s3.example:8443/acme/", "", "s3.example:8443/acme/", true],
  ["https://storage.example/v1/acme/", "a/", "storage.example/v1/acme/a/", true],
  ["https://acme.storage.example/v1/", "", "acme.storage.example/v1/", false],
  // The path ends before the first segment that is spelt otherwise once it is encoded.
  [PATH, "2026/my photos/big/", "s3.eu-central-1.wasabisys.com/acme/2026/", true],
  [PATH, "café/big/", "s3.eu-central-1.wasabisys.com/acme/", true],
  [VIRTUAL, "a+b/", "acme.s3.eu-west-1.amazonaws.com", false],
])(
  "the bucket at %s with the prefix %j is listed as %s (E5, E10)",
  (base, prefix, entry, shared) => {
    expect(originOf({ base, bucket: "acme", prefix })).toEqual({ entry, shared });
  },
);
