// `vitrine dev`: the Worker in the real Workers runtime, between a private S3 that verifies signatures and the
// strict edge. No account, no network.

import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { scheduler } from "node:timers/promises";
import { type CommandFault, EXIT, isFault, withPages } from "../cli/command.ts";
import { bucketsOf } from "../cli/config/buckets.ts";
import { devVarsOf } from "../cli/config/environment-config.ts";
import { readLocalKeys } from "../cli/config/local-run.ts";
import { environmentText } from "../cli/wrangler/config-file.ts";
import { createEdge } from "../emulator/create-edge.ts";
import { findUnsupported } from "../emulator/edge/options.ts";
import type { EdgeSettings } from "../emulator/edge/settings.ts";
import { listenLocally } from "../emulator/local-server.ts";
import { serveEdge } from "../emulator/serve.ts";
import type { Config } from "../worker/config/config.ts";
import { imageOf } from "../worker/edge/ask-edge.ts";
import { type Files, followFiles } from "./config-watcher.ts";
import { closeFile, closeFolder } from "./file-permissions.ts";
import { createFiller } from "./local-bucket.ts";
import { type LocalProject, prepareDevVars, readLocalProject } from "./local-project.ts";
import { readPort, serveFront } from "./local-proxy.ts";
import { readSwitches } from "./read-switches.ts";
import { createWorker, type LocalWorker } from "./run-worker.ts";
import { sheetHandler } from "./sheet/serve-sheet.ts";
import { createSheet } from "./sheet/sheet.ts";

/** How often to look at the files: ms. */
const LOOK_MS = 250;

/**
 * Starts the local run of the project in the current folder. The process ends on a signal.
 * @param environment undefined: the top level
 * @param portText the port as the user gave it; undefined: 8787
 * @param interrupted if Ctrl-C comes before the Worker starts, it does not start
 * @returns why it cannot start; undefined: it is ready, or interrupted
 */
export async function startLocal(
  environment: string | undefined,
  portText: string | undefined,
  interrupted: AbortSignal,
): Promise<CommandFault | undefined> {
  process.umask(0o077); // all that is written here may hold secrets
  const devVars = devVarsOf(".", environment);
  const port = readPort(portText);
  const open = closeFolder() ?? closeFile(devVars);
  if (open !== undefined) return open;
  if (isFault(port)) return port;
  const address = `http://localhost:${port}`;
  const endpoint = `${address}/cdn-cgi/local/r2/s3`;
  for (const line of prepareDevVars(environment)) console.log(line);

  const project = readLocalProject(endpoint, environment);
  const files = readFiles("file" in project ? project.file : "", devVars);
  const read = readSwitches(files?.devVars ?? "", devVars);
  const mistakes = [...project.mistakes, ...("faults" in read ? read.faults : [])];
  if (!("config" in project) || project.config === undefined || mistakes.length > 0 || !files) {
    const lines = [`The configuration or ${devVars} has mistakes:`, ...mistakes];
    return { fault: lines.join("\n  ") };
  }
  const { hasOwnS3, config, file } = project;
  const edge = createEdge(
    edgeSettings(hasOwnS3 ? bucketsOf(config.routes) : [{ baseUrl: endpoint }]),
  );
  // The Worker's own code makes the tries of the sheet. Only its image requests go another way, and Node has
  // no global scheduler.
  Object.assign(globalThis, { fetch: edge.fetch, scheduler });
  if (interrupted.aborted) return undefined;

  const header = `x-vitrine-${randomUUID()}`;
  const workerPort = await findPort();
  const { url } = await serveEdge(edge, { failed: warnOf("The local edge") });
  const doors = { LOCAL_EDGE: url, LOCAL_FRONT: header };
  const worker = createWorker(`dev-${port}`, workerPort, doors, log);
  const fill = fillerOf(endpoint);
  const follower = followFiles({
    ...{ files, project, fill, switches: edge.switches, worker, log, warn },
    readFiles: () => {
      const fault = closeFile(devVars); // an editor may have made another one
      if (fault !== undefined) fail(fault.fault);
      return readFiles(file, devVars);
    },
    readProject: () => readLocalProject(endpoint, environment),
  });
  // Before the Worker starts, which takes seconds: no other program takes the port meanwhile.
  const taken = await serveFront({
    ...{ port, header, workerPort, isRunning: worker.isRunning },
    answerSheet: sheetHandler(createSheet(follower, edge.images, address)),
    reportError: warnOf("The local run"),
  });
  if (taken !== undefined) fail(taken.fault);
  endTogether(worker);
  log(`Starting ${environment === undefined ? "" : `${environmentText(environment)} `}...`);
  if (!(await worker.run(project))) fail("It did not start.");
  await fill(project);
  log(welcome(address, config, devVars, hasOwnS3));
  const look = async () => {
    await follower.look();
    if (worker.isRunning()) await fill(follower.current()).catch(warnOf("The local buckets"));
  };
  setInterval(() => void look().catch(fail), LOOK_MS);
  return undefined;
}

