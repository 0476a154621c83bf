// `vitrine deploy --setup` as a user runs it: the real wrangler and the real package `cloudflare` in front of one account of
// Cloudflare, and the real doctor in front of an edge that does what the zone says.

import { beforeEach, expect, test } from "vitest";
import { CONFIGURED, deploy } from "../../support/cli/doctor.ts";
import { createProject, envLine, STAGED } from "../../support/cli/folder.ts";
import { createTypist } from "../../support/cli/typist.ts";
import { vitrine, type WorldOptions } from "../../support/cli/vitrine.ts";
import {
  type CloudflareAccount,
  SETUP_TOKEN,
  startCloudflareAccount,
  WRANGLER_TOKEN,
} from "../../support/cloudflare/account.ts";
import { followZone } from "../../support/cloudflare/images-edge.ts";
import { passToLoopback } from "../../support/cloudflare/loopback.ts";
import { createZone, type Zone } from "../../support/cloudflare/zone.ts";
import { ENV, HEALTH_TOKEN, SECRETS } from "../../support/env.ts";
import { arrange } from "../../support/run-worker.ts";

const FILE = { ...SECRETS, HEALTH_TOKEN };
const ORIGIN = "acme-media.s3.eu-west-1.amazonaws.com";
const ENTRY = `${ORIGIN}/published/`;
const DOOR = `https://images.example/cdn-cgi/image/width=16/https://${ENTRY}a.jpg`;
const COMMAND = ["deploy", "--setup", "--secrets-file", "secrets.env"];

let folder: string;
let zone: Zone;
let account: CloudflareAccount;

/** A project, and a zone in which nothing is set. */
beforeEach(async () => {
  const files = {
    "secrets.env": Object.entries(FILE)
      .map(([name, value]) => envLine(name, value))
      .join(""),
    "index.js": "export default {};",
  };
  const config = { ...STAGED, vars: CONFIGURED, main: "index.js" };
  folder = createProject({ ...config }, "wrangler.toml", files);
  zone = createZone("images.example");
  account = await startCloudflareAccount({ zones: [zone], doors: [DOOR] });
  arrange();
});

/** @param readsPaths whether the edge understands entries with a path that came by the API */
function run(args: readonly string[], readsPaths: boolean, more: WorldOptions = {}) {
  deploy({ ...ENV, ...CONFIGURED, ...FILE });
  followZone(zone, { readsPaths });
  passToLoopback();
  const env = {
    ...{ HOME: folder, PATH: process.env["PATH"] ?? "", ...account.env },
    CLOUDFLARE_SETUP_TOKEN: SETUP_TOKEN.value,
  };
  return vitrine(args, { folder, env, ...more });
}

/** The names of the tokens that wrangler sent, and those that the package sent. */
const tokensOf = (isOfZones: boolean) => [
  ...new Set(
    account.calls
      .filter(({ path }) => path.startsWith("/zones") === isOfZones)
      .map(({ token }) => token),
  ),
];

test("from nothing to the first picture: the zone, the Worker, and the doctor (E5, E10, E14)", async () => {
  const { code, out, err } = await run([...COMMAND, "--yes"], true);
  expect(err).toContain("Uploaded vitrine");
  expect(account.uploaded).toEqual([{ worker: "vitrine", secrets: FILE }]);
  expect(zone).toMatchObject({ transformations: "on", sources: ENTRY });
  expect([account.harm, account.openDoors()]).toEqual([[], []]);
  expect(out).toMatch(/ok +image /);
  expect(out).toMatch(/ok +side-door +it is shut/);
  expect(code).toBe(0);

  // wrangler never has the token of the zone.
  expect(tokensOf(true)).toEqual([SETUP_TOKEN.name]);
  expect(tokensOf(false)).toEqual([WRANGLER_TOKEN.name]);
  for (const { value } of [SETUP_TOKEN, WRANGLER_TOKEN]) expect(out + err).not.toContain(value);
});

test("where the edge does not read paths, the bare host is added if the user says yes (E14)", async () => {
  const { worldOptions, unanswered } = createTypist([
    ["Set this in images.example, and deploy?", "y"],
    ["without a path?", "y"],
  ]);
  const { code, err } = await run(COMMAND, false, worldOptions);
  expect([code, unanswered]).toEqual([0, []]);
  expect(zone.sources).toBe(`${ENTRY},${ORIGIN}`);
  expect([account.harm, account.openDoors()]).toEqual([[], []]);
  expect(err).toContain("9401");
});

test.each([
  ["adds an entry", `${ENTRY},new.example.org`, `${ENTRY},new.example.org,${ORIGIN}`],
  ["allows all origins", "*", "*"],
])("somebody %s during the question for the bare host, and it stays (E14)", async (...row) => {
  const [, written, expected] = row;
  const onAnswer = (left: number) => {
    if (left === 0) zone.sources = written;
  };
  const { worldOptions } = createTypist(
    [
      ["Set this in images.example, and deploy?", "y"],
      ["without a path?", "y"],
    ],
    onAnswer,
  );
  await run(COMMAND, false, worldOptions);
  expect([zone.sources, account.harm]).toEqual([expected, []]);
});

test("at the question, no sets nothing, and deploys nothing", async () => {
  const { worldOptions } = createTypist([["and deploy?", "n"]]);
  const { code } = await run(COMMAND, true, worldOptions);
  expect([code, account.uploaded, zone.transformations]).toEqual([2, [], "off"]);
  expect(account.calls.every(({ method }) => method === "GET")).toBe(true);
});
