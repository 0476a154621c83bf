// Follows wrangler.toml and .dev.vars while the local run goes on. It says only what the Worker runs with that
// moment. No timer: the caller decides when to look. Contents are compared, since times and watchers miss changes.

import { parseEnv } from "node:util";
import type { Switches } from "../emulator/edge/switches.ts";
import type { LocalProject, Mistakes } from "./local-project.ts";
import { readSwitches } from "./read-switches.ts";
import type { LocalWorker } from "./run-worker.ts";

/** The texts of both files. */
export type Files = { readonly config: string; readonly devVars: string };

export type Follower = ReturnType<typeof followFiles>;

type Parts = {
  /** What the Worker was started with. */
  readonly files: Files;
  readonly project: LocalProject;
  /** Reads both files; undefined: one is not there, since an editor is replacing it. */
  readonly readFiles: () => Files | undefined;
  readonly readProject: () => LocalProject | Mistakes;
  readonly worker: Pick<LocalWorker, "run" | "hasNewCode">;
  /** Fills the local buckets that are new. */
  readonly fill: (project: LocalProject) => Promise<void>;
  /** The switches of the edge. A line EDGE of .dev.vars changes them. */
  readonly switches: Switches;
  readonly log: (line: string) => void;
  readonly warn: (line: string) => void;
};

export function followFiles(parts: Parts) {
  const { readFiles, readProject, worker, fill, switches, log, warn } = parts;
  const { file, devVars } = parts.project;
  const strict = { ...switches };
  let { project, files: running } = parts;
  let mistakes: readonly string[] = [];
  let isRunning = true;
  let handled = running;
  let seen: Files | undefined;
  let isBusy = false;
  setSwitches(running);

  /** Sets the switches of the edge. If they are wrong, it says why, and returns false. */
  function setSwitches(files: Files): boolean {
    const read = readSwitches(files.devVars, devVars);
    if (!("faults" in read)) return Object.assign(switches, strict, read) === switches;
    for (const one of read.faults) warn(`${one}. The switches of the edge stay as they are.`);
    return false;
  }

  /** Reports mistakes once. */
  const report = (found: readonly string[]): void => {
    const title = `${file} or ${devVars} has mistakes. Pictures may fail until you correct them:`;
    if (found.join() !== mistakes.join()) warn([title, ...found].join("\n  "));
    mistakes = found;
  };

  const apply = async (files: Files): Promise<void> => {
    const [before, after] = [parseEnv(running.devVars), parseEnv(files.devVars)];
    const hasOtherSwitches = before["EDGE"] !== after["EDGE"] && setSwitches(files);
    if (before["BUCKETS"] !== after["BUCKETS"]) {
      const restart = "Stop npx vitrine dev and start it again";
      return warn(`${devVars}: BUCKETS has changed. ${restart}. Until then it takes up no change`);
    }
    const next = readProject();
    if (!("config" in next)) return report(next.mistakes);
    const wasRunning = isRunning;
    isRunning = await worker.run(next);
    if (wasRunning && !isRunning) warn("The Worker does not run. Until it does, it answers 503.");
    if (!isRunning) return;
    const old = files.devVars === running.devVars ? next.secrets : project.secrets;
    const names = Object.keys({ ...old, ...next.secrets }); // local keys follow the buckets
    const changed = names.filter((name) => old[name] !== next.secrets[name]);
    if (hasOtherSwitches) changed.push("EDGE");
    const isOtherConfig = files.config !== running.config;
    [project, running] = [next, files];
    await fill(next);
    if (next.mistakes.length > 0) return report(next.mistakes);
    if (!isSame(readFiles(), files)) return; // the next look says it
    if (mistakes.length > 0) log(`${file} and ${devVars} are right again.`);
    else if (isOtherConfig) log(`Reloaded ${file}.`);
    else if (changed.length === 0) log("Built the Worker again.");
    if (changed.length > 0) log(`Reloaded ${devVars}. Changed: ${changed.join(", ")}`);
    mistakes = [];
  };

  return {
    /** Looks once, and has the Worker run with what is new. */
    async look(): Promise<void> {
      const files = readFiles();
      if (isBusy || files === undefined) return;
      // A file that changes between two looks may be half written.
      const isWhole = isSame(files, seen);
      seen = files;
      if (!isWhole || (isSame(files, handled) && !worker.hasNewCode())) return;
      [isBusy, handled] = [true, files];
      // An error is, for example, a file that is half written. The run goes on.
      await apply(files).catch((error: unknown) => report([`${error}`]));
      isBusy = false;
    },
    /** What the Worker runs with. */
    current: () => project,
    /** What is wrong in the files as they were read last. */
    mistakes: () => mistakes,
  };
}

function isSame(one: Files | undefined, other: Files | undefined): boolean {
  return one?.config === other?.config && one?.devVars === other?.devVars;
}
