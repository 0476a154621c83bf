// What `edge.refusals` and `edge.passedOn` tell the author of a test, who sees only a code otherwise.

import { AwsClient } from "aws4fetch";
import { beforeEach, expect, test } from "vitest";
import { createEdgeWith } from "../../../src/emulator/edge/edge.ts";
import type { EdgeInit } from "../../../src/emulator/edge/settings.ts";
import { createS3 } from "../../../src/emulator/s3/s3.ts";
import { file, SHARP_ONCE } from "../../support/emulators.ts";

const BUCKET = "https://media.s3.eu.example";
const KEYS = { accessKeyId: "an-id", secretAccessKey: "a-secret" };
const SHARED = { "origin-auth": "share-publicly" } as const;

const setUp = () => {
  const settings = { endpoint: "https://s3.eu.example", bucket: "media", region: "eu" };
  const s3 = createS3({ ...settings, credentials: KEYS });
  s3.objects.set("key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });
  const zone = "images.example";
  const sources = ["media.s3.eu.example"];
  return { s3, edge: createEdgeWith(SHARP_ONCE, { zone, sources, fetch: s3.fetch }) };
};
let stage = setUp();
beforeEach(() => {
  stage = setUp();
});

/** Asks as a Worker does, which may make any mistake: the types of its options are not checked. */
async function fetchUntyped(
  image: unknown,
  { headers = {}, keys = {}, url = `${BUCKET}/key.jpg` } = {},
) {
  const client = new AwsClient({ ...KEYS, ...keys, service: "s3", region: "eu" });
  const signed = await client.sign(`${BUCKET}/key.jpg`, { headers, aws: { allHeaders: true } });
  const init: EdgeInit = Object({ headers: signed.headers, cf: { image } });
  return stage.edge.fetch(url, init);
}

test.each([
  [{ width: 0 }, "O1", "width is 0: it takes a whole number, 1 or more"],
  [{ quality: 101 }, "O5", "quality is 101: it takes a number from 1 to 100; or one of high, "],
  [{ fit: "fill" }, "O3", 'fit is "fill": it takes one of scale-down, contain, '],
  [{ format: "auto" }, "O6", "auto is not for Workers"],
  [{ gravity: { x: 2 } }, "O4", 'gravity is {"x":2}: it takes one of auto, face, '],
  [{ draw: [{}] }, "O12", "draw is [{}]: it takes a list of overlays"],
])("a value that the edge refuses is named: %j", async (image, rule, reason) => {
  const answer = await fetchUntyped({ ...image, ...SHARED });
  expect(answer.headers.get("cf-resized")).toBe("err=9401");
  const refusal = { fault: { code: 9401, status: 400 }, url: `${BUCKET}/key.jpg`, rule };
  expect(stage.edge.refusals).toEqual([{ ...refusal, why: expect.stringContaining(reason) }]);
});

test.each([
  [{}, {}, "E2", 'cf.image has no "origin-auth"'],
  [{ origin_auth: "share-publicly" }, {}, "O14", 'It ignores "origin_auth"'],
  [{ "origin-auth": "share" }, {}, "E2", '"origin-auth" is "share", and not "share-publicly"'],
  [SHARED, { headers: { accept: "image/avif" } }, "E3", "the signature covers accept, which"],
  [SHARED, { keys: { sessionToken: "a" } }, "E1", "covers x-amz-security-token, which the edge"],
  [SHARED, { keys: { secretAccessKey: "other" } }, "A7", "s3.answers has the code of S3"],
])("a denial says which mistake was made: %j %j", async (image, mistake, rule, reason) => {
  for (let times = 0; times < 2; times++) {
    expect((await fetchUntyped({ width: 80, ...image }, mistake)).status).toBe(403);
  }
  const refusal = {
    fault: { code: 9408, status: 403 },
    rule,
    why: expect.stringContaining(reason),
  };
  expect(stage.edge.refusals).toMatchObject([refusal, refusal]); // the second one is kept (C1)
});

test.each([
  ["https://other.example/a.jpg", "E5", "other.example is neither the zone nor allowed by sources"],
  ["http://media.s3.eu.example/key.jpg", "E6", "the URL is not https"],
  [`${BUCKET}/a b.jpg`, "E6", "the URL has a space"],
])("a source that the edge refuses is named: %s", async (url, rule, reason) => {
  await fetchUntyped(SHARED, { url });
  expect(stage.edge.refusals).toMatchObject([{ rule, why: expect.stringContaining(reason) }]);
});

test("what was not transformed is listed: no cf.image, and transformations off", async () => {
  const url = `${BUCKET}/key.jpg`;
  await stage.edge.fetch(url);
  await fetchUntyped(SHARED);
  stage.edge.switches.transformations = false;
  await fetchUntyped(SHARED);
  expect(stage.edge.passedOn).toEqual([url, url]);
  expect(stage.edge.refusals).toEqual([]);
});
