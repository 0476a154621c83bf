// Hard keys on their whole way: the public URL, the built Worker, the strict edge, the real S3.

import { afterEach, beforeAll, expect, test } from "vitest";
import { createBucket, encodeSegments, letRead, putObject } from "./client.ts";
import { hardKeys } from "./hard-keys.ts";
import { draw, isOf } from "./pictures.ts";
import { runVitrine, type Vitrine } from "./run-vitrine.ts";
import { theWorld, USERS } from "./world.ts";

const COUNT = 200;
const keys = hardKeys(theWorld().seed, COUNT);
// Both have a prefix: on SQLite, nobody can read a key that begins with an underscore as `__a` does.
const ADDRESSES = [
  { bucket: "hard-keys", prefix: "published/", addressing: "path" },
  { bucket: "hard-keys-in-host", prefix: "a b+c/ü/", addressing: "virtual" },
] as const;

beforeAll(async () => {
  for (const { bucket, prefix } of ADDRESSES) {
    await createBucket(bucket);
    await letRead(bucket, "reader");
    for (const [at, key] of keys.entries()) {
      if (Buffer.byteLength(prefix + key) > 1024) throw new Error("too long for S3");
      await putObject(bucket, prefix + key, await draw(at), "image/png");
    }
  }
});

let vitrine: Vitrine | undefined;
afterEach(() => vitrine?.close());

/** Asks for keys. @returns what is wrong, by key */
async function ask(running: Vitrine): Promise<Map<string, string>> {
  const wrong = new Map<string, string>();
  for (const [at, key] of keys.entries()) {
    const { status, bytes } = await running.fetch(encodeSegments(key));
    if (status !== 200) wrong.set(key, `${status}`);
    else if (!(await isOf(bytes, at))) wrong.set(key, "the image of another object");
  }
  return wrong;
}

test.for(ADDRESSES)("each key leads to its object: $addressing (A2, A4, A10)", async (address) => {
  vitrine = await runVitrine({ ...address, current: USERS.reader });
  const wrong = await ask(vitrine);
  expect([...wrong]).toEqual([]);
  expect(keys.length).toBe(COUNT);
});
