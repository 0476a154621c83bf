// Which token routes are warned of because the token of one opens an object of another, or of another user.

import { expect, test } from "vitest";
import { r2StandIn } from "../../../src/cli/config/environment-config.ts";
import { tokenRouteWarnings } from "../../../src/cli/config/token-warnings.ts";
import { configOf } from "../../support/config-of.ts";
import { VARS } from "../../support/env.ts";

const { prefix: _prefix, ...MEDIA } = VARS.BUCKETS.media;
const CHANGE = {
  BUCKETS: {
    media: MEDIA,
    users: { ...MEDIA, prefix: "users/" },
    bound: { binding: "MEDIA" },
    boundElsewhere: { binding: "ELSEWHERE" },
    other: { ...MEDIA, bucket: "acme-other" },
  },
  MEDIA: r2StandIn("MEDIA"),
  ELSEWHERE: r2StandIn("ELSEWHERE"),
  IMAGES: { input() {}, info() {} },
};
const R2 = [
  { binding: "MEDIA", bucket_name: "acme-media" },
  { binding: "ELSEWHERE", bucket_name: "acme-elsewhere" },
];

/** A rule that lets in whoever has these claims. */
const ruleOf = (claims: object) => ({
  issuer: "https://login.example",
  audience: "images",
  keys: "https://login.example/keys",
  ...(Object.keys(claims).length > 0 && { claims }),
});
const EVERYBODY = ruleOf({});
const USER = ruleOf({ sub: ":user" });
const TEAM = ruleOf({ team: ":team" });
const STAFF = ruleOf({ role: "staff" });

const USERS = { path: "/users/:user/:preset/*", object: "media/users/:user/*", token: USER };
const TEAMS = { path: "/teams/:team/:preset/*", object: "media/:team/*", token: TEAM };
const ALL = { path: "/all/:preset/*", object: "media/*", token: STAFF };

/** The warnings, one line each, with the remedy. */
function warningsOf(routes: object[], change: object = {}): string[] {
  const config = configOf({ ...CHANGE, ...change, ROUTES: routes });
  return [...tokenRouteWarnings(config, R2)].map(({ message, remedy }) => `${message}: ${remedy}`);
}

test("a claim that may be the name of another route's folder is warned of, with an example", () => {
  expect(warningsOf([USERS, TEAMS])).toEqual([
    'ROUTES[1].token: a token whose claim team is "users" opens users/x/x, an object of ROUTES[0] (/users/:user/:preset/*), by /teams/:team/:preset/*: give each route a folder of its own, such as team/:team/*. Else nobody must get such a claim who may not see these objects: docs/tokens.md, No other way to the same picture',
  ]);
});

test.each<[title: string, routes: object[], claims: string[]]>([
  ["the prefix of a bucket is a folder", [{ ...USERS, object: "users/:user/*" }, TEAMS], ["users"]],
  ["a bucket of R2 has its name", [USERS, { ...TEAMS, object: "bound/:team/*" }], ["users"]],
  ["the folder of a route for all", [{ ...ALL, object: "media/staff/*" }, TEAMS], ["staff"]],
  ["another bucket of R2", [USERS, { ...TEAMS, object: "boundElsewhere/:team/*" }], []],
  [
    "a name behind a folder",
    [
      { ...USERS, object: "media/a/b/:user/*" },
      {
        ...TEAMS,
        object: "media/a/:team/*",
      },
    ],
    ["b"],
  ],
  [
    "names and folders crossed",
    [USERS, { ...TEAMS, object: "media/:team/photos/*" }],
    ["photos", "users"],
  ],
  ["of several tables, one has the claim", [USERS, { ...TEAMS, token: [STAFF, TEAM] }], ["users"]],
  ["folders of their own", [USERS, { ...TEAMS, object: "media/teams/:team/*" }], []],
  ["buckets of their own", [USERS, { ...TEAMS, object: "other/:team/*" }], []],
  ["a route for those who may see all", [USERS, ALL], []],
  [
    "other presets of the same objects",
    [
      { ...TEAMS, presets: ["card"] },
      { ...TEAMS, path: "/large/:team/:preset/*", token: STAFF, presets: ["hero"] },
    ],
    [],
  ],
  [
    "the same rules",
    [
      USERS,
      {
        path: "/all/:user/:preset/*",
        object: "media/:user/*",
        token: USER,
      },
    ],
    [],
  ],
  ["a name that no claim has", [USERS, { ...TEAMS, token: STAFF }], []],
  [
    "a signed route",
    [
      {
        ...USERS,
        path: "/users/:preset/*",
        object: "media/users/*",
        token: undefined,
        signed: true,
      },
      TEAMS,
    ],
    [],
  ],
])("%s", (_, routes, claims) => {
  const texts = warningsOf(routes.map((route) => JSON.parse(JSON.stringify(route)) as object));
  expect(texts.map((text) => /claim \w+ is "(?<text>.*?)"/.exec(text)?.groups?.["text"])).toEqual(
    claims,
  );
});

