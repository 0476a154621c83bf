// The local run gives nothing away: no secret, no original, no local object and no way to fetch, to no page of
// elsewhere and to no other user of this machine.

import { execFile } from "node:child_process";
import {
  chmodSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { localBucketName, readLocalKeys } from "../../src/cli/config/local-run.ts";
import { listenLocally } from "../../src/emulator/local-server.ts";
import type { Served } from "../../src/emulator/serve.ts";
import { sign } from "../../src/worker/origin/sigv4.ts";
import { QUIET, ROOT } from "../support/built.ts";
import { freePort } from "../support/free-port.ts";
import { copyProject, endRuns, removeCopies, start, VITRINE } from "../support/local-run.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const run = promisify(execFile);

/** The secrets that the local run has. */
const SECRETS = {
  HEALTH_TOKEN: "the-token-of-health-0123456789",
  PURGE_TOKEN: "the-token-that-purges-0123456789-0123",
  URL_SIGNING_KEYS: '{"local":"the-key-that-signs-urls-0123456789"}',
  OWN_SECRET: "a-secret-that-only-the-project-knows",
};
const ORIGINALS = ["photos/fig.jpg", "photos/friends.jpg", "made/transparent.png", "made/key.jpg"];

const KEY_FILE = ".wrangler/vitrine/local-key.json";
const ISSUER_FILE = ".wrangler/vitrine/local-issuer.json";
const PLANTED = {
  AccessKey: {
    AccessKeyId: "vitrine-local-key-id",
    SecretAccessKey: "vitrine-local-secret-that-somebody-planted",
  },
};

/** Whether this user may become another one. */
const isRoot = process.getuid?.() === 0;
const AS_NOBODY = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];

const folder = copyProject();
let port: number;
/** The process that `vitrine dev` began with. */
let localRun: number;
/** A server of somebody else, which must not be asked, and what it was asked. */
const heard: string[] = [];
let beacon: Served;

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 }); // beside other tests
beforeAll(async () => {
  chmodSync(folder, 0o755);
  const lines = Object.entries(SECRETS).map(([name, value]) => `${name}='${value}'\n`);
  writeFileSync(join(folder, ".dev.vars"), lines.join(""), { mode: 0o644 });
  // Somebody else could write there before, and knows the key.
  mkdirSync(join(folder, ".wrangler/vitrine"), { recursive: true });
  chmodSync(join(folder, ".wrangler"), 0o777);
  writeFileSync(join(folder, KEY_FILE), JSON.stringify(PLANTED));
  writeFileSync(join(folder, ISSUER_FILE), '{"d":"planted"}');
  port = await freePort();
  const server = createServer((request, response) => {
    heard.push(`${request.url}`);
    response.end();
  });
  beacon = await listenLocally(server, 0);
  localRun = (await start(folder, port, () => {})).pid;
  await fetch(`http://localhost:${port}/images/card/photos/fig.jpg`); // what could be recorded is there
});
afterAll(async () => {
  await endRuns();
  removeCopies();
  await beacon.close();
  vi.resetConfig();
});

/** The processes of the local run: the one that was started, and those that it started. */
function processes(): number[] {
  const all = numbersIn("/proc").map((pid) => [pid, parentOf(pid)] as const);
  const pids = new Set([localRun]);
  for (let size = 0; size < pids.size; ) {
    size = pids.size;
    for (const [pid, parent] of all) if (pids.has(parent)) pids.add(pid);
  }
  return [...pids];
}

function numbersIn(path: string): number[] {
  if (!existsSync(path)) return [];
  return readdirSync(path)
    .filter((name) => /^\d+$/.test(name))
    .map(Number);
}

function parentOf(pid: number): number {
  const stat = readOr(`/proc/${pid}/stat`, "");
  return Number(/^\d+ \(.*\) \S (\d+)/s.exec(stat)?.[1]);
}

