// The doctor against the strict edge with the side door open and shut (E10), and with answers
// that prove nothing.

import { HttpResponse } from "msw";
import { beforeEach, expect, test } from "vitest";
import type { Finding } from "../../../src/cli/doctor/finding.ts";
import type { EdgeSettings } from "../../../src/emulator/edge/settings.ts";
import { CONFIGURED, configure, deploy, examine } from "../../support/cli/doctor.ts";
import type { Report } from "../../support/cli/report.ts";
import { ENV, HEALTH_TOKEN } from "../../support/env.ts";
import { arrange, stage } from "../../support/play.ts";

const RULE = 'starts_with(http.request.uri.path, "/cdn-cgi/image/")';
const HOST = "s3.eu-west-1.amazonaws.com";
const VIRTUAL = `acme-media.${HOST}`;
/** The transformations of a healthy site: the canary of /healthz, and one image. */
const OWN = 2;

/** Sets up a site whose bucket has this addressing, with some switches of the edge. */
function begin(
  addressing: "path" | "virtual",
  settings: Partial<EdgeSettings>,
  change?: Parameters<typeof deploy>[1],
  source_parameter = true,
): void {
  arrange({ keptForAll: false, ...settings });
  stage.s3.faults.add("no-list-bucket");
  const vars = {
    ...CONFIGURED,
    BUCKETS: { media: { ...CONFIGURED.BUCKETS.media, addressing, source_parameter } },
  };
  configure(vars);
  deploy({ ...ENV, ...vars, HEALTH_TOKEN }, change);
}

beforeEach(() => begin("path", { sources: [HOST] }));

const doorsIn = ({ findings }: Report): readonly Finding[] =>
  findings.filter(({ check }) => check === "side-door");

test.each<[string, "path" | "virtual", Partial<EdgeSettings>, string]>([
  ["a shared host without a path", "path", { sources: [HOST] }, `${HOST}/acme-media/published/`],
  ["a wildcard", "virtual", { sources: [`*.${HOST}`] }, `${VIRTUAL}/published/`],
  [
    "a path whose last segment goes on in another bucket's name",
    "path",
    { sources: [`${HOST}/acme-media`], sourcePaths: "characters" },
    `${HOST}/acme-media/published/`,
  ],
])("it is open by %s: that costs money, and two clicks shut it (E5, E10, L2)", async (...row) => {
  const [, addressing, settings, entry] = row;
  begin(addressing, settings);
  const report = await examine();
  const [door] = doorsIn(report);
  expect(door).toMatchObject({
    severity: "error",
    seen: expect.stringMatching(/other buckets .* answers 9404/),
    impact: expect.stringMatching(/\$0\.50 for 1,000 .* 5,000 .* 503/),
    remedy: expect.stringContaining(RULE),
  });
  expect(door?.remedy).toContain(`Sources: replace every wider entry by ${entry}`);
  expect([report.code, stage.edge.transformations.size]).toEqual([2, OWN]);
});

test("the bucket denies what the edge asks for: that is unknown, and the rule makes sure (E5, E10)", async () => {
  begin("path", { sources: [`${HOST}/acme-media/published/`] });
  const report = await examine();
  expect(doorsIn(report)).toMatchObject([
    { severity: "note", seen: expect.stringContaining(RULE) },
  ]);
  expect([report.code, stage.edge.transformations.size]).toEqual([0, OWN]);
});

test.each<[string, Partial<EdgeSettings>, boolean]>([
  ["what the edge has kept of a private object", { keptForAll: true }, false],
  ["the objects of a public bucket", {}, true],
])("it shows %s: that is an error (C1, E10)", async (_title, settings, isPublic) => {
  begin("virtual", { sources: [`${VIRTUAL}/published/`], ...settings }, undefined, false);
  if (isPublic) stage.s3.grants.add("all-read");
  const [door] = doorsIn(await examine());
  expect(door).toMatchObject({ severity: "error", remedy: expect.stringContaining(RULE) });
  expect(door?.seen).toContain("published/key.jpg");
});

test.each<[string, Partial<EdgeSettings>, RegExp]>([
  ["a rule of the firewall", { sources: [HOST], firewall: true }, /answers 403$/],
  ["url_transformations (E12)", { sources: [HOST], urlTransformations: "off" }, /answers 404$/],
  ["Sources, which then refuses Vitrine, too (E5)", { sources: [] }, /answers 9401$/],
])("the side door is shut by %s (E10)", async (_title, settings, seen) => {
  begin("path", { keptForAll: true, ...settings });
  const doors = doorsIn(await examine());
  expect(doors).toMatchObject([{ severity: "ok", seen: expect.stringMatching(seen) }]);
});

/** What the doctor is told at `/cdn-cgi/image/`, and nowhere else. */
const edgeSays = (code: string, status: number) => () =>
  new HttpResponse(`ERROR ${code}: no`, { status, headers: { "cf-resized": `err=${code}` } });

test.each<[string, () => Response, string?]>([
  [
    "a challenge",
    () => new HttpResponse("", { status: 403, headers: { "cf-mitigated": "challenge" } }),
  ],
  ["a spent quota", edgeSays("9422", 429)],
  ["a refused option", edgeSays("9401", 400)],
  ["a busy edge", edgeSays("9522", 503)],
  ["a host without an address", edgeSays("9407", 523)],
  ["a 404 of somebody else", () => new HttpResponse("Not found", { status: 404 })],
  ["an image that the edge did not make", () => new HttpResponse("x")],
  ["no answer", () => HttpResponse.error()],
  ["a refusal of other buckets, and nothing of ours", edgeSays("9401", 403), "vitrine-doctor"],
])(
  "%s is not taken for a shut side door (R1, R3, E10)",
  async (_title, said, part = "width=16") => {
    begin("path", { sources: [HOST] }, (answer, { path }) => {
      if (!path.startsWith("/cdn-cgi/image/width=16")) return answer;
      return path.includes(part) ? said() : new HttpResponse("", { status: 500 });
    });
    expect(doorsIn(await examine())).toMatchObject([
      {
        severity: "note",
        seen: expect.stringMatching(/^whether the side door is open is unknown: /),
      },
    ]);
  },
);

test.each<[string, Response, string]>([
  [
    "a firewall that stops the doctor does not prove it",
    new HttpResponse("", { status: 403 }),
    "note",
  ],
  ["the code in the text counts (R3)", new HttpResponse("ERROR 9404", { status: 404 }), "error"],
])("of a side door, %s (E10)", async (_title, said, severity) => {
  begin("path", { sources: [HOST] }, (answer, { path }) =>
    path === "/healthz" ? answer : said.clone(),
  );
  expect(doorsIn(await examine())).toMatchObject([{ severity }]);
});
