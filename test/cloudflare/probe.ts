// A probe tries one rule of docs/rules.md from outside: what it is given, and how its claims make a verdict.

import { createHash } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import {
  fromBase64,
  LostRequest,
  type Operation,
  type Reply,
  readReply,
  type Texts,
  throwLost,
} from "./operation.ts";

type S3Access = {
  /** Without a slash at the end. The bucket stands in the path. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly region: string;
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
};

export type World = {
  /** The address of the probe Worker, without a slash at the end. */
  readonly url: string;
  /** A random id of this run, for names that no cache knows: letters and digits. */
  readonly run: string;
  /** The host of the Worker in a zone. Undefined: it is on workers.dev alone. */
  readonly zone: string | undefined;
  readonly s3: S3Access;
  /** The address of another Worker with the same script and bucket, if there is one (E9). */
  readonly otherUrl?: string;
  /** The same Worker on workers.dev, where the Worker is in a zone and there, too (R2). */
  readonly workersDev?: Pick<World, "url" | "send">;
  /** The account's unique transformations of today, by the GraphQL API (L2). It comes late. */
  countTransformations(): Promise<number | undefined>;
  /** The public addresses of the bucket: `r2.dev` or a custom domain (T7). Undefined: Cloudflare does not say. */
  bucketAddresses(): Promise<readonly string[] | undefined>;
  send(operation: Operation): Promise<Reply>;
  /** Asks the Worker's address as any visitor: without the token. @param path begins with a slash */
  fetchAsVisitor(path: string, init?: { method?: string; headers?: Texts }): Promise<Reply>;
  /** Deploys the same Worker as a new version. @param crossVersion `cross_version_cache`: false at first (W4) */
  redeploy(options: { readonly crossVersion: boolean }): Promise<void>;
  /** Purges URLs from the cache of the zone. Returns whether Cloudflare took them. */
  purgeZone(urls: readonly string[]): Promise<boolean>;
  /** Waits. In the emulated world only its clock goes on. @param ms */
  pause(ms: number): Promise<void>;
  /** ms since 1970. */
  now(): number;
};

/** An answer, with the name of what was asked: unique in its verdict. */
type Recorded = { readonly name: string; readonly isJudged: boolean } & Pick<
  Reply,
  "status" | "headers" | "size" | "sides"
>;

export type Verdict = {
  /** Of an open rule, "open" is all that can be said. */
  readonly outcome: "as the rule says" | "otherwise" | "open" | "not seen";
  /** One plain sentence: statuses and codes. */
  readonly summary: string;
  readonly records: readonly Recorded[];
};

export type Probe = {
  readonly rule: string;
  readonly title: string;
  run(world: World): Promise<Verdict>;
};

/**
 * A part of a rule: whether it holds, "open" where the rule says nothing, or undefined where that cannot be seen; its
 * name, which is that of its record; the reply that shows it; and what else was seen.
 */
export type Claim = readonly [
  holds: boolean | "open" | undefined,
  name: string,
  reply?: Reply | undefined,
  detail?: string | undefined,
];

export async function claimsOf<Row>(rows: readonly Row[], claim: (row: Row) => Promise<Claim>) {
  const claims: Claim[] = [];
  for (const row of rows) claims.push(await claim(row));
  return claims;
}

/** @param run returns the claims of a rule, or the reason for which it cannot be seen */
export function probe(
  rule: string,
  title: string,
  run: (world: World) => Promise<readonly Claim[] | string>,
): Probe {
  return { rule, title, run: async (world) => conclude(await run(world)) };
}

export const notSeen = (summary: string): Verdict => {
  return { outcome: "not seen", summary, records: [] };
};

/** A probe of a rule that nobody can see from outside. */
export const unseen = (rule: string, title: string, reason: string): Probe =>
  probe(rule, title, async () => reason);

const RERUN_MS = 10_000;

