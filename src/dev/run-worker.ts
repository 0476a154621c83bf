// Runs the Worker in workerd, by wrangler in this process. Secrets reach it as bindings: no file, URL or argument
// has them. Wrangler's explorer, observability, registry and inspector are off: they would show secrets and local
// objects to other programs of this machine.

import { rmSync, statSync, writeFileSync } from "node:fs";
import { extname, join, resolve } from "node:path";
import type { unstable_DevEnv as DevEnv, Unstable_Config } from "wrangler";
import { CODE_ROOT, isFault } from "../cli/command.ts";
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

/** The files of the code of a Worker that runs now, or why it does not run. */
type ReloadResult = readonly string[] | "failed" | "timed-out";

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
  Object.assign(process.env, SETTINGS);
  const report = (error: unknown) => console.error(errorText(error));
  // wrangler also rejects promises that nobody awaits. These must not end the local run.
  process.on("unhandledRejection", report);
  const create = () => new wrangler.unstable_DevEnv().on("error", report);
  let devEnv = create();
  let runs = 0;
  /** The files of the Worker's code, and when it was built last: ms since 1970. */
  let sources: readonly string[] = [];
  let builtAt = 0;
  let isRunning = false;

  const inputOf = (project: LocalProject, version: string) => {
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
      bindings: bindingsOf(project, { ...bindings, LOCAL_VERSION: version }),
      dev: {
        inspector: false,
        registry: undefined,
        remote: false,
        inferOriginFromRoutes: false,
        watch: false, // its watcher loses changes, and builds from files that it has removed
        logLevel: "error",
        structuredLogsHandler: ({ message }: { readonly message: string }) => log(message),
        server: { hostname: "127.0.0.1", port, secure: false },
      },
    };
  };
  const attempt = (project: LocalProject): Promise<ReloadResult> => {
    const version = `${++runs}`;
    const result = waitForReload(devEnv, version);
    builtAt = Date.now();
    return devEnv.config.set(inputOf(project, version), true).then(
      () => result,
      (error) => {
        report(error);
        return "failed";
      },
    );
  };
  return {
    /** Builds the Worker, and runs it with a configuration. Returns whether it runs; if not, it has logged why. */
    async run(project: LocalProject): Promise<boolean> {
      let result = await attempt(project);
      if (result === "timed-out") {
        isRunning = false;
        await devEnv.teardown();
        devEnv = create();
        result = await attempt(project);
      }
      isRunning = typeof result !== "string"; // wrangler lets requests wait until there is a Worker again
      if (typeof result !== "string") sources = result;
      if (result === "timed-out")
        report(new Error("wrangler does not answer: start vitrine dev again"));
      return isRunning;
    },
    /** Returns whether the Worker's code has changed since the last build. */
    hasNewCode: () => {
      const times = sources.map((file) => statSync(file, { throwIfNoEntry: false })?.mtimeMs ?? 0);
      return times.some((time) => time > builtAt);
    },
    isRunning: () => isRunning,
    stop: () => devEnv.teardown(),
  };
}

/** Waits until a version of the Worker runs. */
function waitForReload(devEnv: DevEnv, version: string): Promise<ReloadResult> {
  return new Promise((resolve) => {
    const settle = (result: ReloadResult) => {
      clearTimeout(timer);
      devEnv.off("reloadComplete", check).off("buildFailed", fail).off("error", fail);
      resolve(result);
    };
    const check = (event: unknown) => {
      const { config, bundle } = tableOf(event);
      const bindings = tableOf(tableOf(config)["bindings"]);
      if (tableOf(bindings["LOCAL_VERSION"])["value"] !== version) return;
      const files = Object.keys(tableOf(tableOf(bundle)["dependencies"]));
      settle(files.filter((file) => !file.startsWith(".wrangler/"))); // written by each build
    };
    const fail = () => settle("failed");
    const timer = setTimeout(settle, RELOAD_MS, "timed-out");
    devEnv.on("reloadComplete", check).on("buildFailed", fail).on("error", fail);
  });
}

