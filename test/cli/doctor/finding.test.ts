// How the doctor reports its findings, and what it ends with.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { HttpResponse, http } from "msw";
import { beforeEach, expect, onTestFinished, test, vi } from "vitest";
import type { World } from "../../../src/cli/command.ts";
import { CHECKS } from "../../../src/cli/doctor/checks/index.ts";
import type { Finding, Severity } from "../../../src/cli/doctor/finding.ts";
import { exitOf, tellFindings, withFirstCauses } from "../../../src/cli/doctor/report.ts";
import { CONFIGURED, configure, deploy, SITE } from "../../support/cli/doctor.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { freePort } from "../../support/free-port.ts";
import { arrange, stage } from "../../support/play.ts";
import { network } from "../../support/stand.ts";

const FINDINGS: readonly Finding[] = [
  { about: "bucket media", check: "reachable", severity: "ok", what: "S3 answers" },
  {
    about: "slot current",
    check: "secret",
    severity: "error",
    what: "it is wrong",
    why: "no image",
    remedy: "npx wrangler secret put X",
  },
  { about: "bucket media", check: "public", severity: "note", what: "nobody knows" },
];

const TOLD = `bucket media
  ok     reachable  S3 answers
  note   public     nobody knows

slot current
  error  secret     it is wrong
         why        no image
         remedy     npx wrangler secret put X

1 error, 0 warnings, 1 note, 1 ok`;

/** A world whose screen is a terminal, or not. */
function world(isTTY: boolean, env: World["env"] = {}): World {
  const stdout = Object.assign(new PassThrough(), { isTTY });
  const rest = {
    folder: ".",
    stdin: new PassThrough(),
    now: Date.now,
    interrupted: new AbortController().signal,
  };
  return { ...rest, env, stdout, stderr: stdout };
}

test("findings are grouped by what they are about, in columns", () => {
  expect(tellFindings(world(false), FINDINGS).join("\n")).toBe(TOLD);
});

test.each<[string, boolean, World["env"], boolean]>([
  ["a terminal", true, {}, true],
  ["a terminal, with NO_COLOR", true, { NO_COLOR: "1" }, false],
  ["a terminal, with an empty NO_COLOR", true, { NO_COLOR: "" }, true],
  ["a terminal that cannot", true, { TERM: "dumb" }, false],
  ["a file", false, {}, false],
])("%s has colours or not, and the same columns", (_what, isTTY, env, coloured) => {
  const text = tellFindings(world(isTTY, env), FINDINGS).join("\n");
  expect(text !== stripVTControlCharacters(text)).toBe(coloured);
  expect(stripVTControlCharacters(text)).toBe(TOLD);
});

test("control characters in names do not reach the terminal", () => {
  const hostile = "\u001b]0;a\u0007\u202e";
  const found = { about: hostile, check: "sample", severity: "error", what: hostile } as const;
  const report = tellFindings(world(false), [{ ...found, why: hostile, remedy: hostile }]);
  expect(report.join("").match(/[\p{Cc}\u202e]/gu)).toBeNull();
  expect(report).toHaveLength(6);
});

test.each<[readonly Severity[], number]>([
  [[], 0],
  [["ok", "note"], 0],
  [["ok", "warning", "note"], 1],
  [["warning", "error", "ok"], 2],
])("findings of severity %j exit with %d", (severities, code) => {
  const one = { about: "", check: "image", what: "" } as const;
  expect(exitOf(severities.map((severity) => ({ ...one, severity })))).toBe(code);
});

beforeEach(() => {
  arrange({ firewall: true });
  configure();
  deploy();
});

const ENVIRONMENT = {
  AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
  AWS_SECRET_ACCESS_KEY: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};

test("findings go to stdout, progress goes to stderr", async () => {
  const folder = configure();
  const { out, err, code } = await vitrine(["doctor", "--url", SITE], { folder, env: ENVIRONMENT });
  expect(err).toBe(`Asking S3 for bucket media ...\nAsking ${SITE} ...\n`);
  expect(out).toMatch(/^wrangler\.toml\n {2}ok /);
  expect(out).toMatch(/\n0 errors, 0 warnings, 3 notes, \d+ ok\n$/); // this key may list
  expect(code).toBe(0);
});