/** Runs a probe, and once more if a request was lost. Never throws: what a probe throws is why the rule is not seen. */
export async function tryProbe(probe: Probe, world: World): Promise<Verdict> {
  const rerun = async (error: unknown) => {
    if (!(error instanceof LostRequest)) throw error;
    await world.pause(RERUN_MS);
    return probe.run(world);
  };
  const fail = (error: unknown) => notSeen(error instanceof Error ? error.message : `${error}`);
  return probe.run(world).catch(rerun).catch(fail);
}

const OUTCOMES = [
  [false, "otherwise"],
  [true, "as the rule says"],
  ["open", "open"],
] as const;

/** One claim that does not hold makes a verdict "otherwise"; one that does is needed for "as the rule says". */
function conclude(claims: readonly Claim[] | string): Verdict {
  if (typeof claims === "string") return notSeen(claims);
  const texts = claims.map(([, name, reply, detail]) =>
    [name, reply && outcomeOf(reply), detail].filter(Boolean).join(": "),
  );
  const records = claims.flatMap(([holds, name, reply]) =>
    reply ? [{ name, isJudged: typeof holds === "boolean", ...reply }] : [],
  );
  const [, outcome = "not seen"] =
    OUTCOMES.find(([holds]) => claims.some((claim) => claim[0] === holds)) ?? [];
  return { outcome, summary: texts.join("; "), records };
}

/** Reads what a visitor got. @throws {LostRequest} if neither the Worker nor the image edge answered */
export async function readVisitorResponse(sent: Promise<Response>): Promise<Reply> {
  const reply = await sent.then(readReply).catch(throwLost);
  if (isBusy(reply) && codeOf(reply) === undefined) throwLost(`a visit got ${reply.status}`);
  return measure(reply);
}

/** Returns whether a status tells of a moment, and not of a rule. */
export const isBusy = ({ status }: { readonly status: number }) => status === 429 || status >= 500;

export async function measure(reply: Reply): Promise<Reply> {
  if (!reply.headers["content-type"]?.startsWith("image/") || reply.size === 0) return reply;
  const image = await sharp(bytesOf(reply))
    .metadata()
    .catch(() => undefined);
  return image === undefined ? reply : { ...reply, sides: `${image.width}x${image.height}` };
}

export const bytesOf = ({ body }: Reply) => fromBase64(body);
export const textOf = (reply: Reply) => new TextDecoder().decode(bytesOf(reply));

/** `authorization, cookie`, or `none` */
export const listOf = (names: readonly string[] = []) => names.join(", ") || "none";

/** The edge's code, such as `9408`, if it failed (R1, R3). */
export function codeOf(reply: Reply): string | undefined {
  const inHeader = /\berr=(\d{4})\b/.exec(reply.headers["cf-resized"] ?? "");
  return (inHeader ?? /^ERROR (\d{4})\b/.exec(textOf(reply).slice(0, 100)))?.[1];
}

/** Returns whether the edge made an image (R1). */
export function isTransformed({ status, headers }: Reply): boolean {
  return status === 200 && /^internal=(?:ok|ram)\b/.test(headers["cf-resized"] ?? "");
}

/** `403 with 9401`, `404 with NoSuchKey`, `200 with internal=ok/m`, or the status alone. */
export function outcomeOf(reply: Reply): string {
  if (reply.error !== undefined) return `it threw ${reply.error.code ?? reply.error.message}`;
  const ofS3 = reply.status < 400 ? undefined : /<Code>(\w+)<\/Code>/.exec(textOf(reply))?.[1];
  const result = codeOf(reply) ?? ofS3 ?? reply.headers["cf-resized"]?.split(" ")[0];
  return `${reply.status}${result === undefined ? "" : ` with ${result}`}`;
}

export const PHOTO = "made/key.jpg";

export function pictureOf(file: string): Uint8Array {
  return readFileSync(join(import.meta.dirname, "../../fixtures/objects", file));
}

export function hasBytes({ sha256 }: Reply, picture: Uint8Array): boolean {
  return sha256 === createHash("sha256").update(picture).digest("hex");
}
