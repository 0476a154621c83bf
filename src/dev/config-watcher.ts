// Watches wrangler.toml and .dev.vars during the local run, and reloads the Worker. A change is logged only when the
// Worker runs with it. The caller polls, and contents are compared, since times and watchers of files miss changes.
//
// What the watcher knows changes by one pure function, (state, event) → { state, lines }.

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
  const { project, readFiles, readProject, worker, syncBuckets, switches, log, warn } = options;
  const { devVars } = project;
  const initialSwitches = { ...switches };
  let state = startState(project, options.files);
  setSwitches(options.files);

  function dispatch(event: WatcherEvent): void {
    const advanced = advance(state, event);
    state = advanced.state;

    for (const { level, text } of advanced.lines) {
      if (level === "warn") warn(text);
      else log(text);
    }
  }

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

  /** Has the Worker run with the files, as far as that is possible. */
  async function reload(files: ConfigFiles): Promise<void> {
    const before = parseEnv(state.running.devVars);
    const after = parseEnv(files.devVars);

    const isEdgeChanged = before["EDGE"] !== after["EDGE"];
    const hasNewSwitches = isEdgeChanged && setSwitches(files);

    if (before["BUCKETS"] !== after["BUCKETS"]) {
      warn(
        `${devVars}: BUCKETS has changed. Stop npx vitrine dev and start it again. Until then it takes up no change`,
      );
      return;
    }

    const next = readProject();
    if (next.kind === "mistakes") {
      dispatch({ type: "mistakes-read", mistakes: next.mistakes });
      return;
    }

    const isRunning = await worker.run(next);
    if (!isRunning) {
      dispatch({ type: "worker-failed" });
      return;
    }

    const changes = changesTo(state, next, files, hasNewSwitches);
    dispatch({ type: "worker-runs", project: next, files });
    await syncBuckets(next);

    if (next.mistakes.length > 0) {
      dispatch({ type: "mistakes-read", mistakes: next.mistakes });
      return;
    }

    // If a file has changed meanwhile, the next poll reloads the Worker again, and logs both changes.
    if (isSame(readFiles(), files)) dispatch({ type: "reloaded", changes });
  }

  return {
    /** Reads the files once, and reloads the Worker if they changed. */
    async poll(): Promise<void> {
      const files = readFiles();
      if (state.isReloading || files === undefined) return;

      // A file that changes between two polls may be half written.
      const isWhole = isSame(files, state.latest);
      dispatch({ type: "files-read", files });
      if (!isWhole) return;

      const isHandled = isSame(files, state.handled);
      if (isHandled && !worker.hasNewCode()) return;

      dispatch({ type: "reload-began", files });
      try {
        await reload(files);
      } catch (error) {
        // An error is, for example, a file that is half written. The run goes on.
        dispatch({ type: "mistakes-read", mistakes: [`${error}`] });
      }
      dispatch({ type: "reload-ended" });
    },

    /** The project that the Worker runs with. */
    current: () => state.project,

    /** The mistakes in the files as they were read last. */
    mistakes: () => state.mistakes,
  };
}

type WatcherState = {
  /** The project that the Worker runs with, or ran with last. */
  readonly project: LocalProject;
  /** The files of that project. */
  readonly running: ConfigFiles;
  /** The files that the Worker was last reloaded with, with or without success. */
  readonly handled: ConfigFiles;
  /** The files as they were read last. */
  readonly latest?: ConfigFiles;
  readonly mistakes: readonly string[];
  /** Whether the last try to run the Worker has succeeded. */
  readonly isRunning: boolean;
  readonly isReloading: boolean;
};

type WatcherEvent =
  /** A poll has read the files. They may be half written. */
  | { readonly type: "files-read"; readonly files: ConfigFiles }
  /** The Worker is to be reloaded with files that are whole. */
  | { readonly type: "reload-began"; readonly files: ConfigFiles }
  | { readonly type: "mistakes-read"; readonly mistakes: readonly string[] }
  | { readonly type: "worker-failed" }
  | { readonly type: "worker-runs"; readonly project: LocalProject; readonly files: ConfigFiles }
  /** The Worker runs with the files, and they have no mistakes. */
  | { readonly type: "reloaded"; readonly changes: Changes }
  | { readonly type: "reload-ended" };

