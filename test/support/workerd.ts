// Runs a Worker in a process of wrangler's workerd, and measures what that process uses. Nothing in front of it
// normalises a request.
//
//     const worker = await start(builtWorker({ ...VARS, ...SECRETS }));
//     await fetch(`http://127.0.0.1:${worker.port}/images/card/key.jpg`);
//     const memory = worker.peak();
//     await worker.stop();

import { type ChildProcess, execFileSync, spawn, spawnSync } from "node:child_process";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { createConnection } from "node:net";
import { join } from "node:path";
import { BUILT, ROOT } from "./built.ts";
import { freePort } from "./free-port.ts";

/** Vars are tables or text, as in wrangler.toml. */
export type Script = {
  readonly code: string;
  /** Other modules, by the names by which the code imports them. */
  readonly modules?: Readonly<Record<string, string>>;
  readonly vars?: Readonly<Record<string, unknown>>;
};

export type Running = {
  readonly port: number;
  /** Takes requests, too. Its buffers are small: what a slow client does not read stays in the Worker. */
  readonly socket: string;
  /** CPU time used so far, user and system, all threads, in µs. */
  cpu(): number;
  /** The most memory that was ever in use, in bytes. On Linux alone, else that of now. */
  peak(): number;
  /** What is alive in the isolate after a forced collection, in bytes: needs `isInspected`. */
  live(): Promise<number>;
  stop(): Promise<void>;
};

/** What the Worker reaches. An address is one such as `127.0.0.1:9000`, of another process. */
type Surroundings = {
  /** The code of a Worker that answers what it fetches. */
  readonly edge?: string;
  /** Answers what it fetches in place of `edge`: an address. */
  readonly outside?: string | undefined;
  /** Whether `outside` gets requests as a proxy does: with whole URLs. */
  readonly isProxy?: boolean;
  /** Answers the binding IMAGES as Cloudflare Images does: an address. */
  readonly images?: string | undefined;
  /** Answers the binding RENDITIONS as Cloudflare R2 does: an address. */
  readonly store?: string | undefined;
  /** Whether the memory of the isolate can be measured. */
  readonly isInspected?: boolean;
  /** Gets what it writes to its log. Without it, that is dropped. */
  readonly log?: ((text: string) => void) | undefined;
};

const START_MS = 20_000;

const SOCKET = "worker.sock";

const PROGRAM = (() => {
  const wrangler = createRequire(join(ROOT, "node_modules/wrangler/package.json"));
  const { default: program }: { default: string } = wrangler("workerd");
  return program;
})();

const COMPATIBILITY_DATE = readCompatibilityDate();

function readCompatibilityDate(): string {
  const toml = readFileSync(join(ROOT, "wrangler.toml"), "utf8");
  const { date = "" } = /^compatibility_date = "(?<date>.*)"$/m.exec(toml)?.groups ?? {};
  return date;
}

const EDGE = readFileSync(join(ROOT, "test/bench/workers/edge.js"), "utf8");

export function builtWorker(vars: Readonly<Record<string, unknown>>): Script {
  return { code: readFileSync(join(BUILT, "index.js"), "utf8"), vars };
}

export async function start(
  { code, modules = {}, vars = {} }: Script,
  { isInspected = false, log, ...around }: Surroundings = {},
): Promise<Running> {
  mkdirSync(join(ROOT, ".wrangler/bench"), { recursive: true });
  const folder = mkdtempSync(join(ROOT, ".wrangler/bench/"));
  const port = await freePort();
  const main = { "worker.js": code, ...modules };
  const files = {
    ...main,
    "edge.js": around.edge ?? EDGE,
    "config.capnp": configOf(Object.keys(main), vars, port, around),
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);

  const command = ["serve", "config.capnp"];
  const inspectorPort = isInspected ? await freePort() : undefined;
  if (inspectorPort) command.push(`--inspector-addr=127.0.0.1:${inspectorPort}`);

  const pipe = log ? "pipe" : "ignore";
  const child = spawn(PROGRAM, command, { cwd: folder, stdio: ["ignore", pipe, pipe] });

  for (const stream of [child.stdout, child.stderr]) {
    stream?.on("data", (text: Buffer) => log?.(`${text}`));
  }

  const ended = new Promise<void>((settle) => child.once("exit", () => settle()));
  const kill = async () => {
    child.kill("SIGKILL");
    await ended;
  };
  const stop = async () => {
    await kill();
    rmSync(folder, { recursive: true, force: true });
  };
  const { pid } = child;
  if (pid === undefined || !(await listens(child, port))) {
    await kill();
    const options = { cwd: folder, timeout: 1_000, encoding: "utf8" } as const;
    throw new Error(`workerd does not listen: ${spawnSync(PROGRAM, command, options).stderr}`);
  }

  const heap = inspectorPort ? await inspectHeap(inspectorPort, port) : undefined;
  const live = () => heap?.live() ?? Promise.reject(new Error("the Worker is not inspected"));
  const socket = join(folder, SOCKET);

  return { port, socket, stop, cpu: () => cpuOf(pid), peak: () => peakOf(pid), live };
}

type HeapUsage = { readonly usedSize: number; readonly backingStorageSize: number };

/** Opens a socket, once the runtime knows the Worker behind it. */
async function openSocket(url: string): Promise<WebSocket> {
  const until = Date.now() + START_MS;
  while (Date.now() < until) {
    const socket = new WebSocket(url);
    const isOpen = await new Promise((settle) => {
      socket.addEventListener("open", () => settle(true));
      socket.addEventListener("error", () => setTimeout(settle, 20, false));
    });
    if (isOpen) return socket;
  }

  throw new Error("the inspector of workerd does not answer");
}

