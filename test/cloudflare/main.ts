// `npm run test:cloudflare`: tries the rules of docs/rules.md with an account of Cloudflare. Deploys a Worker and a
// bucket, asks them, prints what was seen, and deletes both, also after Ctrl-C. docs/rules.md says how to use it.

import { randomBytes } from "node:crypto";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { parseArgs } from "node:util";
import { tableOf } from "../../src/worker/util/json.ts";
import {
  type Account,
  callApi,
  deleteResource,
  listResources,
  otherName,
  type Resource,
  readS3Keys,
} from "./account.ts";
import { deploy, type Project, waitForDeploy } from "./deploy.ts";
import { budgetOf, createWorld, type Sent } from "./deployed-world.ts";
import { createNetwork } from "./network.ts";
import { notSeen, type Probe, tryProbe, type Verdict, type World } from "./probe.ts";
import { PROBES } from "./probes/index.ts";
import { casesOf, type Hidden, hide, type Run } from "./records.ts";
import { deleteCommand, listText, planText, sentText, tableText, usage } from "./report.ts";

const FOLDER = "vitrine-probe-";
/** The folder in it, of the second Worker. */
const SECOND = "other";
const ROOT = join(import.meta.dirname, "../..");
const PROBE_TIMEOUT_MS = 300_000;
/** How often all is deleted, and the ms between: the API may fail, and its lists may be late. */
const ROUNDS = 4;
const PAUSE_MS = 3000;
const HOST = /^(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\.)+[a-z][a-z0-9-]*[a-z0-9]$/;
const EXIT_CODES = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 };
type Signal = keyof typeof EXIT_CODES;

const secrets: string[] = [];

const withoutSecrets = (text: string) =>
  secrets.reduce((rest, secret) => rest.replaceAll(secret, "[secret]"), text);

function print(text: string, stream: NodeJS.WriteStream = process.stdout): void {
  stream.write(withoutSecrets(text));
}

/** @returns the exit code */
async function main(args: readonly string[], env: NodeJS.ProcessEnv): Promise<number> {
  let options: Options;
  try {
    options = readOptions(args);
  } catch (error) {
    return refuse(messageOf(error));
  }
  if (options.help) {
    print(usage("Tries the rules of docs/rules.md with an account of Cloudflare."));
    return 0;
  }
  const token = env["CLOUDFLARE_API_TOKEN"] ?? "";
  const id = (env["CLOUDFLARE_ACCOUNT_ID"] ?? "").toLowerCase();
  const zone = env["CLOUDFLARE_ZONE"]?.toLowerCase() || undefined;
  if (!/^\S{20,}$/.test(token)) return refuse("CLOUDFLARE_API_TOKEN is not set, or no token.");
  if (!/^[0-9a-f]{32}$/.test(id)) return refuse("CLOUDFLARE_ACCOUNT_ID is not set, or no id.");
  if (!HOST.test(zone ?? "a.host")) return refuse("CLOUDFLARE_ZONE is no host, without https://.");
  secrets.push(token);
  const api = env["CLOUDFLARE_API_BASE_URL"] ?? "https://api.cloudflare.com/client/v4";
  const network = createNetwork(env["VITRINE_PROBE_STUB"]);
  const account = { id, token, api, network };
  if (options.clean) return clean(account, options.yes);
  print(planText(options.probes, zone));
  if (options.yes) return run(account, zone, options, { ...env, CLOUDFLARE_ACCOUNT_ID: id });
  print("Nothing was made. To do it, add --yes.\n");
  return 2;
}

type Options = ReturnType<typeof readOptions>;

/** @throws with what is wrong with them */
function readOptions(args: readonly string[]) {
  const flag = { type: "boolean", default: false } as const;
  const text = { type: "string" } as const;
  const help = { ...flag, short: "h" } as const;
  const options = { yes: flag, clean: flag, help, only: text, records: text };
  const { values } = parseArgs({ args: [...args], options });
  const only = values.only?.split(",").map((rule) => rule.trim().toUpperCase());
  const unknown = only?.find((name) => !PROBES.some(({ rule }) => rule.toUpperCase() === name));
  if (unknown !== undefined) throw new Error(`There is no probe "${unknown}".`);
  const probes = PROBES.filter(({ rule }) => only?.includes(rule.toUpperCase()) ?? true);
  const { records = join(ROOT, "fixtures/vectors/cloudflare"), ...flags } = values;
  return { ...flags, records, probes };
}

const messageOf = (error: unknown) => (error instanceof Error ? error.message : `${error}`);

function refuse(reason: string): 2 {
  print(usage(reason), process.stderr);
  return 2;
}

