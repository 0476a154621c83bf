// What `vitrine complete` prints for the script of a shell. The shells themselves: shells.test.ts.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { createServer, type RequestListener, type ServerResponse } from "node:http";
import { createRequire } from "node:module";
import { join } from "node:path";
import { expect, onTestFinished, test, vi } from "vitest";
import type { World } from "../../../src/cli/command.ts";
import { localBucketName, readLocalKeys } from "../../../src/cli/config/local-run.ts";
import { listenLocally } from "../../../src/emulator/local-server.ts";
import { BOUND, createFolder, createProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { stopClock } from "../../support/clock.ts";
import { SECRETS } from "../../support/env.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const project = createProject(STAGED);
const broken = createFolder({ PRESETS: "none" });
const empty = createTemporaryFolder("vitrine-complete-");

/** What a shell may go on with, without descriptions; the last line says how the shell takes it. */
async function completionsOf(
  folder: string,
  typed: readonly string[],
  env: World["env"] = {},
): Promise<readonly string[]> {
  const { code, out, err } = await vitrine(["complete", "--", ...typed], { folder, env });
  expect([code, err]).toEqual([0, ""]);
  return out
    .trimEnd()
    .split("\n")
    .map((line) => line.replace(/\t.*/, ""));
}

test.each([
  { typed: ["purge", "--dry"], completions: ["--dry-run", ":4"] },
  { typed: ["url", "-p", "hero@"], completions: ["hero@640w", "hero@1920w", ":4"] },
  { typed: ["url", "--preset", "card", "--e"], completions: ["--expires", "--env", ":4"] },
  { typed: ["url", "--env", "s"], completions: ["staging", ":4"] },
  { typed: ["client", "../app/"], completions: [":0"] },
  { typed: ["facts", "-o", ""], completions: [":0"] },
  { typed: ["no-such-command", ""], completions: [":4"] },
  { typed: ["url", "--no-such-option", ""], completions: [":4"] },
])("$typed goes on with $completions", async ({ typed, completions }) => {
  expect(await completionsOf(project, typed)).toEqual(completions);
});

test.each([
  { folder: "without a wrangler.toml", path: empty },
  { folder: "whose wrangler.toml has a mistake", path: broken },
])(
  "in a folder $folder, commands and options still complete, and nothing is said",
  async ({ path }) => {
    expect(await completionsOf(path, ["dep"])).toEqual(["deploy", ":4"]);
    expect(await completionsOf(path, ["url", "--pre"])).toEqual(["--preset", ":4"]);
    expect(await completionsOf(path, ["url", "--preset", ""])).toEqual([":4"]);
    expect(await completionsOf(path, ["url", ""])).toEqual([":4"]);

    // A Tab makes no key of a local run that never ran.
    expect(existsSync(join(path, ".wrangler"))).toBe(false);
  },
);

test("presets and buckets complete also while a setting elsewhere is wrong", async () => {
  const folder = createFolder({ ROUTES: "none", PRESETS: { card: { width: 480 }, bad: {} } });
  expect(await completionsOf(folder, ["url", "--preset", ""])).toEqual(["card", ":4"]);
  expect(await completionsOf(folder, ["rotate", "--bucket", ""])).toEqual(["media", ":4"]);
});

test("a wrangler.jsonc with comments, a comma at its end and JSON text completes, too", async () => {
  const folder = createTemporaryFolder("vitrine-jsonc-");
  const text = `{ // Vitrine
    "vars": { "PRESETS": "{\\"card\\":{\\"width\\":480}}", "PRESETS_2": { "hero": { "width": 960, } }, },
    "env": { "staging": { "vars": {} } }, /* the end */
  }`;
  writeFileSync(join(folder, "wrangler.jsonc"), text);

  expect(await completionsOf(folder, ["url", "--preset", ""])).toEqual(["card", "hero", ":4"]);
  expect(await completionsOf(folder, ["url", "--env", ""])).toEqual(["staging", ":4"]);
  expect(await completionsOf(folder, ["url", "--env", "staging", "--preset", ""])).toEqual([":4"]);
  expect(await completionsOf(folder, ["url", "--env", "none", "--preset", ""])).toEqual([":4"]);
});

test("CLOUDFLARE_ENV says whose presets complete, as for the command", async () => {
  const folder = createProject({
    ...STAGED,
    env: { staging: { vars: { PRESETS: { tile: { width: 9 } } } } },
  });
  const env = { CLOUDFLARE_ENV: "staging" };
  expect(await completionsOf(folder, ["url", "--preset", ""], env)).toEqual(["tile", ":4"]);
});

/** Serves an S3 on this machine while a test runs. @returns its port */
async function serveS3(listener: RequestListener): Promise<string> {
  const { url, close } = await listenLocally(createServer(listener), 0);
  onTestFinished(close);
  return new URL(url).port;
}

function sendList(response: ServerResponse, prefix: string, key: string): void {
  response.setHeader("content-type", "application/xml");
  response.end(`<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>false</IsTruncated>
<Prefix>${prefix}</Prefix><Contents><Key>${key}</Key></Contents></ListBucketResult>`);
}

test("the keys of all local buckets complete, also those of R2", async () => {
  const { media } = STAGED.vars.BUCKETS;
  const BUCKETS = { media, r2: { binding: "MEDIA_BUCKET" } };
  const folder = createProject({ ...STAGED, ...BOUND, vars: { ...STAGED.vars, BUCKETS } });
  const keys = readLocalKeys(folder);
  const paths = [media.bucket, "acme"].map((name) => {
    return `/cdn-cgi/local/r2/s3/${localBucketName(name, keys)}/`;
  });

  const PORT = await serveS3(({ url = "" }, response) => {
    const { pathname, searchParams } = new URL(url, "http://localhost");
    const key = paths.indexOf(pathname) === 0 ? "published/a.jpg" : "b.jpg";
    sendList(response, searchParams.get("prefix") ?? "", key);
  });

  const completions = await completionsOf(folder, ["explain", ""], { PORT });
  expect(completions).toEqual(["media/a.jpg", "r2/b.jpg", ":4"]);
  expect(await completionsOf(folder, ["explain", "r2/"], { PORT })).toEqual(["r2/b.jpg", ":4"]);
});

test("a Tab waits for five seconds only for what listens at the port of the local run", async () => {
  const folder = createFolder();
  readLocalKeys(folder);
  stopClock();

  const PORT = await serveS3((_request, response) => {
    vi.advanceTimersByTime(5000);
    sendList(response, "published/", "published/a.jpg");
  });

  expect(await completionsOf(folder, ["explain", ""], { PORT })).toEqual([":4"]);
});

test.each([
  { fault: "is broken", key: "{}", PORT: "8787" },
  { fault: "is right, and PORT is no port", key: "", PORT: "80@example.com" },
])("if the local key $fault, all else completes", async ({ key, PORT }) => {
  const folder = createFolder();
  readLocalKeys(folder);
  if (key !== "") writeFileSync(join(folder, ".wrangler/vitrine/local-key.json"), key);

  expect(await completionsOf(folder, ["url", ""], { PORT })).toEqual([":4"]);
  expect(await completionsOf(folder, ["url", "--pre"], { PORT })).toEqual(["--preset", ":4"]);
});

test("a Tab asks no S3 that a folder of a stranger names", async () => {
  let requests = 0;
  const port = await serveS3((_request, response) => {
    requests += 1;
    response.end();
  });

  const key = { AccessKey: { AccessKeyId: "vitrine-local-k", SecretAccessKey: "vitrine-local-s" } };
  const endpoint = `http://localhost:${port}`;
  const BUCKETS = { media: { endpoint, bucket: "acme", region: "auto", addressing: "path" } };
  const folder = createProject(STAGED, "wrangler.toml", {
    ".dev.vars": `BUCKETS='${JSON.stringify(BUCKETS)}'\nAWS_ACCESS_KEY_ID=a\nAWS_SECRET_ACCESS_KEY=b\nURL_SIGNING_KEYS='${SECRETS.URL_SIGNING_KEYS}'\n`,
  });
  mkdirSync(join(folder, ".wrangler/vitrine"), { recursive: true });
  writeFileSync(join(folder, ".wrangler/vitrine/local-key.json"), JSON.stringify(key));

  expect(await completionsOf(folder, ["explain", "a"], { PORT: port })).toEqual([":4"]);
  expect(requests).toBe(0);
});

test("a name that a shell would expand is not completed", async () => {
  const { card } = STAGED.vars.PRESETS;
  const folder = createProject({
    ...STAGED,
    env: { "a$(b)": STAGED.env.staging, prod: { vars: { PRESETS: { card } } } },
  });
  expect(await completionsOf(folder, ["check", "--env", ""])).toEqual(["prod", ":4"]);
});

test("a name that a command would take for an option is not completed", async () => {
  const folder = createProject({ ...STAGED, env: { "--all": STAGED.env.staging, prod: {} } });
  expect(await completionsOf(folder, ["check", "--env", ""])).toEqual(["prod", ":4"]);
});

test("no Tab waits for wrangler, which takes a second to load", async () => {
  const require = createRequire(import.meta.url);
  const file = require.resolve("wrangler");
  const loadedBefore = require.cache[file];
  delete require.cache[file];
  onTestFinished(() => {
    require.cache[file] ??= loadedBefore;
  });

  await completionsOf(project, ["url", "--env", "staging", "--preset", ""]);
  expect(require.cache[file]).toBeUndefined();
});

test.each(["bash", "zsh", "fish"])(
  "a Tab in %s never gets a package named vitrine from npm",
  async (shell) => {
    const { code, out } = await vitrine(["complete", shell]);
    expect(code).toBe(0);
    expect(out.match(/^ *npx .*$/gm)).toEqual([
      expect.stringMatching(/^ *npx --no --offline -- vitrine /),
    ]);
  },
);

test("there is no script for another shell", async () => {
  expect(await vitrine(["complete", "tcsh"])).toMatchObject({ code: 3, out: "" });
});
