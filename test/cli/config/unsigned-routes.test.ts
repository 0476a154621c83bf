// Which open routes are warned of beside a signed one.

import { expect, test } from "vitest";
import { unsignedRouteWarnings } from "../../../src/cli/config/check-environments.ts";
import { r2StandIn } from "../../../src/cli/config/environment-config.ts";
import { configOf } from "../../support/config-of.ts";
import { VARS } from "../../support/env.ts";

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
  const config = configOf({
    ...{ BUCKETS: { ...BUCKETS, whole }, MEDIA: r2StandIn("MEDIA") },
    IMAGES: { input() {}, info() {} },
    ROUTES: [
      { path: "/open/:preset/:a/:b/*", ...open },
      { path: "/signed/:preset/*", object: "media/private/*", signed: true, ...signed },
    ],
  });
  const r2 = [{ binding: "MEDIA", bucket_name: "acme-media" }];
  return [...unsignedRouteWarnings(config, r2)].length > 0;
}

const MEETS = [
  ...["media/*", "media/private/*", "media/private/a/*", "media/private/:a.jpg", "media/:a/:b"],
  ...["media/pri*", "path/*", "bound/*", "global/*", "whole/*", "whole/published/private/*"],
];
const APART = [
  ...["media/public/*", "media/pri/*", "media/privately/*", "media/users/:a/avatar.png"],
  ...["bound/public/*", "whole/private/*", "other/private/*", "media/:a", "media/:a:b.jpg"],
];

test("an open route that meets a signed one to media/private/* is warned of, and no other", () => {
  expect(MEETS.filter((object) => !warns({}, { object }))).toEqual([]);
  expect(APART.filter((object) => warns({}, { object }))).toEqual([]);
});

test("a fallback of an open route is shown to everyone", () => {
  const open = { path: "/open/:preset/*", object: "other/*" };
  const signedObjects = [
    "media/private/a.jpg",
    "bound/private/a.jpg",
    "whole/published/private/a.jpg",
  ];
  const otherObjects = ["media/privately/a.jpg", "whole/private/a.jpg", "other/private/a.jpg"];
  expect(
    [...signedObjects, ...otherObjects].filter((fallback) => warns({}, { ...open, fallback })),
  ).toEqual(signedObjects);
  const gif = { ...open, fallback: "media/private/a.gif" };
  expect(warns({ object: "media/private/*.jpg" }, gif)).toBe(false);
  const apart = { ...open, presets: ["card"], fallback: "media/private/a.jpg" };
  expect(warns({ presets: ["hero"] }, apart)).toBe(false);
});

test("what a preset of an open route draws is shown to everyone", () => {
  const bound = { binding: "MEDIA", prefix: "published/" };
  const draw = [{ key: "private/a.jpg", width: 8 }];
  const change = {
    ...{ BUCKETS: { media: bound }, MEDIA: r2StandIn("MEDIA"), IMAGES: { input() {}, info() {} } },
    PRESETS: { card: { width: 80 }, drawn: { width: 80, draw } },
  };
  const warningsOf = (presets: readonly string[]) => {
    const open = { path: "/open/:preset/*", object: "media/public/*", presets };
    const signed = { path: "/signed/:preset/*", object: "media/private/*", signed: true };
    return [...unsignedRouteWarnings(configOf({ ...change, ROUTES: [open, signed] }), [])];
  };
  expect(warningsOf(["card"])).toEqual([]);
  expect(warningsOf(["drawn"])).toHaveLength(1);
});

test("each bucket of a list counts, in either route, and in a fallback", () => {
  const both = ["media/a/*", "other/a/*"];
  const open = { path: "/open/:preset/*", object: "media/b/*" };
  const meet: [signed: object, open: object][] = [
    [{ object: "other/*" }, { ...open, object: ["media/*", "other/*"] }],
    [{ object: ["other/*", "media/*"] }, { ...open, object: ["media/*", "other/*"] }],
    [{ object: ["media/*", "other/*"] }, { ...open, object: "other/*" }],
    [{ object: both }, { ...open, fallback: "other/a/none.png" }],
  ];
  const apart: typeof meet = [
    [{ object: both }, { ...open, fallback: "other/none.png" }],
    [{ object: both }, { ...open, object: ["media/b/*", "other/b/*"] }],
  ];
  expect(meet.filter((routes) => !warns(...routes))).toEqual([]);
  expect(apart.filter((routes) => warns(...routes))).toEqual([]);
});

test("a route with a token shows nothing to everyone", () => {
  const claims = { sub: ":a", azp: "app" };
  const token = { issuer: "https://login.example", keys: "https://login.example/keys", claims };
  const fallback = "media/private/a.jpg";
  const open = { path: "/open/:preset/:a/*", object: "media/:a/*", fallback };
  expect(warns({}, open)).toBe(true);
  expect(warns({}, { ...open, token })).toBe(false);
});

test("routes without a common preset do not meet", () => {
  const open = { path: "/open/:preset/*", object: "media/*" };
  expect(warns({ presets: ["hero"] }, { ...open, presets: ["card"] })).toBe(false);
  expect(warns({ presets: ["hero"] }, { ...open, presets: ["card", "hero"] })).toBe(true);
  expect(warns({ presets: ["hero"] }, open)).toBe(true);
  expect(warns({}, { ...open, presets: ["card"] })).toBe(true);
});
