// Watches wrangler.toml and .dev.vars during the local run, and reloads the Worker. A change is logged
// when the Worker runs with it. The caller polls. Contents are compared, since times and watchers miss changes.

import { parseEnv } from "node:util";
import type { Switches } from "../emulator/edge/switches.ts";
import type { LocalProject, ProjectMistakes } from "./local-project.ts";
import { readSwitches } from "./read-switches.ts";
import type { LocalWorker } from "./run-worker.ts";

/** The texts of both files. */
export type ConfigFiles = { readonly config: string; readonly devVars: string };

export type ConfigWatcher = ReturnType<typeof createConfigWatcher>;

type WatcherOptions = {
  /** What the Worker was started with. */
  readonly files: ConfigFiles;
  readonly project: LocalProject;
  /** Reads both files; undefined: one file is not there, since an editor is replacing it. */
  readonly readFiles: () => ConfigFiles | undefined;
  readonly readProject: () => LocalProject | ProjectMistakes;
  readonly worker: Pick<LocalWorker, "run" | "hasNewCode">;
  /** Fills the local buckets that are new. */
  readonly syncBuckets: (project: LocalProject) => Promise<void>;
  /** The switches of the edge. A line EDGE of .dev.vars changes them. */
  readonly switches: Switches;
  readonly log: (line: string) => void;
  readonly warn: (line: string) => void;
};

export function createConfigWatcher(options: WatcherOptions) {
  const { readFiles, readProject, worker, syncBuckets, switches, log, warn } = options;
  const { file, devVars } = options.project;
  const initialSwitches = { ...switches };
  let { project, files: running } = options;
  let mistakes: readonly string[] = [];
  let isRunning = true;
  let handled = running;
  let latest: ConfigFiles | undefined;
  let isBusy = false;
  setSwitches(running);

  /** Sets the switches of the edge. If the text of EDGE has mistakes, this warns and returns false. */
  function setSwitches(files: ConfigFiles): boolean {
    const result = readSwitches(files.devVars, devVars);
    if (result.kind === "faults") {
      for (const fault of result.faults) {
        warn(`${fault}. The switches of the edge stay as they are.`);
      }
      return false;
    }

    Object.assign(switches, initialSwitches, result.switches);
    return true;
  }

  /** Warns of mistakes, unless the last report had the same ones. */
  const report = (messages: readonly string[]): void => {
    const title = `${file} or ${devVars} has mistakes. Pictures may fail until you correct them:`;
    if (messages.join() !== mistakes.join()) warn([title, ...messages].join("\n  "));
    mistakes = messages;
  };

  const apply = async (files: ConfigFiles): Promise<void> => {
    const [before, after] = [parseEnv(running.devVars), parseEnv(files.devVars)];
    let hasNewSwitches = false;
    if (before["EDGE"] !== after["EDGE"]) hasNewSwitches = setSwitches(files);
    if (before["BUCKETS"] !== after["BUCKETS"]) {
      const restart = "Stop npx vitrine dev and start it again";
      return warn(`${devVars}: BUCKETS has changed. ${restart}. Until then it takes up no change`);
    }
    const next = readProject();
    if (next.kind === "mistakes") return report(next.mistakes);

    const wasRunning = isRunning;
    isRunning = await worker.run(next);
    if (wasRunning && !isRunning) warn("The Worker does not run. Until it does, it answers 503.");
    if (!isRunning) return;
    // Local keys follow the buckets of wrangler.toml: unless .dev.vars changed, no secret counts as changed.
    const oldSecrets = files.devVars === running.devVars ? next.secrets : project.secrets;
    const names = Object.keys({ ...oldSecrets, ...next.secrets });
    const changed = names.filter((name) => oldSecrets[name] !== next.secrets[name]);
    if (hasNewSwitches) changed.push("EDGE");
    const hasNewConfig = files.config !== running.config;
    [project, running] = [next, files];
    await syncBuckets(next);
    if (next.mistakes.length > 0) return report(next.mistakes);
    if (!isSame(readFiles(), files)) return; // the next poll logs it
    if (mistakes.length > 0) log(`${file} and ${devVars} are right again.`);
    else if (hasNewConfig) log(`Reloaded ${file}.`);
    else if (changed.length === 0) log("Built the Worker again.");
    if (changed.length > 0) log(`Reloaded ${devVars}. Changed: ${changed.join(", ")}`);
    mistakes = [];
  };

  return {
    /** Reads the files once, and reloads the Worker if they changed. */
    async poll(): Promise<void> {
      const files = readFiles();
      if (isBusy || files === undefined) return;
      // A file that changes between two polls may be half written.
      const isWhole = isSame(files, latest);
      latest = files;
      if (!isWhole || (isSame(files, handled) && !worker.hasNewCode())) return;
      [isBusy, handled] = [true, files];
      // An error is, for example, a file that is half written. The run goes on.
      await apply(files).catch((error: unknown) => report([`${error}`]));
      isBusy = false;
    },
    /** The project that the Worker runs with. */
    current: () => project,
    /** The mistakes in the files as they were read last. */
    mistakes: () => mistakes,
  };
}

function isSame(a: ConfigFiles | undefined, b: ConfigFiles | undefined): boolean {
  return a?.config === b?.config && a?.devVars === b?.devVars;
}
