// What the commands say and do where a route leads to two buckets.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, expect, test } from "vitest";
import { configure, deploy, examine, SITE } from "../support/cli/doctor.ts";
import { problemsOf, type Report } from "../support/cli/findings.ts";
import { createFolder } from "../support/cli/folder.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { stopTimers } from "../support/clock.ts";
import { HEALTH_TOKEN, PURGE_TOKEN, SECRETS, VARS } from "../support/env.ts";
import { get, MODERN, stage } from "../support/run-worker.ts";
import { createTwoBuckets, KEY } from "../support/two-buckets.ts";

const BOTH = ["media/*", "archive/*"];
const OPEN = { path: "/images/:preset/*", object: BOTH };
const PRESETS = { card: { width: 160 } };

type World = ReturnType<typeof createTwoBuckets>;

let world: World;
let vars: object;
let env: object;

/** Sets up both buckets, and deploys a Worker in front of them. */
function begin(change: object = {}, first: "cf" | "R2" = "cf"): void {
  world = createTwoBuckets([first, "cf"]);
  const media = { ...world.media.settings, canary: KEY };
  const archive = { ...world.archive.settings, canary: KEY };
  vars = { ...VARS, BUCKETS: { media, archive }, ROUTES: [OPEN], PRESETS, ...change };
  env = { ...world.env, ...vars, HEALTH_TOKEN, PURGE_TOKEN };
  deploy(env);
}

beforeEach(() => begin());

const run = (...args: readonly string[]) =>
  vitrine(args, { folder: createFolder({ ...vars }), env: { ...SECRETS, PURGE_TOKEN } });

test("check names the right that all but the last bucket need", async () => {
  const { code, out } = await run("check");
  expect(code).toBe(0);
  expect(out).toMatch(/media: its key needs s3:ListBucket on acme-media/);
  expect(out).not.toContain("s3:ListBucket on acme-archive");
});

const inFolder = (object: string) => ({ path: "/folder/:preset/*", object });
const SIGNED = { path: "/private/:preset/*", signed: true };

test.each<[title: string, change: (world: World) => object, warns: boolean]>([
  ["like a folder of a route", () => ({ ROUTES: [OPEN, inFolder("archive/trip/*")] }), false],
  ["like that of another bucket", () => ({ ROUTES: [OPEN, inFolder("media/archive/*")] }), true],
  [
    "like the folder of a canary",
    ({ media, archive }) => ({
      BUCKETS: {
        media: { ...media.settings, canary: "archive/fig.jpg" },
        archive: archive.settings,
      },
    }),
    true,
  ],
])("check, where a bucket is called %s", async (_title, change, warns) => {
  begin();
  begin(change(world));
  const { code, err } = await run("check");
  const isWarned = /^Warning: BUCKETS\.archive is called like a folder/m.test(err);
  expect([code, isWarned]).toEqual([0, warns]);
});

test("explain names the object of each bucket, in order", async () => {
  const { code, out } = await run("explain", `/images/card/${KEY}`);
  expect(code).toBe(0);
  const urls = [...out.matchAll(/^Origin URL +(\S+)$/gm)].map(([, url]) => url);
  expect(urls).toEqual([
    `https://acme-media.s3.eu-west-1.amazonaws.com/published/${KEY}`,
    `https://s3.eu-central-1.wasabisys.com/acme-archive/old/photos/${KEY}`,
  ]);
  expect(out).toMatch(/^If it is missing +the object of bucket archive$/m);
});

test("url, sign and warm know an object of either", async () => {
  begin({ ROUTES: [OPEN, { ...SIGNED, object: BOTH }] });
  for (const name of ["media", "archive"]) {
    const { code, out } = await run("url", `${name}/${KEY}`);
    expect([code, out]).toEqual([0, `https://images.example/images/card/${KEY}\n`]);
    const signed = await run("sign", `${name}/${KEY}`);
    expect((await get(signed.out.trim(), {}, env)).status).toBe(200);
    const warmed = await run("warm", `${name}/${KEY}`);
    expect([warmed.code, warmed.err]).toEqual([0, expect.stringContaining("3 images")]);
  }
});

