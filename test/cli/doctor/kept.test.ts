// The doctor's look at Cloudflare's cache in front of renditions: what server-timing says of two requests.

import { HttpResponse } from "msw";
import { expect, test } from "vitest";
import type { CauseId } from "../../../src/cli/doctor/checks/index.ts";
import { diagnoseKept, saidBy } from "../../../src/cli/doctor/diagnose-kept.ts";
import type { Severity } from "../../../src/cli/doctor/finding.ts";
import type { CacheSwitches } from "../../../src/emulator/cache/switches.ts";
import { CONFIGURED, configure, deploy, examine } from "../../support/cli/doctor.ts";
import { wrongIn } from "../../support/cli/report.ts";
import { arrange, stage } from "../../support/play.ts";

const HOUR = 3600;

/** What server-timing says, answer by answer; with a number it is no 200. */
type Answers = readonly (string | readonly [status: number, timing: string])[];

function said(answers: Answers) {
  return answers.map((answer) => {
    const [status, timing] = typeof answer === "string" ? [200, answer] : answer;
    const headers = new Headers(timing === "" ? {} : { "server-timing": timing });
    return saidBy({ status, headers, bytes: new Uint8Array(), whole: true });
  });
}

const HIT = "cache;desc=hit";
const MISS = "cache;desc=miss, edge;dur=80";
const DIRECT = "cache;desc=direct, edge;dur=80";
const STORED = "cache;desc=stored";
const OLD = "edge;dur=80";

test.each<[what: string, Answers, keep: number, Severity, CauseId | undefined]>([
  ["a hit", [HIT], HOUR, "ok", undefined],
  ["a hit after a miss", [MISS, HIT], HOUR, "ok", undefined],
  ["a hit after a direct try, of another isolate", [DIRECT, HIT], HOUR, "ok", undefined],
  ["an older one, shown while it is made anew (W8)", ["cache;desc=stale"], HOUR, "ok", undefined],
  ["a hit in quotes, beside others", ['cfL4;desc="?x", Cache ; desc="hit"'], HOUR, "ok", undefined],
  ["two misses", [MISS, MISS], HOUR, "warning", "kept"],
  ["two misses, where little is kept", [MISS, MISS], 59, "note", undefined],
  ["two misses, where a minute is kept", [MISS, MISS], 60, "warning", "kept"],
  ["two direct tries (W13, W15)", [DIRECT, DIRECT], HOUR, "warning", "kept-unusable"],
  ["a miss, and then a direct try (W13)", [MISS, DIRECT], HOUR, "warning", "kept-unusable"],
  ["a stored one twice", [STORED, STORED], HOUR, "warning", "kept"],
  ["stored ones, as configured", [STORED, STORED], 0, "note", undefined],
  ["direct tries, as configured", [DIRECT, DIRECT], 0, "note", undefined],
  ["a hit, although nothing is to be kept", [HIT], 0, "warning", "kept-anyway"],
  ["misses, although nothing is to be kept", [MISS, MISS], 0, "warning", "kept-anyway"],
  ["no word of a cache", [OLD, OLD], HOUR, "warning", "kept-unknown-to-it"],
  ["no word of a cache, with keep = 0", [OLD, OLD], 0, "warning", "kept-unknown-to-it"],
  [
    "another header's cache",
    ["edge;dur=1, xcache;desc=hit", OLD],
    HOUR,
    "warning",
    "kept-unknown-to-it",
  ],
  ["no server-timing", ["", ""], HOUR, "note", undefined],
  ["the timing of something in front", ["cfCacheStatus;desc=hit", OLD], HOUR, "note", undefined],
  ["a word that nobody knows", ["cache;desc=hits", MISS], HOUR, "note", undefined],
  ["an empty word", ["cache;desc=, edge;dur=1", "cache"], HOUR, "note", undefined],
  ["a refusal and a miss", [[429, ""], MISS], HOUR, "note", undefined],
  ["a refusal and a hit", [[503, ""], HIT], HOUR, "ok", undefined],
  [
    "an image out of the cache that is refused",
    [
      [502, HIT],
      [502, HIT],
    ],
    HOUR,
    "note",
    undefined,
  ],
  ["nothing at all", [], HOUR, "note", undefined],
])("%s: what is unknown is not proof (W11)", (_what, answers, keep, severity, cause) => {
  const diagnosis = diagnoseKept(said(answers), keep);
  expect(diagnosis).toMatchObject({ check: "kept", severity });
  expect(diagnosis.cause).toBe(cause);
  expect(JSON.stringify(diagnosis)).not.toMatch(/\{\w+\}|undefined/);
});

test("no answer is unknown", () => {
  const silent = saidBy({ reason: "none within 60 s" });
  expect(diagnoseKept([silent], HOUR)).toMatchObject({
    severity: "note",
    what: "whether renditions are kept is unknown: none within 60 s",
  });
});

