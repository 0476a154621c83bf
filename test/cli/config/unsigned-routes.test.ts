// Which open routes are warned of beside a signed one.

import { expect, test } from "vitest";
import { unsignedRouteWarnings } from "../../../src/cli/config/check-environments.ts";
import { r2StandIn } from "../../../src/cli/config/environment-config.ts";
import { mistakeText } from "../../../src/worker/base/refusal.ts";
import { readConfig } from "../../../src/worker/config/config.ts";
import { ENV, VARS } from "../../support/env.ts";

const { media } = VARS.BUCKETS;
const BUCKETS = {
  media,
  path: { ...media, addressing: "path" },
  whole: { ...media, prefix: undefined },
  global: { ...media, endpoint: "https://s3.amazonaws.com", addressing: "path" },
  other: { ...media, bucket: "acme-other" },
  bound: { binding: "MEDIA", prefix: media.prefix },
};

/** Whether there is a warning of an open route beside a signed one. */
function warns(signed: object, open: object): boolean {
  const { prefix: _prefix, ...whole } = BUCKETS.whole;
  const config = readConfig({
    ...ENV,
    ...{ BUCKETS: { ...BUCKETS, whole }, MEDIA: r2StandIn("MEDIA") },
    IMAGES: { input() {}, info() {} },
    ROUTES: [
      { path: "/open/:preset/:a/:b/*", ...open },
      { path: "/signed/:preset/*", object: "media/private/*", signed: true, ...signed },
    ],
  });
  if ("mistakes" in config) throw new Error(config.mistakes.map(mistakeText).join("\n"));
  return (
    [...unsignedRouteWarnings(config, [{ binding: "MEDIA", bucket_name: "acme-media" }])].length > 0
  );
}

const MEETS = [
  ...["media/*", "media/private/*", "media/private/a/*", "media/private/:a.jpg", "media/:a/:b"],
  ...["media/pri*", "path/*", "bound/*", "global/*", "whole/*", "whole/published/private/*"],
];
const APART = [
  ...["media/public/*", "media/pri/*", "media/privately/*", "media/users/:a/avatar.png"],
  ...["bound/public/*", "whole/private/*", "other/private/*"],
];

test("an open route that meets a signed one to media/private/* is warned of, and no other", () => {
  expect(MEETS.filter((object) => !warns({}, { object }))).toEqual([]);
  expect(APART.filter((object) => warns({}, { object }))).toEqual([]);
});

test.each<[string, boolean]>([
  ["media/private/a.jpg", true],
  ["path/private/a.jpg", true],
  ["bound/private/a.jpg", true],
  ["whole/published/private/a.jpg", true],
  ["media/privately/a.jpg", false],
  ["media/public/private/a.jpg", false],
  ["whole/private/a.jpg", false],
  ["other/private/a.jpg", false],
])("a fallback %s of an open route is shown to everyone: %j", (fallback, expected) => {
  const open = { path: "/open/:preset/*", object: "other/*", fallback };
  expect(warns({}, open)).toBe(expected);
  expect(warns({ presets: ["hero"] }, { ...open, presets: ["card"] })).toBe(false);
});

test("routes without a common preset do not meet", () => {
  const open = { path: "/open/:preset/*", object: "media/*" };
  expect(warns({ presets: ["hero"] }, { ...open, presets: ["card"] })).toBe(false);
  expect(warns({ presets: ["hero"] }, { ...open, presets: ["card", "hero"] })).toBe(true);
  expect(warns({ presets: ["hero"] }, open)).toBe(true);
  expect(warns({}, { ...open, presets: ["card"] })).toBe(true);
});
