// Requests signed with SigV4, as S3 checks them.

import { expect, test } from "vitest";
import { findSignatureFault } from "../../../src/emulator/s3/signature.ts";
import { originUrl } from "../../../src/worker/origin/object-url.ts";
import { type SignedHeaders, sign } from "../../../src/worker/origin/sigv4.ts";
import { BUCKET_URL, CREDENTIALS } from "../../support/env.ts";

const url = originUrl(BUCKET_URL, "photos/fig.jpg");
const REGION = "eu-west-1";

/** Returns what S3 finds wrong with a signed request. */
function fault(url: string, headers: SignedHeaders, region: string) {
  const keys = new Map([[CREDENTIALS.accessKeyId, CREDENTIALS.secretAccessKey]]);
  const request = new Request(url, { headers });
  return findSignatureFault(request, { keys, region, now: Date.now(), dialect: "r2" });
}

test("exactly three headers are sent, and the signed ones are those of A1", async () => {
  const headers = await sign(url, REGION, CREDENTIALS, Date.UTC(2026, 10, 24, 9, 8, 7, 654));
  expect(Object.keys(headers)).toEqual(["authorization", "x-amz-content-sha256", "x-amz-date"]);
  expect(headers["x-amz-content-sha256"]).toBe("UNSIGNED-PAYLOAD");
  expect(headers["x-amz-date"]).toBe("20261124T090807Z");
  expect(headers.authorization).toContain(
    "Credential=AKIAIOSFODNN7EXAMPLE/20261124/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=",
  );
});

test.each([
  "https://bucket.localhost:9000/k",
  "https://s3.wasabisys.com/b/k",
  "http://localhost:8787/x/b/k",
])("service and region are not guessed from the host of %s (A3)", async (origin) => {
  const headers = await sign(origin, "auto", CREDENTIALS, Date.now());
  expect(await fault(origin, headers, "auto")).toBeUndefined();
});
