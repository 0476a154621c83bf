// The keys of this shell, of .dev.vars or of a file are not the Worker's: what the doctor says of them is about
// them alone, and following it harms no site.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import { beginSite, CONFIGURED, configure, examine, SITE } from "../../support/cli/doctor.ts";
import { problemsOf } from "../../support/cli/findings.ts";
import { NEXT_CREDENTIALS } from "../../support/env.ts";

type Shell = Readonly<Record<string, string | undefined>>;

const TOKEN = "FwoGZXIvYXdzEXAMPLETOKENTHATISLONGENOUGH";
const TEMPORARY = "ASIAIOSFODNN7EXAMPLE";
const { accessKeyId: OTHER, secretAccessKey: OTHER_SECRET } = NEXT_CREDENTIALS;
const OWN = { AWS_ACCESS_KEY_ID: OTHER, AWS_SECRET_ACCESS_KEY: OTHER_SECRET };

const SHELLS: readonly [title: string, Shell][] = [
  ["an AWS session", { AWS_ACCESS_KEY_ID: TEMPORARY, AWS_SESSION_TOKEN: TOKEN }],
  ["a session token beside a permanent key", { AWS_SESSION_TOKEN: TOKEN }],
  ["a temporary key without its token", { AWS_ACCESS_KEY_ID: TEMPORARY }],
  ["keys that S3 does not know", OWN],
  ["the secret of another key", { AWS_SECRET_ACCESS_KEY: OTHER_SECRET }],
  ["half a key", { AWS_SECRET_ACCESS_KEY: undefined }],
];

beforeEach(() => beginSite());

/** What would be wrong to say where only the keys of this machine were looked at. */
const CLAIM = /secret put|visitors get/;
const textsOf = (findings: readonly Finding[]) =>
  findings.map(({ seen, impact, remedy }) => [seen, impact, remedy].join("\n"));

test("what is wrong with the shell's keys is a warning about the shell alone", async () => {
  for (const [title, shell] of SHELLS) {
    beginSite();
    for (const args of [["--url", SITE], []]) {
      const report = await examine(args, { env: shell });
      const severities = new Set(problemsOf(report).map(({ severity }) => severity));
      expect([title, severities, report.code]).toEqual([title, new Set(["warning"]), 1]);
      expect(JSON.stringify(report.findings)).toContain("the environment");
      for (const text of textsOf(report.findings)) expect(text).not.toMatch(CLAIM);
    }
  }
});

test("a file that is to be deployed is wrong if S3 refuses its key, whatever the site shows", async () => {
  const folder = configure();
  const file = join(folder, "secrets.env");
  writeFileSync(file, `AWS_ACCESS_KEY_ID='${OTHER}'\nAWS_SECRET_ACCESS_KEY='${OTHER_SECRET}'\n`);
  onTestFinished(() => rmSync(file));
  for (const args of [[], ["--url", SITE]]) {
    const report = await examine([...args, "--secrets-file", "secrets.env"]);
    expect(problemsOf(report)).toMatchObject([{ check: "key-id", severity: "error" }]);
    expect(problemsOf(report)[0]?.remedy).toContain("in secrets.env");
    for (const text of textsOf(report.findings)) expect(text).not.toMatch(CLAIM);
  }
});

test("signing keys of the shell that cannot be read say nothing of the site", async () => {
  const ROUTES = [{ path: "/images/:preset/*", object: "media/*", signed: true }];
  configure({ ...CONFIGURED, ROUTES });
  const report = await examine(["--url", SITE], { env: { URL_SIGNING_KEYS: "{" } });
  expect(problemsOf(report)).toMatchObject([{ severity: "warning", check: "configuration" }]);
  for (const text of textsOf(report.findings)) expect(text).not.toMatch(CLAIM);
});
