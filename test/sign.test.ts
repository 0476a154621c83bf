import { expect, test } from "vitest";
import { HARD_KEYS } from "../fixtures/objects.ts";
import { originUrl } from "../src/origin.ts";
import { sign } from "../src/sign.ts";
import { BASE, CREDENTIALS } from "./env.ts";
import { signatureFault } from "./s3.ts";

const url = originUrl(BASE, "photos/fig.jpg");
const REGION = "eu-west-1";

test("exactly three headers are sent, and the signed ones are those of A1", async () => {
  const headers = await sign(url, REGION, CREDENTIALS, Date.UTC(2026, 10, 24, 9, 8, 7, 654));
  expect([...headers.keys()]).toEqual(["authorization", "x-amz-content-sha256", "x-amz-date"]);
  expect(headers.get("x-amz-content-sha256")).toBe("UNSIGNED-PAYLOAD");
  expect(headers.get("x-amz-date")).toBe("20261124T090807Z");
  expect(headers.get("authorization")).toContain(
    "Credential=AKIAIOSFODNN7EXAMPLE/20261124/eu-west-1/s3/aws4_request, SignedHeaders=host;x-amz-content-sha256;x-amz-date, Signature=",
  );
});

test.each(HARD_KEYS)("the signature for %j is right (A2)", async (key) => {
  const of = originUrl(BASE, `published/${key}`);
  const headers = await sign(of, REGION, CREDENTIALS, Date.now());
  expect(await signatureFault(of, headers, REGION, CREDENTIALS)).toBeUndefined();
});

test.each([
  "https://bucket.localhost:9000/k",
  "https://s3.wasabisys.com/b/k",
  "http://localhost:8787/x/b/k",
])("service and region are not guessed from the host of %s (A3)", async (of) => {
  const headers = await sign(of, "auto", CREDENTIALS, Date.now());
  expect(await signatureFault(of, headers, "auto", CREDENTIALS)).toBeUndefined();
});

test("the verifier finds fault where there is one", async () => {
  const headers = await sign(url, REGION, CREDENTIALS, Date.now());
  const old = await sign(url, REGION, CREDENTIALS, Date.now() - 16 * 60 * 1000);
  const other = { ...CREDENTIALS, secretAccessKey: `${CREDENTIALS.secretAccessKey}x` };
  const unknown = { ...CREDENTIALS, accessKeyId: "AKIAUNKNOWN" };
  const fault = (of = url, sent = headers, region = REGION, keys = CREDENTIALS) =>
    signatureFault(of, sent, region, keys);
  expect(await fault()).toBeUndefined();
  expect(await fault(`${url}x`)).toBe("SignatureDoesNotMatch");
  expect(await fault(url, old)).toBe("RequestTimeTooSkewed");
  expect(await fault(url, headers, "us-east-1")).toBe("AuthorizationHeaderMalformed");
  expect(await fault(url, headers, REGION, other)).toBe("SignatureDoesNotMatch");
  expect(await fault(url, headers, REGION, unknown)).toBe("InvalidAccessKeyId");
  expect(await fault(url, new Headers())).toBe("AccessDenied");
});