/** An isolate without requests reads no message of its inspector: it gets one in this time. ms. */
const BEAT_MS = 50;

/** Connects to the inspector of the Worker. @param workerPort where it takes requests */
async function inspectHeap(port: number, workerPort: number) {
  const socket = await openSocket(`ws://127.0.0.1:${port}/main`);
  const pending = new Map<number, (usage: HeapUsage) => void>();
  let calls = 0;

  socket.addEventListener("message", ({ data }) => {
    const { id, result }: { id: number; result: HeapUsage } = JSON.parse(`${data}`);
    pending.get(id)?.(result);
    pending.delete(id);
  });

  async function call(method: string): Promise<HeapUsage> {
    calls += 1;
    socket.send(JSON.stringify({ id: calls, method }));
    const wake = () => void fetch(`http://127.0.0.1:${workerPort}/`).catch(() => {});
    const beat = setInterval(wake, BEAT_MS);

    try {
      return await new Promise((settle) => pending.set(calls, settle));
    } finally {
      clearInterval(beat);
    }
  }

  async function live(): Promise<number> {
    await call("HeapProfiler.collectGarbage");
    const { usedSize, backingStorageSize } = await call("Runtime.getHeapUsage");
    return usedSize + backingStorageSize; // what scripts hold, and the bytes of their buffers
  }

  return { live };
}

/** The configuration of workerd. @param main the modules of the Worker, the entry first */
function configOf(
  main: readonly string[],
  vars: NonNullable<Script["vars"]>,
  port: number,
  { outside, isProxy, images, store }: Surroundings,
): string {
  const bindings = Object.entries(vars).map(([name, value]) => bindingOf(name, value));
  if (images) bindings.push(IMAGES_BINDING);
  if (store) bindings.push('(name = "RENDITIONS", r2Bucket = "store")');

  const services = [serviceOf("main", main, `, globalOutbound = "edge", bindings = [${bindings}]`)];

  if (outside) services.push(externalService("edge", outside, isProxy ? "style = proxy" : ""));
  else services.push(serviceOf("edge", ["edge.js"]));

  if (images) services.push(externalService("images", images));
  if (store) services.push(externalService("store", store));

  return `using Workerd = import "/workerd/workerd.capnp";
const config :Workerd.Config = (
  services = [
    ${services.join(",\n    ")},
  ],
  sockets = [
    (name = "http", address = "127.0.0.1:${port}", http = (), service = "main"),
    (name = "slow", address = "unix:${SOCKET}", http = (), service = "main"),
  ],
);
`;
}

/** As Cloudflare's runtime makes this binding: by its own client of the service. */
const IMAGES_BINDING = `(name = "IMAGES", wrapped = (moduleName = "cloudflare-internal:images-api",
      innerBindings = [(name = "fetcher", service = "images")]))`;

function bindingOf(name: string, value: unknown): string {
  const quotedName = JSON.stringify(name);
  if (typeof value === "string") return `(name = ${quotedName}, text = ${JSON.stringify(value)})`;

  const json = JSON.stringify(value);
  return `(name = ${quotedName}, json = ${JSON.stringify(json)})`;
}

/** A Worker of these modules, the entry first. */
function serviceOf(name: string, files: readonly string[], settings = ""): string {
  const modules = files.map((file) => `(name = "${file}", esModule = embed "${file}")`);
  const worker = `modules = [${modules}], compatibilityDate = "${COMPATIBILITY_DATE}"${settings}`;
  return `(name = "${name}", worker = (${worker}))`;
}

function externalService(name: string, address: string, style = ""): string {
  return `(name = "${name}", external = (address = "${address}", http = (${style})))`;
}

async function listens(child: ChildProcess, port: number): Promise<boolean> {
  const until = Date.now() + START_MS;
  while (child.exitCode === null && Date.now() < until) if (await connects(port)) return true;
  return false;
}

/** Returns whether something listens. If not, it waits for a moment first. */
function connects(port: number): Promise<boolean> {
  return new Promise((settle) => {
    const socket = createConnection({ port, host: "127.0.0.1" });
    socket.once("connect", () => {
      socket.destroy();
      settle(true);
    });
    socket.once("error", () => setTimeout(settle, 1, false));
  });
}

function cpuOf(pid: number): number {
  if (process.platform === "linux") {
    let nanoseconds = 0;
    for (const task of readdirSync(`/proc/${pid}/task`)) {
      const schedule = readFileSync(`/proc/${pid}/task/${task}/schedstat`, "utf8");
      const [onCpu] = schedule.split(" ");
      nanoseconds += Number(onCpu);
    }
    return nanoseconds / 1_000;
  }

  // [[hours:]minutes:]seconds, on some systems with hundredths
  let seconds = 0;
  for (const part of readFromPs(pid, "cputime").trim().split(":")) {
    seconds = seconds * 60 + Number(part);
  }
  return seconds * 1_000_000;
}

function peakOf(pid: number): number {
  if (process.platform !== "linux") return Number(readFromPs(pid, "rss")) * 1_024;

  const status = readFileSync(`/proc/${pid}/status`, "utf8");
  const { kilobytes } = /^VmHWM:\s+(?<kilobytes>\d+) kB$/m.exec(status)?.groups ?? {};
  return Number(kilobytes) * 1_024;
}

function readFromPs(pid: number, column: string): string {
  return execFileSync("ps", ["-o", `${column}=`, "-p", `${pid}`], { encoding: "utf8" });
}
