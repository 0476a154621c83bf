// The doctor checks the local run, with a strict S3 behind it: first healthy, then broken in ten ways.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import type { World } from "../../../src/cli/command.ts";
import type { Check, Finding } from "../../../src/cli/doctor/finding.ts";
import { createS3, type S3 } from "../../../src/emulator/s3/s3.ts";
import { serveS3 } from "../../../src/emulator/s3/serve-s3.ts";
import { type Report, wrongIn } from "../../support/cli/report.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { CREDENTIALS, HEALTH_TOKEN } from "../../support/env.ts";
import { freePort } from "../../support/free-port.ts";
import { copyProject, endRuns, removeCopies, start } from "../../support/local-run.ts";
import { file } from "../../support/stand.ts";

const { accessKeyId, secretAccessKey } = CREDENTIALS;
const SETTINGS = {
  bucket: "acme-media",
  region: "us-east-1",
  prefix: "published/",
  canary: "key.jpg",
};

let folder: string;
let address: string;
/** A port where nothing listens. */
let closed: number;
let s3: S3;
let close: () => Promise<void>;
let media: typeof SETTINGS & { endpoint: string };

/** Writes .dev.vars, with some lines changed. */
function write(changed: object = {}, settings: object = {}): void {
  const vars = {
    AWS_ACCESS_KEY_ID: accessKeyId,
    AWS_SECRET_ACCESS_KEY: secretAccessKey,
    HEALTH_TOKEN,
    BUCKETS: JSON.stringify({ media: { ...media, ...settings } }),
    ...changed,
  };
  const lines = Object.entries(vars).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(join(folder, ".dev.vars"), lines.join(""));
}

beforeAll(async () => {
  folder = copyProject();
  const port = await freePort();
  const endpoint = `http://127.0.0.1:${port}`;
  media = { ...SETTINGS, endpoint };
  const { bucket, region } = media;
  const place = { endpoint, bucket, region };
  s3 = createS3({ ...place, credentials: CREDENTIALS, readable: "published/", now: Date.now });
  s3.objects.set("published/key.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });
  ({ close } = await serveS3(s3, port));
  write();
  closed = await freePort();
  const own = await freePort();
  address = `http://localhost:${own}`;
  await start(folder, own);
});
afterAll(async () => {
  await endRuns();
  await close();
  removeCopies();
});
beforeEach(() => {
  s3.faults.clear();
  s3.grants.clear();
  s3.faults.add("no-list-bucket");
  write();
});

async function examine(now: World["now"] = Date.now): Promise<Report> {
  const args = ["doctor", "--json", "--url", address];
  const { code, out, err } = await vitrine(args, { folder, now });
  return { code, findings: JSON.parse(out).findings, text: err };
}

test("a healthy local run has no errors and no warnings", async () => {
  const report = await examine();
  expect([wrongIn(report), report.code]).toEqual([[], 0]);
  expect(report.findings.length).toBeGreaterThan(15);
  // The local run has no zone, and so no side door.
  expect(report.findings.some(({ check }) => check === "side-door")).toBe(false);
});

/** What is broken and how, then the first finding and its remedy. */
const BROKEN: readonly (readonly [string, () => void, Check, RegExp, RegExp])[] = [
  [
    "the secret",
    () => write({ AWS_SECRET_ACCESS_KEY: "wrong" }),
    "secret",
    /SignatureDoesNotMatch/,
    /AWS_SECRET_ACCESS_KEY in \.dev\.vars/,
  ],
  [
    "the key id",
    () => write({ AWS_ACCESS_KEY_ID: "wrong" }),
    "key-id",
    /InvalidAccessKeyId/,
    /AWS_ACCESS_KEY_ID in \.dev\.vars/,
  ],
  [
    "the region",
    () => write({}, { region: "us-east-2" }),
    "region",
    /is in us-east-1, not in us-east-2/,
    /region = "us-east-1"/,
  ],
  [
    "the bucket's name",
    () => write({}, { bucket: "acme-medias" }),
    "bucket",
    /no bucket "acme-medias"/,
    /BUCKETS\.media\.bucket/,
  ],
  [
    "the endpoint",
    () => write({}, { endpoint: `http://127.0.0.1:${closed}` }),
    "endpoint",
    /nothing listens at 127\.0\.0\.1:/,
    /BUCKETS\.media\.endpoint/,
  ],
  [
    "the prefix",
    () => write({}, { prefix: "publishd/" }),
    "sample",
    /may not read publishd\/key\.jpg, or it does not exist/,
    /correct canary or prefix in BUCKETS\.media/,
  ],
  [
    "the bucket's privacy",
    () => s3.grants.add("all-read"),
    "public",
    /anyone can download published\/key\.jpg/,
    /put-public-access-block/,
  ],
  [
    "Sources",
    () => write({ EDGE: '{"sources":[]}' }),
    "sources",
    /the edge answers 9401/,
    /^remove EDGE from \.dev\.vars.* Deployed: .*Sources: add the origin that npx vitrine check lists/,
  ],
  [
    "transformations",
    () => write({ EDGE: '{"transformations":false}' }),
    "transformations",
    /no cf-resized/,
    /^remove EDGE from \.dev\.vars.*Images → Transformations.*Enable/,
  ],
];

test.each(BROKEN)("a fault of %s is found", async (_what, breakIt, check, what, remedy) => {
  breakIt();
  // The local run reads a changed file only after a moment.
  let found: Finding | undefined;
  const first = async () => {
    [found] = wrongIn(await examine());
    return found?.check;
  };
  await expect.poll(first, { interval: 50, timeout: 20_000 }).toBe(check);
  expect(found).toMatchObject({
    severity: "error",
    check,
    seen: expect.stringMatching(what),
    remedy: expect.stringMatching(remedy),
  });
  // Remedies for the local run do not suppose that anything is deployed.
  for (const { remedy = "" } of wrongIn(await examine())) {
    expect(remedy).not.toMatch(/^npx wrangler|custom_domain|Then npx vitrine deploy/);
  }
  // What it says is done.
  write();
  s3.grants.clear();
  await expect
    .poll(async () => wrongIn(await examine()), { interval: 50, timeout: 20_000 })
    .toEqual([]);
});

test("a wrong clock is found", async () => {
  const report = await examine(() => Date.now() - 20 * 60_000);
  const [found] = wrongIn(report);
  expect(found).toMatchObject({
    severity: "error",
    check: "clock",
    seen: expect.stringMatching(/^S3's clock is (?:1199|120\d) s ahead of this machine's$/),
    remedy: expect.stringContaining("timedatectl"),
  });
});