async function clean(account: Account, isMeant: boolean): Promise<number> {
  const folders = readdirSync(tmpdir()).filter((name) => name.startsWith(FOLDER));
  for (const folder of isMeant ? folders.map((name) => join(tmpdir(), name)) : []) {
    print(`A run was killed: waiting for its deploy in ${folder}\n`);
    const hasEnded = (await waitForDeploy(folder)) && (await waitForDeploy(join(folder, SECOND)));
    if (!hasEnded) {
      print(
        `wrangler still deploys: end the process in ${folder}/wrangler.pid, or delete that file.\n`,
      );
      return 1;
    }
    rmSync(folder, { recursive: true, force: true });
  }
  const resources = await listResources(account);
  if (resources.length === 0) {
    print("Nothing of a run is left in the account. A deploy of a run that was killed elsewhere\n");
    print("in the last two minutes may still go on: then wait, and look again.\n");
    return 0;
  }
  print(`Runs have left:\n${listText(resources)}`);
  if (!isMeant) {
    print("Is no run under way? Then delete them: npm run test:cloudflare -- --clean --yes\n");
    return 2;
  }
  const names = new Set(resources.map(({ name }) => name));
  return (await remove(account, ({ name }) => names.has(name))) ? 0 : 1;
}

/**
 * Deletes resources until a list of the account has none of them.
 * @param isMeant says which of the listed ones are deleted
 * @param unlisted what may be there, though no list has it
 * @returns whether all are gone
 */
async function remove(
  account: Account,
  isMeant: (resource: Resource) => boolean,
  unlisted: readonly Resource[] = [],
): Promise<boolean> {
  let targets = unlisted;
  const reasons = new Map<string, string | undefined>();
  for (let round = 0; round <= ROUNDS; round++) {
    const listed = await listResources(account).catch((error) => `${error}`);
    if (typeof listed === "string") print(`What is left is not known: ${listed}\n`);
    const remaining = typeof listed === "string" ? targets : listed.filter(isMeant);
    if (remaining.length === 0 && round > 0) {
      print("All that was made is deleted: the account has none of it.\n");
      return true;
    }
    targets = [
      ...remaining,
      ...unlisted.filter(({ name }) => !remaining.some((one) => one.name === name)),
    ];
    if (round > 0) await account.network.pause(PAUSE_MS);
    if (round === ROUNDS) break;
    for (const one of targets) reasons.set(one.name, await deleteResource(account, one));
  }
  for (const resource of targets) {
    const reason = reasons.get(resource.name) ?? "it may be there";
    print(`Not deleted: ${resource.kind} ${resource.name}: ${reason}\n`);
    print(`  Delete it with: ${deleteCommand(resource)}\n`);
  }
  print("Try again with: npm run test:cloudflare -- --clean --yes\n");
  return false;
}

async function run(
  account: Account,
  zone: string | undefined,
  { probes, records }: Options,
  env: NodeJS.ProcessEnv,
): Promise<number> {
  const name = `vitrine-probe-${randomBytes(8).toString("hex")}`;
  const token = randomBytes(32).toString("hex");
  mkdirSync(records, { recursive: true }); // fails before anything is made
  const folder = mkdtempSync(join(tmpdir(), FOLDER));
  const domain = zone === undefined ? undefined : `${name}.${zone}`;
  const bucket = `${name}-bucket`;
  secrets.push(token);
  const workers = [name, otherName(name)];
  const isOfRun = (resource: Resource) => workers.some((worker) => resource.name.includes(worker));
  /** What may be there, though the API does not list it yet, or cannot list. */
  const unlisted: Resource[] = [
    ...workers.map((id) => ({ kind: "worker", name: id, id }) as const),
    { kind: "bucket", name: bucket, id: bucket },
  ];
  const stop = listenForSignals();
  const verdicts: [Probe, Verdict][] = [];
  const deploying: Promise<void>[] = [];
  const project = { folder, name, domain, env };
  const needsSecond = zone !== undefined && probes.some(({ rule }) => rule === "E9");
  const second = otherName(name);
  /** Is not ended by a signal: what it makes would come after the deletion. */
  const deployOnce = (one: Project, secret?: string) => {
    stop.signal.throwIfAborted();
    const work = deploy(one, secret);
    deploying.push(work);
    return work;
  };
  let fault: unknown;
  let sent: Sent | undefined;
  let subdomain: unknown;
  try {
    const keys = await stop.orEnd(readS3Keys(account));
    secrets.push(keys.secretAccessKey);
    const reply = await callApi(account, "GET", "/workers/subdomain");
    subdomain = tableOf(reply.result)["subdomain"];
    if (typeof subdomain !== "string") throw new Error("the account has no workers.dev subdomain");
    const earlier = await stop.orEnd(listResources(account));
    if (earlier.length > 0) print(`Other runs have left, or use:\n${listText(earlier)}`);
    print(`Deploying ${name}\n`);
    await stop.orEnd(deployOnce(project, token));
    const otherHost = needsSecond ? `${second}.${zone}` : undefined;
    const twin = { folder: join(folder, SECOND), name: second, domain: otherHost };
    if (needsSecond) await stop.orEnd(deployOnce({ ...twin, bucket, env }, token));
    const world = createWorld({
      ...{ account, bucket, keys, token, domain, signal: stop.signal },
      ...{ budget: budgetOf(probes), otherHost },
      devHost: `${name}.${subdomain}.workers.dev`,
      report: (text) => print(text, process.stderr),
      redeploy: (options) => deployOnce({ ...project, ...options }),
    });
    sent = world.sent;
    await stop.orEnd(world.waitUntilReady());
    for (const probe of probes) {
      const position = `${verdicts.length + 1}/${probes.length}`;
      print(`${position} ${probe.rule} ${probe.title}\n`, process.stderr);
      verdicts.push([probe, await stop.orEnd(tryRule(probe, world))]);
    }
  } catch (error) {
    fault = error;
    print(`${messageOf(error)}\n`);
  }
  stop.abort();
  await Promise.allSettled(deploying);
  const isGone = deploying.length === 0 || (await remove(account, isOfRun, unlisted));
  rmSync(folder, { recursive: true, force: true });
  if (verdicts.length > 0) {
    print(tableText(verdicts));
    if (sent !== undefined) print(sentText(sent));
    const hidden = {
      ...{ [name]: "<name>", [otherName(name)]: "<other>", [account.id]: "<account>" },
      ...{ [`${subdomain}.workers.dev`]: "<workers.dev>", ...(zone && { [zone]: "<zone>" }) },
    };
    writeRecords(records, verdicts, domain === undefined ? "workers.dev" : "zone", hidden);
  }
  const received = stop.received();
  if (received !== undefined) return EXIT_CODES[received];
  const isOtherwise = verdicts.some(([, { outcome }]) => outcome === "otherwise");
  return fault !== undefined || isOtherwise || !isGone ? 1 : 0;
}

