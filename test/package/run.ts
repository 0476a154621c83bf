// Runs a program to its end, as a user does: without what this repository's own npm has set.

import { execFile } from "node:child_process";
import { delimiter, dirname, join } from "node:path";

const PACKAGES = join(import.meta.dirname, "node_modules");

/** Each Node.js that the tests run the package with: the folder of its program. */
const NODES = {
  20: join(PACKAGES, "node-20/bin"),
  22: join(PACKAGES, "node-22/bin"),
  24: dirname(process.execPath),
} as const;

/** Each npm that the tests install the package with: the file of its program. */
const NPMS = {
  11: join(PACKAGES, "npm-11/bin/npm-cli.js"),
  12: join(PACKAGES, "npm-12/bin/npm-cli.js"),
} as const;

export type Npm = keyof typeof NPMS;

export type Ended = {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
};

export type Shell = {
  readonly cwd: string;
  readonly node?: keyof typeof NODES;
  readonly env?: Readonly<Record<string, string>>;
  readonly stdin?: string;
};

const SET_BY_TOOLS = /^(?:npm_|VITEST|NODE_(?:ENV|OPTIONS|PATH|COMPILE_CACHE)$)/;
/** How this machine reaches the registry. */
const REGISTRY_SETTINGS =
  /^npm_config_(?:registry|userconfig|cache|ca|cafile|strict_ssl|\w*proxy)$/i;

/** The environment of a user's shell: without what npm and vitest have set. */
export function shellOf({ node = 24, env = {} }: Pick<Shell, "node" | "env">): NodeJS.ProcessEnv {
  const set = Object.keys(process.env).filter(
    (name) => SET_BY_TOOLS.test(name) && !REGISTRY_SETTINGS.test(name),
  );
  const path = (process.env["PATH"] ?? "").split(delimiter);
  return {
    ...process.env,
    ...Object.fromEntries(set.map((name) => [name, undefined])),
    PATH: [NODES[node], ...path.filter((one) => !one.includes("node_modules"))].join(delimiter),
    NO_COLOR: "1",
    WRANGLER_SEND_METRICS: "false",
    ...env,
  };
}

/** Options of npm: `npm ci` here has fetched most packages already, so ask the registry for the others alone. */
export const OFFLINE = ["--prefer-offline", "--no-audit", "--no-fund"];

/** An API of Cloudflare that does not answer: whoever is logged in here deploys nothing. */
export const NO_CLOUDFLARE = {
  CLOUDFLARE_API_BASE_URL: "http://127.0.0.1:1",
  CLOUDFLARE_API_TOKEN: "made-up",
  CLOUDFLARE_ACCOUNT_ID: "0".repeat(32),
};

export function tryRun(program: string, args: readonly string[], shell: Shell): Promise<Ended> {
  return new Promise((settle) => {
    const options = { cwd: shell.cwd, env: shellOf(shell), maxBuffer: 64 * 1024 ** 2 };
    const child = execFile(program, [...args], options, (_error, stdout, stderr) =>
      settle({ code: child.exitCode ?? -1, stdout, stderr }),
    );
    child.stdin?.end(shell.stdin);
  });
}

/** Runs a program. @throws with its output, if it does not end with 0 */
export async function run(program: string, args: readonly string[], shell: Shell): Promise<Ended> {
  const ended = await tryRun(program, args, shell);
  if (ended.code === 0) return ended;
  const line = [program, ...args].join(" ");
  throw new Error(`${line} ended with ${ended.code}:\n${ended.stdout}${ended.stderr}`);
}

/** Runs npm of this version, from our own packages. @throws with its output, if it does not end with 0 */
export function runNpm(npm: Npm, args: readonly string[], shell: Shell): Promise<Ended> {
  return run("node", [NPMS[npm], ...args], shell);
}
