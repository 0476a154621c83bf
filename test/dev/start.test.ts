// `vitrine dev` and `vitrine check` as programs, in a copy of the project.

import { execFile } from "node:child_process";
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { afterAll, afterEach, expect, onTestFinished, test } from "vitest";
import { QUIET, ROOT } from "../support/built.ts";
import { freePort } from "../support/free-port.ts";
import {
  copyConfig,
  copyProject,
  editFile,
  endRuns,
  removeCopies,
  start,
  VITRINE,
} from "../support/local-run.ts";
import { overhearAnswer } from "../support/overheard.ts";

/** `vitrine dev` runs here and starts again here. The other tests have a copy of their own. */
const shared = copyProject();

afterEach(endRuns);
afterAll(removeCopies);

/** Asks the local run for a URL. */
async function open(url: string, headers: Record<string, string> = {}): Promise<Response> {
  const answer = await fetch(url, { headers });
  await overhearAnswer(answer);
  return answer;
}

/** Runs a command of `vitrine` in a folder to its end. */
function run(folder: string, args: readonly string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number; output: string }>((settle) => {
    const options = { cwd: folder, env: { ...QUIET, ...env } };
    const child = execFile(
      process.execPath,
      [VITRINE, ...args],
      options,
      (_error, stdout, stderr) => settle({ code: child.exitCode ?? -1, output: stdout + stderr }),
    );
  });
}

/** Serves a picture for overlays, on this machine. */
async function serveOverlay() {
  const asked: string[] = [];
  const port = await freePort();
  const server = createServer((request, response) => {
    asked.push(`${request.url}`);
    response.setHeader("content-type", "image/png");
    response.end(readFileSync(join(ROOT, "fixtures/objects/made/transparent.png")));
  }).listen(port, "127.0.0.1");
  onTestFinished(() => void server.close());
  return { url: `http://localhost:${port}/ring.png`, asked };
}

const SLOW = { timeout: 90_000 }; // it starts wrangler, beside other tests

