// What an R2 bucket does by its binding (T1 to T9).

import { type Claim, conclude, getS3 } from "../claims.ts";
import { type R2Operation, type Reply, toBase64 } from "../operation.ts";
import {
  notSeen,
  type Probe,
  putObject,
  s3Url,
  textOf,
  unseen,
  type Verdict,
  type World,
} from "../probe.ts";
import { sendTogether } from "./workers-cache.ts";

/** More than the second in which a key takes one write (T3). */
const WRITE_MS = 1_500;

const newKey = ({ run }: World) => `${run}/${crypto.randomUUID()}`;
const base64 = (text: string) => toBase64(new TextEncoder().encode(text));
const get = (world: World, key: string, options: R2GetOptions = {}) =>
  world.send({ type: "r2", method: "get", key, options });
const remove = (world: World, key: string | string[]) =>
  world.send({ type: "r2", method: "delete", key });
const putOf = (key: string, text: string, options: R2PutOptions = {}) =>
  ({ type: "r2", method: "put", key, body: base64(text), options }) as const;

/** What the JSON of an answer says of an object. @returns undefined where the method threw */
function objectIn(reply: Reply): { etag: string; body?: string } | null | undefined {
  return reply.error === undefined ? JSON.parse(textOf(reply)) : undefined;
}

/** The text of an object, `no body`, or `nothing`. */
function shownIn(reply: Reply): string {
  const object = objectIn(reply);
  if (object === null) return "nothing";
  return object?.body === undefined ? "no body" : Buffer.from(object.body, "base64").toString();
}

/** Undefined where the Worker did not reach S3. */
const isReached = ({ error }: Reply) => (error === undefined ? true : undefined);

async function isConsistent(world: World): Promise<Verdict> {
  const key = newKey(world);
  await putObject(world, key, "one", "text/plain");
  const [written, outside] = [await get(world, key), await getS3(world, key)];
  await remove(world, key);
  const [deleted, gone] = [await get(world, key), await getS3(world, key)];
  return conclude([
    [shownIn(written) === "one", "after a put", written, shownIn(written)],
    [isReached(outside) && outside.status === 200, "the same by S3", outside],
    [shownIn(deleted) === "nothing", "after a delete", deleted, shownIn(deleted)],
    [isReached(gone) && gone.status === 404, "the same by S3 again", gone],
  ]);
}

async function takesKnownLengths(world: World): Promise<Verdict> {
  const put = (stream: "known" | "unknown") =>
    world.send({ ...putOf(newKey(world), "one"), stream });
  const [unknown, known] = [await put("unknown"), await put("known")];
  const isMissing = known.error?.message.includes("FixedLengthStream is not defined");
  return conclude([
    [unknown.error !== undefined, "a stream of unknown length", unknown],
    [isMissing ? undefined : known.error === undefined, "a FixedLengthStream", known],
  ]);
}

const TOGETHER = 5;

async function limitsWrites(world: World): Promise<Verdict> {
  const refusedOf = async (operation: R2Operation) => {
    const replies = await sendTogether(
      world,
      Array.from({ length: TOGETHER }, () => operation),
    );
    return replies.filter(({ error }) => error?.message.includes("(10058)")).length;
  };
  const key = newKey(world);
  const puts = await refusedOf(putOf(key, "one"));
  await world.pause(WRITE_MS);
  const deletes = await refusedOf({ type: "r2", method: "delete", key });
  const claims: Claim[] = [
    [puts > 0, `of ${TOGETHER} writes of a key at once ${puts} were refused`],
    [undefined, `open: of ${TOGETHER} deletes of a key at once ${deletes} were refused`],
  ];
  const long = (bytes: number) => newKey(world).padEnd(bytes, "x");
  const withMetadata = (bytes: number) => ({ customMetadata: { m: "x".repeat(bytes - 1) } });
  for (const [name, isTaken, operation] of [
    ["a key of 1,024 bytes", true, putOf(long(1_024), "one")],
    ["a key of 1,025 bytes", false, putOf(long(1_025), "one")],
    ["metadata of 8,192 bytes", true, putOf(newKey(world), "one", withMetadata(8_192))],
    ["metadata of 8,193 bytes", false, putOf(newKey(world), "one", withMetadata(8_193))],
  ] as const) {
    const reply = await world.send(operation);
    claims.push([(reply.error === undefined) === isTaken, name, reply]);
  }
  return conclude(claims);
}

