// `vitrine dev`: runs the Worker in workerd, between a private S3 that verifies signatures and the strict edge. It needs
// no account, and uses no network.

import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { scheduler } from "node:timers/promises";
import { type CommandFault, EXIT, isFault, page } from "../cli/command.ts";
import { bucketsOf } from "../cli/config/buckets.ts";
import { devVarsOf } from "../cli/config/environment-config.ts";
import { readLocalKeys, readUploadKeys } from "../cli/config/local-run.ts";
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
import { type ConfigFiles, type ConfigWatcher, createConfigWatcher } from "./config-watcher.ts";
import { restrictFile, restrictFolder } from "./file-permissions.ts";
import { createCode, createHostAccess } from "./host-access.ts";
import { chooseAddresses, type HostOption, hostText, watchAddresses } from "./host-addresses.ts";
import { createBucketSync, type ObjectChange } from "./local-bucket.ts";
import { createLocalEvents, type LocalEvents } from "./local-events.ts";
import { createPointsLog } from "./local-points.ts";
import { type LocalProject, prepareDevVars, readLocalProject } from "./local-project.ts";
import { startProxy } from "./local-proxy.ts";
import { readPort } from "./port.ts";
import { readSwitches } from "./read-switches.ts";
import { createWorker, type LocalWorker } from "./run-worker.ts";
import { sheetHandler } from "./sheet/serve-sheet.ts";
import { createSheet } from "./sheet/sheet.ts";
import { openSyncedFiles, SYNCED_FILES } from "./synced-files.ts";
import { startUploads } from "./uploads/serve-uploads.ts";

/** How often the files are read: ms. */
const POLL_MS = 250;

/** What others may do with the local run. */
type LocalRunOptions = {
  /** An app may put objects into the local buckets. */
  readonly hasUploads: boolean;
  /** Where others reach it, too; undefined: nowhere. */
  readonly host: HostOption | undefined;
};

/**
 * Starts the local run of the project in the current folder. The process ends on a signal.
 * @param environment undefined: the top level
 * @param portText the port as the user gave it; undefined: 8787
 * @param options what others may do with it
 * @param interrupted if Ctrl-C comes before the Worker starts, the Worker does not start
 * @returns why the local run cannot start; undefined: it is ready, or was interrupted
 */
export async function startLocal(
  environment: string | undefined,
  portText: string | undefined,
  { hasUploads, host }: LocalRunOptions,
  interrupted: AbortSignal,
): Promise<CommandFault | undefined> {
  // All that is written here may hold secrets.
  process.umask(0o077);

  const devVars = devVarsOf(".", environment);
  const port = readPort(portText, hasUploads);
  const accessFault = restrictFolder() ?? restrictFile(devVars);
  if (accessFault !== undefined) return accessFault;
  if (isFault(port)) return port;

  const outside = host === undefined ? undefined : openOutside(host, port);
  if (outside !== undefined && isFault(outside)) return outside;

  // Read the project, with a .dev.vars.
  const address = `http://localhost:${port}`;
  const endpoint = `${address}/cdn-cgi/local/r2/s3`;
  for (const line of prepareDevVars(environment)) log(line);

  const start = readStart(endpoint, environment, devVars);
  if (isFault(start)) return start;
  const { project, config, files } = start;
  const { file, hasOwnS3 } = project;
  if (hasUploads && hasOwnS3) return { fault: noUploadsText(devVars) };

  // The Worker's own code renders the tries of the sheet. Only its image requests go to the local edge, and Node has
  // no global scheduler.
  const buckets = hasOwnS3 ? bucketsOf(config.routes) : [{ baseUrl: endpoint }];
  const edge = createEdge(edgeSettings(buckets));
  Object.assign(globalThis, { fetch: edge.fetch, scheduler });
  if (interrupted.aborted) return undefined;

  // The Worker's own port answers only what has this header: the proxy adds it for requests that it lets through.
  const header = `x-vitrine-${randomUUID()}`;
  const sender = `x-vitrine-${randomUUID()}`;
  const workerPort = await findPort();
  const { url: edgeUrl } = await serveEdge(edge, { failed: warnOf("The local edge") });
  const pointMarker = `x-vitrine-${randomUUID()} `;
  const bindings = {
    LOCAL_EDGE: edgeUrl,
    LOCAL_PROXY: header,
    LOCAL_SENDER: sender,
    LOCAL_POINTS: pointMarker,
  };

  const events = createLocalEvents((messages) => postEvents(workerPort, sender, messages));
  const takePoint = createPointsLog({ folder: ".", marker: pointMarker, environment, warn });
  const worker = createWorker(`dev-${port}`, workerPort, bindings, (line) => {
    if (takePoint(line)) return;

    const text = events.terminalText(line);
    if (text !== undefined) log(text);
  });

  // Follow the files.
  const syncBuckets = createSync(endpoint, events);
  const watcher = createConfigWatcher({
    files,
    project,
    switches: edge.switches,
    worker,
    syncBuckets,
    readFiles: () => {
      // An editor may have replaced the file.
      const fault = restrictFile(devVars);
      if (fault !== undefined) endProcess(fault.fault);
      return readFiles(file, devVars);
    },
    readProject: () => readLocalProject(endpoint, environment),
    log,
    warn,
  });

  // Take the port before the Worker starts, which takes seconds: another program could take it meanwhile.
  let isReady = false;
  const ending = new AbortController();
  const sheet = createSheet(watcher, edge, (bucketName, change) =>
    events.add(watcher.current(), bucketName, change),
  );
  const portFault = await startProxy({
    port,
    header,
    workerPort,
    isRunning: worker.isRunning,
    isReady: () => isReady,
    serveSheet: sheetHandler(sheet, ending.signal),
    reportError: warnOf("The local run"),
    ...(outside !== undefined && { outside }),
  });
  if (portFault !== undefined) endProcess(portFault.fault);
  const uploads = hasUploads
    ? await startUploads({
        port: port + 1,
        endpoint,
        s3Keys: readLocalKeys("."),
        uploadKeys: readUploadKeys("."),
        current: watcher.current,
        onChange: (bucketName, change) => events.add(watcher.current(), bucketName, change),
        reportError: warnOf("The uploads"),
      })
    : undefined;
  if (uploads !== undefined && isFault(uploads)) endProcess(uploads.fault);
  stopTogether(worker, ending);

  // Start the Worker, and fill its buckets.
  logStart(environment, project);
  if (!(await worker.run(project))) endProcess("It did not start.");
  await syncBuckets(project);
  isReady = true;
  if (uploads !== undefined) log(uploads.text);
  if (outside !== undefined) {
    log(outside.text);
    watchAddresses(outside.addresses, warn);
  }
  log(welcomeText(address, config, project));

  const poll = createPoll(watcher, worker, syncBuckets, events);
  setInterval(() => void poll().catch(endProcess), POLL_MS);
  return undefined;
}

