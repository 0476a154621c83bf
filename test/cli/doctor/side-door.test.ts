// The doctor against the strict edge with the side door open and shut (E10), and with answers
// that prove nothing.

import { HttpResponse } from "msw";
import { beforeEach, expect, test } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import type { EdgeSettings } from "../../../src/emulator/edge/settings.ts";
import { beginSite, type Change, CONFIGURED, deploy, examine } from "../../support/cli/doctor.ts";
import { expectFindings, type Report } from "../../support/cli/findings.ts";
import { ENV, HEALTH_TOKEN } from "../../support/env.ts";
import { stage } from "../../support/run-worker.ts";

const RULE = 'starts_with(http.request.uri.path, "/cdn-cgi/image/")';
const HOST = "s3.eu-west-1.amazonaws.com";
const VIRTUAL = `acme-media.${HOST}`;
/** The transformations of a healthy site: the canary of /healthz, and one image. */
const OWN = 2;

/** Sets up a site whose bucket has this addressing, with some switches of the edge. */
function begin(
  addressing: "path" | "virtual",
  settings: Partial<EdgeSettings>,
  change?: Change,
  source_parameter = true,
): void {
  const media = { ...CONFIGURED.BUCKETS.media, addressing, source_parameter };
  const vars = { ...CONFIGURED, BUCKETS: { media } };
  beginSite({ firewall: false, urlInterfaceShowsPrivate: false, ...settings }, vars);
  deploy({ ...ENV, ...vars, HEALTH_TOKEN }, change);
}

beforeEach(() => begin("path", { sources: [HOST] }));

const doorsIn = ({ findings }: Report): readonly Finding[] =>
  findings.filter(({ check }) => check === "side-door");

test("an open side door costs money, and two clicks shut it (E5, E10, L2)", async () => {
  const cases: [string, readonly Finding[]][] = [];
  for (const [title, addressing, settings, entry] of [
    ["a shared host without a path", "path", { sources: [HOST] }, `${HOST}/acme-media/published/`],
    ["a wildcard", "virtual", { sources: [`*.${HOST}`] }, `${VIRTUAL}/published/`],
    [
      "a path whose last segment goes on in another bucket's name",
      "path",
      { sources: [`${HOST}/acme-media`], sourcePaths: "characters" },
      `${HOST}/acme-media/published/`,
    ],
  ] as const) {
    begin(addressing, settings);
    const report = await examine();
    const doors = doorsIn(report);
    expect([title, doors.map(({ severity }) => severity)]).toEqual([title, ["error"]]);
    expect(doors[0]?.remedy).toContain(RULE);
    expect(doors[0]?.remedy).toContain(`replace every wider entry by ${entry}`);
    expect([report.code, stage.edge.transformations.size]).toEqual([2, OWN]);
    cases.push([title, doors]);
  }
  begin(
    "virtual",
    { sources: [`${VIRTUAL}/published/`], urlInterfaceShowsPrivate: true },
    undefined,
    false,
  );
  cases.push(["an object that the edge has kept (C1)", doorsIn(await examine())]);
  begin("virtual", { sources: [`${VIRTUAL}/published/`] }, undefined, false);
  stage.s3.grants.add("all-read");
  cases.push(["a public bucket", doorsIn(await examine())]);
  expect(cases.flatMap(([, doors]) => doors.map(({ severity }) => severity))).toEqual(
    Array(5).fill("error"),
  );
  begin("path", { sources: [`${HOST}/acme-media/published/`] });
  const report = await examine();
  expect([report.code, stage.edge.transformations.size]).toEqual([0, OWN]);
  cases.push(["the bucket denies what the edge asks for: that is unknown", doorsIn(report)]);
  await expectFindings("side-door.txt", cases);
});

test.each<[string, Partial<EdgeSettings>]>([
  ["a rule of the firewall", { sources: [HOST], firewall: true }],
  ["url_transformations (E12)", { sources: [HOST], urlTransformations: "off" }],
  ["Sources, which then refuses Vitrine, too (E5)", { sources: [] }],
])("the side door is shut by %s (E10)", async (_title, settings) => {
  begin("path", { urlInterfaceShowsPrivate: true, ...settings });
  expect(doorsIn(await examine())).toMatchObject([{ severity: "ok" }]);
});

/** What the doctor gets at `/cdn-cgi/image/`, and nowhere else. */
const edgeSays = (code: string, status: number) => () =>
  new HttpResponse(`ERROR ${code}: no`, { status, headers: { "cf-resized": `err=${code}` } });
const CHALLENGE = { status: 403, headers: { "cf-mitigated": "challenge" } };

test("an answer that proves nothing is not taken for a shut side door (R1, R3, E10)", async () => {
  for (const [title, answers, part = "width=16"] of [
    ["a challenge", () => new HttpResponse("", CHALLENGE)],
    ["a spent quota", edgeSays("9422", 429)],
    ["a refused option", edgeSays("9401", 400)],
    ["a busy edge", edgeSays("9522", 503)],
    ["a host without an address", edgeSays("9407", 523)],
    ["a 404 of somebody else", () => new HttpResponse("Not found", { status: 404 })],
    ["an image that the edge did not make", () => new HttpResponse("x")],
    ["no answer", () => HttpResponse.error()],
    ["a refusal of other buckets, and nothing of ours", edgeSays("9401", 403), "vitrine-doctor"],
  ] as const) {
    begin("path", { sources: [HOST] }, (answer, { path }) => {
      if (!path.startsWith("/cdn-cgi/image/width=16")) return answer;
      return path.includes(part) ? answers() : new HttpResponse("", { status: 500 });
    });
    const severities = doorsIn(await examine()).map(({ severity }) => severity);
    expect([title, severities]).toEqual([title, ["note"]]);
  }
});

test("the code of the edge counts in a text, too, and a firewall's refusal proves nothing (R3, E10)", async () => {
  for (const [text, status, severity] of [
    ["", 403, "note"],
    ["ERROR 9404", 404, "error"],
  ] as const) {
    begin("path", { sources: [HOST] }, (answer, { path }) =>
      path === "/healthz" ? answer : new HttpResponse(text, { status }),
    );
    expect(doorsIn(await examine())).toMatchObject([{ severity }]);
  }
});
