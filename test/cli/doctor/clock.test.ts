// Whose clock is off: the doctor compares S3's, the site's and this machine's. It names one only where the two
// others agree against it.

import { HttpResponse } from "msw";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import type { CauseId } from "../../../src/cli/doctor/checks/index.ts";
import { configure, deploy, examine, SITE } from "../../support/cli/doctor.ts";
import { wrongIn } from "../../support/cli/report.ts";
import { arrange, stage } from "../../support/play.ts";

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  arrange({ firewall: true });
  stage.s3.faults.add("no-list-bucket");
  configure();
});
afterEach(() => void vi.useRealTimers());

/** Says that the site's clock is ahead of the real time: s. Undefined: it tells no time. */
function begin(site: number | undefined): void {
  deploy(undefined, (answer) => {
    const changed = new HttpResponse(answer.body, answer);
    const date = site === undefined ? "soon" : new Date(Date.now() + site * 1000).toUTCString();
    changed.headers.set("date", date);
    return changed;
  });
}

const HOUR = 3600;

test.each<
  [
    what: string,
    s3: boolean,
    site: number | undefined,
    here: number,
    cause?: CauseId,
    says?: RegExp,
  ]
>([
  ["all agree", false, 0, 0],
  ["all agree, within five minutes", false, 200, 90],
  ["this machine's is off", false, 0, -HOUR, "clock-here", /^set this machine's clock/],
  ["this machine's is ahead", false, 0, HOUR, "clock-here", /^set this machine's clock/],
  ["S3's is off", true, 0, 0, "clock-s3", /^set the clock of acme-media\.s3\./],
  ["the site's is off", false, HOUR, 0, "clock-site", /in front/],
  ["all differ", true, HOUR, -HOUR, "clock", /not certain/],
  ["the site tells no time", true, undefined, 0, "clock", /not certain/],
  [
    "the site tells no time, and this machine's is off",
    false,
    undefined,
    HOUR,
    "clock",
    /not certain/,
  ],
])("%s", async (_what, s3, site, here, cause, says) => {
  begin(site);
  if (s3) stage.s3.faults.add("clock-skew");
  const now = () => Date.now() + here * 1000;
  const report = await examine(["--url", SITE], { now });
  const clocks = wrongIn(report).filter(({ check }) => check === "clock");
  expect(clocks.map((one) => one.cause)).toEqual(
    cause === undefined ? [] : expect.arrayContaining([cause]),
  );
  for (const { remedy } of clocks) expect(remedy).toMatch(says ?? /./);
});

test("without a look at the site, no clock is called the wrong one", async () => {
  stage.s3.faults.add("clock-skew");
  const [found] = wrongIn(await examine([]));
  expect(found).toMatchObject({ cause: "clock", remedy: expect.stringContaining("not certain") });
});

test("a wrong clock of S3 leads to no bucket policy, and to no other cause", async () => {
  begin(0);
  stage.s3.faults.add("clock-skew");
  const [first, ...others] = wrongIn(await examine());
  expect(first).toMatchObject({ cause: "clock-s3", severity: "error" });
  for (const { cause, remedy } of others) {
    if (cause !== "clock-s3") expect(remedy).toBe("fix that first, then run the doctor again");
  }
});

test("this machine's wrong clock is no outage of a site that works", async () => {
  begin(0);
  const { findings, code } = await examine(undefined, { now: () => Date.now() + HOUR * 1000 });
  expect(findings.filter(({ severity }) => severity === "error")).toEqual([]);
  expect(code).toBe(1);
});
