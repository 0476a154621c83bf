import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { HARD_KEYS } from "../../fixtures/objects.ts";
import { type ListOptions, listPage } from "../../src/cli/list.ts";
import { readConfig } from "../../src/config.ts";
import { network, setUp } from "../edge/stand.ts";
import { CREDENTIALS, ENV } from "../env.ts";

let { s3 } = setUp();

beforeAll(() => network.listen({ onUnhandledFrame: "error" }));
afterAll(() => network.close());
beforeEach(() => ({ s3 } = setUp()));

const config = readConfig(ENV);
const buckets = "mistakes" in config ? [] : config.buckets;

function list(options: ListOptions) {
  const [bucket] = buckets;
  if (bucket === undefined) throw new Error("no bucket");
  return listPage(bucket, CREDENTIALS, options, Date.now());
}

async function listAll(prefix: string, most?: number): Promise<{ keys: string[]; pages: number }> {
  const keys: string[] = [];
  let pages = 0;
  let next: string | undefined;
  do {
    const options = { prefix, ...(most && { most }), next };
    const page = await list(options);
    if (!("keys" in page)) throw new Error(JSON.stringify(page));
    keys.push(...page.keys);
    pages += 1;
    ({ next } = page);
  } while (next !== undefined);
  return { keys, pages };
}

test("every key is listed as it is, however it is spelt, and page by page (A10)", async () => {
  const odd = [
    "keys/ ends with space ",
    "keys/&amp;.jpg",
    "keys/<b>\"'.jpg",
    "keys/007",
    "keys/1e3",
  ];
  const body = new Uint8Array();
  for (const key of odd) s3.objects.set(`published/${key}`, { body, type: "image/jpeg" });
  const { keys, pages } = await listAll("published/keys/", 5);
  const wanted = [...HARD_KEYS, ...odd].map((key) => `published/${key}`);
  expect(keys.toSorted()).toEqual(wanted.toSorted());
  expect(pages).toBe(Math.ceil(wanted.length / 5));
  expect((await listAll("published/keys/")).pages).toBe(1);
});

test("with a delimiter it gives what keys begin with", async () => {
  const page = await list({ prefix: "", delimiter: "/", most: 5 });
  expect(page).toEqual({ keys: [], prefixes: ["published/"], next: undefined });
});

test.each(["published/a b/", "published/100%/", "published/1+1=2&prefix=x/", "published/日本/"])(
  "a prefix is sent as it is: %j",
  async (prefix) => {
    s3.objects.set(`${prefix}a.jpg`, { body: new Uint8Array(), type: "image/jpeg" });
    expect(await listAll(prefix)).toEqual({ keys: [`${prefix}a.jpg`], pages: 1 });
  },
);

test("what S3 says instead of a list is told (A6)", async () => {
  s3.faults.add("no-list-bucket");
  expect(await list({ prefix: "" })).toMatchObject({ status: 403, code: "AccessDenied" });
  s3.faults.add("reset");
  expect(await list({ prefix: "" })).toEqual({ text: "", failure: "fetch failed" });
});
