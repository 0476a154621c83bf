// The built bundle as the local run wraps it, in the real Workers runtime: with the strict edge and wrangler's S3.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { http, passthrough } from "msw";
import sharp from "sharp";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { localBucketName, localBuckets } from "../../src/cli/config/local-run.ts";
import { BROKEN } from "../../src/dev/fixture-objects.ts";
import { createBucketSync, sendToS3 } from "../../src/dev/local-bucket.ts";
import { createEdge, type Edge } from "../../src/emulator/create-edge.ts";
import { serveEdge } from "../../src/emulator/serve.ts";
import { BUILT_LOCAL, ROOT } from "../support/built.ts";
import { network } from "../support/emulators.ts";
import { LOCAL_KEYS, SECRETS, VARS } from "../support/env.ts";
import { createHarness } from "../support/harness.ts";
import { letterOf, paint } from "../support/painting.ts";
import { MODERN, picture } from "./pictures.ts";

/** The bucket of wrangler's S3, and the configuration of a Worker that has it. */
const LOCAL_BUCKET = localBucketName("acme-media", LOCAL_KEYS);
const OWNER = {
  ...{ name: "local-s3", main: "origin.js", compatibility_date: "2026-11-01" },
  r2_buckets: [
    {
      ...{ binding: "MEDIA", bucket_name: LOCAL_BUCKET },
      local_dev: { experimental_s3_credentials: LOCAL_KEYS },
    },
  ],
};

const configPath = "test/support/wrangler.toml"; // the project's own file may have any content

beforeAll(() => network.listen());
afterEach(() => network.resetHandlers());
afterAll(() => network.close());

describe("as the local run wraps it, with the strict edge and wrangler's S3", () => {
  const origin = join(ROOT, ".wrangler/test/origin.json");
  writeFileSync(origin, JSON.stringify(OWNER));
  writeFileSync(join(origin, "../origin.js"), "export default { fetch: () => new Response() };");
  const server = createHarness();
  const secrets = {
    ...SECRETS,
    AWS_ACCESS_KEY_ID: LOCAL_KEYS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: LOCAL_KEYS.secretAccessKey,
  };
  let address: string;
  let edge: Edge;
  let edgeServer: { url: string; close: () => void };

  /** Restarts the server with the port of the bucket. */
  async function configure(): Promise<void> {
    const BUCKETS = localBuckets(VARS.BUCKETS, `${address}cdn-cgi/local/r2/s3`, LOCAL_KEYS);
    const part = { width: 40, height: 40, fit: "cover", format: "png", gravity: "object" };
    const PRESETS = { ...VARS.PRESETS, part };
    const vars = JSON.parse(
      JSON.stringify({ ...VARS, PRESETS, BUCKETS, LOCAL_EDGE: edgeServer.url }),
    );
    const worker = { configPath, prebuiltWorkerDir: BUILT_LOCAL, vars };
    await server.update({
      root: ROOT,
      workers: [{ ...worker, secrets }, { configPath: origin }],
    });
  }

  const reach = () => {
    network.use(http.all(`${address}*`, () => passthrough()));
    network.use(http.all(`${new URL(edgeServer.url).origin}/*`, () => passthrough()));
    const { host } = new URL(address);
    const settings = { zone: "images.example", sources: [host], httpHosts: [host], cache: false };
    edge = createEdge({ ...settings, fetch: (input, init) => fetch(input, init) });
  };

  beforeAll(async () => {
    const late: Edge["fetch"] = (url, init) => edge.fetch(url, init);
    edgeServer = await serveEdge({ fetch: late });
    address = "http://127.0.0.1:1/";
    await configure();
    address = (await server.listen()).url.href;
    reach();
    await configure();
    expect((await server.listen()).url.href).toBe(address);
    const baseUrl = `${address}cdn-cgi/local/r2/s3/${LOCAL_BUCKET}/`;
    await createBucketSync({ baseUrl, prefix: "published/" }, LOCAL_KEYS)();
  });
  afterAll(async () => {
    await edgeServer.close();
    await server.close();
  });
  beforeEach(() => {
    reach();
    server.clearLogs();
  });

  test.each(BROKEN)("$key is no picture: no byte of it is passed on (R3, R8)", async ({ key }) => {
    // What cannot be decoded may be a download that failed.
    const isHalf = key === "broken/truncated.jpg";
    const expected = isHalf ? [502, "Not available\n"] : [415, "Not an image\n"];
    for (const headers of [MODERN, { accept: "*/*" }]) {
      const answer = await server.fetch(`/images/card/${key}`, { headers });
      expect([answer.status, await answer.text()]).toEqual(expected);
    }
  });

  test("a crop keeps the focal point of the object, also where its ETag stays (O4)", async () => {
    const publishedFolder = {
      baseUrl: `${address}cdn-cgi/local/r2/s3/${LOCAL_BUCKET}/`,
      prefix: "published/",
    };
    const body = await paint("rgb", 40).png().toBuffer();
    const seen = [];
    for (const focus of ["0,0.5", "1,0.5", "", "9,9"]) {
      const put = { type: "image/png", body, focus };
      await sendToS3("PUT", publishedFolder, "stripes.png", LOCAL_KEYS, put);
      const { bytes } = await picture(await server.fetch("/images/part/stripes.png"));
      seen.push(letterOf([...(await sharp(bytes).ensureAlpha().raw().toBuffer()).subarray(0, 4)]));
    }
    expect(seen).toEqual(["r", "b", "g", "g"]);
    expect(server.lines()).toMatchObject([
      { event: "no-focus" },
      { event: "no-focus", value: "9,9" },
    ]);
  });

  test("the bucket is private", async () => {
    const bucketUrl = `${address}cdn-cgi/local/r2/s3/${LOCAL_BUCKET}/`;
    expect((await fetch(`${bucketUrl}published/photos/fig.jpg`)).ok).toBe(false);
  });
});
