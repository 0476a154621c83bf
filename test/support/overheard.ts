// Records everything that the Worker logs and answers in a test run, and searches it at the end. The run fails
// if it finds a secret, a signature or a whole access key id.

import assert from "node:assert/strict";
import { hash } from "node:crypto";
import { mkdirSync, openSync, readdirSync, readFileSync, rmSync, writeSync } from "node:fs";
import { join } from "node:path";
import type { Reporter } from "vitest/node";
import { BUILD_VERSION } from "../../src/worker/util/version.ts";
import { CREDENTIALS, HEALTH_TOKEN, NEXT_CREDENTIALS, PURGE_TOKEN, SECRETS } from "./env.ts";

const FOLDER = join(import.meta.dirname, "../../.wrangler/test/overheard");
const KINDS = ["logged", "answered"] as const;
type Kind = (typeof KINDS)[number];

/** The open file of each kind. */
const openFiles = new Map<Kind, number>();

/** The digests of the texts that are recorded already. */
const recorded = new Set<string>();

/** Records a log line or an answer for the end of the run. A repeated text is recorded once. */
export function overhear(kind: Kind, output: string | Uint8Array): void {
  const digest = hash("sha1", output);
  if (recorded.has(kind + digest)) return;

  recorded.add(kind + digest);
  mkdirSync(FOLDER, { recursive: true });

  const file = openFiles.get(kind) ?? openSync(join(FOLDER, `${kind}.${process.pid}`), "a");
  openFiles.set(kind, file);
  writeSync(file, Buffer.concat([Buffer.from(output), Buffer.from("\n")]));
}

/** Records the head and the body of an answer, and returns both. */
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

/** Reads a line of the Worker's log without what all lines have: the version, and a section of docs/errors.md. @throws if they are wrong */
export function readLogLine(text: string) {
  const { see, version, ...line } = JSON.parse(text);
  assert.ok(version.startsWith(BUILD_VERSION), `${version} is not ${BUILD_VERSION}`);

  // Without an address of a site, each line names the file, so that is left out here.
  if (see.startsWith("https://")) return { ...line, see };
  assert.equal(see, `docs/errors.md#${line.event}`);
  return line;
}

export function clearRecords(): void {
  rmSync(FOLDER, { recursive: true, force: true });
  mkdirSync(FOLDER, { recursive: true });
}

const SIGNING_KEYS: Readonly<Record<string, string>> = JSON.parse(SECRETS.URL_SIGNING_KEYS);

const SECRET_TEXTS: readonly string[] = [
  ...Object.values(CREDENTIALS),
  ...Object.values(NEXT_CREDENTIALS),
  HEALTH_TOKEN,
  PURGE_TOKEN,
  ...Object.values(SIGNING_KEYS),
];

/** Matches what looks like a secret: a signature, a signed URL or cookie, a key id of AWS, the secret of a local run. */
const SECRET_PATTERN =
  /AWS4-HMAC|x-amz-signature|\bsig(?:nature)?=[\w-]|(?<![0-9a-f]{64}\/)\b[0-9a-f]{64}\b(?!\/[0-9a-f]{64})|\b(?:AKIA|ASIA)[A-Z2-7]{12,}|vitrine-local-[\w-]{40}|\b\d+\.[a-z][\w-]*\.[\w-]+\.[\w-]{43}(?![\w-])/i;

/** Returns each secret that it finds, with some text around it. */
export function leaksIn(output: Buffer): string[] {
  const text = output.toString("latin1");
  const leaks: string[] = [];

  for (const secret of SECRET_TEXTS) {
    const index = text.indexOf(secret);
    if (index >= 0) leaks.push(textAround(text, index));
  }

  const match = SECRET_PATTERN.exec(text);
  if (match !== null) leaks.push(textAround(text, match.index));

  return leaks;
}

function textAround(text: string, index: number): string {
  const start = Math.max(0, index - 60);
  return JSON.stringify(text.slice(start, index + 60));
}

/** Searches what was recorded, and fails the run where it finds a secret. @returns how many bytes there were */
function searchRecords(kind: Kind): number {
  const files = readdirSync(FOLDER).filter((file) => file.startsWith(kind));
  let bytes = 0;

  for (const file of files) {
    const output = readFileSync(join(FOLDER, file));
    bytes += output.length;

    for (const leak of leaksIn(output)) {
      console.log(`\nA secret was ${kind}: ${leak}`);
      process.exitCode = 1;
    }
  }

  return bytes;
}

export default class OverheardReporter implements Reporter {
  onTestRunEnd(): void {
    const sizes = KINDS.map((kind) => `${searchRecords(kind)} bytes ${kind}`);

    console.log(`\nOverheard: ${sizes.join(", ")}`);
  }
}