test.each([
  ["at the top", "media/:user/*", "media/:team/*"],
  ["in a folder", "media/users/:user/*", "media/users/:team/*"],
])("two claims that name the same folder are warned of, once: %s", (_title, object, ofTeams) => {
  expect(
    warningsOf([
      { ...USERS, object },
      { ...TEAMS, object: ofTeams },
    ]),
  ).toEqual([
    'ROUTES[0].token: a token whose claim sub is "x" opens the same folder by /users/:user/:preset/* as one whose claim team is "x" by ROUTES[1] (/teams/:team/:preset/*): give each route a folder of its own, such as user/:user/* and team/:team/*. Else no text may be both a sub and a team of somebody else: docs/tokens.md, No other way to the same picture',
  ]);
});

test.each<[title: string, object: string, token: object]>([
  ["the same claim, by another name", "media/:team/*", ruleOf({ sub: ":team" })],
  ["a folder of its own", "media/teams/:team/*", TEAM],
  ["another bucket", "other/:team/*", TEAM],
  ["a name that no claim has", "media/:team/*", STAFF],
  ["another segment", "media/users/:team/*", TEAM],
])("two claims do not name the same folder: %s", (_title, object, token) => {
  const users = { ...USERS, object: "media/:user/users/*" };
  expect(warningsOf([users, { ...TEAMS, object, token }]).join("")).not.toContain("same folder");
});

test("a fallback that is a user's object is shown to all users, and so is what a preset draws", () => {
  expect(warningsOf([{ ...USERS, fallback: "media/users/alice/fig.jpg" }])).toEqual([
    "ROUTES[0].fallback: everybody whom a token lets in to /users/:user/:preset/* sees users/alice/fig.jpg, though ROUTES[0] (/users/:user/:preset/*) shows it only to some: use a fallback outside of what tokens open: docs/tokens.md, No other way to the same picture",
  ]);

  const PRESETS = { card: { width: 80, draw: [{ key: "staff/logo.png", width: 8 }] } };
  const BUCKETS = { media: { binding: "MEDIA", bucket: "acme-media" } };
  const staff = { ...ALL, object: "media/staff/*" };
  expect(warningsOf([USERS, staff], { PRESETS, BUCKETS })).toEqual([
    "ROUTES[0].presets: a preset draws staff/logo.png, so everybody whom a token lets in to /users/:user/:preset/* sees it, though ROUTES[1] (/all/:preset/*) shows it only to some: draw an object outside of what tokens open: docs/tokens.md, No other way to the same picture",
  ]);
});

test.each<[title: string, routes: object[], count: number]>([
  ["an object of no token route", [{ ...USERS, fallback: "media/none.png" }], 0],
  ["no whole key of a user", [{ ...USERS, fallback: "media/users/none.png" }], 0],
  ["another bucket", [{ ...USERS, fallback: "other/users/alice/fig.jpg" }], 0],
  ["the bucket by its prefix", [{ ...USERS, fallback: "users/alice/fig.jpg" }], 1],
  ["the bucket by its binding", [{ ...USERS, fallback: "bound/users/alice/fig.jpg" }], 1],
  ["all whom it lets in may see all", [{ ...ALL, fallback: "media/none.png" }], 0],
  [
    "some may see all, and some not",
    [{ ...USERS, token: [USER, STAFF], fallback: "media/users/alice/fig.jpg" }],
    1,
  ],
  [
    "an object of others",
    [
      { ...USERS, fallback: "media/staff/none.png" },
      { ...ALL, object: "media/staff/*" },
    ],
    1,
  ],
  [
    "an object of those whom it lets in",
    [
      { ...ALL, fallback: "other/none.png" },
      { ...ALL, path: "/other/:preset/*", object: "other/*", token: [EVERYBODY, STAFF] },
    ],
    0,
  ],
  [
    "an object of a team of everybody",
    [{ ...ALL, object: "other/*", token: EVERYBODY, fallback: "media/a/none.png" }, TEAMS],
    1,
  ],
  [
    "one warning for several routes with it",
    [
      { ...USERS, presets: ["card"], fallback: "media/users/alice/fig.jpg" },
      { ...USERS, path: "/large/:user/:preset/*", presets: ["hero"] },
    ],
    1,
  ],
])("a fallback of a token route: %s", (_, routes, count) => {
  const texts = warningsOf(routes);
  expect(texts.filter((text) => text.includes(".fallback: "))).toHaveLength(count);
  expect(texts).toHaveLength(count);
});
