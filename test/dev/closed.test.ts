// The local run gives nothing away: no secret, no original, no local object and no way to fetch, to no page of
// elsewhere and to no other user of this machine.

import { execFile } from "node:child_process";
import * as fs from "node:fs";
import { createServer, type OutgoingHttpHeaders, request } from "node:http";
import { join } from "node:path";
import { promisify } from "node:util";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { listenOn } from "../../src/emulator/listen.ts";
import { sign } from "../../src/worker/origin/sigv4.ts";
import { QUIET, ROOT } from "../support/built.ts";
import { freePort } from "../support/free-port.ts";
import { copyProject, endRuns, removeCopies, start, VITRINE } from "../support/local-run.ts";
import { makeTemporary } from "../support/temporary.ts";

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
const PLANTED = {
  AccessKeyId: "vitrine-local-key-id",
  SecretAccessKey: "vitrine-local-secret-that-somebody-planted",
};

const folder = copyProject();
let port: number;
/** The process that `vitrine dev` began with. */
let localRun: number;
/** A server that nobody may be made to ask. */
let beacon: { readonly url: string; readonly close: () => Promise<void> };
const lured: string[] = [];

vi.setConfig({ testTimeout: 120_000, hookTimeout: 120_000 }); // beside other tests
beforeAll(async () => {
  const lines = Object.entries(SECRETS).map(([name, value]) => `${name}='${value}'\n`);
  fs.writeFileSync(join(folder, ".dev.vars"), lines.join(""), { mode: 0o644 });
  // Somebody else could write there before, and knows the key.
  fs.mkdirSync(join(folder, ".wrangler/vitrine"), { recursive: true });
  fs.chmodSync(join(folder, ".wrangler"), 0o777);
  fs.writeFileSync(join(folder, KEY_FILE), JSON.stringify({ AccessKey: PLANTED }));
  const lure = createServer(({ url }, response) => {
    lured.push(`${url}`);
    response.end();
  });
  [port, beacon] = await Promise.all([freePort(), listenOn(lure, 0)]);
  localRun = (await start(folder, port, () => {})).pid;
  await fetch(`http://localhost:${port}/images/card/photos/fig.jpg`); // what could be recorded is there
});
afterAll(async () => {
  await endRuns();
  removeCopies();
  await beacon.close();
  vi.resetConfig();
});

/** What a file of /proc says; nothing if its process has ended. */
function readProc(path: string): string {
  try {
    return fs.readFileSync(`/proc/${path}`, "utf8");
  } catch {
    return "";
  }
}

/** The processes of the local run: the one that was started, and those that it started. */
function processes(): number[] {
  const pids = fs.readdirSync("/proc").filter((name) => /^\d+$/.test(name));
  const parents = pids.map((pid) => {
    const [, parent] = /^\d+ \(.*\) \S (\d+)/s.exec(readProc(`${pid}/stat`)) ?? [];
    return [Number(pid), Number(parent)] as const;
  });
  const found = new Set([localRun]);
  for (let size = 0; size < found.size; ) {
    size = found.size;
    for (const [pid, parent] of parents) if (found.has(parent)) found.add(pid);
  }
  return [...found];
}

/** The ports on which these processes listen. */
function portsOf(pids: readonly number[]): number[] {
  const links = pids.flatMap((pid) =>
    fs.readdirSync(`/proc/${pid}/fd`).map((fd) => {
      try {
        return fs.readlinkSync(`/proc/${pid}/fd/${fd}`);
      } catch {
        return ""; // it is closed
      }
    }),
  );
  const lines = ["tcp", "tcp6"].flatMap((name) => readProc(`net/${name}`).split("\n"));
  return lines.flatMap((line) => {
    const [, address = "", , state, , , , , , inode] = line.trim().split(/\s+/);
    const isListening = state === "0A" && links.includes(`socket:[${inode}]`);
    return isListening ? [Number.parseInt(address.split(":")[1] ?? "", 16)] : [];
  });
}

/** A page whose name leads to this machine. */
const REBOUND = {
  ...{ host: "evil.example", origin: "http://evil.example", "sec-fetch-site": "same-origin" },
};
const EXPLORERS = ["/cdn-cgi/explorer", "/cdn-cgi/local/explorer"];

