// The commands of vitrine, on a real S3.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, onTestFinished, test, vi } from "vitest";
import type { Credentials } from "../../src/worker/config/slot.ts";
import { createFolder, HOST } from "../support/cli/folder.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { PURGE_TOKEN, SECRETS } from "../support/env.ts";
import { createBucket, putObject } from "./client.ts";
import { hardKeys } from "./hard-keys.ts";
import { draw } from "./pictures.ts";
import { secretsOf, varsFor } from "./run-vitrine.ts";
import { theWorld, USERS } from "./world.ts";

const publishedFolder = { bucket: "commands", prefix: "published/" };
const [first = "", ...others] = hardKeys(theWorld().seed, 200).map((key) => `photos/${key}`);
/** More than a list has on one page. */
const many = Array.from({ length: 1_100 }, (_, at) => `many/${at} é+%.png`);
/** Vitrine shows none of these, but a list may have them. */
const STRANGE = [
  ...["\x01", "a\x1fb", "tab\t", "line\nend", "\r\n", "\x7f", "\x85", "a\\b", "a//b", "../a"],
].map((key) => `photos/${key}`);
let folder: string;

beforeAll(async () => {
  const { bucket, prefix } = publishedFolder;
  await createBucket(bucket);
  await putObject(bucket, prefix + first, await draw(1), "image/png");
  for (const key of [...others, ...STRANGE, ...many]) {
    await putObject(bucket, prefix + key, "x", "image/png");
  }
  await putObject(bucket, "secret/photos/a.png", "x", "image/png");
  folder = createFolder(varsFor(publishedFolder));
});

const envOf = (key: Credentials) => ({ ...SECRETS, ...secretsOf(key) });

/** Answers for Vitrine itself, and passes on what S3 is asked. @returns what Vitrine is to purge */
function stubSite() {
  const purged: string[] = [];
  const { fetch: send } = globalThis;
  vi.stubGlobal("fetch", async (url: string, init?: RequestInit) => {
    if (!url.startsWith(HOST)) return send(url, init);
    purged.push(...JSON.parse(`${init?.body}`).objects);
    return Response.json({ ok: true, not_purged: [] });
  });
  onTestFinished(() => void vi.unstubAllGlobals());
  return purged;
}

const ownerEnv = () => ({ ...envOf(USERS.owner), PURGE_TOKEN });

test("purge --prefix names each object of a list of two pages, and no other (A10)", async () => {
  const purged = stubSite();
  const { code } = await vitrine(["purge", "--prefix", "many/"], { folder, env: ownerEnv() });
  const named = new Set(purged);
  const right = many.filter((key) => named.has(`media/${key}`)).length;
  expect([code, named.size, right]).toEqual([0, many.length, many.length]);
});

test("purge --prefix names hard keys, and leaves out what Vitrine cannot show (A10)", async () => {
  const purged = stubSite();
  const args = ["purge", "--prefix", "photos/"];
  const { code, err } = await vitrine(args, { folder, env: ownerEnv() });
  const expected = [first, ...others].map((key) => `media/${key}`);
  const names = [...new Set(purged)]; // it purges twice
  expect([code, names.toSorted()]).toEqual([0, expected.toSorted()]);
  expect(err).toContain(`Left out: ${STRANGE.length} objects with keys that Vitrine cannot show.`);
});

test("facts reads each object, and a picture only once", async () => {
  const keys = [first, ...others];
  const run = () => {
    const args = ["facts", "photos/", "--out", "facts.json"];
    return vitrine(args, { folder, env: envOf(USERS.owner) });
  };
  const ended = await run();
  const facts: unknown = JSON.parse(readFileSync(join(folder, "facts.json"), "utf8"));
  const picture = expect.objectContaining({ width: 16, type: "image/png" });
  expect([ended.code, facts]).toEqual([0, { [first]: picture }]);
  const [, read] = /Asked for now: ([\d,]+) objects/.exec(ended.err) ?? [];
  expect(Number(read)).toBe(keys.length);
  const again = await run();
  expect(again.code).toBe(0);
  expect(again.err).toContain(`Asked for now: ${others.length} objects`);
});
