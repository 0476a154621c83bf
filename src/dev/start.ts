// `vitrine dev`: runs the Worker in workerd, between a private S3 that verifies signatures and the strict edge. It needs
// no account, and uses no network.

import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { scheduler } from "node:timers/promises";
import { type CommandFault, EXIT, isFault, withPages } from "../cli/command.ts";
import { bucketsOf } from "../cli/config/buckets.ts";
import { devVarsOf } from "../cli/config/environment-config.ts";
import { readLocalKeys } from "../cli/config/local-run.ts";
import { visible } from "../cli/terminal/shell.ts";
import { environmentText } from "../cli/wrangler/config-file.ts";
import { createEdge } from "../emulator/create-edge.ts";
import { findUnsupported } from "../emulator/edge/options.ts";
import type { EdgeSettings } from "../emulator/edge/settings.ts";
import { listenLocally } from "../emulator/local-server.ts";
import { serveEdge } from "../emulator/serve.ts";
import type { Config } from "../worker/config/config.ts";
import { presetOption } from "../worker/config/split-vars.ts";
import { imageOf } from "../worker/edge/render-at-edge.ts";
import { type ConfigFiles, createConfigWatcher } from "./config-watcher.ts";
import { restrictFile, restrictFolder } from "./file-permissions.ts";
import { createBucketSync, type ObjectChange } from "./local-bucket.ts";
import { createLocalEvents, type LocalEvents } from "./local-events.ts";
import { type LocalProject, prepareDevVars, readLocalProject } from "./local-project.ts";
import { readPort, startProxy } from "./local-proxy.ts";
import { readSwitches } from "./read-switches.ts";
import { createWorker, type LocalWorker } from "./run-worker.ts";
import { sheetHandler } from "./sheet/serve-sheet.ts";
import { createSheet } from "./sheet/sheet.ts";

/** How often the files are read: ms. */
const POLL_MS = 250;

/**
 * Starts the local run of the project in the current folder. The process ends on a signal.
 * @param environment undefined: the top level
 * @param portText the port as the user gave it; undefined: 8787
 * @param interrupted if Ctrl-C comes before the Worker starts, the Worker does not start
 * @returns why the local run cannot start; undefined: it is ready, or was interrupted
 */
