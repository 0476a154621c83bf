// How the doctor prints what it finds, what it ends with, and what it says of the configuration.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { HttpResponse } from "msw";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import { readPage } from "../../docs/pages.ts";
import {
  beginSite,
  CONFIGURED,
  configure,
  deploy,
  reporting,
  SITE,
} from "../../support/cli/doctor.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { type CommandResult, vitrine, type WorldOptions } from "../../support/cli/vitrine.ts";
import { HEALTH_TOKEN, SECRETS } from "../../support/env.ts";
import { stage } from "../../support/run-worker.ts";

const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = SECRETS;
const KEYS = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };

beforeEach(() => beginSite());

const doctor = (args: readonly string[] = [], world: WorldOptions = {}) =>
  vitrine(["doctor", ...args], { env: KEYS, ...world, folder: world.folder ?? configure() });

const findingsOf = ({ out }: { readonly out: string }): Finding[] => JSON.parse(out).findings;

test("findings go to stdout, grouped by what they are about, and progress to stderr", async () => {
  beginSite({ sources: [] });
  const ended = await doctor(["--url", SITE], { env: { ...KEYS, HEALTH_TOKEN } });
  await expectGolden("output.txt", [["an edge that may not fetch from the bucket", ended]]);
  const [, example = ""] = /^```\n(https:[^`]*)\n```$/m.exec(readPage("docs/doctor.md")) ?? [];
  expect(ended.out).toContain(
    `\n\n${example.replaceAll("images.example.com", "images.example")}\n\n`,
  );
});

test("a terminal has colours, and the same columns", async () => {
  const { out } = await doctor([], { terminal: { isTTY: true, columns: 80 } });
  expect(out).not.toBe(stripVTControlCharacters(out));
  expect(stripVTControlCharacters(out)).toBe((await doctor()).out);
});

const INCOMPLETE = { slot: "current", state: "incomplete" };

test.each([
  ["text", () => deploy(undefined, () => new HttpResponse("\u001b]0;a\u0007\u009b\u202e"))],
  [
    "the token",
    () => deploy(undefined, reporting({ slots: [{ ...INCOMPLETE, mistakes: [HEALTH_TOKEN] }] })),
  ],
])("%s of somebody else moves no cursor, and shows no token", async (_what, setUp) => {
  setUp();
  const { out, err } = await doctor(["--url", SITE], { env: { ...KEYS, HEALTH_TOKEN } });
  expect(out).toMatch(/there is no Vitrine at|slot current is incomplete/);
  expect(`${out}${err}`.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
  expect(out + err).not.toContain(HEALTH_TOKEN);
  const json = await doctor(["--json", "--url", SITE], { env: { ...KEYS, HEALTH_TOKEN } });
  expect(json.out.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202e]/u);
});

test("a report of /healthz that is not a Vitrine's is not believed", async () => {
  for (const health of [
    { slots: [{ slot: "current", state: "\u001b[31m" }] },
    { slots: [{ slot: "third", state: "ok" }] },
    { slots: [{ slot: "current", state: "ok", clock: "soon" }] },
    {},
    { slots: [], edge: {} },
    { slots: [], r2: "\u001b[31m" },
  ]) {
    beginSite();
    deploy(undefined, reporting(health));
    const ended = await doctor(["--json", "--url", SITE], { env: { ...KEYS, HEALTH_TOKEN } });
    const wrong = findingsOf(ended).filter(({ severity }) => severity === "warning");
    expect([health, wrong.map(({ check }) => check)]).toEqual([health, ["health"]]);
  }
});

/** Writes .dev.vars until the test ends. */
function writeDevVars(text: string): string {
  const folder = configure();
  const file = join(folder, ".dev.vars");
  writeFileSync(file, text);
  onTestFinished(() => rmSync(file));
  return folder;
}

test("all mistakes of the configuration are reported, each once, and nothing is asked", async () => {
  const PRESETS = { card: { quality: 150, fit: "covr" } };
  const ROUTES = [{ path: "/private/:preset/*", object: "media/*", signed: true }];
  const bucket = '{"media":{"endpoint":"ftp://x"}}';
  writeDevVars(`AWS_ACCESS_KEY_ID='dead'\nBUCKETS='${bucket}'\n`);
  const folder = configure({ ...CONFIGURED, PRESETS, ROUTES }, Object.keys(KEYS));
  const results: [string, CommandResult][] = [];
  for (const url of [SITE, "http://localhost:1"]) {
    const ended = await doctor(["--url", url], { folder, env: {} });
    expect([ended.code, stage.s3.requests]).toEqual([2, []]);
    results.push([url, ended]);
  }
  const json = await doctor(["--json", "--url", SITE], { folder, env: {} });
  expect(findingsOf(json).every(({ severity }) => severity === "error")).toBe(true);
  results.push([".dev.vars counts for the local run alone", await doctor()]);
  await expectGolden("mistakes.txt", results);
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

test("what the doctor cannot do is refused, and nothing is asked", async () => {
  const results: [string, CommandResult][] = [];
  for (const [args, vars] of [
    [["--url", "images.example.com"]],
    [["--url", ""]],
    [["--secrets-file", "nothing.env"]],
    [["media/-1.jpg"]],
    [["photos/a.jpg"], TWO],
    [["other/a.jpg"], TWO],
  ] as const) {
    const ended = await doctor(args, { folder: configure(vars, LISTED) });
    expect([args, ended.code, stage.s3.requests]).toEqual([args, 2, []]);
    results.push([args.join(" "), ended]);
  }
  await expectGolden("refused.txt", results);
});
