// Follows .dev.vars and BUCKETS of wrangler.toml while the local run goes on.

import { watchFile } from "node:fs";
import { localRun } from "../cli/project/local.ts";
import { readVars } from "../cli/project/vars.ts";
import type { Switches } from "../emulator/edge/switches.ts";
import type { Vars } from "../worker/config/schema.ts";
import { liveSecrets } from "./live-secrets.ts";
import { watchBuckets } from "./watch-buckets.ts";

/** How often to look at the files, in ms. Mistakes are then reported before the next request. */
const LOOK_MS = 500;

const tell = (line: string) => console.log(line);
const warn = (line: string) => console.error(line);

/**
 * Sets the switches of the edge, now and whenever .dev.vars changes.
 * @returns a function that returns the secrets as they are now
 */
export function followDevVars(switches: Switches, endpoint: string): () => Vars {
  const read = () => {
    const vars = readVars();
    return "fault" in vars ? vars : { vars: localRun(vars, endpoint).secrets };
  };
  const secrets = liveSecrets({ file: ".dev.vars", read, switches, tell, warn });
  secrets();
  setInterval(secrets, LOOK_MS).unref();
  return secrets;
}

/** Warns when BUCKETS of wrangler.toml changes. */
export function followBuckets(): void {
  const look = watchBuckets(() => {
    const vars = readVars();
    return "fault" in vars ? undefined : vars.deployed["BUCKETS"];
  }, warn);
  watchFile("wrangler.toml", { interval: LOOK_MS, persistent: false }, look);
}
