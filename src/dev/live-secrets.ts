// Reloads .dev.vars while the local run goes on: the secrets, and the switches of the edge.

import { readFileSync, statSync } from "node:fs";
import { basename } from "node:path";
import { parseEnv } from "node:util";
import type { Switches } from "../emulator/edge/switches.ts";
import type { Vars } from "../worker/config/schema.ts";
import { switchesIn } from "./read-switches.ts";

/** How long a file must be unchanged before it is read, in ms: some editors write in parts. */
const WHOLE_MS = 50;

type Live = {
  /** The path of .dev.vars. */
  readonly file: string;
  /** Reads the secrets that a start would use now. */
  readonly read: () => Read;
  /** The switches of the edge. A line EDGE changes them. */
  readonly switches: Switches;
  /** Is told what was reloaded. */
  readonly tell: (line: string) => void;
  /** Is told what is wrong. */
  readonly warn: (line: string) => void;
};

/** What was read, or why it could not be read. */
export type Read = { readonly vars: Vars } | { readonly fault: string };

/**
 * @returns a function that returns the secrets of .dev.vars as they are now, and sets the switches of
 *   the edge. A secret that is gone is null. If the file cannot be used, nothing changes.
 */
export function liveSecrets({ file, read, switches, tell, warn }: Live): () => Vars {
  const strict = { ...switches };
  let first: Vars | undefined;
  let stamp: string | undefined;
  let secrets: Vars = {};
  let edge: unknown;
  let warned = "";
  const name = basename(file);

  const warnOnce = (line: string): void => {
    if (line !== warned) warn(line);
    warned = line;
  };

  /** Returns the names that changed. */
  const setSecrets = (found: Vars): string[] => {
    const before = secrets;
    const gone = Object.fromEntries(Object.keys(before).map((name) => [name, null]));
    secrets = { ...gone, ...found };
    return Object.keys(secrets).filter((name) => secrets[name] !== before[name]);
  };

  /** Returns ["EDGE"] if the switches changed. */
  const setSwitches = (value: unknown, text: string): string[] => {
    if (value === edge) return [];
    edge = value;
    const given = switchesIn(text, name, (fault) =>
      warn(`${fault}. The switches of the edge stay as they are.`),
    );
    if (given === undefined) return [];
    Object.assign(switches, strict, given);
    return ["EDGE"];
  };

  /** Returns false: the file is to be read again, although it has not changed. */
  const refuse = (fault: string): false => {
    warnOnce(`${name} cannot be reloaded. The old values stay. ${fault}`);
    return false;
  };

  const reload = (): boolean => {
    const text = attempt(() => readFileSync(file, "utf8"));
    if (typeof text !== "string") return refuse(text.fault);
    const lines = parseEnv(text);
    first ??= lines;
    if (lines["BUCKETS"] !== first["BUCKETS"]) {
      warnOnce(
        `${name}: BUCKETS has changed. Stop npx vitrine dev and start it again to use this file.`,
      );
      return true;
    }
    const found = attempt(read);
    if ("fault" in found) return refuse(found.fault);
    const changed = [...setSecrets(found.vars), ...setSwitches(lines["EDGE"], text)];
    warned = "";
    if (stamp !== undefined && changed.length > 0) {
      tell(`Reloaded ${name}. Changed: ${changed.join(", ")}`);
    }
    return true;
  };

  return () => {
    // While an editor replaces the file, there may be none. The old values stay until it is back.
    const stat = statOf(file);
    const now = `${stat?.mtimeMs} ${stat?.size} ${stat?.ino}`;
    if (stat === undefined || now === stamp) return secrets;
    if (stamp !== undefined && Math.abs(Date.now() - stat.mtimeMs) < WHOLE_MS) return secrets;
    if (reload()) stamp = now;
    return secrets;
  };
}

/** A file that is half written, for example by git checkout, must not end the local run. */
function attempt<T>(read: () => T): T | { readonly fault: string } {
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
    return undefined; // a symbolic link in a loop
  }
}