/** What server-timing says of images, in place of the Worker's own word. */
function begin(timing: (times: number) => string | undefined, keep?: number): void {
  arrange({ firewall: true });
  stage.s3.faults.add("no-list-bucket");
  configure(keep === undefined ? CONFIGURED : { ...CONFIGURED, ANSWERS: { keep } });
  let times = 0;
  deploy(undefined, (answer, { path, method }) => {
    if (method !== "GET" || !path.startsWith("/images/")) return answer;
    const changed = new HttpResponse(answer.body, answer);
    const said = timing(times++);
    if (said === undefined) changed.headers.delete("server-timing");
    else changed.headers.set("server-timing", said);
    return changed;
  });
}

const kept = async () => (await examine()).findings.filter(({ check }) => check === "kept");

test.each<[string, keep: number | undefined, Severity, what: RegExp, remedy?: RegExp]>([
  [HIT, undefined, "ok", /^they are kept worldwide: cache is "hit"$/],
  [
    MISS,
    undefined,
    "warning",
    /did not come out of Workers Cache: cache is "miss"$/,
    /deploy, if \[cache\].*keep = 0/,
  ],
  [
    DIRECT,
    undefined,
    "warning",
    /makes renditions itself/,
    /cache-unusable: docs\/errors\.md#cache-unusable\. .*keep = 0 in/,
  ],
  [DIRECT, 0, "note", /keep = 0 in wrangler\.toml/],
  [OLD, undefined, "warning", /older Vitrine is deployed/, /^npx vitrine deploy$/],
])(
  "the doctor tells a site that says %j, with keep = %j (W11)",
  async (timing, keep, severity, what, remedy) => {
    begin(() => timing, keep);
    const found = await kept();
    expect(found).toMatchObject([
      { about: "https://images.example/images/card/key.jpg", bucket: "media", severity },
    ]);
    expect(found[0]?.what).toMatch(what);
    if (remedy) expect(found[0]?.remedy).toMatch(remedy);
    if (remedy && timing !== OLD)
      expect(found[0]?.why).toMatch(/visitors notice nothing but longer waits/);
  },
);

/** The checks that fail with a switch of the strict cache, and why. */
const SWITCHES: {
  readonly [Name in keyof CacheSwitches]: readonly (readonly [CacheSwitches[Name], CauseId?])[];
} = {
  runsIn: [["upper"], ["visitor"]], // W5
  loopback: [["transformed"], ["forgotten", "kept-unusable"]], // W13
  revalidates: [[true], [false]], // W18
  enabled: [[true], [false, "kept"]], // W1
  crossVersion: [[true], [false]], // W4: within one version all is well
  largest: [[1e6], [1, "kept"]], // W16
};

const switched = Object.entries(SWITCHES).flatMap(([name, rows]) =>
  rows.map(([value, cause]) => [name, value, cause] as const),
);

test.each(switched)(
  "the strict cache's switch %s set to %s: the doctor finds %s (W5, W13)",
  async (name, value, cause) => {
    arrange({ firewall: true });
    stage.s3.faults.add("no-list-bucket");
    Object.assign(stage.cache.switches, { [name]: value });
    configure();
    deploy();
    const report = await examine();
    expect(wrongIn(report).map((one) => one.cause)).toEqual(cause ? [cause] : []);
    expect(report.code).toBe(cause ? 1 : 0);
  },
);

test("without ctx.exports the Worker cannot use the cache, and the doctor says so (W15)", async () => {
  arrange({ firewall: true });
  stage.s3.faults.add("no-list-bucket");
  stage.exported = () => undefined;
  configure();
  deploy();
  expect(wrongIn(await examine())).toMatchObject([
    { cause: "kept-unusable", remedy: expect.stringContaining("compatibility_date") },
  ]);
});

test("the doctor asks at most twice for it, and no transformation is paid for that (W11)", async () => {
  let asked = 0;
  begin(() => {
    asked += 1;
    return HIT;
  });
  await kept();
  const [once, made] = [asked, stage.edge.transformations.size];
  asked = 0;
  begin(() => {
    asked += 1;
    return MISS;
  });
  await kept();
  expect([asked - once, stage.edge.transformations.size]).toEqual([1, made]);
});

test.each([
  [HIT, "out of Workers Cache, or the store"],
  ['cache;desc="stale"', "out of Workers Cache, or the store"],
  [STORED, "out of Workers Cache, or the store"],
  [MISS, "it is transformed"],
  [DIRECT, "it is transformed"],
])("an image that the site calls %j proves no more than that (W8)", async (timing, how) => {
  begin(() => timing);
  const images = (await examine()).findings.filter(({ check }) => check === "image");
  expect(images).toMatchObject([{ severity: "ok", what: expect.stringMatching(`; ${how}$`) }]);
});

test("a site that shows no image is not asked, and what is kept stays unknown", async () => {
  begin(() => HIT);
  deploy(undefined, (answer, { path }) =>
    path === "/healthz" ? answer : new HttpResponse("No", { status: 403 }),
  );
  expect(await kept()).toEqual([]);
});
