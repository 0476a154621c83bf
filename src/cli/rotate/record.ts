// How far a rotation is, in a file, so that it can be taken up again. No part of it is secret.

import { createHash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { json } from "../../worker/base/json.ts";
import {
  integer,
  oneOf,
  optional,
  type Read,
  table,
  text,
  textLike,
} from "../../worker/config/schema.ts";
import type { Fault } from "../command.ts";
import { replaceFile } from "../project/replace-file.ts";

const end = textLike("the end of a key's id", /^…[\x21-\x7e]{0,4}$/);

const schema = table({
  /** What the names of the secrets begin with. */
  word: textLike("the beginning of a secret's name", /^[A-Z][A-Z0-9_]{0,31}$/),
  /** Where Vitrine is. */
  url: text,
  /** The step that is under way, from 2 on: all before it are done, and were seen to be. */
  step: integer(2, 6),
  /** True where the operator was told what to do in it. */
  told: oneOf(true, false),
  /** The SHA-256 of the new key's id, in hex. */
  hash: textLike("a SHA-256", /^[0-9a-f]{64}$/),
  new: end,
  /** The end of the old key's id, or "" where it was not told. */
  old: textLike("the end of a key's id, or empty", /^(?:…[\x21-\x7e]{0,4})?$/),
  /** True where S3 accepted the old key in every bucket when it began: then there is a way back. */
  worked: oneOf(true, false),
  /** The end of the key in the next slot that the new one may replace, until it did. */
  replaces: optional(end),
});

export type RotationRecord = Read<typeof schema>;

const FILE = ".wrangler/vitrine/rotation.json";

/** The record of the rotation that is under way, if there is one. */
export function readRecord(folder: string): RotationRecord | Fault | undefined {
  const file = join(folder, FILE);
  let said: string;
  try {
    said = readFileSync(file, "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    return { fault: `${FILE} cannot be read: ${error}` };
  }
  const mistakes: string[] = [];
  const read = schema(json(said), FILE, (path, message) => mistakes.push(`${path}: ${message}`));
  if (read !== undefined) return read;
  return {
    fault: `${mistakes.join("\n")}\nIt is no record of a rotation: look at /healthz which key each slot has, then begin anew with --restart`,
  };
}

export function writeRecord(folder: string, record: RotationRecord): Fault | undefined {
  try {
    replaceFile(join(folder, FILE), `${JSON.stringify(record, null, 2)}\n`);
    return undefined;
  } catch (error) {
    return { fault: `${FILE} cannot be written, so that this could not be taken up: ${error}` };
  }
}

export function forgetRecord(folder: string): void {
  rmSync(join(folder, FILE), { force: true });
}

export function hashOf(accessKeyId: string): string {
  return createHash("sha256").update(accessKeyId).digest("hex");
}
