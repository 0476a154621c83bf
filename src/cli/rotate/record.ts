// Keeps the progress of a rotation in a file, to continue it later. No part of it is secret.

import { hash } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { join } from "node:path";
import { parseJson } from "../../worker/base/json.ts";
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
import { replaceFile } from "../files/write-file.ts";
import type { Place } from "../wrangler/config-file.ts";

const end = textLike("the end of a key's id", /^…[\x21-\x7e]{0,4}$/);

const schema = table({
  /** The first word of the names of the secrets. */
  word: textLike("the beginning of a secret's name", /^[A-Z][A-Z0-9_]{0,31}$/),
  url: text,
  /** The step that is under way. All steps before it are done and checked. */
  step: integer(2, 6),
  /** Whether the operator was told what to do in it. */
  told: oneOf(true, false),
  /** The SHA-256 of the new key's id, in hex. */
  hash: textLike("a SHA-256", /^[0-9a-f]{64}$/),
  new: end,
  /** The end of the old key's id; empty if nothing showed it. */
  old: textLike("the end of a key's id, or empty", /^(?:…[\x21-\x7e]{0,4})?$/),
  /** Whether S3 accepted the old key in every bucket at the beginning. Only then there is a way back. */
  worked: oneOf(true, false),
  /** The end of the key in the next slot that step 2 may replace. */
  replaces: optional(end),
});

export type RotationRecord = Read<typeof schema>;

type Of = Pick<Place, "environment">;

/** Each environment has its own rotation. */
export const fileOf = ({ environment }: Of, ending: "json" | "lock" = "json") =>
  `.wrangler/vitrine/rotation${environment === undefined ? "" : `.${environment}`}.${ending}`;

/** Reads the record of the rotation that is under way, if there is one. */
export function readRecord(folder: string, place: Of): RotationRecord | Fault | undefined {
  const name = fileOf(place);
  let said: string;
  try {
    said = readFileSync(join(folder, name), "utf8");
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return undefined;
    return { fault: `${name} cannot be read: ${error}` };
  }
  const mistakes: string[] = [];
  const read = schema(parseJson(said), name, (path, message) =>
    mistakes.push(`${path}: ${message}`),
  );
  if (read !== undefined) return read;
  const remedy = "See at /healthz which key each slot holds, then start again with --restart";
  return { fault: [...mistakes, `This is not the record of a rotation. ${remedy}`].join("\n") };
}

/** Writes the record, in place of the old one. */
export function writeRecord(folder: string, place: Of, record: RotationRecord): Fault | undefined {
  try {
    replaceFile(join(folder, fileOf(place)), `${JSON.stringify(record, null, 2)}\n`);
    return undefined;
  } catch (error) {
    return { fault: `${fileOf(place)}, which continues a rotation, cannot be written: ${error}` };
  }
}

/** Removes the record: the rotation is done. */
export function forgetRecord(folder: string, place: Of): void {
  rmSync(join(folder, fileOf(place)), { force: true });
}

export function hashOf(accessKeyId: string): string {
  return hash("sha256", accessKeyId);
}