const ALBUM = { path: "/album/:preset/*", signed: true, cookie: true };

test("sign --cookie of a folder says what to write, and takes what it says", async () => {
  begin({ ROUTES: [OPEN, { ...ALBUM, object: ["media/album/*", "archive/album/*"] }] });
  const unclear = await run("sign", "--cookie", "album/friends/");
  expect(unclear.err).not.toContain("*");
  const named = [...unclear.err.matchAll(/"(\w+\/album[^"]*)"/g)].map(([, name = ""]) => name);
  expect(named).toEqual(["media/album/friends/", "archive/album/friends/"]);
  const below = await run("sign", "--cookie", "archive/friends/");
  const meant = /write (\S+)$/m.exec(below.err)?.[1] ?? "";
  for (const name of [...named, meant]) {
    const { code, out } = await run("sign", "--cookie", name);
    expect([name, code, out]).toEqual([name, 0, expect.stringMatching(/^vitrine=\S+\.\S+; /)]);
  }
});

test("purge of a URL purges the object of each bucket; by name, that one", async () => {
  const finish = stopTimers();
  const runPurge = async (...args: readonly string[]) => {
    const { value } = await finish(run("purge", ...args));
    return value;
  };
  const url = `https://images.example/images/card/${KEY}`;
  const byUrl = await runPurge(url);
  expect([byUrl.code, byUrl.err]).toEqual([0, expect.stringContaining("Purged 2 of 2")]);
  const byName = await runPurge(`archive/${KEY}`);
  expect([byName.code, byName.err]).toEqual([0, expect.stringContaining("Purged 1 of 1")]);
  const show = async () => (await get(`/images/card/${KEY}`, { headers: MODERN }, env)).status;
  expect(await show()).toBe(200);
  const left = await runPurge(url, "--verify");
  expect([left.code, left.out]).toEqual([1, expect.stringContaining("No picture was asked for")]);
  world.media.remove();
  world.archive.remove();
  const gone = await runPurge(url, "--verify");
  expect([gone.code, gone.out]).toEqual([0, expect.stringMatching(/^proved: https:.*\n$/)]);
});

test("facts are of what visitors see: those of the second, where the first has none", async () => {
  stage.s3.objects.clear();
  world.media.put();
  world.archive.put("made/transparent.png", "only/here.png");
  const folder = createFolder({ ...vars });
  const facts = (prefix: string, out: string) =>
    vitrine(["facts", prefix, "--out", out], { folder, env: SECRETS });
  const read = (file: string) => JSON.parse(readFileSync(join(folder, file), "utf8"));
  for (const name of ["media/", "archive/"]) {
    const { code } = await facts(name, `${name.slice(0, -1)}.json`);
    expect(code).toBe(0);
  }
  const [media, archive] = [read("media.json"), read("archive.json")];
  expect(media).toHaveProperty(["only/here.png"], archive["only/here.png"]);
  expect(media[KEY]).not.toEqual(archive[KEY]);

  world.media.remove();
  await facts("media/", "media.json");
  expect(read("media.json")[KEY]).toEqual(archive[KEY]);
  await facts("media/only/", "only.json"); // there is nothing in the first
  expect(Object.keys(read("only.json"))).toEqual(["only/here.png"]);
  world.archive.setState("busy");
  const failed = await facts("media/", "media.json");
  expect([failed.code, read("media.json")[KEY]]).toEqual([2, archive[KEY]]); // nothing is lost
});

/** Runs the doctor. @returns what is wrong with listing, by bucket */
async function findListing(): Promise<unknown> {
  configure(vars);
  const report: Report = await examine();
  const wrong = problemsOf(report);
  expect(wrong.filter(({ check }) => !["list", "image"].includes(check))).toEqual([]);
  return wrong.flatMap(({ check, bucket, severity, remedy }) => {
    if (check !== "list") return [];
    return [[bucket, severity, /s3:ListBucket on [^\s,]+/.exec(remedy ?? "")?.[0]]];
  });
}