/** Chooses the addresses for --host, and a code for this run. */
function openOutside(host: HostOption, port: number) {
  const chosen = chooseAddresses(host);
  if (isFault(chosen)) return chosen;

  const code = createCode();
  const access = createHostAccess(code, port, warn);
  const text = hostText(chosen, port, code, process.stdout.isTTY === true);
  return { addresses: chosen.addresses, access, text };
}

/** What the local run starts with: no mistake is in it. */
type Start = {
  readonly project: LocalProject;
  readonly config: Config;
  readonly files: ConfigFiles;
};

function readStart(
  endpoint: string,
  environment: string | undefined,
  devVars: string,
): Start | CommandFault {
  const project = readLocalProject(endpoint, environment);
  if (project.kind === "mistakes") return mistakesFault(devVars, project.mistakes);

  const { config, file } = project;
  const files = readFiles(file, devVars);
  if (files === undefined) return mistakesFault(devVars, project.mistakes);

  const switches = readSwitches(files.devVars, devVars);
  const switchFaults = switches.kind === "faults" ? switches.faults : [];
  const mistakes = [...project.mistakes, ...switchFaults];
  if (config === undefined || mistakes.length > 0) return mistakesFault(devVars, mistakes);

  return { project, config, files };
}

function mistakesFault(devVars: string, mistakes: readonly string[]): CommandFault {
  const title = `The configuration or ${devVars} has mistakes:`;
  return { fault: [title, ...mistakes].join("\n  ") };
}

function logStart(environment: string | undefined, { file, buildCommand }: LocalProject): void {
  if (environment === undefined) log("Starting ...");
  else log(`Starting ${environmentText(environment)} ...`);

  if (buildCommand === undefined) return;
  const command = visible(buildCommand);
  log(`The [build] command of ${file} runs now, and before each new build: ${command}`);
}

/** Creates the function that looks for what has changed. It throws only if the run cannot go on. */
function createPoll(
  watcher: ConfigWatcher,
  worker: LocalWorker,
  syncBuckets: (project: LocalProject) => Promise<void>,
  events: LocalEvents,
): () => Promise<void> {
  const bucketWarnings = warnOnce(warnOf("The local buckets"));
  const eventWarnings = warnOnce(warnOf("The local queue"));

  return async () => {
    await watcher.poll();
    if (!worker.isRunning()) return;

    await bucketWarnings.attempt(() => syncBuckets(watcher.current()));
    await eventWarnings.attempt(() => events.send());
  };
}

const log = (line: string): void => console.log(line);
const warn = (line: string): void => console.error(line);
const warnOf = (source: string) => (reason: unknown) => warn(`${source}: ${reason}`);