test("vitrine dev creates .dev.vars, serves, reloads, and ends on Ctrl-C", SLOW, async () => {
  const folder = shared;
  const port = await freePort();
  const address = `http://localhost:${port}`;
  const overlay = await serveOverlay();
  editFile(join(folder, "wrangler.toml"), (text) =>
    text
      .replace("[vars.PRESETS.card]", `$&\ndraw = [{ url = "${overlay.url}" }]`)
      .replace('presets = ["thumbnail"]', "signed = true")
      .replace('"AWS_SECRET_ACCESS_KEY"]', '"AWS_SECRET_ACCESS_KEY", "URL_SIGNING_KEYS"]'),
  );
  const local = await start(folder, port);
  const output = local.output();
  expect(output).toContain(`Vitrine is ready on ${address}`);
  expect(output).toContain("comes out of a store");
  expect(output).not.toMatch(/telemetry|experimental|Request\.cf|WARNING/);
  const file = join(folder, ".dev.vars");
  const example = readFileSync(join(folder, ".dev.vars.example"), "utf8");
  const created = readFileSync(file, "utf8");
  expect(created.slice(0, example.length)).toBe(example);
  expect(created.slice(example.length)).toMatch(
    /^\nURL_SIGNING_KEYS='\{"local":"[0-9a-f]{64}"\}'\n$/,
  );

  // All variants of the first picture are printed. Two presets are enough here: the test of the
  // contact sheet looks at all of them.
  const printed = output.match(/http:\S+images\S+/g) ?? [];
  expect(printed.length).toBeGreaterThan(9);
  const urls = printed.filter((url) => /\/(?:thumbnail|card)\//.test(url));
  expect(urls.length).toBeGreaterThan(3);
  const statuses = await Promise.all(
    urls.map(async (url) => [url, (await open(url)).status] as const),
  );
  expect(statuses).toEqual(urls.map((url) => [url, url.includes("/broken/") ? 415 : 200]));
  const signed = /http:\S+\/avatars\/ada\/thumbnail\?exp=\S+/.exec(output)?.[0] ?? "";
  for (const same of [signed, signed.replace("thumbnail", "thumbnail@2x")]) {
    expect((await open(same)).status).toBe(200);
  }
  expect((await open(signed.replace("thumbnail", "hero"))).status).toBe(404);
  expect(overlay.asked).not.toEqual([]);
  await expect.poll(local.output).toMatch(/^\{"event":"source-unreadable",.*"bucket":"media"/m);

  const [doctor, second] = await Promise.all([
    run(folder, ["doctor", "--url", address]),
    run(folder, ["dev"], { PORT: `${port}` }),
  ]);
  // One warning: the overlay is on this machine.
  expect(doctor.output.match(/^ {2}(?:warning|error) .*/gm)).toEqual([
    expect.stringContaining("PRESETS.card.draw[0].url: http:// is for your own machine only"),
  ]);
  expect(doctor.output).toContain("image/avif, image/webp, image/jpeg");
  expect(doctor.code).toBe(1);
  expect(second.code).toBe(2);
  expect(second.output).toContain(`Port ${port} is in use`);
  expect(second.output).toContain(`PORT=${port + 1} npx vitrine dev`);

  // .dev.vars is reloaded while it runs. A small picture is enough to see that.
  const small = urls.find((url) => url.endsWith("/transparent.png")) ?? expect.unreachable();
  const cacheOf = async (url: string) => (await open(url)).headers.get("server-timing");
  expect(await cacheOf(small)).toMatch(/^cache;desc=stored, type/);
  const becomes = async (line: string, status: number, said: RegExp) => {
    const before = local.output().length;
    writeFileSync(file, `${/^URL_SIGNING_KEYS=.*$/m.exec(created)?.[0]}\n${line}\n`);
    const look = async () => {
      const answer = await open(small);
      return [answer.status, said.test(local.output().slice(before))];
    };
    await expect.poll(look, { timeout: 20_000 }).toEqual([status, true]);
  };
  const id = `AWS_ACCESS_KEY_ID="vitrine-local-key-id"\n`;
  await becomes(
    `${id}AWS_SECRET_ACCESS_KEY="wrong"`,
    502,
    /"event":"slots-refused",.*"origin":"SignatureDoesNotMatch"/,
  );
  await becomes("", 200, /^Reloaded \.dev\.vars\. Changed: AWS_SECRET_ACCESS_KEY$/m);
  await becomes(`EDGE='{"transformations":false,"store":true}'`, 200, /Changed: EDGE$/m);
  await becomes(`EDGE='{"transformations":false}'`, 502, /"event":"not-transformed"/);
  await becomes(`EDGE='{"trouble":{"code":9522,"status":503}}'`, 502, /"event":"edge-failed"/);
  // A try of the contact sheet waits, too, and asks once more.
  const tried = await fetch(`${address}/.vitrine/try?of=${new URL(small).pathname}`);
  expect([tried.status, await tried.text()]).toEqual([502, expect.stringContaining("edge-failed")]);
  await becomes(`EDGE='{"sources":[]}'`, 502, /"event":"edge-refused",.*"edge":"9401"/);
  await becomes(`EDGE='{"sources":[0]}'`, 502, /^\.dev\.vars:\d+: EDGE\.sources: \[0\] is not/m);
  await becomes(`${id}AWS_SECRET_ACCESS_KEY='half`, 502, /"origin":"SignatureDoesNotMatch"/);
  const half = `${id}AWS_SECRET_ACCESS_KEY=`;
  await becomes(half, 500, /"mistakes":\["AWS_SECRET_ACCESS_KEY: is missing/);
  const empty = 'AWS_ACCESS_KEY_ID=""\nAWS_SECRET_ACCESS_KEY=""';
  await becomes(empty, 200, /^Reloaded \.dev\.vars\. Changed: AWS_SECRET_ACCESS_KEY$/m);
  expect(await cacheOf(small)).toMatch(/^cache;desc=stored/);
  await becomes(`EDGE='{"store":false}'`, 200, /Changed: EDGE$/m);
  expect(await cacheOf(small)).toMatch(/^cache;desc=miss, edge;dur=/);
  // A bucket that is new is filled, and shown.
  editFile(join(folder, "wrangler.toml"), (text) => text.replace('bucket = "', "$&other-"));
  await expect.poll(local.output, { timeout: 20_000 }).toMatch(/^Reloaded wrangler\.toml\.$/m);
  expect(local.output().match(/^Filling the local bucket "media"/gm)).toHaveLength(2);
  expect((await open(small)).status).toBe(200);

  expect(await local.stop()).toBe(0);
  await expect(fetch(address)).rejects.toThrow();
});

test(
  "vitrine dev starts again, with other credentials, both slots, and the deep /healthz (S2)",
  SLOW,
  async () => {
    const folder = shared;
    copyConfig(folder);
    editFile(join(folder, "wrangler.toml"), (text) =>
      text
        .replace(
          'bucket = "acme-media"',
          'bucket = "acme.media"\nprefix = "a/"\ncredentials = "OWN"',
        )
        .replace('path = "/images/:preset/*"', 'path = "/:tenant/:preset/*"')
        .replace('object = "media/*"', 'object = "media/*"\npresets = ["card"]')
        .replace("[vars.PRESETS.card]", '$&\nblur = 5\ngravity = "face"')
        // The local run does not use the domain of a deploy.
        .replace(/^# (?=routes)/m, "")
        .replace('["AWS_ACCESS_KEY_ID", "AWS_', '["OWN_ACCESS_KEY_ID", "OWN_'),
    );
    const example = readFileSync(join(folder, ".dev.vars.example"), "utf8");
    const next = example
      .replace(/^# (AWS_\w+_NEXT|HEALTH_TOKEN|PURGE_TOKEN)=/gm, "$1=")
      .replaceAll("AWS_", "OWN_")
      .replace('OWN_ACCESS_KEY_ID="', "$&old-key-id")
      .replace('OWN_SECRET_ACCESS_KEY="', "$&old-secret");
    writeFileSync(join(folder, ".dev.vars"), next);
    const port = await freePort();
    const local = await start(folder, port);
    expect(readFileSync(join(folder, ".dev.vars"), "utf8")).toMatch(
      new RegExp(`^${RegExp.escape(next)}\nURL_SIGNING_KEYS='\\S+'\n$`),
    );
    expect(local.output()).toContain(
      'PRESETS.card: the local edge does not implement gravity "face".',
    );
    expect(local.output()).not.toContain("blur");
    const urls = (local.output().match(/http:\S+\/card\S*/g) ?? []).filter(
      (url) => !url.includes("broken"),
    );
    expect(urls.length).toBeGreaterThan(3);
    const accept = "image/webp,*/*"; // else what is transparent may have no rendition
    const show = async (url: string) => [url, (await open(url, { accept })).status];
    expect(await Promise.all(urls.map(show))).toEqual(urls.map((url) => [url, 200]));
    await expect.poll(local.output).toMatch(/^\{"event":"slot-in-use",.*"slot":"next"/m);

    const authorization = "Bearer a token of 16 characters or more";
    const health = await open(`http://localhost:${port}/healthz`, { authorization });
    const slots = [{ state: "Unauthorized" }, { state: "ok", missing: 404 }];
    expect(await health.json()).toMatchObject({ ok: true, buckets: [{ bucket: "media", slots }] });

    const objects = ["media/photos/fig.jpg"];
    const purged = await fetch(`http://localhost:${port}/purge`, {
      method: "POST",
      headers: { authorization: "Bearer a token of 32 characters or more, all of them ASCII" },
      body: JSON.stringify({ objects }),
    });
    await overhearAnswer(purged);
    expect([purged.status, await purged.json()]).toMatchObject([
      200,
      { ok: true, purged: objects },
    ]);
    await local.stop();
  },
);

/** More of them by hand: `ROUNDS=200 npx vitest …`. */
const ROUNDS = Number(process.env["ROUNDS"] ?? 10);

test(`after ${ROUNDS} times two writes within milliseconds it runs with the file as it is`, {
  timeout: ROUNDS * 15_000 + 60_000,
}, async () => {
  const folder = copyProject();
  const file = join(folder, "wrangler.toml");
  const good = readFileSync(file, "utf8");
  const bad = good.replace("[vars.PRESETS.card]", "$&\nwidht = 1");
  const port = await freePort();
  const local = await start(folder, port);
  const url = `http://localhost:${port}/images/card/transparent.png`;
  const settled = (count: number) => () => {
    const right =
      local.output().match(/^wrangler\.toml and \.dev\.vars are right again\.$/gm) ?? [];
    return right.length >= count;
  };
  for (let round = 0; round < ROUNDS; round += 1) {
    writeFileSync(file, `${good}\n# ${round}`);
    writeFileSync(file, bad);
    await expect.poll(async () => (await open(url)).status, { timeout: 15_000 }).toBe(500);
    writeFileSync(file, `${bad}\n# ${round}`);
    writeFileSync(file, good);
    await expect.poll(settled(round + 1), { timeout: 15_000 }).toBe(true);
    expect([round, (await open(url)).status]).toEqual([round, 200]);
  }
});

test("a route that is signed while vitrine dev runs works at once", SLOW, async () => {
  const folder = copyProject();
  rmSync(join(folder, ".dev.vars.example")); // A project need not have it.
  const port = await freePort();
  const address = `http://localhost:${port}`;
  const local = await start(folder, port);
  const avatar = `${address}/avatars/ada/thumbnail`;
  expect(readFileSync(join(folder, ".dev.vars"), "utf8")).not.toContain("ACCESS_KEY");
  expect((await open(avatar)).status).toBe(200);
  editFile(join(folder, "wrangler.toml"), (text) =>
    text.replace('presets = ["thumbnail"]', "signed = true"),
  );
  const statuses = new Set<number>();
  const look = async () => {
    statuses.add((await open(`${address}/images/card/photos/fig.jpg`)).status);
    return (await open(avatar)).status;
  };
  await expect.poll(look, { timeout: 20_000, interval: 20 }).not.toBe(200);
  expect([await look(), [...statuses]]).toEqual([404, [200]]);
  const args = ["sign", "users/ada/avatar.png", "--preset", "thumbnail", "--url", address];
  const signed = await run(folder, args);
  expect((await open(signed.output.trim())).status).toBe(200);
  expect(local.output()).not.toContain("configuration-broken");
});

test(
  "a second start shows what the first one stored, also of a store and an engine of the project",
  SLOW,
  async () => {
    const folder = copyProject();
    editFile(
      join(folder, "wrangler.toml"),
      (text) => `${text.replace('region = "eu-west-1"', '$&\nengine = "binding"')}
[vars.ANSWERS]
store = "RENDITIONS"

[[r2_buckets]]
binding = "RENDITIONS"
remote = true

[images]
binding = "IMAGES"
`,
    );
    const port = await freePort();
    const url = `http://localhost:${port}/images/card/photos/fig.jpg`;
    const pictures = [];
    for (const cache of ["miss", "stored"]) {
      const local = await start(folder, port);
      const answer = await fetch(url);
      expect(answer.headers.get("server-timing")).toMatch(RegExp(`^cache;desc=${cache}\\b`));
      pictures.push(Buffer.from(await answer.arrayBuffer()));
      await local.stop();
    }
    expect(pictures[1]).toEqual(pictures[0]);
  },
);

test.each([
  ["an object", "export default {", "request, env, context", "env, context"],
  [
    "a class",
    'import { WorkerEntrypoint } from "cloudflare:workers";\nexport default class extends WorkerEntrypoint {',
    "request",
    "this.env, this.ctx",
  ],
])("vitrine dev runs %s that main exports", SLOW, async (_what, head, takes, passes) => {
  const folder = copyProject();
  editFile(join(folder, "wrangler.toml"), (text) => text.replace("src/worker/index.ts", "own.ts"));
  const entry = `import worker, { Renditions } from "./src/worker/index.ts";
export { Renditions };
${head}
  fetch(${takes}) {
    if (request.url.endsWith("/robots.txt")) return new Response("Disallow: /\\n");
    return worker.fetch(request, ${passes});
  }
}
`;
  writeFileSync(join(folder, "own.ts"), entry);
  const port = await freePort();
  await start(folder, port);
  const robots = await open(`http://localhost:${port}/robots.txt`);
  expect(await robots.text()).toBe("Disallow: /\n");
  expect((await open(`http://localhost:${port}/images/card/photos/fig.jpg`)).status).toBe(200);
});

test.each([
  ["is missing", undefined, /^ {2}main: is .*own\.ts, which is not there: .*"vitrine"/m],
  [
    "has no Renditions",
    'export { default } from "./src/worker/index.ts"',
    /exports no Renditions\./,
  ],
])("if main %s, vitrine dev says what to write", SLOW, async (_what, entry, said) => {
  const folder = copyProject();
  editFile(join(folder, "wrangler.toml"), (text) => text.replace("src/worker/index.ts", "own.ts"));
  if (entry !== undefined) writeFileSync(join(folder, "own.ts"), entry);
  const { code, output } = await run(folder, ["dev"], { PORT: `${await freePort()}` });
  expect([code === 0, output]).toEqual([false, expect.stringMatching(said)]);
});

test("if wrangler does not start, vitrine dev shows why", async () => {
  const folder = copyProject();
  editFile(join(folder, "wrangler.toml"), (text) => text.replace("2026-11-01", "2035-01-01"));
  const { code, output } = await run(folder, ["dev"], { PORT: `${await freePort()}` });
  expect(code).toBe(2);
  expect(output).toContain('Compatibility date "2035-01-01" is in the future');
  expect(output).not.toMatch(/\n\s+at /);
});

test("a port that another program takes while it starts is named as one in use", async () => {
  const port = `${await freePort()}`;
  const folder = copyProject();
  // A module that takes the port when the check of the port is over.
  const taker = `import { createServer } from "node:http";
    const { log } = console;
    console.log = (line) => {
      log(line);
      if (line === "Starting ...") createServer().listen(${port}, "127.0.0.1");
    };`;
  writeFileSync(join(folder, "taker.mjs"), taker);
  const NODE_OPTIONS = `--import ${join(folder, "taker.mjs")}`;
  const { code, output } = await run(folder, ["dev"], { PORT: port, NODE_OPTIONS });
  expect(code).toBe(2);
  expect(output).toContain(`Port ${port} is in use. Stop the program that uses it, or `);
  expect(output).not.toMatch(/\n\s+at /);
});

test.each([
  ["without a wrangler.toml", "there is no wrangler.toml or wrangler.jsonc", undefined],
  ["of another Worker", "BUCKETS: is not a table, or is empty", 'name = "shop"\n'],
])("in a folder %s, vitrine dev makes no .dev.vars (S4)", async (_what, says, config) => {
  const folder = copyProject();
  rmSync(join(folder, "wrangler.toml"));
  if (config !== undefined) writeFileSync(join(folder, "wrangler.toml"), config);
  const { code, output } = await run(folder, ["dev"], { PORT: `${await freePort()}` });
  expect([code, existsSync(join(folder, ".dev.vars"))]).toEqual([2, false]);
  expect(output).toContain(says);
});

test.each([
  ["{transformations:false}", /^ {2}\.dev\.vars:3: EDGE: is not JSON \(/m],
  ['{"transformation":false}', /^ {2}\.dev\.vars:3: EDGE\.transformation: unknown switch/m],
])("vitrine dev does not start with EDGE='%s'", async (edge, said) => {
  const folder = copyProject();
  writeFileSync(join(folder, ".dev.vars"), `# Two lines\nHEALTH_TOKEN=\nEDGE='${edge}'\n`);
  const { code, output } = await run(folder, ["dev"], { PORT: `${await freePort()}` });
  expect([code, output]).toEqual([2, expect.stringMatching(said)]);
});

/** Runs both programs in a copy of the project with another wrangler.toml. */
async function runBoth(change: (text: string) => string) {
  const folder = copyProject();
  editFile(join(folder, "wrangler.toml"), change);
  const PORT = `${await freePort()}`;
  return Promise.all([run(folder, ["dev"], { PORT }), run(folder, ["check"])]);
}

test("vitrine dev and vitrine check show all mistakes of wrangler.toml, and start nothing", async () => {
  const results = await runBoth((text) =>
    text
      .replace("quality = 80", "quality = 150")
      .replace('object = "media/*"', 'object = "medai/*"')
      .concat("\n[vars.PRESET.large]\nwidth = 4000\n"),
  );
  for (const { code, output } of results) {
    expect(code).toBe(2);
    expect(output).toContain(
      "  PRESETS.hero.quality: 150 is not a whole number between 1 and 100\n",
    );
    expect(output).toContain("  PRESET: is none of BUCKETS, ROUTES, PRESETS");
    expect(output).toContain('  ROUTES[0].object: "medai" is not in BUCKETS\n');
  }
});

test("vitrine dev and vitrine check show where wrangler.toml is not TOML", async () => {
  for (const { code, output } of await runBoth(() => "name = ")) {
    expect(code).toBe(2);
    expect(output).toContain("wrangler.toml:1:7: ");
    expect(output).not.toMatch(/\n\s+at /);
  }
});

test("vitrine dev is of one environment, also of a wrangler.jsonc (S6, D3)", SLOW, async () => {
  const folder = copyProject();
  rmSync(join(folder, "wrangler.toml"));
  const vars = {
    BUCKETS: { media: { endpoint: "https://s3.example", bucket: "acme-media", region: "auto" } },
    ROUTES: [{ path: "/images/:preset/*", object: "media/*" }],
    PRESETS: { card: { width: 40 } },
  };
  const secrets = { required: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"] };
  const staging = {
    vars: { ...vars, PRESETS: { small: { width: 20 } } },
    ...{ secrets, routes: ["images-staging.example.com/*"] },
  };
  const config = {
    ...{ name: "vitrine", main: "src/worker/index.ts", compatibility_date: "2026-11-01" },
    ...{ workers_dev: false, preview_urls: false, routes: ["images.example.com/*"] },
    ...{ vars, secrets, env: { staging } },
  };
  writeFileSync(join(folder, "wrangler.jsonc"), `// A comment\n${JSON.stringify(config)}`);
  const example = readFileSync(join(folder, ".dev.vars.example"), "utf8");
  writeFileSync(join(folder, ".dev.vars.staging"), `${example}\nHEALTH_TOKEN="of staging alone"\n`);
  const unknown = await run(folder, ["dev"], {
    CLOUDFLARE_ENV: "other",
    PORT: `${await freePort()}`,
  });
  expect(unknown.code).toBe(2);
  expect(unknown.output).toContain('wrangler.jsonc: has no environment "other". It has staging');

  writeFileSync(
    join(folder, ".dev.vars"),
    'AWS_ACCESS_KEY_ID="wrong"\nAWS_SECRET_ACCESS_KEY="x"\n',
  );
  const port = await freePort();
  const address = `http://localhost:${port}`;
  const local = await start(folder, port, undefined, ["--env", "staging"]);
  expect(local.output()).toContain("Starting env.staging ...");
  expect(local.output()).toContain("add a line to .dev.vars.staging, for example EDGE=");
  expect(local.output()).not.toContain("WARNING");
  const statusOf = async (path: string) => (await open(address + path)).status;
  expect(await statusOf("/images/small/photos/fig.jpg")).toBe(200);
  expect(await statusOf("/images/card/photos/fig.jpg")).toBe(404);
  const health = await open(`${address}/healthz`, { authorization: "Bearer of staging alone" });
  expect(await health.json()).toMatchObject({ ok: true });
  const args = ["explain", "--env", "staging", `${address}/images/small/photos/fig.jpg`];
  const explained = await run(folder, args);
  expect(explained.output).toMatch(/^Preset +small$/m);

  editFile(join(folder, ".dev.vars.staging"), (text) => text.replace("of staging", "of others"));
  await expect.poll(local.output, { timeout: 20_000 }).toMatch(/^Reloaded .*HEALTH_TOKEN/m);
  editFile(join(folder, "wrangler.jsonc"), (text) => text.replaceAll("acme-media", "acme-other"));
  await expect.poll(local.output, { timeout: 20_000 }).toMatch(/^Reloaded wrangler\.jsonc\.$/m);
  await local.stop();
});
