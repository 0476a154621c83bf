// The table of checks and causes, and which cause is chosen from what was seen.

import { expect, test } from "vitest";
import { CAUSES, type CauseId, CHECKS, type Check } from "../../../src/cli/doctor/checks/index.ts";
import { type Asked, diagnoseS3 } from "../../../src/cli/doctor/diagnose-s3.ts";
import { diagnoseEdge, diagnoseStatus } from "../../../src/cli/doctor/diagnose-site.ts";
import { diagnose, type Severity } from "../../../src/cli/doctor/finding.ts";
import type { FAULTS } from "../../../src/emulator/edge/faults.ts";
import { readPage } from "../../docs/pages.ts";

test.each(Object.entries(CHECKS))("the check %s says what it asks", (_name, { asks }) => {
  expect(asks).toMatch(/^[a-z].*\?$/);
});

test("docs/doctor.md names each check", () => {
  const [, list = ""] = /It checks:(.*)For each problem/s.exec(readPage("docs/doctor.md")) ?? [];
  const named = [...list.matchAll(/`([a-z][a-z0-9-]*)`/g)].map(([, name]) => name);
  expect(named.sort()).toEqual(Object.keys(CHECKS).sort());
});

test("each cause has an id of its own", () => {
  const ids = Object.entries(CHECKS).flatMap(([name, check]) => [
    name,
    ...("causes" in check ? Object.keys(check.causes) : []),
  ]);
  expect([...CAUSES.keys()].sort()).toEqual([...new Set(ids)].sort());
  expect(ids).toHaveLength(CAUSES.size);
});

test("a cause says itself what differs from its check, and inherits the rest", () => {
  const { session, health } = CHECKS;
  expect(diagnose("session", { id: "KEY", sign: "it is {odd}", putId: "put KEY" })).toEqual({
    check: "session",
    cause: "session",
    severity: "error",
    what: "KEY is a temporary key: it is {odd}",
    why: session.why,
    remedy: session.remedy.replace("{putId}", "put KEY"),
  });
  const { remedy, here } = health.causes["health-token-wrong"];
  for (const local of [false, true]) {
    expect(diagnose("health-token-wrong", { reason: "no" }, local)).toEqual({
      check: "health",
      cause: "health-token-wrong",
      severity: "warning",
      what: "/healthz does not report: no",
      why: health.why,
      remedy: local ? here : remedy,
    });
  }
  // The remedy of a cause goes before what its check says about the local run.
  const elsewhere = diagnose("health-elsewhere", {}, true);
  expect(elsewhere.remedy).toBe(CHECKS.deployed.causes["health-elsewhere"].remedy);
});

const ASKED: Asked = {
  ...{ host: "s3.example", name: "media", bucket: "acme", region: "eu-west-1" },
  ...{ word: "AWS", slot: "current", from: undefined },
};