/** What is tried at each poll, and fails, is reported once until it succeeds. */
function warnOnce(report: (reason: unknown) => void) {
  let last: string | undefined;

  return {
    async attempt(work: () => Promise<void>): Promise<void> {
      try {
        await work();
        last = undefined;
      } catch (reason) {
        if (`${reason}` !== last) report(reason);
        last = `${reason}`;
      }
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
  const plainUrls = urls.filter(({ protocol }) => protocol === "http:");

  return {
    // Not the host of this run. The local S3 has the same host, and would always be allowed (E5).
    zone: "images.example",
    sources: urls.map(({ host }) => host),
    // The edge fetches by http:// only from hosts that are named here (E6).
    httpHosts: plainUrls.map(({ host }) => host),
    fetch,
    cache: false,
    quota: Number.POSITIVE_INFINITY,
    unsupportedOptions: "left-out",
    // A HEIC would end in a broken connection.
    heicInput: false,
  };
}

/** Returns a function that syncs the local buckets of a project with their files, and notes the changes. */
function createSync(
  endpoint: string,
  events: LocalEvents,
): (project: LocalProject) => Promise<void> {
  /** The syncs by bucket and prefix. A sync goes on when the project is read anew. */
  const syncs = new Map<string, ReturnType<typeof createBucketSync>>();
  /** The names of the buckets in wrangler.toml, which may change while the bucket stays. */
  const names = new Map<string, string>();
  const leftOut = new Set<string>();
  const syncedFiles = openSyncedFiles(SYNCED_FILES);
  let current: LocalProject | undefined;

  const noteChange = (id: string, change: ObjectChange): void => {
    const name = names.get(id);
    if (current !== undefined && name !== undefined) events.add(current, name, change);
  };

  // Several buckets have the same files, and each look finds them.
  const warnOfFile = (path: string, reason: string): void => {
    if (leftOut.has(path)) return;

    leftOut.add(path);
    warn(`${visible(path)} is left out: ${reason}.`);
  };

  return async (project) => {
    current = project;
    if (project.hasOwnS3) return;

    for (const [name, { bucket, prefix = "" }] of Object.entries(project.buckets)) {
      const baseUrl = `${endpoint}/${bucket}/`;
      const id = baseUrl + prefix;
      names.set(id, name);

      const options = {
        onChange: (change: ObjectChange) => noteChange(id, change),
        onLeftOut: warnOfFile,
        syncedFiles: syncedFiles.ofBucket(bucket),
      };
      const sync =
        syncs.get(id) ?? createBucketSync({ baseUrl, prefix }, readLocalKeys("."), options);
      syncs.set(id, sync);

      const put = await sync();
      const objects = put === 1 ? "object" : "objects";
      if (put > 0) log(`Put ${put} ${objects} into the local bucket "${name}".`);
    }
  };
}

/** Returns a port of this machine that is free now. */
async function findPort(): Promise<number> {
  const { url, close } = await listenLocally(createServer(), 0);
  await close();
  return Number(new URL(url).port);
}

/** How often to ask whether the parent is there: ms. */
const PARENT_MS = 500;

/** Stops the Worker on a signal, and when the parent of this process (npm, or npm's shell) is gone. */
function stopTogether(worker: LocalWorker, ending: AbortController): void {
  const stop = async (): Promise<void> => {
    ending.abort();

    // wrangler ends this process, too, with a code of its own.
    process.once("exit", () => {
      process.exitCode = EXIT.done;
    });
    await worker.stop();
    process.exit();
  };

  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, stop);

  const parent = process.ppid;
  const watchParent = (): void => {
    if (process.ppid !== parent) void stop();
  };
  setInterval(watchParent, PARENT_MS).unref();
}

/** Ends this process, and the Worker with it. */
function endProcess(reason: unknown): never {
  warn(`${reason}`);
  process.exit(EXIT.failed);
}

function noUploadsText(devVars: string): string {
  return `${devVars} has BUCKETS, so there is no local bucket for --uploads. Let your app upload to that S3, or remove the line.`;
}

/** Each URL has a line of its own. */
function welcomeText(address: string, config: Config, project: LocalProject): string {
  const { devVars, hasOwnS3, queue } = project;

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

${unsupportedText(config, project)}A picture is made once, and then comes out of a store in .wrangler/state, until its object changes.
${events}To see how the Worker fails, add a line to ${devVars}, for example EDGE='{"transformations":false}'.
It takes effect at once. ${page("docs/switches.md")} has all the switches of the local edge.

Requests and errors are logged below. Press Ctrl-C to stop.
`;
}

/** A paragraph for each preset with options that the local edge does not implement. */
function unsupportedText({ variants }: Config, { localVars }: LocalProject): string {
  let text = "";
  for (const [name, { image }] of variants) {
    // The other sizes of a preset have the same options.
    if (name.includes("@")) continue;

    const options = findUnsupported(imageOf(image));
    if (options.length === 0) continue;

    const setting = presetOption(localVars, name);
    text += `${setting}: the local edge does not implement ${options.join(", ")}.\n\n`;
  }
  return text;
}
