// The doctor of a local run whose buckets are simulated: another folder's run, dead keys in .dev.vars, and the
// names of the local buckets, which nobody is to read.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { expect, onTestFinished, test } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import { readProject } from "../../../src/dev/read-project.ts";
import { PROTECTION } from "../../../src/worker/answer/answer.ts";
import { makeProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN, VARS } from "../../support/env.ts";
import "../../support/play.ts";
import { network } from "../../support/stand.ts";

const { env: _env, ...TOP } = STAGED;
const media = { ...VARS.BUCKETS.media, canary: "key.jpg" };
const vars = {
  BUCKETS: { media },
  ROUTES: [{ path: "/images/:preset/*", object: "media/*" }],
  PRESETS: { card: { width: 9 } },
};
const DEAD = "AWS_ACCESS_KEY_ID='dead'\nAWS_SECRET_ACCESS_KEY='dead'\n";

/** Runs the doctor on a local run whose S3 says this to a key. */
async function examine(code: string, status: number, secrets = "", health: object = {}) {
  network.use(
    http.all("*", ({ request }) => {
      const { pathname } = new URL(request.url);
      const isSigned = request.headers.has("authorization");
      if (pathname === "/healthz" && isSigned) {
        return HttpResponse.json({ ok: true, buckets: [{ bucket: "media", ...health }] });
      }
      if (pathname === "/healthz") return new HttpResponse("ok\n", { headers: PROTECTION });
      const isKnown = isSigned || code === "NoSuchBucket";
      return HttpResponse.xml(`<Error><Code>${isKnown ? code : "AccessDenied"}</Code></Error>`, {
        status: isKnown ? status : 403,
      });
    }),
  );
  const folder = makeProject({ ...TOP, vars });
  writeFileSync(join(folder, ".dev.vars"), `HEALTH_TOKEN='${HEALTH_TOKEN}'\n${secrets}`);
  const args = ["doctor", "--json", "--url", "http://localhost:8787"];
  const { out, err } = await vitrine(args, { folder });
  const { findings }: { findings: Finding[] } = JSON.parse(out);
  return { findings, text: out + err };
}

const OK = { slots: [{ slot: "current", state: "ok" }], edge: "on" };
const NO_BUCKET = { slots: [{ slot: "current", state: "NoSuchBucket" }], edge: "9404" };

test.each([
  ["the keys of the local run", ""],
  ["keys in .dev.vars", DEAD],
])("the local run of another folder is told as such, with %s", async (_what, secrets) => {
  const { findings } = await examine("NoSuchBucket", 404, secrets, OK);
  const found = findings.filter(({ check }) => check === "bucket");
  expect(found).toMatchObject([
    {
      what: expect.stringContaining("another folder"),
      remedy: expect.stringMatching(/run the doctor in the folder where npx vitrine dev was/),
    },
  ]);
  expect(JSON.stringify(found)).not.toContain("wrangler.toml");
});

test.each([
  ["has no such bucket", "NoSuchBucket", 404, OK],
  ["has no such object", "NoSuchKey", 404, OK],
  ["denies the object", "AccessDenied", 403, OK],
  ["is busy", "SlowDown", 503, OK],
  ["misses a bucket in /healthz", "NoSuchKey", 404, NO_BUCKET],
])("where the local S3 %s, the name of its bucket is not printed", async (...row) => {
  const [, code, status, health] = row;
  const { findings, text } = await examine(code, status, "", health);
  expect(findings.some(({ about }) => about.includes(media.bucket))).toBe(true);
  expect(text).not.toMatch(/-[0-9a-f]{32}\b/);
});

test.each([
  ["InvalidAccessKeyId", "key-id"],
  ["SignatureDoesNotMatch", "secret"],
])("a key of .dev.vars that answers %s is to be removed there", async (code, check) => {
  const slots = [{ slot: "current", state: code }];
  const { findings } = await examine(code, 403, DEAD, { slots, edge: "no canary" });
  const found = findings.filter((one) => one.check === check);
  expect(found).toHaveLength(2); // from here, and by /healthz
  for (const { remedy } of found) {
    expect(remedy).toMatch(
      /^remove AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY from \.dev\.vars: [^(]*\. Or correct them$/,
    );
  }
});

test("half a key in .dev.vars is told by the local run and the doctor: complete it, or take it out", async () => {
  const folder = makeProject({ ...TOP, vars });
  writeFileSync(join(folder, ".dev.vars"), "AWS_ACCESS_KEY_ID='dead'\n");
  const args = ["doctor", "--json", "--url", "http://localhost:8787"];
  const { out } = await vitrine(args, { folder });
  const { findings }: { findings: Finding[] } = JSON.parse(out);
  const told = findings.flatMap(({ severity, what }) => (severity === "error" ? [what] : []));
  const before = process.cwd();
  process.chdir(folder);
  onTestFinished(() => process.chdir(before));
  const { mistakes } = readProject("http://localhost:8787/s3", undefined);
  const half =
    "AWS_SECRET_ACCESS_KEY: is missing: write it into .dev.vars, or take AWS_ACCESS_KEY_ID out";
  expect([told, mistakes]).toEqual([[`.dev.vars: ${half}`], [half]]);
});
