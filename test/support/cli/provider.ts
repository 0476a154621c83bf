// The account at the S3 provider of a test's world: users with keys and policies, and the buckets that they open. It asks the
// strict S3 of a bucket, and refuses afterwards what the policy of the key's user does not allow, as IAM does.

import { createS3, type S3, type Session } from "../../../src/emulator/s3/s3.ts";
import { CREDENTIALS } from "../env.ts";
import { s3Error } from "../network.ts";
import { stage } from "../run-worker.ts";
import type { Statement } from "./remedy-text.ts";

export type User = {
  readonly name: string;
  /** Secrets by the ids of keys that are active. */
  readonly keys: Map<string, string>;
  policy: readonly Statement[];
};

/** What the provider itself answers. `isOf`: the requests that it answers so; left out: all. */
type ProviderFault = {
  readonly code: string;
  readonly status: number;
  readonly isOf?: "objects";
};

export type Account = {
  /** How far its clock is ahead: s. */
  ahead: number;
  readonly users: User[];
  /** By their names. */
  readonly buckets: Map<string, S3>;
  fault: ProviderFault | undefined;
  /** A code of Node.js: no connection to S3 can be made. */
  broken: string | undefined;
  /** The buckets whose own policy denies every object. */
  readonly denying: Set<string>;
};

const REGION = "eu-west-1";
export const S3_HOST = `s3.${REGION}.amazonaws.com`;

/** What docs/deploy.md, step 4, allows the key of a bucket. */
export function rightPolicy(bucket: string, prefix = ""): Statement[] {
  return [
    { actions: ["s3:GetObject"], resources: [`arn:aws:s3:::${bucket}/${prefix}*`] },
    { actions: ["s3:ListBucket"], resources: [`arn:aws:s3:::${bucket}`] },
  ];
}

export function addUser(account: Account, name: string, bucket: string, prefix: string): User {
  const number = account.users.length + 1;
  const keys = new Map([[`AKIAVITRINE0000000${number}OLD`, `the-secret-of-${name}-0001`]]);
  const user = { name, keys, policy: rightPolicy(bucket, prefix) };
  account.users.push(user);
  return user;
}

export function addBucket(
  account: Account,
  bucket: string,
  sessions: ReadonlyMap<string, Session> = new Map(),
): S3 {
  const endpoint = `https://${S3_HOST}`;
  const settings = { endpoint, bucket, region: REGION, credentials: CREDENTIALS };
  const now = () => stage.clock.now + account.ahead * 1000;
  const s3 = createS3({ ...settings, sessions, now });
  account.buckets.set(bucket, s3);
  return s3;
}

/** The secrets of the first key of a user, by the names that begin with a word. */
export function secretsOf({ keys }: User, secretPrefix = "AWS"): Record<string, string> {
  const [[id, secret] = ["", ""]] = keys;
  return { [`${secretPrefix}_ACCESS_KEY_ID`]: id, [`${secretPrefix}_SECRET_ACCESS_KEY`]: secret };
}

export function userOf({ users }: Account, keyId: string | undefined): User | undefined {
  return users.find(({ keys }) => keyId !== undefined && keys.has(keyId));
}

/** @throws {TypeError} if no answer comes, as the global `fetch` does */
export async function answerAsProvider(
  account: Account,
  url: string,
  method: string,
  headers: Headers,
): Promise<Response> {
  const { host, pathname, searchParams } = new URL(url);
  if (account.broken !== undefined) throw connectionFault(account.broken, host);

  const { bucket, key } = addressIn(host, decodeURIComponent(pathname.slice(1)));
  const isList = searchParams.has("list-type");

  const s3 = s3Of(account, bucket);
  const answer = await s3.fetch(url, { method, headers });
  const code = answer.ok ? "" : codeIn(await answer.clone().text());

  const { fault } = account;
  if (fault !== undefined) {
    const isOfRequest = fault.isOf === undefined || (!isList && answer.ok);
    if (isOfRequest) return s3Error(fault.code, fault.status);
  }

  const isKeyAccepted = answer.status < 400 || OF_OBJECTS.includes(code);
  if (!isKeyAccepted) return answer;

  const user = userOf(account, keyIdIn(headers));
  if (user === undefined) return answer; // a stranger, whom S3 itself has judged

  const mayList = isAllowed(user, "s3:ListBucket", `arn:aws:s3:::${bucket}`);
  const mayGet = isAllowed(user, "s3:GetObject", `arn:aws:s3:::${bucket}/${key}`);
  const isDenied = isList ? !mayList : !mayGet || account.denying.has(bucket);
  if (isDenied) return s3Error("AccessDenied", 403);

  // Who may not list is not told that an object is missing (A6).
  if (code === "NoSuchKey" && !mayList) return s3Error("AccessDenied", 403);

  return answer;
}

/** The bucket stands in the host, or at the beginning of the path. */
function addressIn(host: string, path: string): { readonly bucket: string; readonly key: string } {
  const { inHost } = /^(?<inHost>.+)\.s3\./.exec(host)?.groups ?? {};
  if (inHost !== undefined) return { bucket: inHost, key: path };

  const [bucket = "", ...segments] = path.split("/");
  return { bucket, key: segments.join("/") };
}

/** The S3 that judges a request: one that knows the keys of all users. It answers for unknown buckets, too. */
function s3Of({ buckets, users }: Account, bucket: string): S3 {
  const [first] = buckets.values();
  const s3 = buckets.get(bucket) ?? first;
  if (s3 === undefined) throw new Error("the account has no bucket");

  s3.keys.clear();
  for (const { keys } of users) {
    for (const [id, secret] of keys) s3.keys.set(id, secret);
  }
  return s3;
}

/** Codes that S3 has only for those whose key it accepts. */
const OF_OBJECTS = ["NoSuchKey", "InvalidObjectState"];

function codeIn(xml: string): string {
  const { code = "" } = /<Code>(?<code>[^<]+)/.exec(xml)?.groups ?? {};
  return code;
}

function keyIdIn(headers: Headers): string | undefined {
  const authorization = headers.get("authorization") ?? "";
  const match = /Credential=(?<id>[^/]+)/.exec(authorization);
  return match?.groups?.["id"];
}

type Policy = Pick<User, "policy">;

export function isAllowed({ policy }: Policy, action: string, resource: string): boolean {
  return policy.some(
    ({ actions, resources }) => matchesAny(actions, action) && matchesAny(resources, resource),
  );
}

/** Returns whether a text is what a pattern of IAM means, whose `*` stands for anything. */
function matchesAny(patterns: readonly string[], text: string): boolean {
  return patterns.some((pattern) => {
    const parts = pattern.split("*").map(RegExp.escape);
    return new RegExp(`^${parts.join(".*")}$`, "s").test(text);
  });
}

/** What the global `fetch` throws if no connection can be made. */
export function connectionFault(code: string, host: string): TypeError {
  const cause = Object.assign(new Error(`${code}: ${host}`), { code });
  return new TypeError("fetch failed", { cause });
}
