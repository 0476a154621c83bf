// What `vitrine sample` asks of wrangler, what it says, and that it never replaces an object.

import { readFileSync, statSync, writeFileSync } from "node:fs";
import { beforeEach, expect, test } from "vitest";
import { EXIT, isFault } from "../../../src/cli/command.ts";
import type { OpenOptions } from "../../../src/cli/config/open-project.ts";
import { putSample } from "../../../src/cli/sample/index.ts";
import { makeProject } from "../../support/cli/folder.ts";
import { emptyFolder, init } from "../../support/cli/making.ts";
import { createWorld, type Given, vitrine } from "../../support/cli/vitrine.ts";
import { VARS } from "../../support/env.ts";

type Ended = readonly [code: number | null, says: string];

const ABSENT: Ended = [1, "✘ [ERROR] The specified key does not exist.\n"];

let folder: string;
let ran: (readonly string[])[];
/** How wrangler ends, by what it is to do. */
let ended: { get: Ended; put: Ended };

beforeEach(async () => {
  folder = emptyFolder();
  await init(folder, ["--provider", "r2", "--bucket", "acme-media", "--name", "shop"]);
  ran = [];
  ended = { get: ABSENT, put: [0, "Upload complete.\n"] };
});

/** Puts the sample, with a stand-in for wrangler. */
async function run(options: OpenOptions = {}, given: Given = {}) {
  const { world, said } = createWorld({ folder, ...given });
  const end = await putSample(world, options, async (_world, args, _input, hear) => {
    ran.push(args);
    const [code, says] = ended[args.includes("put") ? "put" : "get"];
    hear(says);
    return code;
  });
  const { out, err } = said();
  return {
    code: isFault(end) ? EXIT.failed : end,
    out,
    err: err + (isFault(end) ? end.fault : ""),
  };
}

const OBJECT = ["--remote", "--config", "wrangler.toml", "--env", ""];

test("it puts the picture if the bucket does not have it, and says where to see it", async () => {
  const { code, out, err } = await run();
  expect([code, err]).toEqual([0, "  Upload complete.\n"]);
  expect(ran).toEqual([
    ["r2", "object", "get", "acme-media/sample.jpg", ...OBJECT, "--file", expect.any(String)],
    [
      ...["r2", "object", "put", "acme-media/sample.jpg", ...OBJECT],
      ...["--file", expect.stringMatching(/sample\.jpg$/), "--content-type", "image/jpeg"],
    ],
  ]);
  const file = ran[1]?.[ran[1].indexOf("--file") + 1] ?? "";
  expect(readFileSync(file).subarray(0, 3)).toEqual(Buffer.from([0xff, 0xd8, 0xff]));
  expect(() => statSync(ran[0]?.at(-1) ?? "")).toThrow("ENOENT");
  expect(out).toContain("sample.jpg: the R2 bucket acme-media has it now.\n");
  expect(out).toContain(
    "https://shop.<your subdomain>.workers.dev/images/hero/sample.jpg\nThe deploy printed the subdomain.",
  );
  expect(out).toContain("wrangler r2 object put acme-media/photo.jpg --file photo.jpg --remote\n");
});

test("an object that is there stays as it is", async () => {
  ended.get = [0, "Download complete.\n"];
  const { code, out } = await run();
  expect([code, ran.length]).toEqual([0, 1]);
  expect(out).toContain("has it already, and it is left as it is.\nSee it: ");
});

test.each<[what: string, get: Ended, says: string]>([
  ["is not logged in", [1, "You are not logged in.\n"], "Run npx wrangler login"],
  ["may not read it", [1, "Failed to fetch - 403: Forbidden; code: 10000\n"], "that may:"],
  [
    "ends for no known reason",
    [7, "Oh\n"],
    "r2 object get acme-media/sample.jpg ended with 7. See its output",
  ],
  ["is ended by a signal", [null, ""], "ended with a signal"],
  [
    "says that of another thing",
    [1, "The specified bucket does not exist.\n"],
    "npx vitrine deploy",
  ],
])("if wrangler %s, nothing is put, and it says why", async (_what, get, says) => {
  ended.get = get;
  const { code, out, err } = await run();
  expect([code, out, ran.length]).toEqual([2, "", 1]);
  expect(err).toContain(get[1]);
  expect(err).toContain(says);
});