/** The R2 buckets that wrangler simulates: the project's, the store, and one for each S3 bucket that is replaced. */
function r2BucketsOf(
  { hasOwnS3, buckets }: LocalProject,
  bound: LocalProject["r2Buckets"],
): readonly object[] {
  const keys = readLocalKeys(".");
  const local = { local_dev: { experimental_s3_credentials: keys } };
  const renamed = [...bound, { binding: LOCAL_STORE }].map(
    ({ binding, bucket_name: name = binding }) => {
      return { binding, bucket_name: localBucketName(name, keys), ...local };
    },
  );
  const replacedS3 = new Set(hasOwnS3 ? [] : Object.values(buckets).map(({ bucket }) => bucket));
  for (const { bucket_name } of renamed) replacedS3.delete(bucket_name);
  const otherBuckets = [...replacedS3].map((name, index) => {
    return { binding: `LOCAL_BUCKET_${index}`, bucket_name: name, ...local };
  });
  return [...renamed, ...otherBuckets];
}

/** How long a local queue waits for more messages: s. In production, it is what wrangler.toml says. */
const QUEUE_WAIT = 1;

/** The queues, with a way for the local run to put events into the one that the Worker consumes. */
function queuesOf({ queue }: LocalProject, { producers = [], consumers = [] }: Queues): Queues {
  if (queue === undefined) return { producers, consumers };

  const binding = "LOCAL_EVENTS" satisfies keyof LocalBindings;
  const quick = consumers.map((consumer) => ({ ...consumer, max_batch_timeout: QUEUE_WAIT }));
  return { producers: [...producers, { binding, queue }], consumers: quick };
}

/** The bindings that the local run adds or replaces. started: the vars of wrangler.toml with those of .dev.vars. */
function bindingsOf(
  { hasOwnS3, buckets, tokenVars, secrets, localVars, images, answers }: LocalProject,
  bindings: object,
): object {
  const texts = [
    ...Object.entries(bindings),
    ...Object.entries(secrets),
    ...(images === undefined ? [] : [[images, "of the local edge"] as const]),
  ];
  const local = { BUCKETS: bucketsOfWorker(localVars["BUCKETS"], buckets) };
  const replaced = { ...tokenVars, ...(!hasOwnS3 && local) };
  const tables = Object.entries({ ...replaced, ...answers });
  return {
    ...Object.fromEntries(texts.map(([name, value]) => [name, { type: "secret_text", value }])),
    ...Object.fromEntries(tables.map(([name, value]) => [name, { type: "json", value }])),
  };
}

/**
 * The buckets as the Worker has them: an R2 binding stays an R2 binding, because wrangler simulates it.
 * @param local the buckets on this machine
 */
export function bucketsOfWorker(
  buckets: unknown,
  local: LocalRun["buckets"],
): Record<string, unknown> {
  const written = tableOf(buckets);
  return Object.fromEntries(
    Object.entries(local).map(([name, settings]) => {
      const isR2 = tableOf(written[name])["binding"] !== undefined;
      return [name, isR2 ? written[name] : settings];
    }),
  );
}

/** Writes the entry of the Worker. @returns its path */
function writeEntry(name: string, main: string): string {
  const file = resolve(`.wrangler/vitrine/${name}.js`);
  const text = `import * as project from ${JSON.stringify(main)};
import { localGateway, localRenditions } from ${JSON.stringify(LOCAL_WORKER)};
export class Renditions extends localRenditions(project["Renditions"]) {}
export default localGateway(project.default);
`;
  rmSync(file, { force: true }); // it may be a link that somebody else made
  writeFileSync(file, text, { mode: 0o600 });
  return file;
}

/** The message of wrangler's error, which may be an event with a cause. */
function errorText(error: unknown): string {
  const { reason, cause } = tableOf(error);
  const source = error instanceof Error ? error : cause;
  return [reason, source instanceof Error ? source.message : undefined].filter(Boolean).join(": ");
}
