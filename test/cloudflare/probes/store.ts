// What an R2 bucket does by its binding (T1 to T9).

import type { Reply } from "../operation.ts";
import { claimsOf, isBusy, type Probe, probe, textOf, unseen, type World } from "../probe.ts";
import { getS3, putObject, s3Url } from "../sources.ts";
import { sendTogether } from "./workers-cache.ts";

/** More than the second in which a key takes one write (T3). */
const WRITE_MS = 1_500;

const newKey = ({ run }: World) => `${run}/${crypto.randomUUID()}`;
const get = ({ send }: World, key: string, options: R2GetOptions = {}) =>
  send({ type: "r2", method: "get", key, options });
const remove = ({ send }: World, key: string | string[]) =>
  send({ type: "r2", method: "delete", key });
const putOf = (key: string, text: string, options: R2PutOptions = {}) =>
  ({ type: "r2", method: "put", key, body: btoa(text), options }) as const;

/** What the JSON of an answer says of an object. @returns undefined where the method threw */
function objectIn(reply: Reply): { etag: string; body?: string } | null | undefined {
  return reply.error === undefined ? JSON.parse(textOf(reply)) : undefined;
}

/** The text of an object, `no body`, or `nothing`. */
function textIn(reply: Reply): string {
  const object = objectIn(reply);
  if (object === null) return "nothing";
  return object?.body === undefined ? "no body" : atob(object.body);
}

/** Undefined where the Worker did not reach S3. */
const hasStatus = (isRight: (status: number) => boolean, { error, status }: Reply) =>
  error === undefined ? isRight(status) : undefined;

const NO_ETAG = "0".repeat(32);

export const STORE: readonly Probe[] = [
  probe("T1", "it is consistent", async (world) => {
    const key = newKey(world);
    await putObject(world, key, "one");
    const [written, outside] = [await get(world, key), await getS3(world, key)];
    await remove(world, key);
    const deleted = await get(world, key);
    return [
      [textIn(written) === "one", "after a put", written, textIn(written)],
      [hasStatus((status) => status === 200, outside), "the same by S3", outside],
      [textIn(deleted) === "nothing", "after a delete", deleted, textIn(deleted)],
    ];
  }),
  probe("T2", "streams of known length", async (world) => {
    const put = (stream: "known" | "unknown") =>
      world.send({ ...putOf(newKey(world), "one"), stream });
    const [unknownLength, fixedLength] = [await put("unknown"), await put("known")];
    const isMissing = fixedLength.error?.message.includes("FixedLengthStream is not defined");
    return [
      [unknownLength.error !== undefined, "a stream of unknown length", unknownLength],
      [isMissing ? undefined : fixedLength.error === undefined, "a FixedLengthStream", fixedLength],
    ];
  }),
  probe("T3", "writes of a key, keys and metadata", async (world) => {
    const key = newKey(world);
    const refusedOf = async (operation: Parameters<typeof sendTogether>[1]) => {
      const replies = await sendTogether(world, operation);
      return replies.filter(({ error }) => error?.message.includes("(10058)")).length;
    };
    const puts = await refusedOf(putOf(key, "one"));
    await world.pause(WRITE_MS);
    const deletes = await refusedOf({ type: "r2", method: "delete", key });
    const long = putOf(newKey(world), "one", { customMetadata: { m: "x".repeat(8_192) } });
    const rows = [
      ["a key of 1,024 bytes", true, putOf(newKey(world).padEnd(1_024, "x"), "one")],
      ["a key of 1,025 bytes", false, putOf(newKey(world).padEnd(1_025, "x"), "one")],
      ["metadata of 8,193 bytes", false, long],
    ] as const;
    return [
      [puts > 0, `of writes of a key at once ${puts} were refused`],
      [undefined, `open: of deletes of a key at once ${deletes} were refused`],
      ...(await claimsOf(rows, async ([name, isTaken, operation]) => {
        const reply = await world.send(operation);
        return [(reply.error === undefined) === isTaken, name, reply];
      })),
    ];
  }),
  probe("T4", "up to 1,000 keys", async (world) => {
    const prefix = newKey(world);
    const keys = Array.from({ length: 1_001 }, (_, at) => `${prefix}${at}`);
    for (const key of keys.slice(0, 2)) await putObject(world, key, "one");
    const options = { prefix, limit: 1 };
    const page = await world.send({ type: "r2", method: "list", options });
    const isPage = page.error === undefined && JSON.parse(textOf(page)).truncated === true;
    const isRefused = ({ error }: Reply) => error?.message.includes("(10027)") === true;
    const [many, empty] = [await remove(world, keys), await remove(world, [])];
    const thousand = await remove(world, keys.slice(1));
    return [
      [isPage, "a list with a limit of 1", page],
      [isRefused(many), "1,001 keys", many],
      [isRefused(empty), "no key", empty],
      [thousand.error === undefined, "1,000 keys", thousand],
    ];
  }),
  unseen("T5", "the price", "it would need a bill"),
  unseen("T6", "lifecycle rules", "it would take days"),
  probe("T7", "it is private", async (world) => {
    const key = newKey(world);
    await putObject(world, key, "one");
    const unsigned = await world.send({ type: "fetch", url: s3Url(world, key), cache: "no-store" });
    const addresses = await world.bucketAddresses();
    if (addresses === undefined) return "Cloudflare does not say which addresses the bucket has";
    return [
      [
        isBusy(unsigned) ? undefined : hasStatus((status) => status >= 400, unsigned),
        "without a signature",
        unsigned,
      ],
      [addresses.length === 0, `public addresses: ${addresses.length}`],
    ];
  }),
  probe("T8", "get with a condition", async (world) => {
    const key = newKey(world);
    await putObject(world, key, "one");
    const { etag = "" } = objectIn(await get(world, key)) ?? {};
    const rows = [
      ["etagMatches", { etagMatches: etag }, "one"],
      ["etagMatches another one", { etagMatches: NO_ETAG }, "no body"],
      ["etagDoesNotMatch", { etagDoesNotMatch: etag }, "no body"],
    ] as const;
    return claimsOf(rows, async ([name, onlyIf, expected]) => {
      const reply = await get(world, key, { onlyIf });
      return [textIn(reply) === expected, name, reply, textIn(reply)];
    });
  }),
  probe("T8a", "put with a condition", async (world) => {
    const key = newKey(world);
    const absent = { etagDoesNotMatch: "*" };
    const rows = [
      ["nothing is there", "one", absent, true],
      ["something is there", "two", absent, false],
      ["another etag", "three", { etagMatches: NO_ETAG }, false],
    ] as const;
    return claimsOf(rows, async ([name, text, onlyIf, isWritten]) => {
      const reply = await world.send(putOf(key, text, { onlyIf }));
      const storedText = textIn(await get(world, key));
      const isRight =
        (objectIn(reply) === null) !== isWritten && (storedText === text) === isWritten;
      await world.pause(WRITE_MS);
      return [isRight, name, reply, `then it has "${storedText}"`];
    });
  }),
  probe("T9", "a deploy makes it", async ({ send }) => {
    const reply = await send({ type: "r2", method: "list", options: { limit: 1 } });
    return [[reply.error === undefined, "the bucket of a binding without bucket_name", reply]];
  }),
];