const NEEDED = ["media", "error", "s3:ListBucket on arn:aws:s3:::acme-media"];
const LESS = ["media", "warning", NEEDED[2]];

test.each<[media: boolean, archive: boolean, listing: readonly unknown[]]>([
  [true, false, []],
  [false, false, [LESS, NEEDED]],
  [true, true, []],
])("the doctor, if the first may list: %s, the last: %s (A6)", async (media, archive, listing) => {
  world.media.setMayList(media);
  world.archive.setMayList(archive);
  expect(await findListing()).toEqual(listing);
});

const errorsIn = ({ findings }: Report) => findings.filter(({ severity }) => severity === "error");

test("the doctor calls an object missing in the last bucket alone", async () => {
  configure(vars);
  const find = async (name: string, ...args: readonly string[]) => {
    const { findings } = await examine(args);
    const ofBucket = findings.filter(({ bucket }) => bucket === name);
    return ofBucket.flatMap(({ check, severity }) =>
      check === "sample" || check === "prefix" ? [severity] : [],
    );
  };
  expect([await find("media"), await find("archive")]).toEqual([["ok"], ["ok"]]);
  world.media.remove();
  expect([await find("media"), await find("archive")]).toEqual([["note"], ["ok"]]);
  world.archive.setState("missing");
  expect([await find("media"), await find("archive")]).toEqual([["note"], ["error"]]);
  expect(await find("media", `media/${KEY}`)).toEqual(["note"]);
});

test.each(["cf", "R2"] as const)("a deploy with an empty %s bucket first works", async (first) => {
  begin({}, first);
  world.media.remove();
  stage.s3.objects.clear();
  const more = '[[r2_buckets]]\nbinding = "MEDIA_BUCKET"\n[images]\nbinding = "IMAGES"\n';
  configure(vars, undefined, first === "R2" ? more : "");
  for (const args of [[], [`media/${KEY}`]]) {
    const report = await examine([...args, "--url", SITE]);
    expect([report.code, errorsIn(report)]).toEqual([1, []]); // /healthz knows of no canary
    expect(report.findings).toContainEqual(
      expect.objectContaining({ check: "image", severity: "ok" }),
    );
  }
  world.archive.remove();
  const lost = await examine(["--url", SITE]);
  expect(errorsIn(lost)).not.toEqual([]);
});

const BODIES = ["", "<Error><Code>NotFound</Code></Error>"];

test.each(BODIES)("the doctor warns of a first S3 that never says NoSuchKey: %j", async (body) => {
  configure(vars);
  const { fetch } = stage.s3;
  stage.s3.fetch = async (...request) => {
    const answer = await fetch(...request);
    return answer.status === 404 ? new Response(body, { status: 404 }) : answer;
  };
  const noKeys = Object.fromEntries(Object.keys(SECRETS).map((name) => [name, undefined]));
  for (const report of [
    await examine([]),
    await examine(["--url", SITE]),
    await examine(["--url", SITE], { env: noKeys }),
  ]) {
    const list = report.findings.find(
      ({ check, bucket }) => check === "list" && bucket === "media",
    );
    expect(list?.severity).toMatch(/^(?:warning|error)$/);
  }
});

test("the doctor asks a URL once, and sees it fail where no bucket has the object", async () => {
  configure(vars);
  const find = async () => {
    const { findings } = await examine(["--url", SITE]);
    return findings.filter(({ check }) => check === "image").map(({ severity }) => severity);
  };
  expect(await find()).toEqual(["ok"]);
  world.media.remove();
  expect(await find()).toEqual(["ok"]);
  world.archive.setState("missing");
  expect(await find()).toEqual(["error"]);
});
