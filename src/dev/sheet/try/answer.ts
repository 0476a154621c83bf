// What a try is answered with, and the steps that all tries have in common.

import { presetsOf } from "../../../cli/app-file/make-app-file.ts";
import type { Refusal } from "../../../worker/base/refusal.ts";
import type { Config } from "../../../worker/config/config.ts";
import type { Vars } from "../../../worker/config/schema.ts";
import type { Mistakes } from "../../read-project.ts";
import { readTry, type Try } from "./read-try.ts";
import type { Turns } from "./turns.ts";

/** The configuration of the local run, with its buckets on this machine. */
export type LocalConfig = {
  readonly config: Config;
  /** The vars as they are written. */
  readonly started: Vars;
};

export type Answer = {
  readonly status: 200 | 400 | 502 | 503;
  readonly type: string;
  readonly body: Uint8Array | string;
};

/** Nothing goes on after the answer. */
export const NO_CONTEXT = { waitUntil: () => {} };

/** Answers with why there is nothing else. */
export function says(status: Answer["status"], reason: string): Answer {
  return { status, type: "text/plain", body: `${reason}\n` };
}

/** Why there is no picture or no original: `origin-failed, ECONNREFUSED`. */
export function wordsOf(refusal: Refusal): string {
  const { event } = refusal;
  return "reason" in refusal && refusal.reason ? `${event}, ${refusal.reason}` : event;
}

/**
 * Reads a try, and makes its answer when it is its turn.
 * @param read reads the configuration as it is now
 * @param search what readTry reads
 */
export async function answerWith(
  make: (asked: Try) => Promise<Answer>,
  read: () => LocalConfig | Mistakes,
  search: string,
  turns: Turns,
): Promise<Answer> {
  const local = read();
  if ("mistakes" in local) return says(503, local.mistakes.join("; "));
  const presets = presetsOf(local.started);
  const asked = readTry({ config: local.config, presets }, search);
  if ("fault" in asked) return says(400, asked.fault);
  return (await turns(() => make(asked))) ?? says(503, "too many tries at once: try again");
}
