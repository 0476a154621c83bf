// Starts RADOS Gateway, the S3 server of Ceph: on this machine only, on SQLite without a cluster, in a
// temporary folder. It ends with this process, however that ends.

import { execFile, spawn, spawnSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Credentials } from "../../src/worker/config/slot.ts";
import { freePort } from "../support/free-port.ts";

export type Gateway = {
  readonly endpoint: string;
  readonly folder: string;
  /** The end of its log. */
  readonly log: () => string;
  readonly stop: () => Promise<void>;
};

export const HOW_TO_GET_IT = `npm run test:s3 needs radosgw, the S3 server of Ceph. On Debian or Ubuntu:
  apt-get install -y --no-install-recommends radosgw
On another system, run it in a container of Debian. npm test needs none.`;

const ADMIN_MS = 10_000;
const START_MS = 20_000;
const LOG_BYTES = 3_000;

/** Returns the version, such as 18.2.7; undefined if it is not installed. */
export function installedVersion(): string | undefined {
  // Its libraries have 40 MB: a busy disk may need long for them.
  const { stdout } = spawnSync("radosgw", ["--version"], { encoding: "utf8", timeout: 120_000 });
  return /version (\S+)/.exec(stdout ?? "")?.[1];
}

/** The key that seals the session tokens of the server's STS: 16 characters. */
export const STS_KEY = "vitrine-sts-key1";

// Without tcp_nodelay each request takes 40 ms more.
const configOf = (folder: string, port: number, sts: boolean) => `[global]
rgw backend store = dbstore
rgw config store = dbstore
dbstore config uri = file:${folder}/config.db
dbstore db dir = ${folder}
rgw data = ${folder}
run dir = ${folder}
log file = ${folder}/radosgw.log
admin socket = ${folder}/$pid.asok
auth cluster required = none
auth service required = none
auth client required = none
rgw dns name = localhost
rgw s3 auth use sts = ${sts}
rgw sts key = ${STS_KEY}
rgw frontends = beast endpoint=127.0.0.1:${port} tcp_nodelay=1
`;

const options = (folder: string) => {
  return ["-c", join(folder, "ceph.conf"), "-n", "client.rgw.x", "--no-mon-config"];
};

/** Runs radosgw-admin. On SQLite it does not always end after it has done its work. */
function administer(folder: string, args: readonly string[]): Promise<void> {
  const limit = { timeout: ADMIN_MS, killSignal: "SIGKILL" } as const;
  return new Promise((settle, fail) => {
    execFile("radosgw-admin", [...args, ...options(folder)], limit, (error, _out, output) =>
      error && !error.killed ? fail(new Error(`radosgw-admin ${args[0]}: ${output}`)) : settle(),
    );
  });
}

/**
 * Makes a user with one key: on SQLite, a second key of a user replaces the first one. Each user may give
 * policies to users, which is what a session needs.
 */
function addUser(folder: string, uid: string, key: Credentials): Promise<void> {
  const { accessKeyId, secretAccessKey } = key;
  const credentials = [
    ...[`--access-key=${accessKeyId}`, `--secret-key=${secretAccessKey}`],
    "--caps=user-policy=*",
  ];
  return administer(folder, [
    "user",
    "create",
    `--uid=${uid}`,
    `--display-name=${uid}`,
    ...credentials,
  ]);
}

export function removeUser(folder: string, uid: string): Promise<void> {
  return administer(folder, ["user", "rm", `--uid=${uid}`]);
}

/**
 * @param sts whether it takes session credentials. It then says AccessDenied for a wrong lasting key, too
 * @throws if it does not start; the error has its log
 */
export async function startGateway(
  users: Readonly<Record<string, Credentials>>,
  sts = false,
): Promise<Gateway> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-s3-"));
  const port = await freePort();
  writeFileSync(join(folder, "ceph.conf"), configOf(folder, port, sts));
  for (const [uid, key] of Object.entries(users)) await addUser(folder, uid, key);
  // The shell ends the server when its standard input closes, as it does if this process is killed. A
  // Ctrl-C must not end the shell first.
  const script = `trap '' INT TERM HUP; radosgw "$@" >"$0/out" 2>&1 & read -r _; kill -9 $!; wait`;
  const shell = spawn("sh", ["-c", script, folder, ...options(folder), "-f"], {
    stdio: ["pipe", "ignore", "inherit"],
  });
  const ended = new Promise<void>((settle) => shell.once("close", () => settle()));
  const log = () => ["out", "radosgw.log"].map((name) => tail(join(folder, name))).join("");
  const stop = async () => {
    shell.stdin.end();
    await ended;
    rmSync(folder, { recursive: true, force: true });
  };
  const endpoint = `http://localhost:${port}`;
  if (await answers(`http://127.0.0.1:${port}/`)) return { endpoint, folder, log, stop };
  const lines = log();
  await stop();
  throw new Error(`radosgw does not answer within ${START_MS / 1000} s. Its log:\n${lines}`);
}

function tail(file: string): string {
  try {
    return readFileSync(file).subarray(-LOG_BYTES).toString();
  } catch {
    return ""; // it wrote none
  }
}

async function answers(url: string): Promise<boolean> {
  for (const deadline = Date.now() + START_MS; Date.now() < deadline; ) {
    const answer = await fetch(url, { signal: AbortSignal.timeout(2_000) }).catch(() => undefined);
    await answer?.body?.cancel();
    if (answer?.ok) return true;
    await new Promise((later) => setTimeout(later, 100));
  }
  return false;
}
