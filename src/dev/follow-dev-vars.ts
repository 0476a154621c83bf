// Follows .dev.vars, BUCKETS of the configuration, and its mistakes while the local run goes on.

import { watchFile } from "node:fs";
import { localRun } from "../cli/project/local-run.ts";
import { devVarsOf, readVars } from "../cli/project/read-vars.ts";
import type { Switches } from "../emulator/edge/switches.ts";
import type { Vars } from "../worker/config/schema.ts";
import { liveSecrets } from "./live-secrets.ts";
import { type Project, readProject } from "./read-project.ts";
import { watchBuckets } from "./watch-buckets.ts";
import { watchMistakes } from "./watch-mistakes.ts";

/** How often to look at the files, in ms. Mistakes are then reported before the next request. */
const LOOK_MS = 500;

const tell = (line: string) => console.log(line);
const warn = (line: string) => console.error(line);

/**
 * Sets the switches of the edge, now and whenever .dev.vars changes.
 * @returns a function that returns the secrets as they are now
 */
export function followDevVars(
  switches: Switches,
  endpoint: string,
  environment: string | undefined,
): () => Vars {
  const read = () => {
    const vars = readVars(".", environment);
    return "fault" in vars ? vars : { vars: localRun(vars, endpoint).secrets };
  };
  const secrets = liveSecrets({ file: devVarsOf(".", environment), read, switches, tell, warn });
  secrets();
  setInterval(secrets, LOOK_MS).unref();
  return secrets;
}

/** Warns when BUCKETS of the configuration changes. */
export function followBuckets({ file, environment }: Pick<Project, "file" | "environment">): void {
  const look = watchBuckets(
    () => {
      const vars = readVars(".", environment);
      return "fault" in vars ? undefined : vars.deployed["BUCKETS"];
    },
    warn,
    file,
  );
  watchFile(file, { interval: LOOK_MS, persistent: false }, look);
}

/** Tells the mistakes of the configuration when it changes: wrangler only says that it reloads. */
export function followMistakes(
  { file, environment }: Pick<Project, "file" | "environment">,
  endpoint: string,
): void {
  const read = () => {
    const now = readProject(endpoint, environment, "quiet");
    return "mistakes" in now ? now.mistakes : [];
  };
  const look = watchMistakes(read, tell, warn, file);
  watchFile(file, { interval: LOOK_MS, persistent: false }, look);
}