test.each(["get", "put"] as const)(
  "wrangler's colours are not shown as text (%s)",
  async (verb) => {
    ended[verb] = [
      1,
      "\u001b[31m✘ \u001b[41;31m[\u001b[41;97mERROR\u001b[0m Oh\r\n\r\n\u001b[2m🪵  Logs\u001b[22m\n",
    ];
    const { code, err } = await run();
    expect(code).toBe(2);
    expect(err).toMatch(/^ {2}✘ \[ERROR Oh\n {2}🪵 {2}Logs\nwrangler r2 object/);
  },
);

test("without the bucket it says that a deploy makes it", async () => {
  ended.put = [1, "✘ [ERROR] The specified bucket does not exist.\n"];
  const { code, out, err } = await run();
  expect([code, out]).toEqual([2, ""]);
  expect(err).toContain("There is no such R2 bucket in this account. A deploy makes it:");
});

test.each([
  ["routes", {}, ["--domain", "images.example.com"], "https://images.example.com"],
  ["--url", { url: "https://shop.acme.workers.dev" }, [], "https://shop.acme.workers.dev"],
])("where %s says the domain, it prints the whole URL", async (_what, options, more, base) => {
  folder = emptyFolder();
  await init(folder, ["--provider", "r2", "--bucket", "acme-media", "--name", "shop", ...more]);
  expect((await run(options)).out).toContain(`See it: ${base}/images/hero/sample.jpg\n`);
});

const R2 = { media: { binding: "MEDIA_BUCKET", prefix: "shown/" } };
const bound = (more: object = {}) => ({
  ...{ name: "shop", workers_dev: true, images: { binding: "IMAGES" } },
  r2_buckets: [{ binding: "MEDIA_BUCKET", bucket_name: "acme-media", ...more }],
});
const OPEN = { ...VARS, ROUTES: [{ path: "/images/:preset/*", object: "media/*" }] };

test("the picture is below the prefix, and in the environment's bucket and jurisdiction", async () => {
  const vars = { ...OPEN, BUCKETS: R2 };
  const { name: _name, ...staging } = bound({ bucket_name: "acme-staging", jurisdiction: "eu" });
  folder = makeProject({ ...bound(), vars, env: { staging: { ...staging, vars } } });
  const { code, out } = await run({ env: "staging" });
  expect(code).toBe(0);
  expect(ran[1]).toEqual([
    ...["r2", "object", "put", "acme-staging/shown/sample.jpg", "--remote"],
    ...["--config", "wrangler.toml", "--env", "staging", "--jurisdiction", "eu"],
    ...["--file", expect.any(String), "--content-type", "image/jpeg"],
  ]);
  expect(out).toContain("https://shop-staging.<your subdomain>.workers.dev/images/");
  expect(out).toContain(
    "put acme-staging/shown/photo.jpg --file photo.jpg --remote --jurisdiction eu",
  );
});

test.each<[what: string, config: object, says: string]>([
  ["no R2 bucket", { name: "shop", vars: OPEN }, "has no R2 bucket with a binding"],
  [
    "no bucket_name",
    { ...bound(), r2_buckets: [{ binding: "MEDIA_BUCKET" }], vars: { ...OPEN, BUCKETS: R2 } },
    "has no bucket_name for MEDIA_BUCKET: add it",
  ],
  [
    "a prefix that wrangler cannot send",
    { ...bound(), vars: { ...OPEN, BUCKETS: { media: { ...R2.media, prefix: "50%/" } } } },
    "wrangler cannot send a key with ?, # or %",
  ],
  [
    "no binding of that name",
    { ...bound(), r2_buckets: [], vars: { ...OPEN, BUCKETS: R2 } },
    "MEDIA_BUCKET",
  ],
])("with %s nothing is asked of wrangler", async (_what, config, says) => {
  folder = makeProject({
    secrets: { required: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] },
    ...config,
  });
  const { code, out, err } = await run();
  expect([code, out, ran]).toEqual([2, "", []]);
  expect(err).toContain(says);
});

test("the local run needs no sample", async () => {
  const { code, err } = await run({ url: "http://localhost:8787" });
  expect([code, ran, err]).toEqual([2, [], expect.stringContaining("has pictures of its own")]);
});

test("a folder without a configuration says how to make one", async () => {
  folder = emptyFolder();
  writeFileSync(`${folder}/x`, "");
  expect(await vitrine(["sample"], { folder })).toMatchObject({
    code: 2,
    err: expect.stringContaining("npx vitrine init"),
  });
});
