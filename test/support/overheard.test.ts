// The search for secrets in logs and answers.

import { expect, test } from "vitest";
import { cookieValue } from "./cookie.ts";
import { CREDENTIALS, HEALTH_TOKEN, LOCAL_KEYS, NEXT_CREDENTIALS } from "./env.ts";
import { leaksIn } from "./overheard.ts";

test.each([
  ["a secret", CREDENTIALS.secretAccessKey],
  ["a key id", NEXT_CREDENTIALS.accessKeyId],
  ["the token", HEALTH_TOKEN],
  ["the local secret", LOCAL_KEYS.secretAccessKey],
  ["a key id that nobody listed", "AKIAQQQQQQQQQQQQQQQQ"],
  ["a signature", "5d672d79c15b13162d9279b0855cfba6789a8edb4c82c400e06b5924a6f2b5d7"],
  ["a header", "AWS4-HMAC-SHA256 Credential=x"],
  ["a cookie", cookieValue({ expires: 1_800_000_000 })],
  ["a presigned URL", "https://s3.example/k?X-Amz-Signature=x"],
])("%s is found between any bytes", (_what, secret) => {
  const bytes = (text: string) => Buffer.from(text, "latin1");
  const bytesWithSecret = Buffer.concat([bytes("\xff\xd8\0 a "), bytes(secret), bytes(" b \xff")]);
  expect(leaksIn(bytesWithSecret)).not.toEqual([]);
});

test("the end of a key id and an entity tag are not a leak", () => {
  const line = { event: "slot-refused", slot: "current", access_key: "…MPLE", key: "a/b.jpg" };
  const etag = '"cfWoTq_8Xx1mDPzUQ8cmkPz0wdPV3pPz0wdPV3pPz0wd:9b2cf535f27731c974343645a3985328"';
  expect(leaksIn(Buffer.from(JSON.stringify(line) + etag))).toEqual([]);
});