export async function startLocal(
  environment: string | undefined,
  portText: string | undefined,
  interrupted: AbortSignal,
): Promise<CommandFault | undefined> {
  process.umask(0o077); // all that is written here may hold secrets
  const devVars = devVarsOf(".", environment);
  const port = readPort(portText);
  const accessFault = restrictFolder() ?? restrictFile(devVars);
  if (accessFault !== undefined) return accessFault;
  if (isFault(port)) return port;
  const address = `http://localhost:${port}`;
  const endpoint = `${address}/cdn-cgi/local/r2/s3`;
  for (const line of prepareDevVars(environment)) console.log(line);

  const project = readLocalProject(endpoint, environment);
  const files = readFiles(project.kind === "project" ? project.file : "", devVars);
  const switches = readSwitches(files?.devVars ?? "", devVars);
  const switchFaults = switches.kind === "faults" ? switches.faults : [];
  const mistakes = [...project.mistakes, ...switchFaults];
  const isWhole = files !== undefined && mistakes.length === 0;
  if (project.kind === "mistakes" || project.config === undefined || !isWhole) {
    const lines = [`The configuration or ${devVars} has mistakes:`, ...mistakes];
    return { fault: lines.join("\n  ") };
  }

  const { hasOwnS3, config, file } = project;
  const buckets = hasOwnS3 ? bucketsOf(config.routes) : [{ baseUrl: endpoint }];
  const edge = createEdge(edgeSettings(buckets));
  // The Worker's own code renders the tries of the sheet. Only its image requests go to the local edge, and Node has
  // no global scheduler.
  Object.assign(globalThis, { fetch: edge.fetch, scheduler });
  if (interrupted.aborted) return undefined;
  // The Worker's own port answers only what has this header: the proxy adds it for requests that it lets through.
  const header = `x-vitrine-${randomUUID()}`;
  const workerPort = await findPort();
  const { url } = await serveEdge(edge, { failed: warnOf("The local edge") });
  const sender = `x-vitrine-${randomUUID()}`;
  const bindings = { LOCAL_EDGE: url, LOCAL_PROXY: header, LOCAL_SENDER: sender };
  const events = createLocalEvents((messages) => postEvents(workerPort, sender, messages));
  const worker = createWorker(`dev-${port}`, workerPort, bindings, (line) => {
    const text = events.terminalText(line);
    if (text !== undefined) log(text);
  });
  const syncBuckets = createSync(endpoint, events);
  const watcher = createConfigWatcher({
    ...{ files, project, syncBuckets, switches: edge.switches, worker, log, warn },
    readFiles: () => {
      const fault = restrictFile(devVars); // an editor may have replaced the file
      if (fault !== undefined) endProcess(fault.fault);
      return readFiles(file, devVars);
    },
    readProject: () => readLocalProject(endpoint, environment),
  });
  const ending = new AbortController();
  const reportChange = (bucketName: string, change: ObjectChange) =>
    events.add(watcher.current(), bucketName, change);
  // Before the Worker starts, which takes seconds: another program could take the port meanwhile.
  let isReady = false;
  const portFault = await startProxy({
    ...{ port, header, workerPort, isRunning: worker.isRunning, isReady: () => isReady },
    serveSheet: sheetHandler(createSheet(watcher, edge, address, reportChange), ending.signal),
    reportError: warnOf("The local run"),
  });
  if (portFault !== undefined) endProcess(portFault.fault);
  stopTogether(worker, ending);
  log(`Starting ${environment === undefined ? "" : `${environmentText(environment)} `}...`);
  if (project.buildCommand !== undefined) {
    const command = visible(project.buildCommand);
    log(`The [build] command of ${file} runs now, and before each new build: ${command}`);
  }
  if (!(await worker.run(project))) endProcess("It did not start.");
  await syncBuckets(project);
  isReady = true;
  log(welcomeText(address, config, project));
  const warnOfBuckets = warnOnce(warnOf("The local buckets"));
  const warnOfEvents = warnOnce(warnOf("The local queue"));
  const poll = async () => {
    await watcher.poll();
    if (!worker.isRunning()) return;
    await syncBuckets(watcher.current()).then(() => warnOfBuckets.reset(), warnOfBuckets.warn);
    await events.send().then(() => warnOfEvents.reset(), warnOfEvents.warn);
  };
  setInterval(() => void poll().catch(endProcess), POLL_MS);
  return undefined;
}

const log = (line: string): void => console.log(line);
const warn = (line: string): void => console.error(line);
const warnOf = (source: string) => (reason: unknown) => warn(`${source}: ${reason}`);

/** What is tried at each poll, and fails, is reported once until it succeeds. */
function warnOnce(report: (reason: unknown) => void) {
  let last: string | undefined;
  return {
    warn(reason: unknown): void {
      if (`${reason}` !== last) report(reason);
      last = `${reason}`;
    },
    reset(): void {
      last = undefined;
    },
  };
}

/** How long the local Worker may take to put events into its queue, while it reloads, too: ms. */
const QUEUE_TIMEOUT_MS = 30_000;

/** Puts events into the queue of the local Worker. @param sender the secret header of those that may */
async function postEvents(
  port: number,
  sender: string,
  messages: readonly object[],
): Promise<void> {
  const { ok, status } = await fetch(`http://127.0.0.1:${port}/`, {
    method: "POST",
    headers: { [sender]: "1" },
    body: JSON.stringify(messages),
    signal: AbortSignal.timeout(QUEUE_TIMEOUT_MS),
  });
  // The queue has just been taken out of wrangler.toml.
  if (status === 404) return;
  if (!ok) throw new Error(`it takes no events: ${status}`);
}

/** @returns undefined: one of the files is not there, since an editor is replacing it */
function readFiles(config: string, devVars: string): ConfigFiles | undefined {
  try {
    const text = existsSync(devVars) ? readFileSync(devVars, "utf8") : "";
    return { config: readFileSync(config, "utf8"), devVars: text };
  } catch {
    return undefined;
  }
}

