// What tests of `vitrine rotate` have in common: a world to rotate in, and what was said and left there.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect } from "vitest";
import { EXIT, isFault, type World } from "../../../src/cli/command.ts";
import { rotate } from "../../../src/cli/rotate/index.ts";
import type { Options, Tools } from "../../../src/cli/rotate/plan.ts";
import { CREDENTIALS, HEALTH_TOKEN, NEXT_CREDENTIALS } from "../env.ts";
import { leaksIn, overhear } from "../overheard.ts";

export type Rotated = {
  /** As the process would end. */
  readonly code: number;
  readonly out: string;
  readonly err: string;
};

export type Setting = {
  readonly folder: string;
  readonly options?: Partial<Options>;
  readonly tools?: Tools;
  readonly env?: Readonly<Record<string, string | undefined>>;
  readonly stdin?: World["stdin"];
  readonly terminal?: boolean;
  /** Is told all that is said, and may interrupt. */
  readonly heard?: (said: string, interrupt: () => void) => void;
};

const SECRETS = [
  ...Object.values(CREDENTIALS),
  ...Object.values(NEXT_CREDENTIALS),
  HEALTH_TOKEN,
] as const;

/** Rotates, and looks that no secret was said or kept. */
export async function rotated(setting: Setting): Promise<Rotated> {
  const { folder, options, tools, env = {}, terminal, heard = () => {} } = setting;
  const abort = new AbortController();
  const said = { out: "", err: "" };
  const screen = (name: "out" | "err") => {
    const stream = new PassThrough();
    stream.on("data", (data: Buffer) => {
      said[name] += data;
      heard(said.err + said.out, () => abort.abort());
    });
    return Object.assign(stream, terminal ? { isTTY: true, columns: 100 } : {});
  };
  const stdin = setting.stdin ?? new PassThrough();
  const world: World = {
    ...{ folder, env, stdin, now: Date.now, interrupted: abort.signal },
    stdout: screen("out"),
    stderr: screen("err"),
  };
  const given = { userName: "vitrine", wait: 0, ...options };
  const ended = await rotate(world, given, ...(tools ? [tools] : []));
  const fault = isFault(ended) ? `${ended.fault}\n` : "";
  const all = said.out + said.err + fault;
  overhear("logged", all);
  expect(leaksIn(Buffer.from(all))).toEqual([]);
  for (const secret of SECRETS) expect(recordOf(folder) ?? "").not.toContain(secret);
  return { code: isFault(ended) ? EXIT.failed : ended, out: said.out, err: said.err + fault };
}

/** The record of a rotation, as it stands in its file. */
export function recordOf(folder: string): string | undefined {
  try {
    return readFileSync(join(folder, ".wrangler/vitrine/rotation.json"), "utf8");
  } catch {
    return undefined;
  }
}
