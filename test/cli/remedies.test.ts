// What purge and the doctor advise about the configuration and the tokens is done in the strict world: the
// site is not worse after it, and nobody is told so again. test/cli/doctor/remedies.test.ts has the checks.

import { afterEach, expect, test, vi } from "vitest";
import { SITE } from "../support/cli/doctor.ts";
import {
  beginWorld,
  readRemedy,
  runIn,
  type Told,
  visit,
  type World,
} from "../support/cli/remedy-world.ts";
import { PURGE_TOKEN } from "../support/env.ts";

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

type Row = readonly [
  what: string,
  args: readonly string[],
  /** What is printed before, and not after. */
  says: RegExp,
  broken: (world: World) => void,
  done: (told: Told, world: World) => void,
];

const DOCTOR = ["doctor"];
const PURGE = ["purge", "photos/fig.jpg", "--url", SITE];

const lists =
  (...names: string[]) =>
  (world: World) => {
    world.listed = [...world.listed, ...names];
  };
const takesOut = (name: string) => (told: Told, world: World) =>
  told.does(`fix ${name} in [secrets]`, () => {
    world.listed = world.listed.filter((one) => one !== name);
  });

test.each<Row>([
  [
    "a session token that [secrets] lists, and the edge cannot use",
    DOCTOR,
    /AWS_SESSION_TOKEN: needs engine/,
    lists("AWS_SESSION_TOKEN"),
    takesOut("AWS_SESSION_TOKEN"),
  ],
  [
    "a key of the next slot that [secrets] lists",
    DOCTOR,
    /AWS_ACCESS_KEY_ID_NEXT: is listed under \[secrets\]/,
    lists("AWS_ACCESS_KEY_ID_NEXT"),
    takesOut("AWS_ACCESS_KEY_ID_NEXT"),
  ],
  [
    "a secret that [secrets] does not list",
    DOCTOR,
    /URL_SIGNING_KEYS: is missing/,
    (world) => {
      const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];
      const signed = { path: "/private/:preset/*", object: "media/*", signed: true };
      for (const vars of [world.toml, world.deployed]) vars["ROUTES"] = [...ROUTES, signed];
      world.listed = world.listed.filter((name) => name !== "URL_SIGNING_KEYS");
    },
    (told, world) =>
      told.does("fix URL_SIGNING_KEYS in [secrets]", () => {
        world.listed = [...world.listed, "URL_SIGNING_KEYS"];
      }),
  ],
  [
    "a secret among the vars",
    DOCTOR,
    /HEALTH_TOKEN: is in wrangler\.toml, where it is no secret/,
    (world) => {
      world.toml["HEALTH_TOKEN"] = "a token that everybody can read";
    },
    (told, world) =>
      told.does("vars of wrangler.toml", () => {
        delete world.toml["HEALTH_TOKEN"];
      }),
  ],
  [
    "a Worker without PURGE_TOKEN",
    PURGE,
    /the Worker has no PURGE_TOKEN/,
    (world) => {
      world.shell = { PURGE_TOKEN };
    },
    (told) => told.puts("PURGE_TOKEN", PURGE_TOKEN),
  ],
])("%s: what is advised is done, and the site is not worse", async (...row) => {
  const [, args, says, broken, done] = row;
  const world = beginWorld();
  broken(world);
  const before = await visit(world);
  const said = await runIn(world, args);
  expect(said).toMatch(says);
  done(readRemedy(world, { seen: "", remedy: said }), world);
  expect(await visit(world)).toEqual(before);
  expect(before).toEqual(Object.fromEntries(world.samples.map((path) => [path, "200 image"])));
  expect(await runIn(world, args)).not.toMatch(says);
});
