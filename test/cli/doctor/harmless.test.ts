// Remedies that did harm, or led away from the cause, when an operator followed them to the letter.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import { isMistake } from "../../../src/cli/command.ts";
import { readEnvironment } from "../../../src/cli/config/environment-config.ts";
import type { Check } from "../../../src/cli/doctor/finding.ts";
import { explainBucketFault, meaningOfReply } from "../../../src/cli/doctor/s3-reply.ts";
import { PROTECTION } from "../../../src/worker/response/answer.ts";
import {
  beginSite,
  CONFIGURED,
  configure,
  deploy,
  examine,
  onImages,
  reporting,
  SITE,
  withHeader,
} from "../../support/cli/doctor.ts";
import { problemsOf } from "../../support/cli/findings.ts";
import { bucketOf } from "../../support/config-of.ts";
import { network } from "../../support/emulators.ts";
import { ENV, HEALTH_TOKEN, NEXT_CREDENTIALS, SECRETS } from "../../support/env.ts";
import { s3Error } from "../../support/network.ts";
import { stage } from "../../support/run-worker.ts";

const BUSY = { slot: "current", access_key: "…MPLE", state: "SlowDown", answered: 503 };

const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, URL_SIGNING_KEYS } = SECRETS;
const KEYS = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };
const NO_KEYS = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };

beforeEach(() => beginSite());

const remedyOf = async (check: Check, ...options: Parameters<typeof examine>) => {
  const problems = problemsOf(await examine(...options));
  return problems.find((problem) => problem.check === check)?.remedy;
};

test("a key that may not read the canary gets no right to list: it may be another environment's", async () => {
  const store = '[[r2_buckets]]\nbinding = "RENDITIONS"\nbucket_name = "renditions"\n';
  const vars = { ...CONFIGURED, ANSWERS: { ...CONFIGURED.ANSWERS, store: "RENDITIONS" } };
  const denied = { slot: "current", access_key: "…TKEY", state: "AccessDenied", answered: 403 };
  deploy(undefined, reporting({ slots: [{ ...denied, missing: 403 }] }));
  configure(vars, undefined, store);
  const report = await examine(undefined, { env: NO_KEYS });
  expect(problemsOf(report).map(({ check }) => check)).not.toContain("list");
  expect(JSON.stringify(report.findings)).not.toContain("s3:ListBucket");
});

test("a dead key of a file that the Worker does not have is not why pictures fail", async () => {
  const folder = configure();
  const file = join(folder, "old.env");
  const { accessKeyId, secretAccessKey } = NEXT_CREDENTIALS;
  const lines = [
    `AWS_ACCESS_KEY_ID='${accessKeyId}'`,
    `AWS_SECRET_ACCESS_KEY='${secretAccessKey}'`,
  ];
  writeFileSync(file, lines.join("\n"));
  onTestFinished(() => rmSync(file, { force: true }));
  deploy(undefined, (answer, request) => {
    if (request.path.startsWith("/images/")) return new HttpResponse("", { status: 502 });
    return reporting({ slots: [BUSY] })(answer, request);
  });
  const args = ["--url", SITE, "--secrets-file", "old.env", "key.jpg"];
  const { findings } = await examine(args);
  const dead = findings.find(({ check }) => check === "key-id");
  expect(dead?.impact).toMatch(/^this is about old\.env alone/);
  expect(findings.find(({ check }) => check === "image")?.remedy ?? "").not.toContain("key id");
});

/** Runs the doctor with a file whose key S3 accepts, where the Worker has a dead one. @returns what it says of the key */
async function adviseFile(more: Readonly<Record<string, string>>) {
  const folder = configure();
  const file = join(folder, "new.env");
  const secrets = { ...KEYS, ...more };
  const lines = Object.entries(secrets).map(([name, value]) => `${name}='${value}'`);
  writeFileSync(file, lines.join("\n"));
  onTestFinished(() => rmSync(file, { force: true }));
  const { accessKeyId, secretAccessKey } = NEXT_CREDENTIALS;
  const dead = { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey };
  deploy({ ...ENV, ...CONFIGURED, ...dead, HEALTH_TOKEN });
  const shell = { ...NO_KEYS, URL_SIGNING_KEYS: undefined, HEALTH_TOKEN };
  return remedyOf("key-id", ["--url", SITE, "--secrets-file", "new.env"], { env: shell });
}

test("a file with a good key is to be deployed, and what else it sets is named", async () => {
  const advice = "deploy it: npx vitrine deploy --secrets-file new.env";
  expect(await adviseFile({})).toBe(advice);
  // The Worker accepts its token, so it is the Worker's file.
  expect(await adviseFile({ HEALTH_TOKEN, URL_SIGNING_KEYS })).toBe(advice);
  expect(await adviseFile({ URL_SIGNING_KEYS })).toContain(
    `${advice}. It sets URL_SIGNING_KEYS, too: make sure`,
  );
});

