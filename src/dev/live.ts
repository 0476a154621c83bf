// .dev.vars, taken up while the local run goes on.

import { readFileSync, statSync } from "node:fs";
import { parseEnv } from "node:util";
import type { Switches } from "../emulator/edge/switches.ts";
import type { Vars } from "../worker/config/schema.ts";
import { readSwitches } from "./switches.ts";

/** For how long a file must have been left alone, since some editors write in parts: milliseconds. */
const WHOLE_MS = 50;

export type Live = {
  /** Where .dev.vars is. */
  readonly file: string;
  /** The secrets as they would be started with now. */
  readonly read: () => Read;
  /** The edge's, which a line EDGE changes. */
  readonly switches: Switches;
  /** Is told what was taken up. */
  readonly tell: (line: string) => void;
  /** Is told what is wrong. */
  readonly warn: (line: string) => void;
};

/**
 * The secrets of .dev.vars as they are now, each time it is asked; what there is no more is null. The
 * edge's switches are set by the way. What cannot be taken up leaves all as it was.
 */
export function liveSecrets({ file, read, switches, tell, warn }: Live): () => Vars {
  const strict = { ...switches };
  let begun: Vars | undefined;
  let stamp = "";
  let secrets: Vars = {};
  let edge: unknown;
  let warned = "";

  const warnOnce = (line: string) => {
    if (line !== warned) warn(line);
    warned = line;
  };
  /** @returns false where it is to be tried again, though the file stays as it is */
  const takeUp = (): boolean => {
    const parsed = attempt(() => ({ vars: parseEnv(readFileSync(file, "utf8")) }));
    if ("fault" in parsed) {
      warnOnce(`.dev.vars is not taken up: ${parsed.fault}`);
      return false;
    }
    const now = parsed.vars;
    begun ??= now;
    if (now["BUCKETS"] !== begun["BUCKETS"]) {
      warnOnce(".dev.vars: BUCKETS has changed. Start again, and all of it is taken up.");
      return true;
    }
    const asked = attempt(read);
    if ("fault" in asked) {
      warnOnce(`.dev.vars is not taken up: ${asked.fault}`);
      return false;
    }
    const found = asked.vars;
    const gone = Object.keys(secrets).map((name) => [name, null]);
    const before = secrets;
    secrets = { ...Object.fromEntries(gone), ...found };
    const taken = Object.keys(secrets).filter((name) => secrets[name] !== before[name]);
    if (now["EDGE"] !== edge) {
      edge = now["EDGE"];
      const thrown = readSwitches(edge, (at, fault) =>
        warn(`.dev.vars: ${at}: ${fault}. The edge stays as it was.`),
      );
      if (thrown !== undefined) {
        Object.assign(switches, strict, thrown);
        taken.push("EDGE");
      }
    }
    warned = "";
    if (stamp !== "" && taken.length > 0) tell(`Took up .dev.vars: ${taken.join(", ")}`);
    return true;
  };
  return () => {
    // An editor that replaces the file may be in between: what it said holds until it is there again.
    const stat = statOf(file);
    const now = `${stat?.mtimeMs} ${stat?.size} ${stat?.ino}`;
    if (stat === undefined || now === stamp) return secrets;
    if (stamp !== "" && Math.abs(Date.now() - stat.mtimeMs) < WHOLE_MS) return secrets;
    if (takeUp()) stamp = now;
    return secrets;
  };
}

/** What was read, or why it could not be. */
export type Read = { readonly vars: Vars } | { readonly fault: string };

/** What is in between two states, as while files are checked out, is no reason to end. */
function attempt(read: () => Read): Read {
  try {
    return read();
  } catch (error) {
    return { fault: `${error}` };
  }
}

function statOf(file: string) {
  try {
    return statSync(file, { throwIfNoEntry: false });
  } catch {
    return undefined; // a link that leads nowhere
  }
}