test.each<[object, CauseId | undefined]>([
  [{ status: 404, code: "NoSuchKey" }, undefined],
  [{ status: 403, code: "AccessDenied" }, undefined],
  [{ status: 400, code: "ExpiredToken" }, "session"],
  [{ status: 400, code: "InvalidToken" }, "session"],
  [{ status: 403, code: "InvalidSecurity" }, "session"],
  [{ status: 403, code: "InvalidAccessKeyId" }, "key-id"],
  [{ status: 400, code: "InvalidArgument" }, "key-id"],
  [{ status: 401, code: "Unauthorized" }, "key-id"],
  [{ status: 401 }, "key-id"],
  [{ status: 403, code: "SignatureDoesNotMatch" }, "secret"],
  [{ status: 400, code: "AuthorizationHeaderMalformed" }, "region-malformed"],
  [{ status: 400, code: "AuthorizationHeaderMalformed", region: "eu-north-1" }, "region"],
  [{ status: 301, code: "PermanentRedirect", region: "eu-north-1" }, "region"],
  [{ status: 301, code: "PermanentRedirect" }, "s3-redirects"],
  [{ status: 403, code: "RequestTimeTooSkewed" }, "clock"],
  [{ status: 404, code: "NoSuchBucket" }, "bucket"],
  [{ status: 429, code: "TooManyRequests" }, "busy"],
  [{ status: 503 }, "busy"],
  [{ status: 501, code: "NotImplemented" }, "busy"],
  [{ status: 400, code: "InvalidURI" }, "endpoint"],
  [{ status: 200 }, "endpoint"],
  [{ failure: "ENOTFOUND" }, "host-unknown"],
  [{ failure: "EAI_AGAIN" }, "host-unknown"],
  [{ failure: "ECONNREFUSED" }, "nothing-listens"],
  [{ failure: "CERT_HAS_EXPIRED" }, "tls"],
  [{ failure: "EPROTO" }, "tls"],
  [{ failure: "ECONNRESET" }, "reachable"],
  [{ failure: "timeout" }, "reachable"],
  [{}, "reachable"],
])("S3's answer %j is diagnosed as %s", (said, cause) => {
  const diagnosis = diagnoseS3({ text: "", ...said }, ASKED);
  expect(diagnosis?.cause).toBe(cause);
  // Each text has all of its facts.
  expect(JSON.stringify(diagnosis ?? "")).not.toMatch(/\{\w+\}|undefined/);
});

test.each<[number, CauseId, Check]>([
  [403, "blocked-in-front", "image"],
  [404, "not-found", "image"],
  [410, "url-expired", "image"],
  [415, "image-unreadable", "image"],
  [418, "image", "image"],
  [429, "rate-limited", "image"],
  [500, "configuration", "configuration"],
  [502, "image-failed", "image"],
  [503, "quota", "quota"],
  [504, "image-late", "image"],
  [508, "image-loop", "image"],
  [522, "image-failed", "image"],
])("the status %d is diagnosed as %s", (status, cause, check) => {
  const url = "/images/card/a.jpg";
  expect(diagnoseStatus(status, url, false)).toMatchObject({
    cause,
    check,
    what: expect.stringMatching(`^${url} answers ${status}`),
  });
  // What the local run logs is in its own terminal, not in that of wrangler.
  if (status !== 404 && status < 500) return;
  expect(diagnoseStatus(status, url, true).remedy).toMatch(/^remove EDGE from \.dev\.vars/);
});

test("the remedy for a URL that is not found is a command that can be pasted", () => {
  const { remedy } = diagnoseStatus(404, "/images/card/a$(date).jpg", false);
  expect(remedy).toContain("npx vitrine explain '/images/card/a$(date).jpg'");
});

test("no remedy has a command in which something is left out", () => {
  const remedies = [...CAUSES.values()].flatMap(({ remedy, here = "" }) => [remedy, here]);
  expect(remedies.filter((text) => /\b(?:npx|npm|aws) [^,;]*…/.test(text))).toEqual([]);
});

/** What the finding about the edge says. */
type Row = readonly [cause: CauseId, what: RegExp, remedy: RegExp, severity?: Severity];

const UNREADABLE: Row = ["canary-unreadable", /not an image/, /another canary/];
const BUSY: Row = ["edge-failed", /busy, or has an error/, /try again in a minute/, "warning"];
const LATE: Row = ["edge-slow", /took too long/, /timeout in ANSWERS/];
const CONTRADICTS: Row = [
  "edge-contradicts",
  /S3 denies the object to the edge/,
  /Sources.*acme\.s3\.eu-west-1\.amazonaws\.com\/a\/.*policy limits addresses.*query strings/,
];
const REGION: Row = ["edge-elsewhere", /the origin denies/, /region and endpoint.*x-vitrine/];

