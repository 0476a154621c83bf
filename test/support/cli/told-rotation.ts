// Somebody who rotates a key at a strict site, and does what the command says, one change after the other. After
// each change, all that visitors got before must still come.

import { expect } from "vitest";
import type { Options } from "../../../src/cli/rotate/plan.ts";
import { CREDENTIALS } from "../env.ts";
import { stage, wait } from "../play.ts";
import { rotateOptions } from "./advice.ts";
import { file, known, printed, type run, site, type THIRD, URL } from "./rotating-site.ts";
import type { Ended } from "./vitrine.ts";

export const OF_OLD = { id: CREDENTIALS.accessKeyId, secret: CREDENTIALS.secretAccessKey };
/** What visitors ask for. */
const SAMPLES = ["/images/thumbnail/key.jpg", "/images/card@2x/photos/fig.jpg"];
export const SHOWN = SAMPLES.map((path) => `${path}: 200 image`);

/** What visitors get two minutes later: nothing that was remembered counts any more. */
export async function visit(): Promise<string[]> {
  wait(130);
  return Promise.all(
    SAMPLES.map(async (path) => {
      const answer = await fetch(URL + path, { headers: { accept: "image/webp" } });
      await answer.arrayBuffer();
      const type = answer.headers.get("content-type") ?? "";
      return `${path}: ${answer.status} ${type.replace(/\/.*/, "")}`;
    }),
  );
}

/** Writes what `aws iam create-access-key` prints into the file of --key-file. */
export function keyFile({ id, secret }: typeof THIRD): void {
  file(JSON.stringify({ AccessKey: printed(id, secret) }));
}

/** @param worked what visitors got when it was printed */
export function readTold({ out, err }: Ended, worked: readonly string[]) {
  const text = out + err;
  const lines = text.split("\n");
  let shown = worked.filter((one) => one.endsWith(" image"));
  const change = async (act: () => unknown): Promise<undefined> => {
    await act();
    const seen = await visit();
    expect(seen).toEqual(expect.arrayContaining(shown));
    shown = seen.filter((one) => one.endsWith(" image"));
  };
  const set = (values: object) =>
    change(() => {
      site.deployed = { ...site.deployed, ...values };
    });
  return {
    text,
    /** Does by hand what a part of the text says. */
    async does(part: string, act: () => unknown = () => {}): Promise<undefined> {
      expect(text).toContain(part);
      await change(act);
    },
    /** Changes secrets one by one. Those of an object go at once. */
    set,
    /** Types each printed command of wrangler, with the values of a key. */
    async types({ id, secret }: typeof THIRD): Promise<undefined> {
      const commands = lines.filter((line) => /^ +npx wrangler secret (?:put|delete) /.test(line));
      expect(commands.length).toBeGreaterThan(0);
      for (const line of commands) {
        const [, verb, name = ""] = /secret (put|delete) (\w+)/.exec(line) ?? [];
        const value = /_ACCESS_KEY_ID/.test(name) ? id : secret;
        await set({ [name]: verb === "put" ? value : null });
      }
    },
    /** Runs the printed command of aws about a key. */
    async runsAws(verb: "Active" | "Inactive" | "delete", key = OF_OLD): Promise<undefined> {
      const command = verb === "delete" ? /aws iam delete-access-key/ : `--status ${verb}`;
      expect(text).toMatch(command);
      await change(() => {
        if (verb === "Active") known(key);
        else stage.s3.keys.delete(key.id);
      });
    },
    /** The options of the printed command that follows some words. */
    async rotates(after: string): Promise<Partial<Options>> {
      const [, command] = text.split(after);
      const [line] = /npx vitrine rotate[^\n]*/.exec(command ?? "") ?? [];
      if (line === undefined) throw new Error(`no command after "${after}": ${text}`);
      return rotateOptions(line);
    },
  };
}

export type Told = ReturnType<typeof readTold>;

/** How the command is run next. Options that are not given are those of `run`. */
export type Next = { options?: Partial<Options>; setting?: Parameters<typeof run>[1] };
