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

const ROUTE = { path: "/images/:preset/*", object: "media/*" };

/** A site whose route has this fallback. */
function begin(fallback: string, route: object = {}, front?: Parameters<typeof deploy>[1]): void {
  const ROUTES = [{ ...ROUTE, fallback, ...route }];
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

test.each<[what: string, fallback: string, here: CauseId, remedy: RegExp]>([
  ["is missing", "media/nothing.png", "fallback-missing", /^upload an image .* wrangler\.toml/],
  ["is no image", "media/broken/page.jpg", "fallback-not-an-image", /^upload an image/],
  ["is an SVG", "media/broken/script.svg", "fallback-not-an-image", /^upload an image/],
])("a fallback that %s is found, and how to mend it", async (_what, fallback, here, remedy) => {
  stage.s3.faults.delete("no-list-bucket");
  begin(fallback);
  const [found, ...others] = wrongIn(await examine([])).filter(({ check }) => check === "fallback");
  expect([found?.cause, others]).toEqual([here, []]);
  expect(found?.remedy).toMatch(remedy);
  const seen = wrongIn(await examine(["--url", SITE], { env: KEYLESS }));
  expect(causes(seen)).toEqual(["fallback"]);
  expect(seen[0]?.what).toContain(fallback.replace("media/", "published/"));
  expect(seen[0]?.remedy).toMatch(/npx vitrine deploy if .* npx wrangler tail/);
});

test.each([
  ["may not list the bucket", false],
  ["may list the bucket", true],
])(
  "a fallback that a key may not read is not overwritten, if the key %s (A6)",
  async (_what, lists) => {
    if (lists) stage.s3.faults.delete("no-list-bucket");
    stage.s3.objects.set("drafts/key.jpg", { body: new Uint8Array(9), type: "image/jpeg" });
    const media = { ...CONFIGURED.BUCKETS.media, prefix: "drafts/" };
    configure({
      ...CONFIGURED,
      BUCKETS: { media },
      ROUTES: [{ ...ROUTE, fallback: "media/key.jpg" }],
    });
    const found = wrongIn(await examine([])).filter(({ check }) => /fallback|sample/.test(check));
    expect(found).toHaveLength(2);
    for (const { what, remedy } of found) {
      expect(what).toContain("drafts/key.jpg");
      expect(/not exist|missing/.test(what)).toBe(!lists);
      expect(remedy).toMatch(/policy must allow s3:GetObject/);
    }
  },
);

test.each([
  ["with HEALTH_TOKEN", HEALTH_TOKEN],
  ["without HEALTH_TOKEN", undefined],
])(
  "a good image is not overwritten where a corrected fallback is not deployed, %s",
  async (...row) => {
    begin("media/nothing.png");
    configure({ ...CONFIGURED, ROUTES: [{ ...ROUTE, fallback: "media/key.jpg" }] });
    const [, token] = row;
    for (const keys of [{}, KEYLESS]) {
      const wrong = wrongIn(
        await examine(["--url", SITE], { env: { ...keys, HEALTH_TOKEN: token } }),
      );
      const expected = token === undefined ? ["fallback"] : ["deployed-differs", "fallback"];
      expect(causes(wrong)).toEqual(expected);
      for (const { remedy } of wrong) {
        expect(remedy).toContain("npx vitrine deploy");
        expect(remedy).not.toMatch(/upload|Then npx/);
      }
    }
  },
);

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
