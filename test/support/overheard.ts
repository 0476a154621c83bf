// Everything that the Worker logged and answered in a run of the tests, searched for what must not be
// in it: the run fails where a secret, a signature or a whole access key id is found.

import { hash } from "node:crypto";
import { mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Reporter } from "vitest/node";
import { localKeys } from "../../src/cli/project/local.ts";
import {
  CLOUDFLARE_API_TOKEN,
  CREDENTIALS,
  HEALTH_TOKEN,
  NEXT_CREDENTIALS,
  SECRETS,
} from "./env.ts";

const FOLDER = join(import.meta.dirname, "../../.wrangler/test/overheard");
const KINDS = ["logged", "answered"] as const;
type Kind = (typeof KINDS)[number];

/** The files of this process by kind, and what is in them already. */
const files = new Map<Kind, number>();
const kept = new Set<string>();

/** Keeps what the Worker said, for the end of the run; what it says again is kept once. */
export function overhear(kind: Kind, said: string | Uint8Array): void {
  const digest = hash("sha1", said);
  if (kept.has(kind + digest)) return;
  kept.add(kind + digest);
  const file = files.get(kind) ?? openSync(join(FOLDER, `${kind}.${process.pid}`), "a");
  files.set(kind, file);
  writeSync(file, Buffer.concat([Buffer.from(said), Buffer.from("\n")]));
}

/** Keeps an answer: its head and its body. */
export async function overhearAnswer(answer: {
  readonly status: number;
  readonly headers: Iterable<[string, string]>;
  clone(): { arrayBuffer(): Promise<ArrayBuffer> };
}): Promise<{ head: string; body: Buffer }> {
  const head = JSON.stringify([answer.status, ...answer.headers]);
  const body = Buffer.from(await answer.clone().arrayBuffer());
  overhear("answered", head);
  overhear("answered", body);
  return { head, body };
}

/** Forgets the run before. */
export function beginToListen(): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
}

const WORDS: readonly string[] = [
  ...[CREDENTIALS, NEXT_CREDENTIALS, localKeys()].flatMap((keys) => Object.values(keys)),
  ...[
    HEALTH_TOKEN,
    CLOUDFLARE_API_TOKEN,
    ...Object.values<string>(JSON.parse(SECRETS.URL_SIGNING_KEYS)),
  ],
];

/** What looks like a secret, whoever made it: a signature, a signed URL, AWS's key ids. */
const LOOKS =
  /AWS4-HMAC|x-amz-signature|\bsig(?:nature)?=[\w-]|\b[0-9a-f]{64}\b|\b(?:AKIA|ASIA)[A-Z2-7]{12,}/i;

/** What must not be there, with a little of what stands around it. */
export function leaksIn(said: Buffer): string[] {
  const text = said.toString("latin1");
  const found = WORDS.map((word) => text.indexOf(word)).filter((at) => at >= 0);
  const looks = LOOKS.exec(text);
  if (looks !== null) found.push(looks.index);
  return found.map((at) => JSON.stringify(text.slice(Math.max(0, at - 60), at + 60)));
}

export default class OverheardReporter implements Reporter {
  onTestRunEnd(): void {
    const files = readdirSync(FOLDER);
    const sizes = KINDS.map((kind) => {
      const said = files
        .filter((file) => file.startsWith(kind))
        .map((file) => readFileSync(join(FOLDER, file)));
      for (const leak of said.flatMap(leaksIn)) {
        console.log(`\nA secret was ${kind}: ${leak}`);
        process.exitCode = 1;
      }
      return `${said.reduce((sum, { length }) => sum + length, 0)} bytes ${kind}`;
    });
    console.log(`\nOverheard: ${sizes.join(", ")}`);
  }
}
