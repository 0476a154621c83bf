// `vitrine dev` as a program, in copies of the project: one local run that takes up one change after another, one
// start of it again, and those that end before anything starts. Each wait ends with what it waits for.

import { execFile } from "node:child_process";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { FIXTURES } from "../../src/dev/fixture-objects.ts";
import { QUIET } from "../support/built.ts";
import { freePort } from "../support/free-port.ts";
import {
  copyProject,
  editFile,
  endRuns,
  removeCopies,
  start,
  VITRINE,
} from "../support/local-run.ts";
import { overhearAnswer } from "../support/overheard.ts";

const LONG_WAIT = { timeout: 100_000 }; // beside other tests; it does not wait that long
const SLOW = { timeout: 110_000 };

const folder = copyProject();
const toml = join(folder, "wrangler.toml");
const devVars = join(folder, ".dev.vars");
const MAIN = "src/worker/index.ts";
/** It has few pixels, so it is made fast. */
const SMALL = "/images/card/transparent.png";
let port: number;
let address: string;
let local: Awaited<ReturnType<typeof start>>;

beforeAll(async () => {
  port = await freePort();
  address = `http://localhost:${port}`;
  local = await start(folder, port);
}, SLOW.timeout);
afterAll(async () => {
  await endRuns();
  removeCopies();
});

async function open(path: string, headers: Record<string, string> = {}): Promise<Response> {
  const answer = await fetch(path.startsWith("/") ? address + path : path, { headers });
  await overhearAnswer(answer);
  return answer;
}
const statusOf = async (path: string) => (await open(path)).status;
const cacheOf = async () => (await open(SMALL)).headers.get("server-timing");

/** Waits for the contact sheet, as tools do that start an app. Returns the status of a picture at that moment. */
async function statusOnceSheetIsThere(): Promise<number> {
  const askSheet = () => statusOf("/").catch(() => undefined); // nobody listens yet
  await expect.poll(askSheet, { ...LONG_WAIT, interval: 20 }).toBe(200);
  return statusOf(SMALL);
}

/** Runs a command of `vitrine` in a folder to its end. */
function run(cwd: string, args: readonly string[], env: Record<string, string> = {}) {
  return new Promise<{ code: number; output: string }>((settle) => {
    const options = { cwd, env: { ...QUIET, ...env } };
    const child = execFile(process.execPath, [VITRINE, ...args], options, (_error, out, err) =>
      settle({ code: child.exitCode ?? -1, output: out + err }),
    );
  });
}

/** Changes something, and waits until the small picture has a status, and the local run has said so. */
async function becomes(change: () => void, status: number, logged: RegExp): Promise<void> {
  const before = local.output().length;
  change();
  await expect
    .poll(async () => [await statusOf(SMALL), logged.test(local.output().slice(before))], LONG_WAIT)
    .toEqual([status, true]);
}