/** The edge may fetch only from the buckets of the project, and caches nothing. */
function edgeSettings(buckets: Iterable<{ readonly baseUrl: string }>): EdgeSettings {
  const urls = [...buckets].map(({ baseUrl }) => new URL(baseUrl));
  return {
    // Not the host of this run. The local S3 has the same host, and would always be allowed (E5).
    zone: "images.example",
    sources: urls.map(({ host }) => host),
    httpHosts: urls.filter(({ protocol }) => protocol === "http:").map(({ host }) => host), // E6
    fetch,
    cache: false,
    quota: Number.POSITIVE_INFINITY,
    unsupportedOptions: "left-out",
    heicInput: false, // else a HEIC would end in a broken connection
  };
}

/** Returns a function that syncs the local buckets of a project with their files, and notes the changes. */
function createSync(
  endpoint: string,
  events: LocalEvents,
): (project: LocalProject) => Promise<void> {
  const syncs = new Map<string, ReturnType<typeof createBucketSync>>();
  /** The names of the buckets in wrangler.toml, which may change while the bucket stays. */
  const names = new Map<string, string>();
  /** Several buckets have the same files, and each look finds them. */
  const leftOut = new Set<string>();
  const warnOfName = (path: string, fault: string) => {
    if (leftOut.has(path)) return;
    leftOut.add(path);
    warn(`${visible(path)} is left out: it cannot be a key (${fault}). Give it another name.`);
  };
  let current: LocalProject;
  return async (project) => {
    current = project;
    const { hasOwnS3, buckets } = project;
    for (const [name, { bucket, prefix = "" }] of hasOwnS3 ? [] : Object.entries(buckets)) {
      const baseUrl = `${endpoint}/${bucket}/`;
      const id = baseUrl + prefix;
      names.set(id, name);
      const onChange = (change: ObjectChange) => events.add(current, names.get(id) ?? name, change);
      const sync =
        syncs.get(id) ??
        createBucketSync({ baseUrl, prefix }, readLocalKeys("."), {
          onChange,
          onLeftOut: warnOfName,
        });
      syncs.set(id, sync);
      const put = await sync();
      if (put > 0) log(`Put ${put} object${put === 1 ? "" : "s"} into the local bucket "${name}".`);
    }
  };
}

/** Returns a port of this machine that is free now. */
async function findPort(): Promise<number> {
  const { url, close } = await listenLocally(createServer(), 0);
  await close();
  return Number(new URL(url).port);
}

/** Stops the Worker on a signal, and when the parent of this process (npm, or npm's shell) is gone. */
function stopTogether(worker: LocalWorker, ending: AbortController): void {
  const stop = async () => {
    ending.abort();
    process.once("exit", () => {
      process.exitCode = EXIT.done; // wrangler ends this process, too, with a code of its own
    });
    await worker.stop();
    process.exit();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && stop(), 500).unref();
}

/** Ends this process, and the Worker with it. */
function endProcess(reason: unknown): never {
  warn(`${reason}`);
  process.exit(EXIT.failed);
}

/** Each URL has a line of its own. */
function welcomeText(address: string, { variants }: Config, project: LocalProject): string {
  const { devVars, hasOwnS3, queue, localVars } = project;
  const missing = [...variants].flatMap(([name, { image }]) => {
    const options = name.includes("@") ? [] : findUnsupported(imageOf(image));
    if (options.length === 0) return [];
    return [
      `${presetOption(localVars, name)}: the local edge does not implement ${options.join(", ")}.\n\n`,
    ];
  });
  const pictures = hasOwnS3
    ? `The pictures come from the S3 that ${devVars} names, which the contact sheet does not list:`
    : "The contact sheet shows every picture at every preset, and takes your own:";
  // What an S3 of the user sends comes to /purge, if at all.
  const sendsEvents = queue !== undefined && !hasOwnS3;
  const events = sendsEvents
    ? "Replace or delete a file of objects/: its event comes through the queue, and is logged.\n"
    : "";
  return `
Vitrine is ready on ${address}

${pictures}
${address}/

${missing.join("")}A picture is made once, and then comes out of a store in .wrangler/state, until its object changes.
${events}To see how the Worker fails, add a line to ${devVars}, for example EDGE='{"transformations":false}'.
${withPages("It takes effect at once. docs/switches.md has all the switches of the local edge.")}

Requests and errors are logged below. Press Ctrl-C to stop.
`;
}
