// The S3 server that `npm run test:s3` started, and its users.

import type { Credentials } from "../../src/worker/config/slot.ts";
import { CREDENTIALS, NEXT_CREDENTIALS } from "../support/env.ts";

export type World = {
  /** `http://localhost:PORT` */
  readonly endpoint: string;
  /** Where the server has its configuration. */
  readonly folder: string;
  readonly version: string;
  readonly seed: number;
};

const told = process.env["VITRINE_S3"];

/** The world of a test. @throws if the tests were not started by `npm run test:s3` */
export function theWorld(): World {
  if (told === undefined) throw new Error("start these tests by npm run test:s3");
  return JSON.parse(told);
}

/** The server ignores the region. */
export const REGION = "us-east-1";

/** The keys by user. Policies allow to read what the owner stores. */
export const USERS = {
  owner: CREDENTIALS,
  // Key ids of Swift have a colon.
  reader: { accessKeyId: "vitrine:reader", secretAccessKey: "the-secret-of-the-reader-01" },
  old: { accessKeyId: "VITRINEOLDKEY0000001", secretAccessKey: "the-secret-of-the-old-key" },
  new: NEXT_CREDENTIALS,
  // Of whom STS makes sessions.
  visitor: { accessKeyId: "VITRINEVISITOR000001", secretAccessKey: "the-secret-of-the-visitor" },
} as const satisfies Record<string, Credentials>;

export type User = keyof typeof USERS;