/** The ports on which these processes listen. */
function portsOf(pids: readonly number[]): number[] {
  const sockets = new Set(
    pids.flatMap((pid) =>
      numbersIn(`/proc/${pid}/fd`).map(
        (fd) => /^socket:\[(\d+)\]$/.exec(readOr(`/proc/${pid}/fd/${fd}`, "", readlinkSync))?.[1],
      ),
    ),
  );
  const lines = ["tcp", "tcp6"].flatMap((name) => readOr(`/proc/net/${name}`, "").split("\n"));
  return lines.flatMap((line) => {
    const [, address = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    const isListening = state === "0A" && sockets.has(inode);
    return isListening ? [Number.parseInt(address.split(":")[1] ?? "", 16)] : [];
  });
}

/** Reads what may have ended. */
function readOr(file: string, otherwise: string, read = (path: string) => `${readFileSync(path)}`) {
  try {
    return read(file);
  } catch {
    return otherwise;
  }
}

/** Requests that the published keys of older versions sign. */
async function signedByOldKeys(): Promise<Record<string, unknown>> {
  const keys = {
    accessKeyId: "vitrine-local-key-id",
    secretAccessKey: "vitrine-local-secret-that-opens-nothing-else",
  };
  const paths = ["", "/photos/fig.jpg"].map((key) => `/cdn-cgi/local/r2/s3/acme-media${key}`);
  const signed = paths.map(async (path) => {
    const url = `http://localhost:${port}${path}`;
    const headers = await sign(url, "auto", keys, Date.now());
    return [path, { ...headers, host: `localhost:${port}` }] as const;
  });
  return Object.fromEntries(await Promise.all(signed));
}

const INTRUDERS: readonly (readonly [who: string, as: readonly string[]])[] = [
  ["a page of elsewhere, or any program of this user", []],
  ...(isRoot ? [["another user of this machine", AS_NOBODY] as const] : []),
];

test.each(INTRUDERS)("%s gets no secret, no original and no way to fetch", async (_who, as) => {
  const pids = as.length > 0 ? processes() : [];
  const ports = portsOf(processes());
  expect(ports.length === 0 || ports.includes(port)).toBe(true);
  const asOther = as.length > 0;
  // Another user may not be able to read where Node.js and this project are.
  const programs = createTemporaryFolder("vitrine-intruder-");
  chmodSync(programs, 0o755);
  for (const [source, copy] of [
    [process.execPath, "node"],
    [join(import.meta.dirname, "intruder.js"), "intruder.mjs"],
  ] as const) {
    copyFileSync(source, join(programs, copy));
    chmodSync(join(programs, copy), 0o755);
  }
  const task = {
    ...{ ports: ports.length > 0 ? ports : [port], pids, beacon: beacon.url },
    ...{ folder: asOther ? folder : join(programs, "none"), signed: await signedByOldKeys() },
  };
  const [program = "", ...args] = [...as, join(programs, "node"), join(programs, "intruder.mjs")];
  const options = { maxBuffer: 1e9, cwd: "/" };
  const { stdout } = await run(program, [...args, JSON.stringify(task)], options);
  const got: [string, string][] = JSON.parse(stdout);
  expect(got.length).toBeGreaterThan(100);

  const keys = readLocalKeys(folder);
  expect(keys.secretAccessKey).not.toBe(PLANTED.AccessKey.SecretAccessKey);
  expect(readOr(join(folder, ISSUER_FILE), "")).not.toContain("planted");
  const BUCKET = localBucketName("acme-media", keys);
  const looked = [
    ...Object.entries({ ...SECRETS, LOCAL_SECRET: keys.secretAccessKey, BUCKET }),
    ["a URL of the local run's own servers", "http://127.0.0.1:"] as const,
    ["an inspector", "an open WebSocket"] as const,
  ].map(([name, text]) => [name, Buffer.from(text)] as const);
  const originals = ORIGINALS.map((file) => {
    // Its beginning would be in a rendition, too.
    return [file, readFileSync(join(ROOT, "fixtures/objects", file)).subarray(-400)] as const;
  });
  const leaks = got.flatMap(([url, base64]) => {
    const bytes = Buffer.from(base64, "base64");
    return [...looked, ...originals]
      .filter(([, part]) => bytes.includes(part))
      .map(([name]) => `${name}: ${url}`);
  });
  expect(leaks).toEqual([]);
  // Only the port of the local run answers, and not to a page whose name leads here.
  const answered = got.map(([url]) => url).filter((url) => url.startsWith("200 "));
  expect(answered.filter((url) => !url.startsWith(`200 ${port} `))).toEqual([]);
  expect(answered.filter((url) => url.includes('"host":"evil.example"'))).toEqual([]);
  expect(heard).toEqual([]);
});

test("workerd has neither an inspector nor a port for other runs of wrangler", () => {
  const lines = processes().map((pid) => readOr(`/proc/${pid}/cmdline`, "").replaceAll("\0", " "));
  expect(lines.filter((line) => /--(?:inspector-addr|debug-port)/.test(line))).toEqual([]);
});

test("what the local run writes is for its owner alone", () => {
  const modes = [".dev.vars", ".wrangler", ".wrangler/vitrine"].map((path) => [
    path,
    statSync(join(folder, path)).mode & 0o077,
  ]);
  expect(modes).toEqual(modes.map(([path]) => [path, 0]));
  const files = readdirSync(join(folder, ".wrangler/vitrine"));
  expect(files.length).toBeGreaterThan(1);
  for (const file of files) {
    const mode = statSync(join(folder, ".wrangler/vitrine", file)).mode & 0o777;
    expect([file, mode]).toEqual([file, 0o600]);
  }
});

test("a .dev.vars that an editor makes anew is for its owner alone, too", async () => {
  const file = join(folder, ".dev.vars");
  const text = readFileSync(file, "utf8");
  rmSync(file);
  writeFileSync(file, text, { mode: 0o644 });
  await expect.poll(() => statSync(file).mode & 0o777, { timeout: 60_000 }).toBe(0o600);
});

const OWN = [".wrangler", ...["vitrine", "tmp", "state"].map((name) => `.wrangler/${name}`)];

/** Starts a local run that does not start. */
async function startIn(folder: string) {
  const options = { cwd: folder, env: { ...QUIET, PORT: `${await freePort()}` } };
  const ended = await run(process.execPath, [VITRINE, "dev"], options).catch((error) => error);
  return [ended.code, ended.stderr];
}

test.each(OWN)("where %s leads elsewhere, nothing starts", async (path) => {
  const folder = copyProject();
  mkdirSync(join(folder, path, ".."), { recursive: true });
  symlinkSync(createTemporaryFolder("vitrine-elsewhere-"), join(folder, path));
  const message = new RegExp(`^${path} is a link.* Remove it and start again\\.\n$`);
  expect(await startIn(folder)).toEqual([2, expect.stringMatching(message)]);
  expect(existsSync(join(folder, ".dev.vars"))).toBe(false);
});

test.each([
  ["a file of others", true],
  ["nothing", false],
])(
  "where .dev.vars is a link to %s, nothing starts, and nothing is written there",
  async (_what, isThere) => {
    const folder = copyProject();
    const target = join(createTemporaryFolder("vitrine-elsewhere-"), "shared.env");
    if (isThere) writeFileSync(target, "SHARED=1\n", { mode: 0o644 });
    symlinkSync(target, join(folder, ".dev.vars"));
    const message = /^\.dev\.vars is a link.* Put a copy in its place and start again\.\n$/;
    expect(await startIn(folder)).toEqual([2, expect.stringMatching(message)]);
    expect(existsSync(target)).toBe(isThere);
    if (!isThere) return;
    expect([readFileSync(target, "utf8"), statSync(target).mode & 0o777]).toEqual([
      "SHARED=1\n",
      0o644,
    ]);
  },
);

test("what outlives a local run that is killed answers nobody", async () => {
  const all = processes();
  const ports = portsOf(all);
  process.kill(localRun, "SIGKILL");
  await expect
    .poll(() => fetch(`http://localhost:${port}/`).catch(() => "nobody"), { timeout: 60_000 })
    .toBe("nobody");
  for (const one of ports) {
    const answer = await fetch(`http://127.0.0.1:${one}/images/card/photos/fig.jpg`).catch(
      () => undefined,
    );
    expect([one, answer?.ok ?? false]).toEqual([one, false]);
  }
  for (const pid of all) if (existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
});
