// What `edge.refusals` and `edge.passedOn` tell the author of a test, who sees only a code otherwise.

import { AwsClient } from "aws4fetch";
import { beforeEach, expect, test } from "vitest";
import type { EdgeInit } from "../../../src/emulator/edge/settings.ts";
import { createS3 } from "../../../src/emulator/s3/s3.ts";
import { file } from "../../support/emulators.ts";
import { createEdgeOnce } from "../../support/render-once.ts";

const BUCKET = "https://media.s3.eu.example";
const KEYS = { accessKeyId: "an-id", secretAccessKey: "a-secret" };
const SHARED = { "origin-auth": "share-publicly" } as const;

const setUp = () => {
  const settings = { endpoint: "https://s3.eu.example", bucket: "media", region: "eu" };
  const s3 = createS3({ ...settings, credentials: KEYS });
  s3.objects.set("key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });
  const zone = "images.example";
  const sources = ["media.s3.eu.example"];
  return { s3, edge: createEdgeOnce({ zone, sources, fetch: s3.fetch }) };
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

test.each<[image: object, mistake: object, rule: string, reason: string]>([
  [{ width: 0, ...SHARED }, {}, "O1", "width is 0: it takes a whole number, 1 or more"],
  [{ quality: 101, ...SHARED }, {}, "O5", "quality is 101: it takes a number from 1 to 100; or"],
  [{ fit: "fill", ...SHARED }, {}, "O3", 'fit is "fill": it takes one of scale-down, contain, '],
  [{ format: "auto", ...SHARED }, {}, "O6", "auto is not for Workers"],
  [{ gravity: { x: 2 }, ...SHARED }, {}, "O4", 'gravity is {"x":2}: it takes one of auto, face, '],
  [{ draw: [{}], ...SHARED }, {}, "O12", "draw is [{}]: it takes a list of overlays"],
  [{}, {}, "E2", 'cf.image has no "origin-auth"'],
  [{ origin_auth: "share-publicly" }, {}, "O14", 'It ignores "origin_auth"'],
  [{ "origin-auth": "share" }, {}, "E2", '"origin-auth" is "share", and not "share-publicly"'],
  [SHARED, { headers: { accept: "image/avif" } }, "E3", "the signature covers accept, which"],
  [SHARED, { keys: { sessionToken: "a" } }, "E1", "covers x-amz-security-token, which the edge"],
  [SHARED, { keys: { secretAccessKey: "other" } }, "A7", "s3.answers has the code of S3"],
  [SHARED, { url: "https://other.example/a.jpg" }, "E5", "other.example is neither the zone nor"],
  [SHARED, { url: "http://media.s3.eu.example/key.jpg" }, "E6", "the URL is not https"],
  [SHARED, { url: `${BUCKET}/a b.jpg` }, "E6", "the URL has a space"],
])("a refusal says which mistake was made: %j %j", async (image, mistake, rule, reason) => {
  for (let times = 0; times < 2; times++) await fetchUntyped({ width: 80, ...image }, mistake);
  const refusal = { rule, reason: expect.stringContaining(reason) };
  expect(stage.edge.refusals).toMatchObject([refusal, refusal]); // a second denial is cached (C1)
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