test("--json prints one document, whatever is wrong", async () => {
  for (const vars of [CONFIGURED, { ...CONFIGURED, PRESETS: { card: { quality: 150 } } }]) {
    const folder = configure(vars);
    const { out } = await vitrine(["doctor", "--json"], { folder, env: ENVIRONMENT });
    const { findings } = JSON.parse(out);
    for (const finding of findings) {
      expect(Object.keys(finding)).toEqual(
        expect.arrayContaining(["about", "check", "severity", "what"]),
      );
    }
  }
});

test("all mistakes in wrangler.toml are reported, and nothing is asked", async () => {
  const folder = configure({ ...CONFIGURED, PRESETS: { card: { quality: 150 } } });
  const { out, code } = await vitrine(["doctor", "--url", SITE], { folder, env: ENVIRONMENT });
  expect(out).toContain("PRESETS.card.quality: 150 is not a whole number between 1 and 100\n");
  expect(out).toContain("PRESETS.card: needs width or height\n");
  expect(out).toMatch(/remedy +fix PRESETS\.card\.quality in wrangler\.toml/);
  expect([code, stage.s3.requests]).toEqual([2, []]);
});

test("a mistake in .dev.vars is only a warning about the deployed Worker", async () => {
  const folder = configure();
  const file = join(folder, ".dev.vars");
  writeFileSync(file, `BUCKETS='{"media":{"endpoint":"ftp://x","bucket":"media","region":"x"}}'\n`);
  onTestFinished(() => rmSync(file));
  const { out, err } = await vitrine(["doctor"], { folder, env: ENVIRONMENT });
  expect(err).toContain(`\nWhat is deployed: npx vitrine doctor --url ${SITE}\n`);
  expect(out).toMatch(/\n {2}warning +configuration +\.dev\.vars: BUCKETS\.media\.endpoint: /);
  const local = await vitrine(["doctor", "--url", "http://localhost:1"], { folder });
  expect(local.out).toMatch(/\n {2}error +configuration +\.dev\.vars: BUCKETS\.media\.endpoint: /);
  expect(local.code).toBe(2);
});

test.each([SITE, "http://localhost:1"])(
  "mistakes in wrangler.toml are findings about %s, with --json too",
  async (url) => {
    const ROUTES = [{ path: "/private/:preset/*", object: "media/*", signed: true }];
    const PRESETS = { card: { width: 160, fit: "covr" } };
    const secrets = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"];
    const folder = configure({ ...CONFIGURED, ROUTES, PRESETS }, secrets);
    const { out, err, code } = await vitrine(["doctor", "--json", "--url", url], { folder });
    const { findings }: { findings: Finding[] } = JSON.parse(out);
    expect([code, err]).toEqual([2, ""]);
    expect(findings.map(({ severity }) => severity)).toEqual(findings.map(() => "error"));
    const [fit, ...more] = findings.filter(({ what }) => what.includes("PRESETS.card.fit: "));
    expect([fit?.remedy, more]).toEqual([
      expect.stringMatching(/^fix PRESETS\.card\.fit in wrangler\.toml: /),
      [],
    ]);
    const [signing] = findings.filter(({ what }) => what.includes("URL_SIGNING_KEYS: is missing"));
    expect(signing?.remedy).toMatch(
      url === SITE ? /^list URL_SIGNING_KEYS under/ : /into \.dev\.vars$/,
    );
  },
);

test("if nothing runs on this machine, that is the only finding", async () => {
  const args = ["doctor", "--json", "--url", `http://localhost:${await freePort()}`];
  network.use(http.all("http://localhost:*", () => HttpResponse.error()));
  const { out, code } = await vitrine(args, { folder: configure() });
  const { findings }: { findings: Finding[] } = JSON.parse(out);
  expect(code).toBe(2);
  expect(findings.filter(({ severity }) => severity !== "ok")).toMatchObject([
    { check: "deployed", remedy: expect.stringMatching(/^start it: npx vitrine dev/) },
  ]);
});

