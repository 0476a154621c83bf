// How the doctor prints what it finds, what it ends with, and what it says of the configuration.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { HttpResponse } from "msw";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import { CHECKS, type Finding } from "../../../src/cli/doctor/finding.ts";
import { readPage } from "../../docs/pages.ts";
import { CONFIGURED, configure, deploy, SITE } from "../../support/cli/doctor.ts";
import { type Given, vitrine } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN, SECRETS } from "../../support/env.ts";
import { arrange, stage } from "../../support/play.ts";

const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = SECRETS;
const KEYS = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };

beforeEach(() => {
  arrange({ firewall: true });
  stage.s3.faults.add("no-list-bucket");
  configure();
  deploy();
});

const doctor = (args: readonly string[] = [], given: Given = {}) =>
  vitrine(["doctor", ...args], { env: KEYS, ...given, folder: given.folder ?? configure() });

const findingsOf = ({ out }: { readonly out: string }): Finding[] => JSON.parse(out).findings;

test("findings go to stdout, grouped by what they are about, and progress to stderr", async () => {
  arrange({ firewall: true, sources: [] });
  stage.s3.faults.add("no-list-bucket");
  deploy();
  const { out, err, code } = await doctor(["--url", SITE], { env: { ...KEYS, HEALTH_TOKEN } });
  expect(err).toBe(`Asking S3 for bucket media ...\nAsking ${SITE} ...\n`);
  const [, shown = ""] = /^```\n(bucket media, [^`]*)```$/m.exec(readPage("docs/doctor.md")) ?? [];
  const groups = shown.replaceAll("images.example.com", "images.example").trim().split("\n\n");
  expect(groups).toHaveLength(2);
  for (const group of groups) expect(out).toContain(`\n\n${group}\n\n`);
  expect(out).toMatch(/\n2 errors, 0 warnings, \d notes?, \d+ ok\n$/);
  expect(code).toBe(2);
});

test.each<[string, true | undefined, Record<string, string>, boolean]>([
  ["a terminal", true, {}, true],
  ["a terminal, with NO_COLOR", true, { NO_COLOR: "1" }, false],
  ["a terminal that cannot", true, { TERM: "dumb" }, false],
  ["a file", undefined, {}, false],
])("%s has colours or not, and the same columns", async (_what, isTTY, env, isColoured) => {
  const plain = await doctor();
  const given = { env: { ...KEYS, ...env }, ...(isTTY && { terminal: { isTTY, columns: 80 } }) };
  const { out } = await doctor([], given);
  expect(out !== stripVTControlCharacters(out)).toBe(isColoured);
  expect(stripVTControlCharacters(out)).toBe(plain.out);
});

const reporting = (health: object) =>
  deploy(undefined, (answer, { path, headers }) =>
    path === "/healthz" && headers.has("authorization")
      ? HttpResponse.json({ ok: true, buckets: [{ bucket: "media", edge: "on", ...health }] })
      : answer,
  );

test.each([
  ["text", () => deploy(undefined, () => new HttpResponse("\u001b]0;a\u0007\u202e"))],
  [
    "the token",
    () =>
      reporting({ slots: [{ slot: "current", state: "incomplete", mistakes: [HEALTH_TOKEN] }] }),
  ],
])("%s of somebody else moves no cursor, and shows no token", async (_what, setUp) => {
  setUp();
  const { out, err } = await doctor(["--url", SITE], { env: { ...KEYS, HEALTH_TOKEN } });
  expect(out).toMatch(/there is no Vitrine at|slot current needs both/);
  expect(`${out}${err}`.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
  expect(out + err).not.toContain(HEALTH_TOKEN);
});

test.each<[string, object]>([
  ["a state that moves the cursor", { slots: [{ slot: "current", state: "\u001b[31m" }] }],
  ["a slot that does not exist", { slots: [{ slot: "third", state: "ok" }] }],
  ["a clock that is no number", { slots: [{ slot: "current", state: "ok", clock: "soon" }] }],
  ["no slots", {}],
  ["an edge that is a table", { slots: [], edge: {} }],
  ["a word of R2 that is none", { slots: [], r2: "\u001b[31m" }],
])("a report of /healthz with %s is not a Vitrine's", async (_what, health) => {
  reporting(health);
  const args = ["--json", "--url", SITE];
  const ended = await doctor(args, { env: { ...KEYS, HEALTH_TOKEN } });
  const wrong = findingsOf(ended).filter(({ severity }) => severity === "warning");
  expect(wrong).toMatchObject([{ check: "health", seen: expect.stringMatching(/not the health/) }]);
});

test("all mistakes in wrangler.toml are reported, and nothing is asked", async () => {
  const folder = configure({ ...CONFIGURED, PRESETS: { card: { quality: 150 } } });
  const { out, code } = await doctor(["--url", SITE], { folder });
  expect(out).toContain("PRESETS.card.quality: 150 is not a whole number between 1 and 100\n");
  expect(out).toContain("PRESETS.card: needs width or height\n");
  expect(out).toMatch(/remedy +fix PRESETS\.card\.quality in wrangler\.toml/);
  expect([code, stage.s3.requests]).toEqual([2, []]);
});

test.each([SITE, "http://localhost:1"])(
  "mistakes in wrangler.toml are findings about %s, with --json too",
  async (url) => {
    const ROUTES = [{ path: "/private/:preset/*", object: "media/*", signed: true }];
    const PRESETS = { card: { width: 160, fit: "covr" } };
    const folder = configure({ ...CONFIGURED, ROUTES, PRESETS }, Object.keys(KEYS));
    const ended = await doctor(["--json", "--url", url], { folder, env: {} });
    expect([ended.code, ended.err]).toEqual([2, ""]);
    const findings = findingsOf(ended);
    expect(findings.map(({ severity }) => severity)).toEqual(findings.map(() => "error"));
    const [fit, ...more] = findings.filter(({ seen }) => seen.includes("PRESETS.card.fit: "));
    expect([fit?.remedy, more]).toEqual([
      expect.stringMatching(/^fix PRESETS\.card\.fit in wrangler\.toml: /),
      [],
    ]);
    const [signing] = findings.filter(({ seen }) => seen.includes("URL_SIGNING_KEYS: is missing"));
    const remedy = `fix URL_SIGNING_KEYS in ${url === SITE ? "[secrets] or vars of wrangler.toml" : ".dev.vars"}: `;
    expect(signing?.remedy).toContain(remedy);
  },
);

/** Writes .dev.vars until the test ends. */
function writeDevVars(text: string): string {
  const folder = configure();
  const file = join(folder, ".dev.vars");
  writeFileSync(file, text);
  onTestFinished(() => rmSync(file));
  return folder;
}

test("a mistake in .dev.vars is one of the local run alone", async () => {
  const folder = writeDevVars(
    `BUCKETS='{"media":{"endpoint":"ftp://x","bucket":"media","region":"x"}}'\n`,
  );
  const { out, err } = await doctor([], { folder });
  expect(err).toMatch(/about what would be deployed/);
  expect(out).not.toContain(".dev.vars");
  const local = await doctor(["--url", "http://localhost:1"], { folder, env: {} });
  expect(local.out).toMatch(/\n {2}error +configuration +\.dev\.vars: BUCKETS\.media\.endpoint: /);
  expect(local.code).toBe(2);
});

test("half a key in .dev.vars is told: complete it, or take it out", async () => {
  const folder = writeDevVars("AWS_ACCESS_KEY_ID='dead'\n");
  const ended = await doctor(["--json", "--url", "http://localhost:8787"], { folder, env: {} });
  const errors = findingsOf(ended).filter(({ severity }) => severity === "error");
  expect(errors).toMatchObject([
    {
      seen: expect.stringMatching(/AWS_SECRET_ACCESS_KEY: is missing: .*take the other half out$/),
    },
  ]);
});

test("after Ctrl-C nothing more is asked", async () => {
  const { code } = await doctor(["--url", SITE], { interrupted: AbortSignal.abort() });
  expect([code, stage.s3.requests]).toEqual([130, []]);
});

test("Ctrl-C ends the wait for S3, and earlier findings are reported", async () => {
  const interrupt = new AbortController();
  stage.s3.faults.add("stall");
  const ended = doctor(["--url", SITE], { interrupted: interrupt.signal });
  await vi.waitUntil(() => stage.s3.requests.length > 0, { interval: 1, timeout: 30_000 });
  interrupt.abort();
  const { code, out } = await ended;
  expect([code, out]).toEqual([130, expect.stringContaining("it has no mistakes")]);
});

const other = { ...CONFIGURED.BUCKETS.media, credentials: "OTHER" };
const LISTED = [...Object.keys(SECRETS), "OTHER_ACCESS_KEY_ID", "OTHER_SECRET_ACCESS_KEY"];
const TWO = { ...CONFIGURED, BUCKETS: { ...CONFIGURED.BUCKETS, other } };

test.each<[args: readonly string[], code: number, says: RegExp, vars?: object]>([
  [["--timeout", "1"], 3, /unknown option/],
  [["--url", "images.example.com"], 2, /--url images\.example\.com: is not a URL/],
  [["--url", ""], 2, /say where Vitrine is/],
  [["--secrets-file", "nothing.env"], 2, /nothing\.env/],
  [["media/-1.jpg"], 2, /^media\/-1\.jpg: .*"media\/media\/-1\.jpg"$/m],
  [["photos/a.jpg"], 2, /^photos\/a\.jpg: .*"media\/photos\/a\.jpg" or "other\//m, TWO],
  [["other/a.jpg"], 2, /^other\/a\.jpg: no route leads to the bucket other$/m, TWO],
])("doctor %j is refused, and nothing is asked", async (args, code, says, vars = CONFIGURED) => {
  const ended = await doctor(args, { folder: configure(vars, LISTED) });
  expect([ended.code, ended.out, stage.s3.requests]).toEqual([code, "", []]);
  expect(ended.err).toMatch(says);
});

test("each of several buckets is examined, and an object begins with its bucket's name", async () => {
  const ROUTES = [...CONFIGURED.ROUTES, { path: "/other/:preset/*", object: "other/*" }];
  const folder = configure({ ...TWO, ROUTES }, LISTED);
  const env = {
    ...KEYS,
    OTHER_ACCESS_KEY_ID: AWS_ACCESS_KEY_ID,
    OTHER_SECRET_ACCESS_KEY: "another",
  };
  const ended = await doctor(["media/photos/fig.jpg", "--json"], { folder, env });
  const wrong = findingsOf(ended).filter(({ severity }) => severity === "warning");
  expect(wrong).toMatchObject([{ check: "secret", about: expect.stringMatching(/^bucket other/) }]);
  expect(ended.out).toContain("S3 returns published/photos/fig.jpg");
});

test("--help and docs/doctor.md name each check", async () => {
  const { out } = await doctor(["--help"]);
  for (const [check, question] of Object.entries(CHECKS)) {
    expect(out).toMatch(new RegExp(`^ {2}${check} +${question.replace("?", "[?]")}$`, "m"));
  }
  const [, list = ""] = /It checks:(.*)For each problem/s.exec(readPage("docs/doctor.md")) ?? [];
  const named = [...list.matchAll(/`([a-z][a-z0-9-]*)`/g)].map(([, name]) => name);
  expect(named.sort()).toEqual(Object.keys(CHECKS).sort());
});
