// Deploys the probe Worker with wrangler, from a temporary folder that has its configuration, logs and secret.

import { spawn } from "node:child_process";
import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import { stripVTControlCharacters } from "node:util";

const WRANGLER = join(import.meta.dirname, "../../node_modules/wrangler/bin/wrangler.js");
const WORKER = join(import.meta.dirname, "worker.ts");
const PID = "wrangler.pid";
const TIMEOUT_MS = 120_000;

/** What wrangler gets of the environment. Others would choose another name, account or environment for what it makes. */
const PASSED_ON = [
  ...["CLOUDFLARE_API_TOKEN", "CLOUDFLARE_ACCOUNT_ID", "CLOUDFLARE_API_BASE_URL"],
  ...["PATH", "HOME", "TMPDIR", "TEMP", "SystemRoot", "NODE_EXTRA_CA_CERTS"],
  ...["HTTPS_PROXY", "HTTP_PROXY", "NO_PROXY", "https_proxy", "http_proxy", "no_proxy"],
];

export type Project = {
  readonly folder: string;
  readonly name: string;
  /** Its custom domain, if the run has a zone. */
  readonly domain: string | undefined;
  /** Left out: wrangler makes one (T9). */
  readonly bucket?: string;
  /** `cross_version_cache` (W4). Left out: false. */
  readonly crossVersion?: boolean;
  readonly env: NodeJS.ProcessEnv;
};

/**
 * Deploys the Worker. wrangler runs in a process group of its own: Ctrl-C does not reach it, so
 * no step of it is half done.
 * @param token what opens the Worker. Left out: the deployed Worker's stays
 * @throws {Error} with what wrangler printed, if it fails or takes more than two minutes
 */
export async function deploy(project: Project, token?: string): Promise<void> {
  const { folder, name, domain, bucket, crossVersion = false } = project;
  const config = {
    ...{ name, main: WORKER, compatibility_date: "2026-11-01" },
    ...{ workers_dev: true, preview_urls: false, observability: { enabled: false } },
    ...(domain !== undefined && { routes: [{ pattern: domain, custom_domain: true }] }),
    ...{ r2_buckets: [{ binding: "BUCKET", bucket_name: bucket }], images: { binding: "IMAGES" } },
    cache: { enabled: true, cross_version_cache: crossVersion },
    exports: {
      default: { type: "worker", cache: { enabled: false } },
      Cached: { type: "worker", cache: { enabled: true } },
    },
  };
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, "wrangler.json"), JSON.stringify(config));
  const secrets = join(folder, "secrets.json"); // JSON: no variable of the environment takes its place (S5)
  if (token !== undefined) writeFileSync(secrets, JSON.stringify({ PROBE_TOKEN: token }));
  const args = token === undefined ? [] : ["--secrets-file", secrets];
  try {
    await runWrangler(project, ["deploy", "--config", "wrangler.json", ...args]);
  } finally {
    rmSync(secrets, { force: true });
  }
}

/** Waits up to two minutes for the wrangler of a run that was killed. @returns whether it has ended */
export async function waitForDeploy(folder: string): Promise<boolean> {
  for (const deadline = Date.now() + TIMEOUT_MS; Date.now() < deadline; await wait(200)) {
    try {
      process.kill(Number(readFileSync(join(folder, PID), "utf8")), 0);
    } catch {
      return true; // no such file, or no such process
    }
  }
  return false;
}

function runWrangler({ folder, env }: Project, args: readonly string[]): Promise<void> {
  const withheld = Object.keys(env).filter((name) => !PASSED_ON.includes(name));
  return new Promise((settle, fail) => {
    let output = "";
    const child = spawn(process.execPath, [WRANGLER, ...args], {
      cwd: folder,
      env: {
        ...{ ...env, ...Object.fromEntries(withheld.map((name) => [name, undefined])) },
        ...{ CI: "1", NO_COLOR: "1" },
        ...{ WRANGLER_SEND_METRICS: "false", WRANGLER_HIDE_BANNER: "true" },
        WRANGLER_LOG_PATH: join(folder, "logs"),
      },
      stdio: ["ignore", "pipe", "pipe"],
      detached: true,
    });
    const { pid = 0 } = child;
    writeFileSync(join(folder, PID), `${pid}`);
    const timer = setTimeout(() => process.kill(-pid, "SIGKILL"), TIMEOUT_MS); // its children, too
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding("utf8").on("data", (text: string) => (output += text));
    }
    child.on("error", fail).on("close", (code) => {
      clearTimeout(timer);
      rmSync(join(folder, PID), { force: true });
      const text = stripVTControlCharacters(output);
      if (code === 0) settle();
      else fail(new Error(`wrangler deploy failed (${code ?? "it took too long"}):\n${text}`));
    });
  });
}
