// Runs `wrangler dev` as a child process, and shows what it says. However this process ends, wrangler
// ends with it. When wrangler ends, so does this process.

import { type ChildProcessByStdio, spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Readable } from "node:stream";
import { stripVTControlCharacters } from "node:util";
import { wranglerProgram } from "../cli/project/load-wrangler.ts";

export type Wrangler = {
  /** Settles when the Workers answer requests. */
  readonly ready: Promise<void>;
  readonly isEnding: () => boolean;
  /** Shows what the Worker logs from now on. Until then, nothing is shown unless there is an error. */
  readonly showLog: () => void;
};

/** How long the last lines of a wrangler that has ended may take: ms. */
const LAST_LINES_MS = 2_000;

/** wrangler's prefix of a line. */
const DECORATION = /^(?:. )?\[[\w:-]+\]\s*/u;
/** Lines of wrangler that say what welcome.ts has said already, and what each open contact sheet asks. */
const NOISE =
  /^\s*$|low-fidelity mock|^env\.|^Binding|following bindings|Using secrets|wrangler types|experimental_s3|Processing \S+ configuration|^GET \/\.vitrine\/tag 200/;

/**
 * Starts `wrangler dev`.
 * @param configs the configuration files, that of the main Worker first
 * @param environment undefined: the top level, whatever CLOUDFLARE_ENV says (S6)
 * @param vars vars that replace those of the first configuration, by name
 */
export function runWrangler(
  entry: string,
  configs: readonly string[],
  environment: string | undefined,
  port: number,
  vars: Readonly<Record<string, unknown>>,
): Wrangler {
  const args = argumentsOf(entry, configs, port, vars);
  const child = spawn(
    process.execPath,
    [wranglerProgram(), ...args, `--env=${environment ?? ""}`],
    {
      stdio: ["ignore", "pipe", "pipe"],
      env: {
        ...process.env,
        CLOUDFLARE_CF_FETCH_ENABLED: "false", // otherwise it asks Cloudflare for a Request.cf
        WRANGLER_SEND_METRICS: "false",
        WRANGLER_HIDE_BANNER: "true",
      },
    },
  );
  let ending = false;
  endTogether(() => {
    ending = true;
    child.kill();
  });

  const before: string[] = [];
  let show: ((line: string) => void) | undefined;
  const showAll = () => {
    show = (line) => console.error(line);
    before.forEach(show);
  };
  const ready = new Promise<void>((settle) => {
    onLine(child, (line) => {
      before.push(line);
      if (/Ready on http/.test(line)) settle();
      else if (show !== undefined) show(line);
      else if (/\[ERROR\]/.test(line)) showAll();
    });
  });
  const finish = (code: number | null) => {
    if (show === undefined && !ending) showAll();
    process.exit(ending ? 0 : (code ?? 1));
  };
  child.on("close", finish);
  // What wrangler has started may live on, and keep its output open.
  child.on("exit", (code) => setTimeout(finish, LAST_LINES_MS, code));
  return {
    ready,
    isEnding: () => ending,
    showLog: () => {
      show = showWorkerLine;
    },
  };
}

function argumentsOf(
  entry: string,
  configs: readonly string[],
  port: number,
  vars: Readonly<Record<string, unknown>>,
): string[] {
  return [
    ...["dev", entry, ...configs.flatMap((config) => ["-c", config])],
    ...["--port", `${port}`, "--inspector-port", "0", "--show-interactive-dev-session=false"],
    // Otherwise the Worker would see the host of `routes`, and every signature would be wrong.
    ...["--local-upstream", `localhost:${port}`],
    ...Object.entries(vars).flatMap(([name, value]) => [
      "--var",
      `${name}:${JSON.stringify(value)}`,
    ]),
  ];
}

/** Calls `end` on a signal, when this process ends, and when its parent (npm, or npm's shell) is gone. */
function endTogether(end: () => void): void {
  process.on("exit", end);
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && end(), 500).unref();
}

function onLine(
  child: ChildProcessByStdio<null, Readable, Readable>,
  read: (line: string) => void,
): void {
  for (const input of [child.stdout, child.stderr]) {
    createInterface({ input }).on("line", (line) => read(stripVTControlCharacters(line)));
  }
}

/** Shows the Worker's own lines unchanged, and hides the noise of wrangler. */
function showWorkerLine(said: string): void {
  const line = said.replace(DECORATION, "");
  if (line.startsWith("{") || !NOISE.test(line)) console.log(line);
}