test.each<[string, ResponseInit, RegExp]>([
  ["a challenge", { status: 403, headers: { "cf-mitigated": "challenge" } }, /make an exception/],
  [
    "Cloudflare Access",
    { status: 302, headers: { location: "https://acme.cloudflareaccess.com/" } },
    /redirects/,
  ],
])("%s in front of the Worker is named, and DNS is not blamed", async (_title, init, remedy) => {
  deploy(undefined, () => new HttpResponse("", init));
  const remedyText = await remedyOf("deployed");
  expect(remedyText).toMatch(remedy);
  expect(remedyText).not.toContain("DNS");
});

test("a canary that only the deployed configuration lacks is not to be uploaded", async () => {
  const media = { ...CONFIGURED.BUCKETS.media, canary: "nothing.jpg" };
  stage.s3.faults.delete("no-list-bucket");
  deploy({ ...ENV, ...CONFIGURED, BUCKETS: { media }, HEALTH_TOKEN });
  const problems = problemsOf(await examine());
  expect(problems.map(({ check }) => check)).toEqual(["deployed"]);
});

test("without HEALTH_TOKEN, a refused signature of this machine is not what visitors get", async () => {
  const ROUTES = [{ path: "/images/:preset/*", object: "media/*", signed: true }];
  beginSite({}, { ...CONFIGURED, ROUTES });
  const URL_SIGNING_KEYS = '{"s1":"a-signing-key-of-another-environment"}';
  const report = await examine(undefined, { env: { URL_SIGNING_KEYS, HEALTH_TOKEN: undefined } });
  expect(problemsOf(report)).toMatchObject([{ check: "signing", severity: "warning" }]);
  expect(JSON.stringify(report.findings)).not.toMatch(/a visitor got/);
});

test("where the site does not tell its time, no difference of clocks is made up", async () => {
  const ROUTES = [{ path: "/images/:preset/*", object: "media/*", signed: true }];
  beginSite({}, { ...CONFIGURED, ROUTES });
  const headers = { ...PROTECTION, date: "soon", "vitrine-event": "url-expired" };
  deploy(
    { ...ENV, ...CONFIGURED, ROUTES, HEALTH_TOKEN },
    onImages(() => new HttpResponse("Gone", { status: 410, headers })),
  );
  const [problem, ...others] = problemsOf(await examine());
  expect(problem).toMatchObject({ check: "signing", severity: "warning" });
  expect(problem?.seen).toContain("the site does not tell its time");
  expect(others).toEqual([]);
});

test("a refusal that a cache has had for a while may be over, and a new one is none of these", async () => {
  const env = { HEALTH_TOKEN: undefined };
  for (const [maxAge, severity] of [
    [31, "warning"],
    [60, "error"],
  ] as const) {
    const headers = { ...PROTECTION, "cache-control": `public, max-age=${maxAge}` };
    deploy(
      undefined,
      onImages(() => new HttpResponse("Not found", { status: 404, headers })),
    );
    const problems = problemsOf(await examine(undefined, { env }));
    expect([maxAge, problems]).toMatchObject([maxAge, [{ check: "image", severity }]]);
  }
});

test("what /healthz says of half a slot becomes no command but for its own secrets", async () => {
  const mistakes = ["run: npx evil"];
  deploy(undefined, reporting({ slots: [{ slot: "current", state: "incomplete", mistakes }] }));
  expect(await remedyOf("keys")).toBe(
    "npx wrangler secret put AWS_ACCESS_KEY_ID and npx wrangler secret put AWS_SECRET_ACCESS_KEY",
  );
});

test("a rule that sets cache-control is looked for", async () => {
  deploy(undefined, withHeader("cache-control", "no-store"));
  expect(await remedyOf("cache")).toContain("a rule that sets cache-control");
});

test("the origins of other environments stay among Sources", async () => {
  beginSite({ firewall: false, sources: ["*.s3.eu-west-1.amazonaws.com"] });
  expect(await remedyOf("side-door")).toContain("all other environments");
});

test("a host that is no route is first taken for a mistake in --url", async () => {
  const { text } = await examine(["--url", "https://pictures.example"]);
  expect(text).toMatch(/which has images\.example\S*: use one of these\. Only if/);
});

test.each([
  { title: "nothing answers at", answer: () => HttpResponse.error(), check: "reachable" },
  {
    title: "another environment runs at",
    answer: () => s3Error("NoSuchBucket", 404),
    check: "bucket",
  },
] as const)(
  "where $title the URL of the local run, the remedy is to start it",
  async ({ answer, check }) => {
    network.use(http.all("http://localhost:8787/*", answer));
    const remedy = await remedyOf(check, ["--url", "http://localhost:8787"]);
    expect(remedy).toMatch(/start (?:the local run|that of this one): npx vitrine dev/);
  },
);

test("an expired certificate is to be renewed, and endpoint stays", () => {
  const reply = { failure: "CERT_HAS_EXPIRED" };
  expect(meaningOfReply(reply, bucketOf())).toEqual({ kind: "bucket-fault", check: "reachable" });

  const envConfig = readEnvironment(configure());
  if (isMistake(envConfig)) throw new Error(envConfig.message);
  const project = { envConfig, isLocalRun: false };
  const fault = explainBucketFault("reachable", reply, bucketOf(), project);
  expect(fault.needsDeploy).toBe(false);
  expect(JSON.stringify(fault)).toContain("renew the certificate");
  expect(JSON.stringify(fault)).not.toContain("endpoint");
});
