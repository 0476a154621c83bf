// The test of a user in plain JavaScript: the whole Worker with the Images binding and the strict S3, shown a
// picture and told of an event of S3. .ci/run runs it by the Node.js that is here, imports.test.ts by Node.js 20.

import sharp from "sharp";
import worker from "vitrine";
import { createEdge, createS3 } from "vitrine/testing";

const region = "eu-west-1";
const endpoint = `https://s3.${region}.amazonaws.com`;
const credentials = { accessKeyId: "an-id-of-this-test-01", secretAccessKey: "a-secret" };
const s3 = createS3({ endpoint, bucket: "acme-media", region, credentials });
const picture = sharp({ create: { width: 40, height: 30, channels: 3, background: "teal" } });
s3.objects.set("sea.jpg", { body: await picture.jpeg().toBuffer(), type: "image/jpeg" });
globalThis.fetch = s3.fetch;

const env = {
  BUCKETS: { media: { endpoint, bucket: "acme-media", region, engine: "binding" } },
  ROUTES: [{ path: "/images/:preset/*", object: "media/*" }],
  PRESETS: { card: { width: 20 } },
  ANSWERS: { keep: 0 },
  IMAGES: createEdge({ zone: "images.example", fetch: s3.fetch }).images,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  PURGE_TOKEN: "a-token-of-32-characters-or-more-",
};
const context = { waitUntil() {} };
/** @param {string} path @param {RequestInit} [init] */
const ask = (path, init) =>
  worker.fetch(new Request(`https://images.example${path}`, init), env, context);

const response = await ask("/images/card/sea.jpg");
const { width, height } = await sharp(await response.arrayBuffer()).metadata();

const object = { bucket: { name: "acme-media" }, object: { key: "sea.jpg" } };
const headers = { authorization: `Bearer ${env.PURGE_TOKEN}` };
const body = JSON.stringify({ Records: [{ s3: object }] });
const purged = await ask("/purge", { method: "POST", headers, body });

const seen = [
  response.status,
  width,
  height,
  purged.status,
  JSON.parse(await purged.text()).purged,
];
console.log(`Node.js ${process.versions.node}: ${JSON.stringify(seen)}`);
if (JSON.stringify(seen) !== '[200,20,15,200,["media/sea.jpg"]]') process.exit(1);