async function limitsKeys(world: World): Promise<Verdict> {
  const prefix = newKey(world);
  const keys = Array.from({ length: 1_001 }, (_, at) => `${prefix}${at}`);
  for (const key of keys.slice(0, 3)) await putObject(world, key, "one", "text/plain");
  const list = async (cursor?: string) => {
    const options = { prefix, limit: 2, ...(cursor && { cursor }) };
    const reply = await world.send({ type: "r2", method: "list", options });
    const page: { objects: unknown[]; truncated: boolean; cursor?: string } = JSON.parse(
      reply.error ? '{"objects":[]}' : textOf(reply),
    );
    return { reply, ...page, length: page.objects.length };
  };
  const first = await list();
  const second = await list(first.cursor);
  const [many, none, most] = [
    await remove(world, keys),
    await remove(world, []),
    await remove(world, keys.slice(1)),
  ];
  const isPaged = first.length === 2 && first.truncated && second.length === 1;
  const pages = `${first.length}, then ${second.length} of 3 keys`;
  return conclude([
    [many.error?.message.includes("(10027)") === true, "1,001 keys", many],
    [none.error?.message.includes("(10027)") === true, "no key", none],
    [most.error === undefined, "1,000 keys", most],
    [isPaged && !second.truncated, "a list with a limit of 2", first.reply, pages],
  ]);
}

async function isPrivate(world: World): Promise<Verdict> {
  const key = newKey(world);
  await putObject(world, key, "one", "text/plain");
  const unsigned = await world.send({ type: "fetch", url: s3Url(world, key), cache: "no-store" });
  const addresses = await world.bucketAddresses();
  return conclude([
    [isReached(unsigned) && unsigned.status >= 400, "without a signature", unsigned],
    [addresses && addresses.length === 0, `public addresses: ${addresses?.join(", ") || "none"}`],
  ]);
}

async function getsIf(world: World): Promise<Verdict> {
  const key = newKey(world);
  await putObject(world, key, "one", "text/plain");
  const { etag = "" } = objectIn(await get(world, key)) ?? {};
  const claims: Claim[] = [];
  for (const [name, onlyIf, expected] of [
    ["etagMatches", { etagMatches: etag }, "one"],
    ["etagMatches another one", { etagMatches: "0".repeat(32) }, "no body"],
    ["etagDoesNotMatch", { etagDoesNotMatch: etag }, "no body"],
    ["etagDoesNotMatch another one", { etagDoesNotMatch: "0".repeat(32) }, "one"],
  ] as const) {
    const reply = await get(world, key, { onlyIf });
    claims.push([shownIn(reply) === expected, name, reply, shownIn(reply)]);
  }
  return conclude(claims);
}

async function putsIf(world: World): Promise<Verdict> {
  const key = newKey(world);
  const claims: Claim[] = [];
  const put = async (name: string, text: string, onlyIf: R2Conditional, isWritten: boolean) => {
    const reply = await world.send(putOf(key, text, { onlyIf }));
    const shown = shownIn(await get(world, key));
    const isRight = (objectIn(reply) === null) !== isWritten && (shown === text) === isWritten;
    claims.push([isRight, name, reply, `then it has "${shown}"`]);
    await world.pause(WRITE_MS);
    return objectIn(reply)?.etag ?? "";
  };
  const absent = { etagDoesNotMatch: "*" };
  const etag = await put("nothing is there", "one", absent, true);
  await put("something is there", "two", absent, false);
  await put("another etag", "three", { etagMatches: "0".repeat(32) }, false);
  await put("its etag", "four", { etagMatches: etag }, true);
  return conclude(claims);
}

async function isProvisioned({ isBucketProvisioned }: World): Promise<Verdict> {
  if (!isBucketProvisioned) return notSeen("no bucket of this run was made by a deploy");
  return conclude([[true, "wrangler deploy made the bucket of the binding, which has no name"]]);
}

export const STORE: readonly Probe[] = [
  { rule: "T1", title: "it is consistent", run: isConsistent },
  { rule: "T2", title: "streams of known length", run: takesKnownLengths },
  { rule: "T3", title: "writes of a key, keys and metadata", run: limitsWrites },
  { rule: "T4", title: "up to 1,000 keys", run: limitsKeys },
  unseen("T5", "the price", "it would need a bill"),
  unseen("T6", "lifecycle rules", "it would take days"),
  { rule: "T7", title: "it is private", run: isPrivate },
  { rule: "T8", title: "get with a condition", run: getsIf },
  { rule: "T8a", title: "put with a condition", run: putsIf },
  { rule: "T9", title: "a deploy makes it", run: isProvisioned },
];
