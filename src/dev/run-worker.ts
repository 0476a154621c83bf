// Runs the Worker in workerd, by wrangler in this process. Secrets reach it as bindings: no file, URL or argument
// has them. Wrangler's explorer, observability, registry and inspector are off: they would show secrets and local
// objects to other programs of this machine.

import { rmSync, statSync, writeFileSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import type { unstable_DevEnv as DevEnv, Unstable_Config } from "wrangler";
import { CODE_ROOT, type CommandFault, isFault } from "../cli/command.ts";
import { type LocalRun, localBucketName, readLocalKeys } from "../cli/config/local-run.ts";
import { loadWrangler } from "../cli/wrangler/packages.ts";
import { tableOf } from "../worker/util/json.ts";
import { LOCAL_STORE, type LocalProject } from "./local-project.ts";
import type { LocalBindings } from "./local-worker.ts";

/** The time limit until the Worker runs with a new configuration. Then wrangler is restarted. */
const RELOAD_MS = 15_000;

// In the package this file is compiled, as its Worker is.
const LOCAL_WORKER = join(CODE_ROOT, `dev/local-worker${extname(import.meta.filename)}`);

const SETTINGS = {
  X_LOCAL_EXPLORER: "false",
  X_LOCAL_OBSERVABILITY: "false",
  CLOUDFLARE_CF_FETCH_ENABLED: "false", // otherwise it asks Cloudflare for a Request.cf
  WRANGLER_SEND_METRICS: "false",
  WRANGLER_HIDE_BANNER: "true",
  WRANGLER_LOG: "warn", // otherwise miniflare logs each batch of a queue
};

/** What became of a try to run the Worker. */
type ReloadResult =
  /** It runs. `sources`: the files of its code. */
  | { readonly kind: "running"; readonly sources: readonly string[] }
  /** It cannot be built, or does not start. wrangler has said why. */
  | { readonly kind: "failed" }
  | { readonly kind: "timed-out" };

type Wrangler = Exclude<ReturnType<typeof loadWrangler>, CommandFault>;

type Queues = Unstable_Config["queues"];

export type LocalWorker = ReturnType<typeof createWorker>;

/**
 * @param name the name of the Worker's file: each local run of this folder has another one
 * @param port where the Worker listens: the same port after a crash
 * @param log gets each line that the Worker logs
 */
export function createWorker(
  name: string,
  port: number,
  bindings: LocalBindings,
  log: (line: string) => void,
) {
  const wrangler = loadWrangler();
  if (isFault(wrangler)) throw new Error(wrangler.fault);

  // wrangler reads its settings from the environment. It also rejects promises that nobody awaits: these must not end
  // the local run.
  Object.assign(process.env, SETTINGS);
  process.on("unhandledRejection", logError);

  const createDevEnv = () => new wrangler.unstable_DevEnv().on("error", logError);
  let devEnv = createDevEnv();
  let runs = 0;
  /** The files of the Worker's code. */
  let sources: readonly string[] = [];
  /** When the code was built last: ms since 1970. */
  let builtAt = 0;
  let isRunning = false;

  const attempt = async (project: LocalProject): Promise<ReloadResult> => {
    runs += 1;
    const version = `${runs}`;
    const versionBindings = { ...bindings, LOCAL_VERSION: version };
    const input = {
      ...inputOf(wrangler, name, project, versionBindings),
      dev: devSettings(port, log),
    };

    const reloading = waitForReload(devEnv, version);
    builtAt = Date.now();
    try {
      await devEnv.config.set(input, true);
    } catch (error) {
      logError(error);
      return { kind: "failed" };
    }
    return reloading;
  };

  return {
    /** Builds the Worker, and runs it with a configuration. Returns whether it runs; if not, it has logged why. */
    async run(project: LocalProject): Promise<boolean> {
      let result = await attempt(project);

      // wrangler may hang. A new one may not.
      if (result.kind === "timed-out") {
        isRunning = false;
        await devEnv.teardown();
        devEnv = createDevEnv();
        result = await attempt(project);
      }
      if (result.kind === "timed-out") {
        logError(new Error("wrangler does not answer: start vitrine dev again"));
      }

      isRunning = result.kind === "running";
      if (result.kind === "running") sources = result.sources;
      return isRunning;
    },

    /** Returns whether the Worker's code has changed since the last build. */
    hasNewCode: () => sources.some((file) => isNewerThan(builtAt, file)),

    /** Returns whether the Worker runs. If not, wrangler lets requests wait until it runs again. */
    isRunning: () => isRunning,

    stop: () => devEnv.teardown(),
  };
}

/** Returns whether a file was changed after a time, in ms since 1970. One that is gone was not. */
function isNewerThan(time: number, file: string): boolean {
  const stats = statSync(file, { throwIfNoEntry: false });
  return stats !== undefined && stats.mtimeMs > time;
}

/** What wrangler is to run: the project's own configuration, with the bindings of the local run. */
function inputOf(
  wrangler: Wrangler,
  name: string,
  project: LocalProject,
  bindings: LocalBindings & { readonly LOCAL_VERSION: string },
) {
  const { file, environment, main } = project;
  const options = { config: file, env: environment ?? "" };
  const config = wrangler.unstable_readConfig(options, { hideWarnings: true });

  return {
    config: {
      ...config,
      r2_buckets: r2BucketsOf(project, config.r2_buckets),
      queues: queuesOf(project, config.queues),
      images: undefined,
    },
    env: environment,
    entrypoint: writeEntry(name, main),
    bindings: bindingsOf(project, bindings),
  };
}

/** @param log gets each line that the Worker logs */
function devSettings(port: number, log: (line: string) => void) {
  return {
    inspector: false,
    registry: undefined,
    remote: false,
    inferOriginFromRoutes: false,
    watch: false, // its watcher loses changes, and builds from files that it has removed
    logLevel: "error",
    structuredLogsHandler: ({ message }: { readonly message: string }) => log(message),
    server: { hostname: "127.0.0.1", port, secure: false },
  } as const;
}

/** Waits until a version of the Worker runs. */
function waitForReload(devEnv: DevEnv, version: string): Promise<ReloadResult> {
  const { promise, resolve } = Promise.withResolvers<ReloadResult>();

  const settle = (result: ReloadResult): void => {
    clearTimeout(timer);
    devEnv.off("reloadComplete", onReload).off("buildFailed", onFailure).off("error", onFailure);
    resolve(result);
  };
  const onReload = (event: unknown): void => {
    const reload = readReload(event);
    if (reload.version === version) settle({ kind: "running", sources: reload.sources });
  };
  const onFailure = (): void => settle({ kind: "failed" });

  const timer = setTimeout(settle, RELOAD_MS, { kind: "timed-out" });
  devEnv.on("reloadComplete", onReload).on("buildFailed", onFailure).on("error", onFailure);
  return promise;
}

/** Reads wrangler's event of a Worker that runs. */
function readReload(event: unknown): { version: unknown; sources: readonly string[] } {
  const { config, bundle } = tableOf(event);
  const bindings = tableOf(tableOf(config)["bindings"]);
  const version = tableOf(bindings["LOCAL_VERSION"])["value"];

  // Each build writes the files of .wrangler: they are no sources.
  const files = Object.keys(tableOf(tableOf(bundle)["dependencies"]));
  const sources = files.filter((file) => !file.startsWith(".wrangler/"));
  return { version, sources };
}

/** The R2 buckets that wrangler simulates: the project's, the store, and one for each S3 bucket that is replaced. */
function r2BucketsOf(
  { hasOwnS3, buckets }: LocalProject,
  bound: LocalProject["r2Buckets"],
): readonly object[] {
  const keys = readLocalKeys(".");
  const localSettings = { local_dev: { experimental_s3_credentials: keys } };

  const bindings: object[] = [];
  const boundNames = new Set<string>();
  for (const { binding, bucket_name: name = binding } of [...bound, { binding: LOCAL_STORE }]) {
    const bucket_name = localBucketName(name, keys);
    boundNames.add(bucket_name);
    bindings.push({ binding, bucket_name, ...localSettings });
  }

  // The pictures come from the user's own S3.
  if (hasOwnS3) return bindings;

  const replacedNames = new Set(Object.values(buckets).map(({ bucket }) => bucket));
  const otherNames = replacedNames.difference(boundNames);
  for (const [index, bucket_name] of [...otherNames].entries()) {
    bindings.push({ binding: `LOCAL_BUCKET_${index}`, bucket_name, ...localSettings });
  }
  return bindings;
}

/** How long a local queue waits for more messages: s. In production, it is what wrangler.toml says. */
const QUEUE_WAIT = 1;

/** The queues, with a way for the local run to put events into the one that the Worker consumes. */
function queuesOf({ queue }: LocalProject, { producers = [], consumers = [] }: Queues): Queues {
  if (queue === undefined) return { producers, consumers };

  const binding = "LOCAL_EVENTS" satisfies keyof LocalBindings;
  const quickConsumers = consumers.map((consumer) => {
    return { ...consumer, max_batch_timeout: QUEUE_WAIT };
  });
  return { producers: [...producers, { binding, queue }], consumers: quickConsumers };
}

/** The bindings that the local run adds or replaces. */
function bindingsOf(project: LocalProject, localBindings: object): object {
  const { hasOwnS3, buckets, tokenVars, secrets, localVars, images, answers } = project;

  const texts: Record<string, unknown> = { ...localBindings, ...secrets };
  // The Worker gets a binding of Images under this name if there is any value (local-worker.ts).
  if (images !== undefined) texts[images] = "of the local edge";

  const tables: Record<string, unknown> = { ...tokenVars, ...answers };
  // `localVars`: the vars of wrangler.toml with those of .dev.vars.
  if (!hasOwnS3) tables["BUCKETS"] = bucketsOfWorker(localVars["BUCKETS"], buckets);

  const bindings: Record<string, object> = {};
  for (const [name, value] of Object.entries(texts)) {
    bindings[name] = { type: "secret_text", value };
  }
  for (const [name, value] of Object.entries(tables)) {
    bindings[name] = { type: "json", value };
  }
  return bindings;
}

/**
 * The buckets as the Worker has them: an R2 binding stays an R2 binding, because wrangler simulates it.
 * @param buckets as the vars have them
 * @param local the buckets on this machine
 */
export function bucketsOfWorker(
  buckets: unknown,
  local: LocalRun["buckets"],
): Record<string, unknown> {
  const configured = tableOf(buckets);
  const result: Record<string, unknown> = {};

  for (const [name, settings] of Object.entries(local)) {
    const isR2 = tableOf(configured[name])["binding"] !== undefined;
    result[name] = isR2 ? configured[name] : settings;
  }
  return result;
}

/** Writes the entry of the Worker. @returns its path */
function writeEntry(name: string, main: string): string {
  const file = resolve(`.wrangler/vitrine/${name}.js`);
  const text = `import * as project from ${JSON.stringify(main)};
import { localGateway, localRenditions } from ${JSON.stringify(LOCAL_WORKER)};
export class Renditions extends localRenditions(project["Renditions"]) {}
export default localGateway(project.default);
`;

  // It may be a link that somebody else made.
  rmSync(file, { force: true });
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

function logError(error: unknown): void {
  console.error(errorText(error));
}

/** The message of wrangler's error, which may be an event with a cause. */
function errorText(error: unknown): string {
  const { reason, cause } = tableOf(error);
  const source = error instanceof Error ? error : cause;
  const message = source instanceof Error ? source.message : undefined;
  return [reason, message].filter(Boolean).join(": ");
}
