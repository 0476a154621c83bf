// `vitrine dev`: the Worker in the real Workers runtime, between a private S3 that verifies signatures and the
// strict edge. No account, no network.

import { randomUUID } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { scheduler } from "node:timers/promises";
import { EXIT, type Fault } from "../cli/command.ts";
import { bucketsOf } from "../cli/config/buckets.ts";
import { devVarsOf } from "../cli/config/environment-config.ts";
import { readLocalKeys } from "../cli/config/local-run.ts";
import { environmentText } from "../cli/wrangler/config-file.ts";
import { createEdge } from "../emulator/create-edge.ts";
import type { EdgeSettings } from "../emulator/edge/settings.ts";
import { serveEdge } from "../emulator/serve.ts";
import { closeFile, closeFolder } from "./close-files.ts";
import { fillBucket } from "./fill-bucket.ts";
import { type Files, followFiles } from "./follow-files.ts";
import { serveFront } from "./front.ts";
import { prepareDevVars } from "./prepare-dev-vars.ts";
import { findPort, portFault, readPort } from "./read-port.ts";
import { type Project, readProject } from "./read-project.ts";
import { switchesIn } from "./read-switches.ts";
import { createWorker, type LocalWorker } from "./run-worker.ts";
import { localSheet } from "./sheet/local-sheet.ts";
import { sheetHandler } from "./sheet/serve-sheet.ts";
import { welcome } from "./welcome.ts";

/** How often to look at the files: ms. */
const LOOK_MS = 250;

/**
 * Starts the local run of the project in the current folder. The process ends on a signal.
 * @param environment undefined: the top level
 * @param wanted the port as the user gave it; undefined: 8787
 * @param interrupted if Ctrl-C comes before the Worker starts, it does not start
 * @returns why it cannot start; undefined: it is ready, or interrupted
 */
export async function startLocal(
  environment: string | undefined,
  wanted: string | undefined,
  interrupted: AbortSignal,
): Promise<Fault | undefined> {
  process.umask(0o077); // all that is written here may hold secrets
  const devVars = devVarsOf(".", environment);
  const open = closeFolder() ?? closeFile(devVars);
  if (open !== undefined) return open;
  const port = await readPort(wanted);
  if (typeof port !== "number") return port;
  const address = `http://localhost:${port}`;
  const endpoint = `${address}/cdn-cgi/local/r2/s3`;

  const prepared = prepareDevVars(environment);
  if ("fault" in prepared) return prepared;
  for (const line of prepared) console.log(line);

  const project = readProject(endpoint, environment);
  const mistakes = [...project.mistakes];
  const files = readFiles("file" in project ? project.file : "", devVars);
  switchesIn(files?.devVars ?? "", devVars, (mistake) => mistakes.push(mistake));
  if (!("config" in project) || project.config === undefined || mistakes.length > 0 || !files) {
    const said = [`The configuration or ${devVars} has mistakes:`, ...mistakes];
    return { fault: said.join("\n  ") };
  }
  const { own, config, file } = project;
  const edge = createEdge(edgeSettings(own ? bucketsOf(config.routes) : [{ base: endpoint }]));
  // The Worker's own code makes the tries of the sheet. Only its image requests go another way, and Node has
  // no global scheduler.
  Object.assign(globalThis, { fetch: edge.fetch, scheduler });
  const edgeDoor = await serveEdge(edge, { failed: warnOf("The local edge") });
  const sheet = await localSheet(() => follower, port, edge.images);
  if (interrupted.aborted) return undefined;

  console.log(`Starting ${environment === undefined ? "" : `${environmentText(environment)} `}...`);
  const header = `x-vitrine-${randomUUID()}`;
  const doors = { LOCAL_EDGE: edgeDoor.url, LOCAL_FRONT: header };
  const workerPort = await findPort();
  const worker = createWorker(`dev-${port}`, workerPort, doors, (line) => console.log(line));
  endTogether(worker);
  const fill = fillerOf(endpoint);
  const follower = followFiles({
    ...{ files, project, fill, switches: edge.switches, worker },
    readFiles: () => {
      const fault = closeFile(devVars); // an editor may have made another one
      if (fault !== undefined) fail(fault.fault);
      return readFiles(file, devVars);
    },
    readProject: () => readProject(endpoint, environment),
    log: (line) => console.log(line),
    warn: (line) => console.error(line),
  });
  if ((await worker.run(project)) !== "running") fail("It did not start.");
  // The Worker took seconds to start: another program may have taken the port meanwhile.
  await serveFront({
    ...{ port, header, workerPort, isRunning: worker.isRunning },
    ...{ answerSheet: sheetHandler(sheet), reportError: warnOf("The local run") },
  }).catch((error: NodeJS.ErrnoException) => fail(portFault(port, error.code)?.fault ?? error));
  await fill(project);
  console.log(await welcome(address, config, devVars, !own));
  setInterval(() => void follower.look().catch(fail), LOOK_MS);
  return undefined;
}

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
function edgeSettings(buckets: Iterable<{ readonly base: string }>): EdgeSettings {
  const urls = [...buckets].map(({ base }) => new URL(base));
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

/** Returns a function that fills the local buckets of a project that it has not filled yet. */
function fillerOf(endpoint: string): (project: Project) => Promise<void> {
  const filled = new Set<string>();
  return async ({ own, buckets }) => {
    for (const [name, { bucket, prefix = "" }] of own ? [] : Object.entries(buckets)) {
      const base = `${endpoint}/${bucket}/`;
      if (filled.has(base + prefix)) continue;
      filled.add(base + prefix);
      await fillBucket(base, prefix, readLocalKeys("."), (done, all) =>
        showProgress(`Filling the local bucket "${name}": ${done} of ${all} objects`, done === all),
      );
    }
  };
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
  console.error(`${reason}`);
  process.exit(EXIT.failed);
}

function warnOf(who: string): (reason: unknown) => void {
  return (reason) => console.error(`${who}: ${reason}`);
}

/** Shows one line. On a terminal the next one replaces it; elsewhere only the last one is shown. */
function showProgress(line: string, isLast: boolean): void {
  if (process.stdout.isTTY) process.stdout.write(`\r${line}${isLast ? "\n" : ""}`);
  else if (isLast) console.log(line);
}
