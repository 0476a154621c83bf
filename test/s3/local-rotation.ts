// A local run in front of an S3, whose key is rotated by real processes that are killed, with visitors all the
// while.

import { spawn } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseEnv } from "node:util";
import { expect } from "vitest";
import { STEPS } from "../../src/cli/rotate/steps.ts";
import type { Credentials } from "../../src/worker/config/slot.ts";
import { QUIET } from "../support/built.ts";
import { HEALTH_TOKEN, SECRETS } from "../support/env.ts";
import { freePort } from "../support/free-port.ts";
import { copyProject, start, VITRINE } from "../support/local-run.ts";
import { overhear } from "../support/overheard.ts";

const { URL_SIGNING_KEYS } = SECRETS;
/** Other lines of .dev.vars, which stay as they are. */
const ABOVE = "# Above: 'unchanged'\n";
const BELOW = '# Below, "unchanged"\n#AWS_ACCESS_KEY_ID=unchanged\n';

const linesOf = ({ accessKeyId, secretAccessKey }: Credentials) =>
  `AWS_ACCESS_KEY_ID=${accessKeyId}\nAWS_SECRET_ACCESS_KEY=${secretAccessKey}\n`;

/** @param bucket the settings of the bucket. Its canary is an image, and it has no `nothing.jpg` */
export async function startLocalRotation(bucket: { readonly canary: string }, key: Credentials) {
  const folder = copyProject();
  const buckets = JSON.stringify({ media: bucket });
  const otherLines = `HEALTH_TOKEN='${HEALTH_TOKEN}'\nURL_SIGNING_KEYS='${URL_SIGNING_KEYS}'\nBUCKETS='${buckets}'\n`;
  writeFileSync(join(folder, ".dev.vars"), ABOVE + linesOf(key) + otherLines + BELOW);

  const port = await freePort();
  const address = `http://localhost:${port}`;
  await start(folder, port);

  /** Runs `vitrine rotate`, and kills it once it has printed a text. @returns its exit code, if it had one */
  async function rotate(key: Credentials, mark?: string) {
    const file = `new-${key.accessKeyId.slice(-4)}.env`;
    writeFileSync(join(folder, file), linesOf(key));
    const args = [VITRINE, "rotate", "--url", address, "--key-file", file, "--yes"];
    const child = spawn(process.execPath, args, { cwd: folder, env: QUIET });
    let output = "";

    for (const stream of [child.stdout, child.stderr]) {
      stream.on("data", (data: Buffer) => {
        output += data;
        if (mark !== undefined && output.includes(mark)) child.kill("SIGKILL");
      });
    }

    const code = await new Promise<number | null>((settle) => child.on("close", settle));
    overhear("logged", output);

    return { code, output };
  }

  /** Three visitors, until they are stopped. All of them must get what they ask for. */
  function startVisitors(phase: () => string) {
    const failed: string[] = [];
    let [count, isOpen] = [0, true];

    const visitor = async (path: string, status: number) => {
      while (isOpen) {
        const answer = await fetch(`${address}/images/thumbnail/${path}`).catch(String);
        if (typeof answer === "string" || answer.status !== status) {
          const result = typeof answer === "string" ? answer : answer.status;
          failed.push(`${path}: ${result} at “${phase()}”`);
        }

        if (typeof answer !== "string") await answer.arrayBuffer();

        count += 1;
        await sleep(40); // beside this there is a whole local run to be kept going
      }
    };

    const { canary } = bucket;
    const all = [visitor(canary, 200), visitor("nothing.jpg", 404), visitor(canary, 200)];

    return async () => {
      isOpen = false;
      await Promise.all(all);
      expect(failed).toEqual([]);
      expect(count > 50).toBe(true);
      return count;
    };
  }

  return {
    rotate,
    startVisitors,
    /** The secrets of the slots. All other lines of .dev.vars are as they were. */
    slots: () => {
      const text = readFileSync(join(folder, ".dev.vars"), "utf8");
      expect(text.startsWith(ABOVE)).toBe(true);
      expect(text.includes(BELOW)).toBe(true);
      const { BUCKETS, HEALTH_TOKEN: _token, URL_SIGNING_KEYS: _keys, ...slots } = parseEnv(text);
      expect(BUCKETS).toBe(buckets);
      return slots;
    },
  };
}

/** The texts after which a rotation is killed: when each step begins, and when it is done. */
const MARKS = STEPS.filter(({ puts }) => puts !== undefined).flatMap(({ title }) => [
  title,
  `Done: ${title}`,
]);

export type LocalRotation = Awaited<ReturnType<typeof startLocalRotation>>;

/**
 * Rotates to a key, killed by SIGKILL in and after each step, and started again, with visitors all the while.
 * Meanwhile a second rotation, to another key, finds the next slot taken.
 * @param revoke revokes the old key. @returns how many requests there were; none failed
 */
export async function rotateKilled(
  { rotate, startVisitors, slots }: LocalRotation,
  { newKey, otherKey }: { readonly newKey: Credentials; readonly otherKey: Credentials },
  revoke: () => unknown,
): Promise<number> {
  let phase = "the beginning";
  const stop = startVisitors(() => phase);

  for (const mark of MARKS) {
    phase = mark;
    const { code, output } = await rotate(newKey, mark);
    expect(code, mark).toBe(null);
    expect(output, mark).toEqual(expect.stringContaining(mark));
    if (mark !== MARKS[1]) continue;
    const second = await rotate(otherKey);
    expect(second.code).toBe(2);
    expect(second.output).toEqual(expect.stringContaining("is another key"));
  }

  phase = "two at a time";
  const both = await Promise.all([rotate(newKey), rotate(newKey)]);
  expect(both.map(({ code }) => code)).toEqual([0, 0]);

  const { accessKeyId: id, secretAccessKey: secret } = newKey;
  expect(slots()).toEqual({ AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret });

  phase = "the old key is revoked";
  await revoke();
  expect((await rotate(newKey)).code).toBe(0);

  return stop();
}
