// Follows wrangler.toml and .dev.vars while the local run goes on. It says only what the Worker runs with that
// moment. No timer: the caller decides when to look. Contents are compared, since times and watchers miss changes.

import { parseEnv } from "node:util";
import type { Switches } from "../emulator/edge/switches.ts";
import type { Vars } from "../worker/config/schema.ts";
import type { LocalProject, Mistakes } from "./local-project.ts";
import { readSwitches } from "./read-switches.ts";
import type { LocalWorker } from "./run-worker.ts";

/** The texts of both files. */
export type Files = { readonly config: string; readonly devVars: string };

export type Follower = {
  /** Looks once, and has the Worker run with what is new. */
  readonly look: () => Promise<void>;
  /** What the Worker runs with. */
  readonly current: () => LocalProject;
  /** What is wrong in the files as they were read last. */
  readonly mistakes: () => readonly string[];
};

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

export function followFiles(parts: Parts): Follower {
  const { readFiles, readProject, worker, fill, switches, log, warn } = parts;
  const { file, devVars } = parts.project;
  const strict = { ...switches };
  const ownBuckets = parseEnv(parts.files.devVars)["BUCKETS"];
  let project = parts.project;
  let mistakes: readonly string[] = [];
  let isRunning = true;
  let running = parts.files;
  let handled = parts.files;
  let seen: Files | undefined;
  let busy = false;
  setSwitches(parts.files);

  /** Sets the switches of the edge. If they are wrong, it says why, and returns false. */
  function setSwitches({ devVars: text }: Files): boolean {
    const given = readSwitches(text, devVars, (fault) =>
      warn(`${fault}. The switches of the edge stay as they are.`),
    );
    if (given !== undefined) Object.assign(switches, strict, given);
    return given !== undefined;
  }

  /** Reports mistakes once. */
  const report = (found: readonly string[]): void => {
    if (found.join() !== mistakes.join()) {
      const names = `${file} or ${devVars}`;
      warn(
        [`${names} has mistakes. Pictures may fail until you correct them:`, ...found].join("\n  "),
      );
    }
    mistakes = found;
  };

  const apply = async (files: Files): Promise<void> => {
    const edgeLine = parseEnv(files.devVars)["EDGE"];
    const hasOtherSwitches = edgeLine !== parseEnv(running.devVars)["EDGE"] && setSwitches(files);
    if (parseEnv(files.devVars)["BUCKETS"] !== ownBuckets) {
      const advice = "Stop npx vitrine dev and start it again. Until then it takes up no change";
      warn(`${devVars}: BUCKETS has changed. ${advice}`);
      return;
    }
    const next = readProject();
    if (!("config" in next)) return report(next.mistakes);
    const outcome = await worker.run(next);
    if (outcome === "late") {
      warn(
        `The Worker did not start with the new ${file}. Stop npx vitrine dev and start it again.`,
      );
    }
    if (outcome === "failed" && isRunning) {
      warn("The Worker cannot be built. Until it can, it answers 503.");
    }
    const runsAgain = !isRunning && outcome === "running";
    isRunning = outcome === "running";
    if (!isRunning) return;
    const changed = [
      ...changedNames(project.secrets, next.secrets),
      ...(hasOtherSwitches ? ["EDGE"] : []),
    ];
    const hasOtherConfig = files.config !== running.config;
    const hasOtherCode = isSame(files, running);
    [project, running] = [next, files];
    await fill(next);
    if (next.mistakes.length > 0) return report(next.mistakes);
    if (!isSame(readFiles(), files)) return; // the next look says it
    if (mistakes.length > 0) log(`${file} and ${devVars} are right again.`);
    else if (runsAgain) log("The Worker runs again.");
    else if (hasOtherConfig) log(`Reloaded ${file}.`);
    else if (hasOtherCode) log("Built the Worker again.");
    if (changed.length > 0) log(`Reloaded ${devVars}. Changed: ${changed.join(", ")}`);
    mistakes = [];
  };

  return {
    async look() {
      const files = readFiles();
      if (busy || files === undefined) return;
      // A file that changes between two looks may be half written.
      const isWhole = isSame(files, seen);
      seen = files;
      if (!isWhole || (isSame(files, handled) && !worker.hasNewCode())) return;
      busy = true;
      handled = files;
      try {
        await apply(files);
      } catch (error) {
        report([`${error}`]); // for example a file that is half written. The run goes on
      }
      busy = false;
    },
    current: () => project,
    mistakes: () => mistakes,
  };
}

function isSame(one: Files | undefined, other: Files | undefined): boolean {
  return one?.config === other?.config && one?.devVars === other?.devVars;
}

function changedNames(before: Vars, after: Vars): string[] {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...names].filter((name) => before[name] !== after[name]);
}