/** The headers of a program, of a page of elsewhere, of another local site, of a rebound name. */
function senders(): OutgoingHttpHeaders[] {
  return [
    {},
    { origin: "https://evil.example", "sec-fetch-site": "cross-site" },
    { origin: "http://localhost:3000", "sec-fetch-site": "same-site" },
    REBOUND,
    { ...REBOUND, "mf-original-url": "http://localhost/.vitrine/tag" },
    { ...REBOUND, "mf-original-url": "http://localhost/images/card/photos/fig.jpg" },
    { "mf-original-url": `${beacon.url}/original`, "mf-route-override": "vitrine" },
    { "mf-custom-fetch-service": "core:user", "mf-op": "GET", "mf-op-target": "0" },
  ];
}

function paths(): string[] {
  const api = ["", "/api", "/api/local/workers", "/api/r2/buckets"];
  return [
    ...EXPLORERS.flatMap((path) => api.map((end) => path + end)),
    ...["public", "s3"].map((kind) => `/cdn-cgi/local/r2/${kind}/acme-media/photos/fig.jpg`),
    ...["/cdn-cgi/local/r2/public/", "/cdn-cgi/local/r2/s3/", "/cdn-cgi/local/platform-proxy"],
    ...["/cdn-cgi/mf/reload", "/cdn-cgi/local/scheduled", "/cdn-cgi/ProxyWorker/play"],
    ...["/core/error", "/core/log", "/core/public", "/__cf_local/imagedelivery/a"],
    ...["/json", "/json/list", "/json/version", "/", "/.vitrine/tag", "/.vitrine/sheet.js"],
    ...[`/.vitrine/try?of=${beacon.url}/try&format=png`, `/images/card/${beacon.url}/key`],
    "/.vitrine/try?of=/images/card/photos/fig.jpg",
  ];
}
const POSTS = [
  ...EXPLORERS.map((path) => `${path}/api/local/observability/query`),
  ...["/", "/core/store-temp-file", "/core/error", "/.vitrine/objects/evil.jpg"],
];

/** Sends a request. Returns what it was, and all that came back. */
function ask(to: number, method: string, path: string, headers: OutgoingHttpHeaders) {
  const body = method === "GET" ? "" : JSON.stringify({ sql: "SELECT *", url: `${beacon.url}/b` });
  return new Promise<[asked: string, bytes: Buffer]>((settle) => {
    const fail = () => settle([`none ${path}`, Buffer.of()]);
    const options = { host: "127.0.0.1", port: to, method, path, headers, timeout: 20_000 };
    const asking = request(options, async (answer) => {
      const asked = `${answer.statusCode} ${to} ${method} ${path} ${JSON.stringify(headers)}`;
      const chunks: Buffer[] = [];
      for await (const chunk of answer) chunks.push(Buffer.from(chunk));
      settle([asked, Buffer.concat(chunks)]);
    });
    asking.on("error", fail).on("timeout", () => asking.destroy(new Error("late")));
    asking.end(body);
  });
}

