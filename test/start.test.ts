// What `npm start` and `npm run check` do for the person who types them, in a copy of the project.

import { execFile } from "node:child_process";
import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, beforeEach, expect, onTestFinished, test } from "vitest";
import { QUIET, ROOT } from "./built.ts";
import { copyProject, endRuns, freePort, removeCopies, START, start } from "./local-run.ts";
import { overhearAnswer } from "./overheard.ts";

const CHECK = "src/cli/check.ts";

let folder: string;

beforeEach(() => {
  folder = copyProject();
});
afterEach(endRuns);
afterAll(removeCopies);

/** Changes a file of the copy. */
function edit(name: string, change: (text: string) => string): void {
  const file = join(folder, name);
  const before = readFileSync(file, "utf8");
  const after = change(before);
  expect(after).not.toBe(before);
  writeFileSync(file, after);
}

/** Opens a URL of the local run. */
async function open(url: string, headers: Record<string, string> = {}): Promise<Response> {
  const answer = await fetch(url, { headers });
  await overhearAnswer(answer);
  return answer;
}

/** Runs a script to its end. */
function run(script: string, env: Record<string, string> = {}) {
  return new Promise<{ code: number; output: string }>((settle) => {
    const options = { cwd: folder, env: { ...QUIET, ...env } };
    const child = execFile(process.execPath, [script], options, (_error, stdout, stderr) =>
      settle({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
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
      .replace('presets = ["thumbnail"]', "signed = true"),
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

  const urls = first.output().match(/http:\S+images\S+/g) ?? [];
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

  const second = await run(START, { PORT: `${port}` });
  expect(second.code).toBe(1);
  expect(second.output).toContain(`Port ${port} is taken`);
  expect(second.output).toContain(`PORT=${port + 1} npm start`);

  await first.stop();
  await expect(fetch(address)).rejects.toThrow();

  writeFileSync(made, readFileSync(made, "utf8").replace(/(SECRET_ACCESS_KEY=).*/, '$1"wrong"'));
  const again = await start(folder, port);
  expect(readFileSync(made, "utf8")).toContain("wrong");
  expect((await open(urls[0] ?? address)).status).toBe(502);
  await expect
    .poll(() => again.output())
    .toMatch(/"event":"slots-refused",.*"origin":"SignatureDoesNotMatch"/);
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

test("npm run check looks at wrangler.toml even where .dev.vars is in its place", async () => {
  const right = await run(CHECK);
  expect(right).toMatchObject({ code: 0 });
  expect(right.output).toContain("  acme-media.s3.eu-west-1.amazonaws.com\n");
  const secrets = readFileSync(join(folder, ".dev.vars.example"), "utf8");
  const bucket = '{"endpoint":"http://localhost:9000","bucket":"acme-media","region":"x"}';
  writeFileSync(join(folder, ".dev.vars"), `${secrets}BUCKETS='{"media":${bucket}}'\n`);
  edit("wrangler.toml", (text) => text.replace("https://s3.", "http://s3."));
  const { code, output } = await run(CHECK);
  expect(code).toBe(1);
  expect(output).toContain("BUCKETS.media.endpoint: ");
});

test("npm run check looks at a bucket that no more than a fallback is in", async () => {
  edit("wrangler.toml", (text) =>
    text
      .replace('object = "media/*"', '$&\nfallback = "own/a.png"')
      .replace("[vars.PRESETS.card]", LOCAL_BUCKET),
  );
  const wrong = await run(CHECK);
  expect([wrong.code, wrong.output]).toEqual([
    1,
    expect.stringContaining("BUCKETS.own.endpoint: "),
  ]);
  edit("wrangler.toml", (text) => text.replace("http://localhost:9000", "https://own.example"));
  const right = await run(CHECK);
  expect([right.code, right.output]).toEqual([0, expect.stringContaining("  own.example\n")]);
});

test("npm run check warns of what is dear, and of what is signed in vain", async () => {
  edit("wrangler.toml", (text) =>
    text
      .replace(
        'object = "media/*"',
        "$&\n\n[vars.COSTS]\nmost = 20\n[vars.COSTS.objects]\nmedia = 8000",
      )
      .replace('presets = ["thumbnail"]', "signed = true")
      .replace('"AWS_SECRET_ACCESS_KEY"]', '"AWS_SECRET_ACCESS_KEY", "URL_SIGNING_KEYS"]'),
  );
  const warned = await run(CHECK);
  expect(warned.code).toBe(0);
  expect(warned.output).toContain("  media: 9 for an object, 72,000 for 8,000 objects\n");
  expect(warned.output).toContain(
    "  at most $33.50 a month (5,000 are free, then $0.50 for 1,000)\n",
  );
  expect(warned.output).toContain("Warning: COSTS.most is $20.00 a month");
  expect(warned.output).toContain(
    "Warning: ROUTES[0] (/images/:preset/*) may show without a signature what ROUTES[1] (/avatars",
  );
  edit("wrangler.toml", (text) =>
    text
      .replace("most = 20", "most = 40")
      .replace('object = "media/*"', 'object = "media/public/*"')
      .replace(', "URL_SIGNING_KEYS"]', "]"),
  );
  const quiet = await run(CHECK);
  expect(quiet.output).not.toContain("Warning");
  expect(quiet.output).toContain(
    "  URL_SIGNING_KEYS: is missing: set the secret, and list it under [secrets]\n",
  );
  expect(quiet.code).toBe(1);
});

test("npm run check finds a limiter that limits nothing", async () => {
  edit("wrangler.toml", (text) =>
    text.concat(
      '\n[[ratelimits]]\nname = "LIMITER"\nnamespace_id = "1001"\nsimple = { limit = 0, period = 60 }\n'.repeat(
        2,
      ),
    ),
  );
  const { code, output } = await run(CHECK);
  expect(code).toBe(1);
  expect(output).toContain(
    "ratelimits[0].name: is LIMITER, and nothing asks it: call it RATE_LIMITER",
  );
  expect(output).toContain("ratelimits[0].simple.limit: is no whole number above 0");
  expect(output).toContain("ratelimits[1].name: is LIMITER, as ratelimits[0] is");
});

test("npm run check finds session credentials in .dev.vars, and a secret that is not required", async () => {
  writeFileSync(
    join(folder, ".dev.vars"),
    'AWS_ACCESS_KEY_ID="ASIAIOSFODNN7EXAMPLE"\nAWS_SECRET_ACCESS_KEY="x"\n',
  );
  const session = await run(CHECK);
  expect(session.code).toBe(1);
  expect(session.output).toMatch(/ {2}\.dev\.vars: AWS_ACCESS_KEY_ID: is a session's key/);
  expect(session.output).not.toContain("IOSFODNN7");

  rmSync(join(folder, ".dev.vars"));
  edit("wrangler.toml", (text) => text.replace(', "AWS_SECRET_ACCESS_KEY"', ""));
  const missing = await run(CHECK);
  expect(missing.code).toBe(1);
  expect(missing.output).toContain("AWS_SECRET_ACCESS_KEY: is missing");
});

test("npm run check finds a token that opens nothing, and a next slot that a deploy would ask for", async () => {
  const example = readFileSync(join(folder, ".dev.vars.example"), "utf8");
  writeFileSync(join(folder, ".dev.vars"), `${example}\nHEALTH_TOKEN="short"\n`);
  edit("wrangler.toml", (text) =>
    text.replace('"AWS_ACCESS_KEY_ID"', '$&, "AWS_ACCESS_KEY_ID_NEXT"'),
  );
  const { code, output } = await run(CHECK);
  expect(code).toBe(1);
  expect(output).toContain("  .dev.vars: HEALTH_TOKEN: has less than 16 characters");
  expect(output).toContain("  AWS_ACCESS_KEY_ID_NEXT: stands under [secrets]");
  expect(output).not.toContain("short");
});

test("npm run check, as npm start, asks for no keys to buckets that are played here", async () => {
  edit("wrangler.toml", (text) =>
    text
      .replace('region = "eu-west-1"', '$&\ncredentials = "OWN"')
      .replace('["AWS_ACCESS_KEY_ID", "AWS_', '["OWN_ACCESS_KEY_ID", "OWN_'),
  );
  cpSync(join(folder, ".dev.vars.example"), join(folder, ".dev.vars"));
  expect(await run(CHECK)).toMatchObject({ code: 0 });
  const BUCKETS =
    '{"media":{"endpoint":"http://localhost:9","bucket":"abc","region":"auto","credentials":"OWN"}}';
  writeFileSync(join(folder, ".dev.vars"), `BUCKETS='${BUCKETS}'\n`);
  const own = await run(CHECK);
  expect([own.code, own.output]).toEqual([1, expect.stringContaining("OWN_ACCESS_KEY_ID: is mis")]);
});

test("npm run check finds what would go wrong only once deployed, all at once (R2, C5, E6)", async () => {
  edit("wrangler.toml", (text) =>
    text
      .replace("workers_dev = false", "workers_dev = true")
      .replace("[observability]", "[cache]\nenabled = true\n$&")
      .replace('region = "eu-west-1"', 'region = "eu-west-2"')
      .replace("[vars.BUCKETS.media]", '[vars]\nOLD_ACCESS_KEY_ID = "x"\n[vars.PRESET.card]\n$&')
      .replace("[[vars.ROUTES]]", '$&\npath = "/:preset/*"\nobject = "own/*"\n$&')
      .replace("[vars.PRESETS.card]", LOCAL_BUCKET)
      .replace("[vars.PRESETS.card]", '$&\ndraw = [{ url = "http://localhost/mark.png" }]'),
  );
  const { code, output } = await run(CHECK);
  expect(code).toBe(1);
  expect(output.split("\n")).toEqual([
    "The configuration has mistakes:",
    expect.stringMatching(
      /^ {2}OLD_ACCESS_KEY_ID: stands in wrangler\.toml, where it is no secret/,
    ),
    "  PRESET: is none of BUCKETS, ROUTES, PRESETS, ANSWERS, COSTS",
    expect.stringMatching(/^ {2}workers_dev, preview_urls: /), // R2
    expect.stringMatching(/^ {2}cache\.enabled: is on/), // C5
    "  PRESETS.card.draw[0].url: http:// is for one's own machine", // E6
    "  BUCKETS.own.endpoint: http:// is for .dev.vars, on one's own machine", // E6
    "  BUCKETS.media.region: is eu-west-2, and the endpoint's is eu-west-1", // A5
    "",
  ]);
});

const LOCAL_BUCKET = `[vars.BUCKETS.own]
endpoint = "http://localhost:9000"
bucket = "own"
region = "us-east-1"
$&`;

test("npm run check finds a secret that .dev.vars leaves out, whatever .env has (S2, S4)", async () => {
  writeFileSync(join(folder, ".dev.vars"), 'AWS_ACCESS_KEY_ID="x"\n');
  writeFileSync(join(folder, ".env"), 'AWS_SECRET_ACCESS_KEY="x"\n');
  const { code, output } = await run(CHECK);
  expect(code).toBe(1);
  expect(output).toContain("  .dev.vars: AWS_SECRET_ACCESS_KEY: is missing");
});

test("wrangler.toml that is no TOML is told as such", async () => {
  writeFileSync(join(folder, "wrangler.toml"), "name = ");
  for (const script of [START, CHECK]) {
    const { code, output } = await run(script, { PORT: `${await freePort()}` });
    expect(code).toBe(1);
    expect(output).toContain("wrangler.toml:1:7: ");
    expect(output).not.toMatch(/\n\s+at /);
  }
});