test("it makes .dev.vars, serves, stores, and names the port to a second one", SLOW, async () => {
  const output = local.output();
  expect(output).toContain(`Vitrine is ready on ${address}`);
  expect(output).not.toMatch(/telemetry|experimental|Request\.cf|WARNING/);
  const example = readFileSync(join(folder, ".dev.vars.example"), "utf8").trimEnd();
  const created = readFileSync(devVars, "utf8");
  expect(created.slice(0, example.length)).toBe(example);
  const keys = /^\nURL_SIGNING_KEYS='\{"local":"[0-9a-f]{64}"\}'\n$/;
  expect(created.slice(example.length)).toMatch(keys);
  for (const path of ["/", "/healthz", "/avatars/ada/thumbnail"]) {
    expect([path, await statusOf(path)]).toEqual([path, 200]);
  }
  expect(await statusOf("/images/card/broken/page.jpg")).toBe(415);
  await expect
    .poll(local.output, LONG_WAIT)
    .toMatch(/^\{"event":"source-unreadable",.*"bucket":"media"/m);
  const [, page = ""] = /"see":"([^"#]*)#source-unreadable"/.exec(local.output()) ?? [];
  expect([page, existsSync(join(folder, page))]).toEqual([
    expect.stringMatching(/errors\.md$/),
    true,
  ]);
  expect(await statusOf(SMALL)).toBe(200);
  expect(await cacheOf()).toMatch(/^cache;desc=stored, type/);

  const [doctor, second, last] = await Promise.all([
    run(folder, ["doctor", "--url", address]),
    run(folder, ["dev"], { PORT: `${port}` }),
    run(folder, ["dev", "--uploads"], { PORT: "65535" }),
  ]);
  expect(doctor.output).toContain("image/avif, image/webp, image/jpeg");
  expect([doctor.code, doctor.output.match(/^ {2}(?:warning|error) .*/gm)]).toEqual([0, null]);
  expect(second.code).toBe(2);
  expect(second.output).toMatch(
    new RegExp(`^Port ${port} is in use\\. .*PORT=${port + 10} before the same command$`, "m"),
  );
  expect(last.code).toBe(2);
  expect(last.output).toMatch(/^PORT is 65535, the last port .* npx vitrine dev --uploads$/m);
});

test("keys and faults in .dev.vars take effect while it runs, and end", SLOW, async () => {
  const signing = /^URL_SIGNING_KEYS=.*$/m.exec(readFileSync(devVars, "utf8"))?.[0];
  const write = (line: string) => () => writeFileSync(devVars, `${signing}\n${line}\n`);
  const id = `AWS_ACCESS_KEY_ID="vitrine-local-key-id"\n`;
  const refused = /"event":"slots-refused",.*"origin":"SignatureDoesNotMatch"/;
  const dead = `${id}AWS_SECRET_ACCESS_KEY="wrong"\nEDGE='{"store":false}'`;
  await becomes(write(dead), 502, refused);
  const secret = /^Reloaded \.dev\.vars\. Changed: AWS_SECRET_ACCESS_KEY/m;
  await becomes(write(""), 200, secret);
  await becomes(write(`EDGE='{"transformations":false}'`), 502, /"event":"not-transformed"/);
  const tried = await open(`/.vitrine/try?of=${SMALL}`);
  expect([tried.status, await tried.text()]).toEqual([502, expect.stringContaining("transformed")]);
  await becomes(write(`EDGE='{"sources":[0]}'`), 502, /^\.dev\.vars:\d+: EDGE: sources: \[0\] is/m);
  await becomes(write(`EDGE='{"store":true}'`), 200, /Changed: EDGE$/m);
  const half = /"mistakes":\["AWS_SECRET_ACCESS_KEY: is missing/;
  await becomes(write(`${id}AWS_SECRET_ACCESS_KEY=`), 500, half);
  await becomes(write('AWS_ACCESS_KEY_ID=""\nAWS_SECRET_ACCESS_KEY=""'), 200, secret);
  expect(await cacheOf()).toMatch(/^cache;desc=stored/);
  await becomes(write(`EDGE='{"store":false}'`), 200, /Changed: EDGE$/m);
  expect(await cacheOf()).toMatch(/^cache;desc=miss, edge;dur=/);
  await becomes(write(""), 200, /Changed: EDGE$/m);
});

test("a route becomes signed without a failed request; a command signs for it", SLOW, async () => {
  const avatar = "/avatars/ada/thumbnail";
  const statuses = new Set<number>();
  const look = async () => {
    statuses.add(await statusOf(SMALL));
    return statusOf(avatar);
  };
  expect(await look()).toBe(200);
  editFile(toml, (text) => text.replace('presets = ["thumbnail"]', "signed = true"));
  await expect.poll(look, { ...LONG_WAIT, interval: 20 }).toBe(404);
  expect([...statuses]).toEqual([200]);
  const args = ["sign", "users/ada/avatar.png", "--preset", "thumbnail", "--url", address];
  const { output } = await run(folder, args);
  expect(await statusOf(output.trim())).toBe(200);
});

test("a new bucket is filled; the next slot opens it, and health says so (S2)", SLOW, async () => {
  const bucket = 'bucket = "acme.media"\nprefix = "a/"\ncredentials = "OWN"';
  await becomes(
    () => editFile(toml, (text) => text.replace('bucket = "acme-media"', bucket)),
    200,
    /^Put \d+ objects into the local bucket "media"\.$/m,
  );
  const token = "a token of 16 characters or more";
  const keys = `OWN_ACCESS_KEY_ID="old-key-id"\nOWN_SECRET_ACCESS_KEY="old-secret"
OWN_ACCESS_KEY_ID_NEXT="vitrine-local-key-id"\nOWN_SECRET_ACCESS_KEY_NEXT="vitrine-local-secret"
HEALTH_TOKEN="${token}"\n`;
  const add = () => editFile(devVars, (text) => text + keys);
  await becomes(add, 200, /^Reloaded \.dev\.vars\. Changed: .*HEALTH_TOKEN/m);
  const health = await open("/healthz", { authorization: `Bearer ${token}` });
  const slots = [{ state: "Unauthorized" }, { state: "ok", missing: 404 }];
  expect(await health.json()).toMatchObject({ ok: true, buckets: [{ bucket: "media", slots }] });
  await expect.poll(local.output, LONG_WAIT).toMatch(/^\{"event":"slot-in-use",.*"slot":"next"/m);
  const remove = () => editFile(devVars, (text) => text.replace(keys, ""));
  await becomes(remove, 200, /^Reloaded \.dev\.vars\./m);
});

test.each([
  ["an object", "default {", "request, env, context", "env, context"],
  ["a class", "default class extends WorkerEntrypoint {", "request", "this.env, this.ctx"],
])("it runs %s that main exports, once it is there", SLOW, async (_what, head, takes, passes) => {
  const entry = `import { WorkerEntrypoint } from "cloudflare:workers";
import worker, { Renditions } from "./src/worker/index.ts";
export { Renditions };
export ${head}
  fetch(${takes}) {
    if (request.url.endsWith("/robots.txt")) return new Response(${JSON.stringify(passes)});
    return worker.fetch(request, ${passes});
  }
}
`;
  writeFileSync(join(folder, "own.ts"), entry);
  editFile(toml, (text) => text.replace(/^main = .*$/m, `main = "own.ts" # ${passes}`));
  await expect.poll(async () => (await open("/robots.txt")).text(), LONG_WAIT).toBe(passes);
  expect(await statusOf(SMALL)).toBe(200);
});

const WITH_QUEUE = `
[vars.ANSWERS]
keep = 86_400

[images]
binding = "IMAGES"

[[r2_buckets]]
binding = "PICTURES"
bucket_name = "acme-pictures"

[vars.BUCKETS.pictures]
binding = "PICTURES"
bucket = "acme-pictures"

[[vars.ROUTES]]
path = "/pictures/:preset/*"
object = "pictures/*"

[[queues.producers]]
queue = "vitrine-events"
binding = "EVENTS"

[[queues.consumers]]
queue = "vitrine-events"
max_batch_size = 100
max_batch_timeout = 60
max_concurrency = 1
`;

test(
  "with a queue, each change of a file is an event, of S3 and of R2, and is purged at once (Q5, Q6)",
  SLOW,
  async () => {
    const object = join(folder, "objects/shoes/left.png");
    mkdirSync(join(object, ".."), { recursive: true });
    const becomesFile = (name: string) => () => copyFileSync(join(FIXTURES, name), object);
    /** Changes the file, and waits for as many lines as there are then. */
    const purges = async (change: () => void, expected: number) => {
      change();
      const linesOf = (bucket: string) =>
        local.output().match(new RegExp(`^purged by event ${bucket}/shoes/left\\.png$`, "gm"));
      await expect
        .poll(() => [linesOf("media")?.length, linesOf("pictures")?.length], LONG_WAIT)
        .toEqual([expected, expected]);
    };
    const show = async (path: string) => {
      const answer = await open(path);
      const cache = /^cache;desc=(\w+)/.exec(answer.headers.get("server-timing") ?? "")?.[1];
      return [answer.status, cache];
    };
    const showAll = async () => [
      await show("/images/card/shoes/left.png"),
      await show("/pictures/card/shoes/left.png"),
    ];

    becomesFile("made/key.jpg")();
    await expect
      .poll(local.output, LONG_WAIT)
      .toMatch(/^Put 1 object into the local bucket "media"/m);
    const reloads = () => local.output().match(/^Reloaded wrangler\.toml\.$/gm)?.length;
    const before = reloads() ?? 0;
    editFile(toml, (text) => text.replace(/^main = .*$/m, `main = "${MAIN}"`) + WITH_QUEUE);
    await expect.poll(reloads, LONG_WAIT).toBe(before + 1);
    expect(local.output()).not.toContain("purged by event");

    expect(await showAll()).toEqual([
      [200, "miss"],
      [200, "miss"],
    ]);
    expect(await showAll()).toEqual([
      [200, "stored"],
      [200, "stored"],
    ]);
    await purges(() => utimesSync(object, 1, 1), 1);
    expect(await showAll()).toEqual([
      [200, "miss"],
      [200, "miss"],
    ]);
    await purges(becomesFile("made/transparent.png"), 2);
    expect(await showAll()).toEqual([
      [200, "miss"],
      [200, "miss"],
    ]);
    await purges(() => rmSync(join(folder, "objects"), { recursive: true }), 3);
    expect(await showAll()).toEqual([
      [404, undefined],
      [404, undefined],
    ]);
    expect(local.output()).not.toMatch(/QUEUE|event-elsewhere|event-unreadable|purge-failed|acme-/);
  },
);

test(
  "it ends on Ctrl-C; the next start, of staging, shows what is stored (S6, D3)",
  SLOW,
  async () => {
    const hero = SMALL.replace("card", "hero");
    expect(await statusOf(hero)).toBe(200);
    const sizeOf = async () => (await (await fetch(address + SMALL)).arrayBuffer()).byteLength;
    const before = await sizeOf();
    expect(await local.stop()).toBe(0);
    await expect(fetch(address)).rejects.toThrow();
    editFile(toml, (text) => {
      const staging = text
        .slice(text.indexOf("[vars.BUCKETS"), text.indexOf("[secrets]"))
        .replaceAll("[vars.", "[env.staging.vars.")
        .replaceAll("[[vars.", "[[env.staging.vars.")
        .replace("width = 480", "width = 20");
      return `${text}\n[build]\ncommand = "node -e 0"\n[env.staging]\n${staging}\n[env.staging.secrets]\nrequired = []\n`;
    });
    const unknown = await run(folder, ["dev"], { CLOUDFLARE_ENV: "other", PORT: `${port}` });
    expect(unknown.output).toContain('wrangler.toml: has no environment "other". It has staging');
    writeFileSync(join(folder, ".dev.vars.staging"), 'HEALTH_TOKEN="of staging alone, as it is"\n');
    const waiting = statusOnceSheetIsThere();
    local = await start(folder, port, undefined, ["--env", "staging"]);
    expect(await waiting).toBe(200);
    expect(local.output()).toContain("Starting env.staging ...");
    expect(local.output()).toMatch(
      /^The \[build\] command of wrangler\.toml runs now, .*: node -e 0$/m,
    );
    expect(local.output()).toContain("add a line to .dev.vars.staging");
    expect(local.output()).not.toMatch(/^Put \d+ objects? into/m); // no file has changed
    expect(await sizeOf()).toBeLessThan(before); // its card is a smaller one
    const stored = await open(hero);
    expect(stored.headers.get("server-timing")).toMatch(/^cache;desc=stored/);
    expect(await local.stop()).toBe(0);
  },
);

const TWO_NAMES = `
[[r2_buckets]]
binding = "USERS"
bucket_name = "acme-users"

[vars.BUCKETS.users]
binding = "USERS"
bucket = "acme-private"

[[vars.ROUTES]]
path = "/users/:user/:preset/*"
object = "users/:user/*"
token = { issuer = "https://login.example.com/", audience = "images", keys = "https://login.example.com/jwks", claims = { sub = ":user" } }

[images]
binding = "IMAGES"
`;

/** Presets with which PRESETS has over 5,000 bytes. */
const LONG_PRESETS = ["a", "b"].map(
  (name) => `[vars.PRESETS.${name}]\nwidth = 1\nbackground = "${"x".repeat(2500)}"\n`,
);

/** What is changed in wrangler.toml; undefined: there is none. And whether the folder is Vitrine's. */
type Change = ((text: string) => string) | undefined;
const swap = (old: string, replacement: string) => (text: string) => text.replace(old, replacement);

/** Three mistakes, each found by another check. All of them are named at once. */
function spoil(text: string): string {
  const presets = ["quality = 150", ...LONG_PRESETS].join("\n");
  return text.replace("quality = 80", presets) + TWO_NAMES;
}

const SPOILT = [
  /PRESETS\.hero\.quality: 150 is not/,
  /^ {2}BUCKETS\.users\.bucket: is/m,
  /^ {2}PRESETS: has 5,\d{3} bytes with its name/m,
];

test.each<[string, Change, said: RegExp | RegExp[], isOurs: boolean]>([
  ["mistakes", spoil, SPOILT, true],
  ["a file that is not TOML", () => "name = ", /wrangler\.toml:1:7: /, false],
  ["a Worker that is not Vitrine", () => 'name = "shop"\n', /BUCKETS: is not a table, or/, false],
  ["no configuration", undefined, /there is no wrangler\.toml or wrangler\.jsonc/, false],
  ["no main", swap(MAIN, "own.ts"), /main: is .*own\.ts, which is not there: .*"vitrine"/, true],
  ["a main without Renditions", swap(MAIN, "bare.ts"), /exports no Renditions\./, true],
  ["a late date", swap("2026-11-01", "2035-01-01"), /date "2035-01-01" is in the future/, true],
  ["a wrong EDGE", (text) => `${text}\n`, /^ {2}\.dev\.vars:3: EDGE: is not JSON \(/m, true],
  ["wrong BUCKETS", (text) => `${text}\n`, /^ {2}\.dev\.vars: BUCKETS\.a\.bucket: is mis/m, true],
])(
  "with %s it does not start, and says why (S4, L4)",
  SLOW,
  async (title, change, messages, isOurs) => {
    const folder = copyProject();
    const file = join(folder, ".dev.vars");
    writeFileSync(join(folder, "bare.ts"), 'export { default } from "./src/worker/index.ts"');
    if (change === undefined) rmSync(join(folder, "wrangler.toml"));
    else editFile(join(folder, "wrangler.toml"), change);
    if (title === "a wrong EDGE")
      writeFileSync(file, "# Two\n# lines\nEDGE='{transformations:0}'\n");
    if (title === "wrong BUCKETS") writeFileSync(file, `BUCKETS='{"a":{}}'\n`);
    const { code, output } = await run(folder, ["dev"], { PORT: `${await freePort()}` });
    for (const message of [messages].flat()) {
      expect([code, output]).toEqual([2, expect.stringMatching(message)]);
    }
    if (!output.includes("Starting")) expect(output).not.toMatch(/\n\s+at /);
    // In a folder that is not Vitrine's, a .dev.vars would hide its .env.
    expect(existsSync(file)).toBe(isOurs);
  },
);
