// `vitrine dev`: the Worker in the real Workers runtime. A private S3 that verifies signatures runs in the
// same `wrangler dev`, and the strict edge runs between the two. No account, no network.

import { existsSync, readFileSync } from "node:fs";
import { EXIT, type Fault } from "../cli/command.ts";
import { environmentText } from "../cli/project/environment.ts";
import { bucketsOfWorker, LOCAL_KEYS, type Settings } from "../cli/project/local-run.ts";
import { devVarsOf } from "../cli/project/read-vars.ts";
import { createEdge } from "../emulator/create-edge.ts";
import { edgeSettings } from "./edge-settings.ts";
import { fillBucket } from "./fill-bucket.ts";
import { followBuckets, followDevVars, followMistakes } from "./follow-dev-vars.ts";
import { prepareDevVars } from "./prepare-dev-vars.ts";
import { readPort } from "./read-port.ts";
import { readProject } from "./read-project.ts";
import { switchesIn } from "./read-switches.ts";
import { runWrangler } from "./run-wrangler.ts";
import { serveLocalEdge } from "./serve-local-edge.ts";
import { localSheet } from "./sheet/local-sheet.ts";
import { serveSheet } from "./sheet/serve-sheet.ts";
import { welcome } from "./welcome.ts";
import { makeLocalFolder, writeEntry, writeOwnerConfig } from "./wrangler-files.ts";

/**
 * Starts the local run of the project in the current folder. The process ends when wrangler does.
 * @param environment undefined: the top level
 * @param wanted the port as the user gave it; undefined: 8787
 * @param interrupted if Ctrl-C comes before wrangler starts, it does not start
 * @returns why it cannot start; undefined: it is ready, or interrupted
 */
export async function startLocal(
  environment: string | undefined,
  wanted: string | undefined,
  interrupted: AbortSignal,
): Promise<Fault | undefined> {
  const port = await readPort(wanted);
  if (typeof port !== "number") return port;
  const address = `http://localhost:${port}`;
  const endpoint = `${address}/cdn-cgi/local/r2/s3`;

  const prepared = prepareDevVars(environment);
  if ("fault" in prepared) return prepared;
  for (const line of prepared) console.log(line);

  const project = readProject(endpoint, environment);
  const mistakes = "mistakes" in project ? [...project.mistakes] : [];
  const devVars = devVarsOf(".", environment);
  const lines = existsSync(devVars) ? readFileSync(devVars, "utf8") : "";
  switchesIn(lines, devVars, (mistake) => mistakes.push(mistake));
  if ("mistakes" in project || mistakes.length > 0) {
    const said = [`The configuration or ${devVars} has mistakes:`, ...mistakes];
    return { fault: said.join("\n  ") };
  }
  const { own, config, file, main } = project;
  const buckets = Object.values(project.buckets);

  const edge = createEdge(edgeSettings(project, endpoint));
  const secrets = followDevVars(edge.switches, endpoint, environment);
  const edgeDoor = await serveLocalEdge(edge, warnOf("The local edge"), secrets);
  if (!own) followBuckets(project);
  followMistakes(project, endpoint);
  // The Worker's own code makes the tries of the sheet. Only its image requests go another way.
  Object.assign(globalThis, { fetch: edge.fetch });
  const sheet = await localSheet(project, endpoint, edge.images);
  const sheetDoor = await serveSheet(sheet, warnOf("The contact sheet"));

  if (interrupted.aborted) return undefined;
  makeLocalFolder();
  const names = buckets.map(({ bucket }) => bucket);
  const ownerConfig = writeOwnerConfig(port, names, environment);
  const doors = { LOCAL_EDGE: edgeDoor.url, LOCAL_SHEET: sheetDoor.url };
  const entry = writeEntry(port, doors, main);

  console.log(`Starting ${environment === undefined ? "" : `${environmentText(environment)} `}...`);
  const vars = own ? {} : { BUCKETS: bucketsOfWorker(project.started["BUCKETS"], project.buckets) };
  const wrangler = runWrangler(entry, [file, ownerConfig], environment, port, vars);
  await wrangler.ready;

  for (const bucket of buckets) {
    const fault = await fill(bucket, endpoint);
    if (fault !== undefined && !wrangler.isEnding()) fail(fault);
  }
  if (wrangler.isEnding()) return undefined;
  console.log(await welcome(address, config, devVars, !own));
  wrangler.showLog();
  return undefined;
}

/** Fills a local bucket. @returns why it cannot be filled */
async function fill(
  { bucket, prefix = "" }: Settings,
  endpoint: string,
): Promise<string | undefined> {
  const show = (done: number, all: number) =>
    progress(`Filling the local bucket "${bucket}": ${done} of ${all} objects`, done === all);
  try {
    await fillBucket(`${endpoint}/${bucket}/`, prefix, LOCAL_KEYS, show);
    return undefined;
  } catch (error) {
    return `The local bucket cannot be filled: ${error}`;
  }
}

/** Ends this process, and wrangler with it. */
function fail(reason: string): never {
  console.error(reason);
  process.exit(EXIT.failed);
}

function warnOf(who: string): (reason: unknown) => void {
  return (reason) => console.error(`${who}: ${reason}`);
}

/** Shows one line. On a terminal the next one replaces it; elsewhere only the last one is shown. */
function progress(line: string, done: boolean): void {
  if (process.stdout.isTTY) process.stdout.write(`\r${line}${done ? "\n" : ""}`);
  else if (done) console.log(line);
}
