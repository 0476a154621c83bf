// What `npm start` and `npm run check` do for the person who types them, in a copy of the project.

import { execFile, execFileSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { QUIET, ROOT } from "../support/built.ts";
import {
  copyProject,
  editFile,
  endRuns,
  freePort,
  removeCopies,
  START,
  start,
} from "../support/local-run.ts";
import { overhearAnswer } from "../support/overheard.ts";

const CHECK = "src/cli/check/index.ts";

let folder: string;

beforeEach(() => {
  folder = copyProject();
});
afterEach(endRuns);
afterAll(removeCopies);

const edit = (name: string, change: (text: string) => string) =>
  editFile(join(folder, name), change);

/** Opens a URL of the local run. */
async function open(url: string, headers: Record<string, string> = {}): Promise<Response> {
  const answer = await fetch(url, { headers });
  await overhearAnswer(answer);
  return answer;
}

/** Runs a script to its end. */
function run(script: string, env: Record<string, string> = {}, args: readonly string[] = []) {
  return new Promise<{ code: number; output: string }>((settle) => {
    const options = { cwd: folder, env: { ...QUIET, ...env } };
    const child = execFile(process.execPath, [script, ...args], options, (_error, stdout, stderr) =>
      settle({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}

/** What whoever is on this machine sees of all that runs there. */
function allArguments(): string {
  if (!existsSync("/proc/self/cmdline")) {
    return execFileSync("ps", ["-Axo", "args"], { encoding: "utf8" });
  }
  const running = readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  return running
    .map((pid) => {
      try {
        return readFileSync(`/proc/${pid}/cmdline`, "utf8");
      } catch {
        return ""; // it has ended
      }
    })
    .join("\n");
}

test("npm start makes .dev.vars, serves, ends on Ctrl-C, and starts again", async () => {
  const port = await freePort();
  const address = `http://localhost:${port}`;
  let drawn = 0;
  const ring = await freePort();
  const overlays = createServer((_request, response) => {
    drawn += 1;
    response.setHeader("content-type", "image/png");
    response.end(readFileSync(join(ROOT, "fixtures/objects/made/transparent.png")));
  }).listen(ring, "127.0.0.1");
  onTestFinished(() => void overlays.close());
  const overlay = `http://localhost:${ring}/ring.png`;
  edit("wrangler.toml", (text) =>
    text
      .replace("[vars.PRESETS.card]", `$&\ndraw = [{ url = "${overlay}" }]`)
      .replace('presets = ["thumbnail"]', "signed = true")
      .replace('"AWS_SECRET_ACCESS_KEY"]', '"AWS_SECRET_ACCESS_KEY", "URL_SIGNING_KEYS"]'),
  );
  const first = await start(folder, port);
  expect(first.output()).toContain(`Vitrine is ready on ${address}`);
  expect(first.output()).not.toMatch(/telemetry|experimental|Request\.cf|WARNING/);
  const made = join(folder, ".dev.vars");
  const example = readFileSync(join(folder, ".dev.vars.example"), "utf8");
  expect(readFileSync(made, "utf8").slice(0, example.length)).toBe(example);
  expect(readFileSync(made, "utf8").slice(example.length)).toMatch(
    /^\nURL_SIGNING_KEYS='\{"local":"[0-9a-f]{64}"\}'\n$/,
  );

  const printed = first.output().match(/http:\S+images\S+/g) ?? [];
  expect(printed.length).toBeGreaterThan(9);
  // Of the first picture every variant is named: the contact sheet is where all of them are looked at.
  const urls = printed.filter((url) => /\/(?:thumbnail|card)\//.test(url));
  expect(urls.length).toBeGreaterThan(3);
  const statuses = await Promise.all(
    urls.map(async (url) => [url, (await open(url)).status] as const),
  );
  expect(statuses).toEqual(urls.map((url) => [url, url.includes("/broken/") ? 415 : 200]));
  const signed = /http:\S+\/avatars\/ada\/thumbnail\?exp=\S+/.exec(first.output())?.[0] ?? "";
  for (const same of [signed, signed.replace("thumbnail", "thumbnail@2x")]) {
    expect((await open(same)).status).toBe(200);
  }
  expect((await open(signed.replace("thumbnail", "hero"))).status).toBe(404);
  expect(drawn).toBeGreaterThan(0);
  await expect
    .poll(() => first.output())
    .toMatch(/^\{"event":"source-unreadable",.*"bucket":"media"/m);

  const doctor = await run("src/cli/main.ts", {}, ["doctor", "--url", address]);
  // But for the overlay, which is on this machine.
  expect(doctor.output.match(/^ {2}(?:warning|error) .*/gm)).toEqual([
    expect.stringContaining("PRESETS.card.draw[0].url: http:// is for one's own machine"),
  ]);
  expect(doctor.output).toContain("avif for AVIF, webp for WebP, jpeg for neither");
  expect(doctor.code).toBe(1);

  const second = await run(START, { PORT: `${port}` });
  expect(second.code).toBe(1);
  expect(second.output).toContain(`Port ${port} is taken`);
  expect(second.output).toContain(`PORT=${port + 1} npm start`);

  await first.stop();
  await expect(fetch(address)).rejects.toThrow();

  const keys = readFileSync(made, "utf8");
  writeFileSync(made, keys.replace(/(SECRET_ACCESS_KEY=).*/, '$1"wrong"'));
  const again = await start(folder, port);
  expect(readFileSync(made, "utf8")).toContain("wrong");
  expect((await open(urls[0] ?? address)).status).toBe(502);
  await expect
    .poll(() => again.output())
    .toMatch(/"event":"slots-refused",.*"origin":"SignatureDoesNotMatch"/);

  // Nobody else on this machine may find the doors behind which all originals are.
  const entry = readFileSync(join(folder, `.wrangler/local/${port}.js`), "utf8");
  const doors = entry.match(/http:[^"]+/g) ?? [];
  expect(doors).toHaveLength(2);
  for (const door of doors) expect(allArguments()).not.toContain(door);
  expect(statSync(join(folder, ".wrangler")).mode & 0o077).toBe(0);

  // What .dev.vars says from now on is taken up while it runs.
  const becomes = async (line: string, status: number, said: RegExp) => {
    const before = again.output().length;
    writeFileSync(made, `${example}${/^URL_SIGNING_KEYS=.*$/m.exec(keys)?.[0]}\n${line}\n`);
    const look = async () => {
      const answer = await open(urls[0] ?? address);
      return [answer.status, said.test(again.output().slice(before))];
    };
    await expect.poll(look, { timeout: 5000 }).toEqual([status, true]);
  };
  await becomes("", 200, /^Took up .dev.vars: AWS_SECRET_ACCESS_KEY$/m);
  await becomes(`EDGE='{"transformations":false}'`, 502, /"event":"not-transformed"/);
  await becomes(`EDGE='{"sources":[]}'`, 502, /"event":"edge-refused",.*"edge":"9401"/);
  await becomes(`EDGE='{"sources":[0]}'`, 502, /^\.dev\.vars: EDGE\.sources: \[0\] is not a list/m);
  await becomes("AWS_SECRET_ACCESS_KEY='half", 502, /"origin":"SignatureDoesNotMatch"/);
  await becomes("AWS_SECRET_ACCESS_KEY=", 500, /"mistakes":\["AWS_SECRET_ACCESS_KEY: is missing/);
  await becomes("", 200, /^Took up .dev.vars: AWS_SECRET_ACCESS_KEY$/m);
  edit("wrangler.toml", (text) => text.replace('bucket = "', "$&other-"));
  await expect
    .poll(again.output, { timeout: 5000 })
    .toMatch(/^wrangler\.toml: BUCKETS has changed\. Start again/m);
  await again.stop();
});

test("npm start plays buckets with credentials of their own, with both slots, and the deep /healthz (S2)", async () => {
  edit("wrangler.toml", (text) =>
    text
      .replace('bucket = "acme-media"', 'bucket = "acme.media"\nprefix = "a/"\ncredentials = "OWN"')
      .replace('path = "/images/:preset/*"', 'path = "/:tenant/:preset/*"')
      .replace('object = "media/*"', 'object = "media/*"\npresets = ["card"]')
      .replace("[vars.PRESETS.card]", '$&\nblur = 5\ngravity = "face"')
      // What is deployed to is not asked here.
      .replace(/^# (?=routes)/m, "")
      .replace('["AWS_ACCESS_KEY_ID", "AWS_', '["OWN_ACCESS_KEY_ID", "OWN_'),
  );
  const example = readFileSync(join(folder, ".dev.vars.example"), "utf8");
  const next = example
    .replace(/^# (AWS_\w+_NEXT|HEALTH_TOKEN)=/gm, "$1=")
    .replaceAll("AWS_", "OWN_");
  writeFileSync(join(folder, ".dev.vars"), next.replace(/OWN_ACCESS_KEY_ID="/, "$&old-"));
  const port = await freePort();
  const run = await start(folder, port);
  expect(run.output()).toContain('PRESETS.card: the local edge leaves out gravity "face".');
  expect(run.output()).not.toContain("blur");
  const urls = (run.output().match(/http:\S+\/card\S*/g) ?? []).filter(
    (url) => !url.includes("broken"),
  );
  expect(urls.length).toBeGreaterThan(3);
  for (const url of urls) expect([url, (await open(url)).status]).toEqual([url, 200]);
  await expect.poll(run.output).toMatch(/^\{"event":"slot-in-use",.*"slot":"next"/m);

  const authorization = "Bearer a token of 16 characters or more";
  const health = await open(`http://localhost:${port}/healthz`, { authorization });
  const slots = [{ state: "Unauthorized" }, { state: "ok", missing: 404 }];
  expect(await health.json()).toMatchObject({ ok: true, buckets: [{ bucket: "media", slots }] });
  await run.stop();
});

test("where wrangler does not start, npm start says why", async () => {
  edit("wrangler.toml", (text) => text.replace("2026-11-01", "2035-01-01"));
  const { code, output } = await run(START, { PORT: `${await freePort()}` });
  expect(code).toBe(1);
  expect(output).toContain('Compatibility date "2035-01-01" is in the future');
});

test.each(["http"])("PORT=%s is told to be no port", async (port) => {
  const { code, output } = await run(START, { PORT: port });
  expect(code).toBe(1);
  expect(output).toBe(`PORT is ${port}, and a port is a number from 1 to 65535.\n`);
});

test.each([START, CHECK])(
  "%s tells all mistakes of wrangler.toml, and starts nothing",
  async (script) => {
    const file = join(folder, "wrangler.toml");
    const wrong = readFileSync(file, "utf8")
      .replace("quality = 80", "quality = 150")
      .replace('object = "media/*"', 'object = "medai/*"');
    writeFileSync(file, wrong);
    const { code, output } = await run(script, { PORT: `${await freePort()}` });
    expect(code).toBe(1);
    expect(output).toContain("  PRESETS.hero.quality: 150 is not between 1 and 100\n");
    expect(output).toContain('  ROUTES[0].object: "medai" is not in BUCKETS\n');
  },
);

test("wrangler.toml that is no TOML is told as such", async () => {
  writeFileSync(join(folder, "wrangler.toml"), "name = ");
  for (const script of [START, CHECK]) {
    const { code, output } = await run(script, { PORT: `${await freePort()}` });
    expect(code).toBe(1);
    expect(output).toContain("wrangler.toml:1:7: ");
    expect(output).not.toMatch(/\n\s+at /);
  }
});
