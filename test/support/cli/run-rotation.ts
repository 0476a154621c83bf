// Shared by the tests of `vitrine rotate`: a world to rotate in, its output, and its record.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect } from "vitest";
import { EXIT, isFault } from "../../../src/cli/command.ts";
import { rotate } from "../../../src/cli/rotate/index.ts";
import type { Options, Tools } from "../../../src/cli/rotate/plan.ts";
import { CREDENTIALS, HEALTH_TOKEN, NEXT_CREDENTIALS } from "../env.ts";
import { leaksIn, overhear } from "../overheard.ts";
import { createWorld, type Ended, type Given } from "./vitrine.ts";

export type Setting = Omit<Given, "heard"> & {
  readonly folder: string;
  readonly options?: Partial<Options>;
  readonly tools?: Tools;
  /** Called with the whole output so far. It may interrupt the rotation. */
  readonly heard?: (said: string, interrupt: () => void) => void;
};

const SECRETS = [
  ...Object.values(CREDENTIALS),
  ...Object.values(NEXT_CREDENTIALS),
  HEALTH_TOKEN,
] as const;

/** Rotates a key, and checks that no secret was printed or stored. */
export async function rotated(setting: Setting): Promise<Ended> {
  const { options, tools, heard = () => {}, stdin = new PassThrough(), ...given } = setting;
  const abort = new AbortController();
  const { world, said } = createWorld({
    ...{ ...given, stdin, interrupted: abort.signal },
    heard: (all) => heard(all, () => abort.abort()),
  });
  const ended = await rotate(
    world,
    { userName: "vitrine", wait: 0, ...options },
    ...(tools ? [tools] : []),
  );
  const { out, err } = said();
  const fault = isFault(ended) ? `${ended.fault}\n` : "";
  overhear("logged", out + err + fault);
  expect(leaksIn(Buffer.from(out + err + fault))).toEqual([]);
  for (const secret of SECRETS) expect(recordOf(given.folder) ?? "").not.toContain(secret);
  return { code: isFault(ended) ? EXIT.failed : ended, out, err: err + fault };
}

/** Returns the text of the record's file, or undefined if there is none. */
export function recordOf(folder: string, name = "rotation.json"): string | undefined {
  try {
    return readFileSync(join(folder, ".wrangler/vitrine", name), "utf8");
  } catch {
    return undefined;
  }
}