const log = (line: string): void => console.log(line);
const warn = (line: string): void => console.error(line);
const warnOf = (who: string) => (reason: unknown) => warn(`${who}: ${reason}`);

/** @returns undefined: one of them is not there, since an editor is replacing it */
function readFiles(config: string, devVars: string): Files | undefined {
  try {
    const text = existsSync(devVars) ? readFileSync(devVars, "utf8") : "";
    return { config: readFileSync(config, "utf8"), devVars: text };
  } catch {
    return undefined;
  }
}

/** The edge may ask only the buckets of the project, and keeps nothing. */
function edgeSettings(buckets: Iterable<{ readonly baseUrl: string }>): EdgeSettings {
  const urls = [...buckets].map(({ baseUrl }) => new URL(baseUrl));
  return {
    // Not the host of this run. The local S3 has the same host, and would always be allowed (E5).
    zone: "images.example",
    sources: urls.map(({ host }) => host),
    plain: urls.filter(({ protocol }) => protocol === "http:").map(({ host }) => host), // E6
    fetch,
    cache: false,
    quota: Number.POSITIVE_INFINITY,
    unplayable: "left-out",
  };
}

/** Returns a function that brings the local buckets of a project in line with the files that they are filled of. */
function fillerOf(endpoint: string): (project: LocalProject) => Promise<void> {
  const fillers = new Map<string, ReturnType<typeof createFiller>>();
  return async ({ hasOwnS3, buckets }) => {
    for (const [name, { bucket, prefix = "" }] of hasOwnS3 ? [] : Object.entries(buckets)) {
      const base = `${endpoint}/${bucket}/`;
      const filler =
        fillers.get(base + prefix) ?? createFiller({ baseUrl: base, prefix }, readLocalKeys("."));
      fillers.set(base + prefix, filler);
      const put = await filler();
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

/** Ends the Worker on a signal, and when the parent of this process (npm, or npm's shell) is gone. */
function endTogether(worker: LocalWorker): void {
  const end = async () => {
    process.once("exit", () => {
      process.exitCode = EXIT.done; // wrangler ends this process, too, with a code of its own
    });
    await worker.end();
    process.exit();
  };
  for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, end);
  const parent = process.ppid;
  setInterval(() => process.ppid !== parent && end(), 500).unref();
}

/** Ends this process, and the Worker with it. */
function fail(reason: unknown): never {
  warn(`${reason}`);
  process.exit(EXIT.failed);
}

/** Writes the text: each URL on a line of its own. @param own whether .dev.vars names an S3 */
function welcome(address: string, { variants }: Config, devVars: string, own: boolean): string {
  const missing = [...variants].flatMap(([name, { image }]) => {
    const options = name.includes("@") ? [] : findUnsupported(imageOf({ image }));
    if (options.length === 0) return [];
    return [`PRESETS.${name}: the local edge does not implement ${options.join(", ")}.\n\n`];
  });
  const pictures = own
    ? `The pictures come from the S3 that ${devVars} names, which the contact sheet does not list:`
    : "The contact sheet shows every picture at every preset, and takes your own:";
  return `
Vitrine is ready on ${address}

${pictures}
${address}/

${missing.join("")}A picture is made once, and then comes out of a store in .wrangler/state, until its object changes.
To see how the Worker fails, add a line to ${devVars}, for example EDGE='{"transformations":false}'.
${withPages("It takes effect at once. docs/switches.md has all the switches of the local edge.")}

Requests and errors are logged below. Press Ctrl-C to stop.
`;
}