/** What is new for the Worker. */
type Changes = {
  readonly hasNewConfig: boolean;
  /** The names of the lines of .dev.vars that have changed. */
  readonly devVarNames: readonly string[];
};

type Line = { readonly level: "log" | "warn"; readonly text: string };

/** The state, and the lines for the terminal. */
type Advanced = { readonly state: WatcherState; readonly lines: readonly Line[] };

function startState(project: LocalProject, files: ConfigFiles): WatcherState {
  return {
    project,
    running: files,
    handled: files,
    mistakes: [],
    isRunning: true,
    isReloading: false,
  };
}

function advance(state: WatcherState, event: WatcherEvent): Advanced {
  switch (event.type) {
    case "files-read":
      return { state: { ...state, latest: event.files }, lines: [] };

    case "reload-began":
      return { state: { ...state, handled: event.files, isReloading: true }, lines: [] };

    case "mistakes-read":
      return learnMistakes(state, event.mistakes);

    case "worker-failed": {
      const text = "The Worker does not run. Until it does, it answers 503.";
      const lines: Line[] = state.isRunning ? [{ level: "warn", text }] : [];
      return { state: { ...state, isRunning: false }, lines };
    }

    case "worker-runs": {
      const { project, files } = event;
      return { state: { ...state, project, running: files, isRunning: true }, lines: [] };
    }

    case "reloaded": {
      const lines = reloadedLines(state, event.changes);
      return { state: { ...state, mistakes: [] }, lines };
    }

    case "reload-ended":
      return { state: { ...state, isReloading: false }, lines: [] };

    default:
      return event satisfies never;
  }
}

/** Warns of mistakes, unless the last warning had the same ones. */
function learnMistakes(state: WatcherState, mistakes: readonly string[]): Advanced {
  const nextState = { ...state, mistakes };
  if (mistakes.join() === state.mistakes.join()) return { state: nextState, lines: [] };

  const { file, devVars } = state.project;
  const title = `${file} or ${devVars} has mistakes. Pictures may fail until you correct them:`;
  const text = [title, ...mistakes].join("\n  ");
  return { state: nextState, lines: [{ level: "warn", text }] };
}

function changesTo(
  { project, running }: WatcherState,
  next: LocalProject,
  files: ConfigFiles,
  hasNewSwitches: boolean,
): Changes {
  const hasNewConfig = files.config !== running.config;
  const names: string[] = [];

  // The keys of the local buckets follow wrangler.toml, and are secrets, too. They are no change of .dev.vars.
  if (files.devVars !== running.devVars) {
    const allNames = Object.keys({ ...project.secrets, ...next.secrets });
    names.push(...allNames.filter((name) => project.secrets[name] !== next.secrets[name]));
  }

  if (hasNewSwitches) names.push("EDGE");
  return { hasNewConfig, devVarNames: names };
}

function reloadedLines({ project, mistakes }: WatcherState, changes: Changes): readonly Line[] {
  const { file, devVars } = project;
  const { hasNewConfig, devVarNames } = changes;
  const texts: string[] = [];

  if (mistakes.length > 0) texts.push(`${file} and ${devVars} are right again.`);
  else if (hasNewConfig) texts.push(`Reloaded ${file}.`);
  else if (devVarNames.length === 0) texts.push("Built the Worker again.");

  if (devVarNames.length > 0) {
    texts.push(`Reloaded ${devVars}. Changed: ${devVarNames.join(", ")}`);
  }
  return texts.map((text) => ({ level: "log", text }));
}

function isSame(a: ConfigFiles | undefined, b: ConfigFiles | undefined): boolean {
  return a?.config === b?.config && a?.devVars === b?.devVars;
}
