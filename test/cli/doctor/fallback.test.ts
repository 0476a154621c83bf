// The doctor tries each fallback: at S3 with the keys at hand, and at the site by an object that is missing.

import { HttpResponse } from "msw";
import { beforeEach, expect, test } from "vitest";
import type { CauseId } from "../../../src/cli/doctor/checks/index.ts";
import { CONFIGURED, configure, deploy, examine, SITE } from "../../support/cli/doctor.ts";
import { wrongIn } from "../../support/cli/report.ts";
import { ENV, HEALTH_TOKEN } from "../../support/env.ts";
import { arrange, stage } from "../../support/play.ts";

const KEYLESS = { AWS_ACCESS_KEY_ID: undefined, AWS_SECRET_ACCESS_KEY: undefined };

beforeEach(() => {
  arrange({ firewall: true });
  stage.s3.faults.add("no-list-bucket");
});

/** A site whose route has this fallback. */
function begin(fallback: string, route: object = {}, front?: Parameters<typeof deploy>[1]): void {
  const ROUTES = [{ path: "/images/:preset/*", object: "media/*", fallback, ...route }];
  configure({ ...CONFIGURED, ROUTES });
  deploy({ ...ENV, ...CONFIGURED, ROUTES, HEALTH_TOKEN }, front);
}

const causes = (found: readonly { readonly cause?: CauseId }[]) => found.map(({ cause }) => cause);

test.each([
  ["any route", {}],
  ["a signed route", { signed: true }],
  ["a route with names", { path: "/a/:id/:preset", object: "media/a/:id.jpg" }],
  ["a route that shows one preset", { presets: ["plain"] }],
])("a fallback of %s that works is well", async (_what, route) => {
  begin("media/key.jpg", route);
  for (const env of [{}, KEYLESS]) {
    const report = await examine(["--url", SITE], { env });
    expect(wrongIn(report).filter(({ check }) => check === "fallback")).toEqual([]);
    const well = report.findings.filter(({ check }) => check === "fallback");
    expect(well.map(({ severity }) => severity)).toContain("ok");
  }
});

test.each<[what: string, fallback: string, here: CauseId]>([
  ["is missing", "media/nothing.png", "fallback-missing"],
  ["is no image", "media/broken/page.jpg", "fallback-not-an-image"],
  ["is an SVG", "media/broken/script.svg", "fallback-not-an-image"],
])("a fallback that %s is found, and how to mend it", async (_what, fallback, here) => {
  begin(fallback);
  const missing = await examine([]);
  expect(causes(wrongIn(missing))).toEqual([here]);
  expect(wrongIn(missing)[0]?.remedy).toMatch(/upload an image .* fallback .* wrangler\.toml/);
  const seen = await examine(["--url", SITE], { env: KEYLESS });
  expect(causes(wrongIn(seen))).toEqual(["fallback"]);
  expect(wrongIn(seen)[0]?.what).toContain(fallback.replace("media/", "published/"));
});

test.each([
  ["a 404 of something in front", () => new HttpResponse("no", { status: 404 })],
  ["a busy site", () => new HttpResponse("no", { status: 503 })],
  ["no answer", () => HttpResponse.error()],
  ["an image with 200", () => new HttpResponse("x", { status: 200 })],
])("%s proves nothing about a fallback", async (_what, answer) => {
  begin("media/key.jpg", {}, (own, { path }) => (path.includes("vitrine-doctor") ? answer() : own));
  const report = await examine(["--url", SITE], { env: KEYLESS });
  expect(causes(wrongIn(report))).toEqual([]);
});
