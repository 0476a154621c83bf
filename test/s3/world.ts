// The S3 server that `npm run test:s3` started, and its users.

import type { Credentials } from "../../src/worker/config/slot.ts";
import { CREDENTIALS } from "../support/env.ts";

type Server = {
  /** `http://localhost:PORT` */
  readonly endpoint: string;
  /** Where it has its configuration. */
  readonly folder: string;
};

export type World = Server & {
  /** A second server, which takes session credentials. */
  readonly withSessions: Server;
  readonly version: string;
  readonly seed: number;
};

const worldJson = process.env["VITRINE_S3"];

let hasSessions = false;

/** From now on, the tests of this file use the server that takes session credentials. */
export function useSessions(): void {
  hasSessions = true;
}

/** The world of a test. @throws if the tests were not started by `npm run test:s3` */
export function theWorld(): World {
  if (worldJson === undefined) throw new Error("start these tests by npm run test:s3");
  const world: World = JSON.parse(worldJson);
  return hasSessions ? { ...world, ...world.withSessions } : world;
}

/** The server ignores the region. */
export const REGION = "us-east-1";

/** The keys by user. Policies allow to read what the owner stores. */
export const USERS = {
  owner: CREDENTIALS,
  // Key ids of Swift have a colon.
  reader: { accessKeyId: "vitrine:reader", secretAccessKey: "the-secret-of-the-reader-01" },
  // Of a rotation whose process is killed.
  replaced: { accessKeyId: "VITRINEREPLACED00001", secretAccessKey: "the-secret-that-is-replaced" },
  fresh: { accessKeyId: "VITRINEFRESHKEY00002", secretAccessKey: "the-secret-of-the-fresh-key" },
  other: { accessKeyId: "VITRINEOTHERKEY00003", secretAccessKey: "the-secret-of-another-key" },
  // Of whom STS makes sessions.
  visitor: { accessKeyId: "VITRINEVISITOR000001", secretAccessKey: "the-secret-of-the-visitor" },
} as const satisfies Record<string, Credentials>;

export type User = keyof typeof USERS;