test("a page of elsewhere and any program get no secret, no original and no way to fetch", async () => {
  const pids = processes();
  const ports = portsOf(pids);
  expect(ports).toContain(port);
  const published = {
    accessKeyId: "vitrine-local-key-id",
    secretAccessKey: "vitrine-local-secret",
  };
  const s3 = `http://localhost:${port}/cdn-cgi/local/r2/s3/acme-media`;
  const signed = { ...(await sign(s3, "auto", published, Date.now())), host: `localhost:${port}` };
  const got = [await ask(port, "GET", new URL(s3).pathname, signed)];
  for (const to of ports) {
    for (const headers of senders()) {
      const json = { ...headers, "content-type": "application/json" };
      const all = paths().map((path) => ask(to, "GET", path, headers));
      got.push(...(await Promise.all([...all, ...POSTS.map((one) => ask(to, "POST", one, json))])));
    }
    for (const path of ["/", "/ws", "/core:user:vitrine", "/core:user:local-s3"]) {
      const upgrade = {
        connection: "Upgrade",
        upgrade: "websocket",
        "sec-websocket-version": "13",
      };
      got.push(await ask(to, "GET", path, { ...upgrade, "sec-websocket-key": "a".repeat(22) }));
    }
  }
  for (const pid of pids)
    got.push([`arguments of ${pid}`, Buffer.from(readProc(`${pid}/cmdline`))]);

  const { AccessKey } = JSON.parse(fs.readFileSync(join(folder, KEY_FILE), "utf8"));
  expect(AccessKey).not.toEqual(PLANTED);
  const secrets = {
    ...SECRETS,
    key: AccessKey.SecretAccessKey,
    "an inner URL": "http://127.0.0.1:",
  };
  const parts = [
    ...Object.entries(secrets).map(([name, text]) => [name, Buffer.from(text)] as const),
    // The beginning of an original would be in a rendition, too.
    ...ORIGINALS.map((file) => {
      return [file, fs.readFileSync(join(ROOT, "fixtures/objects", file)).subarray(-400)] as const;
    }),
  ];
  const leaks = got.flatMap(([asked, bytes]) =>
    parts.filter(([, part]) => bytes.includes(part)).map(([name]) => `${name}: ${asked}`),
  );
  expect(leaks).toEqual([]);
  // Only the port of the local run answers, and not to a page whose name leads here.
  const answered = got.map(([asked]) => asked).filter((asked) => /^(?:2|101)/.test(asked));
  expect(answered.filter((asked) => !asked.startsWith(`200 ${port} `))).toEqual([]);
  expect(answered.filter((asked) => asked.includes('"host":"evil.example"'))).toEqual([]);
  expect(answered.length).toBeGreaterThan(5);
  expect(lured).toEqual([]);
  // Neither an inspector nor a port for other runs of wrangler.
  const args = pids.map((pid) => readProc(`${pid}/cmdline`)).join(" ");
  expect(args).not.toMatch(/--(?:inspector-addr|debug-port)/);
});

test("what the local run writes is for its owner alone, also after an editor made it anew", async () => {
  const file = join(folder, ".dev.vars");
  const text = fs.readFileSync(file, "utf8");
  const own = fs.readdirSync(join(folder, ".wrangler/vitrine"));
  expect(own.length).toBeGreaterThan(1);
  const paths = own.map((name) => `.wrangler/vitrine/${name}`);
  for (const path of [".dev.vars", ".wrangler", ".wrangler/vitrine", ...paths]) {
    expect([path, fs.statSync(join(folder, path)).mode & 0o077]).toEqual([path, 0]);
  }
  fs.rmSync(file);
  fs.writeFileSync(file, text, { mode: 0o644 });
  await expect.poll(() => fs.statSync(file).mode & 0o777, { timeout: 60_000 }).toBe(0o600);
});

test("where one of its folders leads elsewhere, it does not start", async () => {
  for (const path of [".wrangler", ".wrangler/vitrine", ".wrangler/tmp", ".wrangler/state"]) {
    const other = copyProject();
    fs.mkdirSync(join(other, path, ".."), { recursive: true });
    fs.symlinkSync(makeTemporary("vitrine-elsewhere-"), join(other, path));
    const options = { cwd: other, env: { ...QUIET, PORT: `${await freePort()}` } };
    const ended = await run(process.execPath, [VITRINE, "dev"], options).catch((error) => error);
    const said = `${path} is a link, or belongs to another user. Remove it and start again.\n`;
    expect([ended.code, ended.stderr]).toEqual([2, said]);
    expect(fs.existsSync(join(other, ".dev.vars"))).toBe(false);
  }
});

test("what outlives a local run that is killed answers nobody", async () => {
  const all = processes();
  const ports = portsOf(all);
  process.kill(localRun, "SIGKILL");
  await expect
    .poll(() => fetch(`http://localhost:${port}/`).catch(() => "nobody"), { timeout: 60_000 })
    .toBe("nobody");
  for (const one of ports) {
    const [answer] = await ask(one, "GET", "/images/card/photos/fig.jpg", {});
    expect([one, answer.startsWith("200")]).toEqual([one, false]);
  }
  for (const pid of all) if (fs.existsSync(`/proc/${pid}`)) process.kill(pid, "SIGKILL");
});