test("a missing image is explained by what was found before it", () => {
  const image = (at: string): Finding => ({
    ...{ about: at, check: "image", severity: "error", what: "it answers 502" },
    ...{ cause: "image-failed", why: "S3, the keys or the edge", remedy: "npx wrangler tail" },
  });
  const [, secret] = FINDINGS;
  if (secret === undefined) throw new Error("there is none");
  const [before, found, after] = withFirstCauses([image("a"), secret, image("b")]);
  expect([before, found]).toEqual([image("a"), secret]);
  expect(after).toMatchObject({
    severity: "error",
    what: "it answers 502",
    why: "most likely because of the finding above: it is wrong",
    remedy: "fix that first, then run the doctor again",
  });
  // A fault of one bucket does not explain another bucket's image.
  const other = { ...image("c"), bucket: "media" };
  expect(withFirstCauses([{ ...secret, bucket: "other" }, other])[1]).toEqual(other);
  expect(withFirstCauses([{ ...secret, bucket: "media" }, other])[1]).not.toEqual(other);
  // The edge, too, is denied by a key that S3 refuses.
  const denied: Finding = { ...image("g"), check: "edge", cause: "edge-contradicts" };
  expect(withFirstCauses([secret, denied])[1]).toMatchObject({ why: after?.why });
  // Harmless findings explain nothing, and a rate limit needs no explanation.
  expect(withFirstCauses([{ ...secret, check: "public" }, image("d")])[1]).toEqual(image("d"));
  const limited: Finding = { ...image("e"), cause: "rate-limited" };
  expect(withFirstCauses([secret, limited])[1]).toEqual(limited);
  const health: Finding = { about: "h", check: "health", severity: "ok", what: "it serves" };
  expect(withFirstCauses([secret, health, image("f")])[2]).toEqual(image("f"));
  const [ok, ...rest] = FINDINGS;
  const alone = [ok, image("a"), ...rest.slice(1)].filter((one) => one !== undefined);
  expect(withFirstCauses(alone)).toEqual(alone);
});

test.each([
  ["HEALTH_TOKEN", "/healthz tells nobody more than that it is there"],
  ["PURGE_TOKEN", "there is no /purge without it"],
])("an invalid %s is only a warning", async (name, why) => {
  const folder = configure();
  const file = join(folder, ".dev.vars");
  writeFileSync(file, `${name}=short\n`);
  onTestFinished(() => rmSync(file));
  network.use(http.all("http://localhost:*", () => HttpResponse.error()));
  const { out } = await vitrine(["doctor", "--json", "--url", "http://localhost:1"], { folder });
  const { findings }: { findings: Finding[] } = JSON.parse(out);
  expect(findings.find(({ what }) => what.includes(name))).toMatchObject({
    severity: "warning",
    why,
    remedy: "fix that line of .dev.vars",
  });
});

test("after Ctrl-C nothing more is asked", async () => {
  const interrupt = new AbortController();
  interrupt.abort();
  const { code } = await vitrine(["doctor", "--url", SITE], {
    folder: configure(),
    env: ENVIRONMENT,
    interrupted: interrupt.signal,
  });
  expect([code, stage.s3.requests]).toEqual([130, []]);
});

test("Ctrl-C ends the wait for S3, and earlier findings are reported", async () => {
  const interrupt = new AbortController();
  stage.s3.faults.add("stall");
  const folder = configure();
  const given = { folder, env: ENVIRONMENT, interrupted: interrupt.signal };
  const ended = vitrine(["doctor", "--url", SITE], given);
  await vi.waitUntil(() => stage.s3.requests.length > 0, { interval: 1, timeout: 30_000 });
  interrupt.abort();
  const { code, out } = await ended;
  expect([code, out]).toEqual([130, expect.stringContaining("it has no mistakes")]);
});

test.each([
  [["--timeout", "soon"], 3, /A number up to 600/],
  [["--timeout", "0"], 3, /A number up to 600/],
  [["--url", "images.example.com"], 2, /--url images\.example\.com: is not a URL/],
  [["--url", ""], 2, /say where Vitrine is/],
  [["--secrets-file", "nothing.env"], 2, /nothing\.env/],
  [["photos/fig.jpg"], 3, /too many arguments/],
])("doctor %j is a usage error", async (args, code, said) => {
  const ended = await vitrine(["doctor", ...args], { folder: configure() });
  expect([ended.code, ended.out]).toEqual([code, ""]);
  expect(ended.err).toMatch(said);
});

test("--help lists each check with what it asks", async () => {
  const { out, code } = await vitrine(["doctor", "--help"], { folder: configure() });
  expect(code).toBe(0);
  for (const [name, { asks }] of Object.entries(CHECKS)) {
    expect(out.match(/^ {2}([\w-]+) +(\S.*\?)$/gm)).toContainEqual(
      expect.stringMatching(new RegExp(`^  ${name} +${asks.replace("?", "[?]")}$`)),
    );
  }
});