const CODES = {
  "9401/400": ["options-refused", /option of the preset is not accepted/, /correct it in wrangler/],
  "9401/403": [
    "sources",
    /Sources/,
    /Sources: add the origin acme\.s3\.eu-west-1\.amazonaws\.com\/a\/ \(domain, then path\)/,
  ],
  "9402/413": UNREADABLE,
  "9402/502": ["origin-failed", /arrived incomplete/, /reachable from the internet/],
  "9403/508": ["edge-loop", /a loop/, /is the URL of Vitrine itself.*transformation flow/],
  "9404/404": ["canary-missing", /not found/, /correct canary, prefix or bucket/],
  "9406/403": ["url-refused", /URL is not accepted/, /must be an https:\/\/ URL/],
  "9407/523": ["origin-unknown", /no address/, /endpoint or addressing/],
  "9412/415": UNREADABLE,
  "9413/403": UNREADABLE,
  "9416/422": UNREADABLE,
  "9419/403": ["url-refused", /URL is not accepted/, /https:\/\/ URL/],
  "9420/400": REGION,
  "9420/415": REGION,
  "9421/400": REGION,
  "9422/429": ["quota", /limit of unique transformations/, /a paid plan/],
  "9423/403": ["edge", /refuses/, /troubleshooting/],
  "9504/522": LATE,
  "9504/524": LATE,
  "9505/502": ["origin-failed", /cannot reach the origin/, /reachable from the internet/],
  "9509/502": ["origin-busy", /busy/, /^try again in a minute.*provider's status page/, "warning"],
  "9510/523": ["origin-failed", /cannot reach the origin/, /reachable from the internet/],
  "9516/422": UNREADABLE,
  "9516/500": BUSY,
  "9518/502": BUSY,
  "9519/502": REGION,
  "9520/415": UNREADABLE,
  "9522/503": BUSY,
  "9522/504": BUSY,
  "9523/422": UNREADABLE,
  "9523/500": BUSY,
  "9527/503": BUSY,
  "9528/502": BUSY,
  "9529/504": LATE,
} as const satisfies Record<keyof typeof FAULTS, Row>;

test.each<[string, Row]>([
  ...Object.entries(CODES),
  ["9408/401", CONTRADICTS],
  ["9408/403", CONTRADICTS],
  ["9408/404", ["canary-missing", /not found/, /correct canary/]],
])("the edge's code %s is diagnosed", (fault, [cause, what, remedy, severity = "error"]) => {
  const [code = "", status] = fault.split("/");
  const diagnosis = diagnoseEdge(code, Number(status), "acme.s3.eu-west-1.amazonaws.com/a/", false);
  expect(diagnosis).toMatchObject({
    cause,
    severity,
    what: expect.stringMatching(what),
    why: expect.stringMatching(/./),
    remedy: expect.stringMatching(remedy),
  });
  expect(diagnosis.what).toContain(`the edge answers ${code}: `);
});

test("the remedy for 9401 says that a paid plan may need three days (E5, E11)", () => {
  const { remedy } = diagnoseEdge("9401", 403, "s3.example/acme/", false);
  expect(remedy).toMatch(
    /If it is listed: after the paid plan was bought, .* three days\. See docs\/errors\.md#edge-refused$/,
  );
});

test("an edge that did not say its status, as older Workers report it, is diagnosed by its code", () => {
  expect(diagnoseEdge("9401", undefined, "s3.example", false).cause).toBe("sources");
  expect(diagnoseEdge("unreachable", undefined, "s3.example", false)).toMatchObject({
    cause: "edge-slow",
    what: expect.stringMatching(/^the edge did not answer the Worker: /),
  });
  expect(diagnoseEdge("off", 200, "s3.example", false).cause).toBe("transformations");
  expect(diagnoseEdge("edge-contradicts", 200, "s3.example", false)).toMatchObject({
    cause: "edge-contradicts",
    what: expect.stringMatching(/^the edge contradicts S3: /),
    remedy: expect.stringMatching(/docs\/errors\.md#edge-contradicts$/),
  });
});
