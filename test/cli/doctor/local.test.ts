// The doctor checks the local run, with a strict S3 behind it: first healthy, then broken.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import type { Check, Finding } from "../../../src/cli/doctor/finding.ts";
import { createS3, type S3 } from "../../../src/emulator/s3/s3.ts";
import { serveS3 } from "../../../src/emulator/serve.ts";
import { type Report, wrongIn } from "../../support/cli/report.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { CREDENTIALS, HEALTH_TOKEN } from "../../support/env.ts";
import { freePort } from "../../support/free-port.ts";
import { copyProject, endRuns, removeCopies, start } from "../../support/local-run.ts";
import { file } from "../../support/stand.ts";

const { accessKeyId, secretAccessKey } = CREDENTIALS;
const PLACE = { bucket: "acme-media", region: "us-east-1" };
const SETTINGS = { ...PLACE, prefix: "published/", canary: "key.jpg" };

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
  const place = { ...PLACE, endpoint };
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

async function examine(): Promise<Report> {
  const args = ["doctor", "--json", "--url", address];
  const { code, out, err } = await vitrine(args, { folder });
  return { code, findings: JSON.parse(out).findings, text: err };
}

test("a healthy local run has no errors and no warnings", async () => {
  const report = await examine();
  expect([wrongIn(report), report.code]).toEqual([[], 0]);
  expect(report.findings.length).toBeGreaterThan(15);
  // The local run has no zone, and so no side door.
  expect(report.findings.some(({ check }) => check === "side-door")).toBe(false);
});

/** What is broken and how, and the first finding. */
const BROKEN: Readonly<Record<string, readonly [() => void, Check]>> = {
  "the secret": [() => write({ AWS_SECRET_ACCESS_KEY: "wrong" }), "secret"],
  "the region": [() => write({}, { region: "us-east-2" }), "region"],
  "the endpoint": [() => write({}, { endpoint: `http://127.0.0.1:${closed}` }), "reachable"],
  "the policy": [() => s3.grants.add("all-read"), "public"],
  Sources: [() => write({ EDGE: '{"sources":[]}' }), "sources"],
};
// The local run reads a changed file only after a moment.
const PATIENTLY = { interval: 50, timeout: 30_000 };

test("a fault is found, and its remedy is one of the local run", async () => {
  for (const [title, [breakIt, check]] of Object.entries(BROKEN)) {
    breakIt();
    let wrong: Finding[] = [];
    await vi.waitUntil(async () => {
      wrong = wrongIn(await examine());
      return wrong[0]?.check === check;
    }, PATIENTLY);
    expect([title, wrong[0]?.severity]).toEqual([title, "error"]);
    // Remedies for the local run do not suppose that anything is deployed.
    for (const { remedy } of wrong) {
      expect(remedy).toBeTruthy();
      expect(remedy).not.toMatch(/^npx wrangler|custom_domain|Then npx vitrine deploy/);
    }
    // What it says is done.
    write();
    s3.grants.clear();
    await vi.waitUntil(async () => wrongIn(await examine()).length === 0, PATIENTLY);
  }
}, 200_000);