/** Never throws. */
async function tryRule(probe: Probe, world: World): Promise<Verdict> {
  const tooLate = setTimeout(PROBE_TIMEOUT_MS, notSeen("it took more than 5 minutes"));
  return Promise.race([tryProbe(probe, world), tooLate]);
}

/** Signals end the run once; while it deletes, they only say so. */
function listenForSignals() {
  const controller = new AbortController();
  const { signal } = controller;
  const aborted = new Promise<never>((_settle, fail) => {
    signal.addEventListener("abort", () => fail(signal.reason), { once: true });
  });
  aborted.catch(() => {});
  let received: Signal | undefined;
  for (const name of ["SIGHUP", "SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      const isDeleting = signal.aborted;
      received ??= name;
      print(isDeleting ? "Deletion is under way: wait.\n" : "Stopping, to delete what was made.\n");
      controller.abort(new Error(`Ended by ${name}.`));
    });
  }
  // What nobody caught must not end the process before the deletion.
  process.on("unhandledRejection", (reason) => controller.abort(reason));
  return {
    signal,
    /** Ends what still sends. From now on signals only say that deletion is under way. */
    abort: () => controller.abort(new Error("the run has ended")),
    /** @throws at a signal */
    orEnd: <Value>(work: Promise<Value>): Promise<Value> => Promise.race([aborted, work]),
    received: () => received,
  };
}

function writeRecords(
  folder: string,
  verdicts: readonly (readonly [Probe, Verdict])[],
  host: Run["host"],
  hidden: Hidden,
): void {
  const date = new Date().toISOString().slice(0, 10);
  const { version } = JSON.parse(
    readFileSync(join(ROOT, "node_modules/wrangler/package.json"), "utf8"),
  );
  const hiddenVerdicts = verdicts.map(([{ rule }, { outcome, summary }]) => {
    return { rule, outcome, summary: hide(summary, hidden) };
  });
  const cases = verdicts.flatMap(([{ rule }, verdict]) => casesOf(rule, verdict, hidden));
  const file: Run = { date, wrangler: version, host, verdicts: hiddenVerdicts, cases };
  let path = join(folder, `${date}.json`);
  for (let run = 2; existsSync(path); run++) path = join(folder, `${date}-${run}.json`);
  writeFileSync(path, `${withoutSecrets(JSON.stringify(file, null, 2))}\n`);
  print(`What was seen is in ${path}\n`);
}

for (const stream of [process.stdout, process.stderr]) stream.on("error", () => {}); // a closed terminal
process.exitCode = await main(process.argv.slice(2), process.env).catch((error) => {
  print(`${messageOf(error)}\n`, process.stderr);
  return 1;
});
process.exit();
