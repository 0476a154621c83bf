// What is put into a local bucket, as the files change, and which changes of objects that is.

import {
  appendFileSync,
  mkdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { FIXTURE_OBJECTS } from "../../src/dev/fixture-objects.ts";
import { createBucketSync } from "../../src/dev/local-bucket.ts";
import { openSyncedFiles } from "../../src/dev/synced-files.ts";
import { Objects, sendList } from "../../src/emulator/s3/objects.ts";
import { file } from "../support/emulators.ts";
import { LOCAL_KEYS } from "../support/env.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";

const LOCATION = { baseUrl: "http://s3/b/", prefix: "p/" };
const PNG = file("made/transparent.png");

/** A folder that is synced with a bucket. The bucket has the fixtures already. */
async function createSyncedFolder() {
  const sent: string[] = [];
  const changes: string[] = [];
  /** What happens while an object is put, and how the S3 answers. */
  const s3 = { meanwhile: () => {}, status: 200 };
  vi.stubGlobal("fetch", async (url: string, { method, headers }: RequestInit) => {
    sent.push(`${method} ${url} ${new Headers(headers).get("content-type")}`);
    s3.meanwhile();
    return new Response("", { status: s3.status });
  });
  const folder = createTemporaryFolder("vitrine-objects-");
  const leftOut = new Set<string>();
  const sync = createBucketSync(LOCATION, LOCAL_KEYS, {
    onChange: ({ kind, key }) => void changes.push(`${kind} ${key}`),
    onLeftOut: (path, fault) => void leftOut.add(`${path.slice(folder.length + 1)}: ${fault}`),
    folder,
  });
  await sync();
  const filled = sent.splice(0);
  /** Looks twice, as a change needs. */
  const requestsOf = async () => {
    sent.length = 0;
    await sync();
    await sync();
    return sent;
  };
  return { folder, sync, s3, filled, changes, leftOut, requestsOf };
}

test("fixtures and files of the folder are put, put again when they change, and deleted", async () => {
  const { folder, filled, changes, requestsOf } = await createSyncedFolder();
  expect(filled).toHaveLength(FIXTURE_OBJECTS.length);
  expect(filled).toContain("PUT http://s3/b/p/photos/fig.jpg image/jpeg");
  expect(await requestsOf()).toEqual([]);
  expect(changes).toEqual([]); // a bucket that is filled is no change

  mkdirSync(join(folder, "shoes"));
  const shoe = join(folder, "shoes/1 left.png");
  writeFileSync(shoe, PNG);
  writeFileSync(join(folder, "..a"), "no key is so"); // R5
  const url = "http://s3/b/p/shoes/1%20left.png";
  expect(await requestsOf()).toEqual([`PUT ${url} image/png`]);
  utimesSync(shoe, 1, 1);
  expect(await requestsOf()).toEqual([`PUT ${url} image/png`]);
  rmSync(shoe);
  expect(await requestsOf()).toEqual([`DELETE ${url} null`]);
});

test.skipIf(process.platform === "win32")(
  "a file whose name is no key is left out and named, and never becomes another key (R5)",
  async () => {
    const { folder, leftOut, requestsOf } = await createSyncedFolder();
    mkdirSync(join(folder, "back"));
    for (const name of ["back\\slash.png", "a\tb.png", "back/right.png"]) {
      writeFileSync(join(folder, name), PNG);
    }
    expect(await requestsOf()).toEqual(["PUT http://s3/b/p/back/right.png image/png"]);
    expect([...leftOut].sort()).toEqual([
      "a\tb.png: it cannot be a key (a control character). Give it another name",
      "back\\slash.png: it cannot be a key (a backslash). Give it another name",
    ]);
  },
);

test.skipIf(process.platform === "win32")(
  "links that have no end and files that cannot be read are left out and named, and all others are put",
  async () => {
    const { folder, leftOut, requestsOf } = await createSyncedFolder();
    const other = createTemporaryFolder("vitrine-linked-");
    writeFileSync(join(other, "1.png"), PNG);
    symlinkSync(other, join(other, "again"));
    symlinkSync(other, join(folder, "linked"));
    symlinkSync("loop.png", join(folder, "loop.png"));
    writeFileSync(join(folder, "huge.png"), "");
    truncateSync(join(folder, "huge.png"), 3e9); // more than Node.js reads

    expect(await requestsOf()).toEqual(["PUT http://s3/b/p/linked/1.png image/png"]);
    expect([...leftOut].sort()).toEqual([
      "huge.png: it cannot be read (ERR_FS_FILE_TOO_LARGE)",
      "linked/again: a link in a folder that is a link is not followed",
      "loop.png: it cannot be read (ELOOP)",
    ]);
  },
);

type Step = (path: (name: string) => string) => void;

const write =
  (name: string, body: string | Uint8Array = PNG): Step =>
  (path) =>
    writeFileSync(path(name), body);
const remove =
  (name: string): Step =>
  (path) =>
    rmSync(path(name), { recursive: true });

/** Writes a file of the same size and time beside another one, and renames it to that. */
const replaceByRename: Step = (path) => {
  writeFileSync(path(".a.png.tmp"), Uint8Array.from(PNG).reverse());
  utimesSync(path(".a.png.tmp"), 1, 1);
  renameSync(path(".a.png.tmp"), path("a.png"));
};
const MANY = Array.from({ length: 300 }, (_, index) => `many/${index}.png`);

// Each step comes before a look. The folder has a.png, and a folder b with two files.
test.each<[what: string, steps: readonly Step[], changes: readonly string[]]>([
  ["a file is new", [write("c.png")], ["put p/c.png"]],
  ["a file is replaced", [write("a.png", "other")], ["put p/a.png"]],
  ["a file is replaced in one step, with its size and time", [replaceByRename], ["put p/a.png"]],
  ["a file is deleted", [remove("a.png")], ["deleted p/a.png"]],
  [
    "a file gets another name",
    [(path) => renameSync(path("a.png"), path("z.png"))],
    ["deleted p/a.png", "put p/z.png"],
  ],
  ["a folder is deleted", [remove("b")], ["deleted p/b/1.png", "deleted p/b/2.png"]],
  [
    "objects/ itself is deleted",
    [remove("")],
    ["deleted p/a.png", "deleted p/b/1.png", "deleted p/b/2.png"],
  ],
  [
    "many files come at once",
    [(path) => [mkdirSync(path("many")), ...MANY.map((name) => write(name)(path))]],
    MANY.map((name) => `put p/${name}`),
  ],
  ["a file is no picture", [write("notes.txt", "words")], ["put p/notes.txt"]],
  [
    "files and folders are hidden",
    [write(".DS_Store"), write(".a.png.swp"), (path) => mkdirSync(path(".git")), write(".git/a")],
    [],
  ],
  [
    "an editor tries the folder with a file, and writes the picture anew",
    [write("4913"), (path) => [remove("4913")(path), remove("a.png")(path)], write("a.png", "new")],
    ["put p/a.png"],
  ],
  [
    "a file is written slowly",
    [write("c.png", "1"), (path) => appendFileSync(path("c.png"), "2"), write("c.png", "123")],
    ["put p/c.png"],
  ],
  [
    "a file hides a fixture, and is deleted",
    [
      (path) => [mkdirSync(path("photos")), write("photos/fig.jpg")(path)],
      () => {},
      remove("photos"),
    ],
    ["put p/photos/fig.jpg", "put p/photos/fig.jpg"],
  ],
])("%s: the objects change once", async (_what, steps, expected) => {
  const { folder, sync, changes } = await createSyncedFolder();
  const path = (name: string) => join(folder, name);
  mkdirSync(path("b"));
  for (const name of ["a.png", "b/1.png", "b/2.png"]) write(name)(path);
  utimesSync(path("a.png"), 1, 1);
  await sync();
  await sync();
  changes.length = 0;

  for (const step of steps) {
    step(path);
    await sync();
  }
  await sync();
  await sync();
  expect(changes.toSorted()).toEqual(expected.toSorted());
});

test("a file that goes during a look, or that S3 refuses, keeps no other file waiting", async () => {
  const { folder, sync, s3, changes } = await createSyncedFolder();
  const path = (name: string) => join(folder, name);
  for (const name of ["1.png", "2.png", "3.png"]) write(name)(path);
  await sync();
  s3.meanwhile = () => rmSync(path("2.png"), { force: true });
  expect(await sync()).toBe(2);
  expect(changes).toEqual(["put p/1.png", "put p/3.png"]);

  s3.status = 503;
  write("1.png", "other")(path);
  write("4.png")(path);
  await sync();
  await expect(sync()).rejects.toThrow("refuses PUT 1.png: 503");
  s3.status = 200;
  expect(await sync()).toBe(2);
  expect(changes.slice(2)).toEqual(["put p/1.png", "put p/4.png"]);
});

test("a look that is not over is not begun again, and is counted once", async () => {
  const { folder, sync, requestsOf } = await createSyncedFolder();
  write("1.png")((name) => join(folder, name));
  await sync();
  expect(await Promise.all([sync(), sync()])).toEqual([1, 0]);
  expect(await requestsOf()).toEqual([]);
});

test("what the local S3 refuses is an error that names the object, and neither key nor bucket", async () => {
  vi.stubGlobal("fetch", async () => new Response("<Code>NoSuchBucket</Code>", { status: 404 }));
  const syncOf = (prefix: string) =>
    createBucketSync({ baseUrl: "http://s3/b/", prefix }, LOCAL_KEYS, { folder: "none" });
  await expect(syncOf("")()).rejects.toThrow(/^[^/]* refuses PUT photos\/dandelion.jpg: 404$/);
  expect(await syncOf("p".repeat(1_024))()).toBe(0);
});

/** A bucket that stays while the local run is stopped, and what starts of the local run do with it. */
function createStartedBucket() {
  const folder = createTemporaryFolder("vitrine-objects-");
  const recordFile = join(createTemporaryFolder("vitrine-record-"), "synced-files.json");
  const objects = new Objects();
  vi.stubGlobal("fetch", async (target: string, { method, body }: RequestInit) => {
    const url = new URL(target);
    if (method !== "PUT") return sendList(objects, url.searchParams);

    const key = decodeURIComponent(url.pathname.slice("/b/".length));
    objects.set(key, { body: Buffer.from(body as Uint8Array), type: "image/png" });
    return new Response();
  });
  /** Starts the local run. Returns how many files it put. */
  const start = () => {
    const syncedFiles = openSyncedFiles(recordFile).ofBucket("local-media");
    return createBucketSync(LOCATION, LOCAL_KEYS, { folder, syncedFiles })();
  };
  const upload = (key: string) => objects.set(key, { body: PNG, type: "image/png" });
  const textOf = (key: string) => `${objects.get(key)?.body}`;
  return { folder, recordFile, objects, start, upload, textOf };
}

test("an upload to the key of a file stays at the next start, until the file changes", async () => {
  const { folder, start, upload, textOf } = createStartedBucket();
  const path = join(folder, "a.png");
  writeFileSync(path, "file");
  expect(await start()).toBe(FIXTURE_OBJECTS.length + 1);

  upload("p/a.png");
  upload("p/photos/fig.jpg");
  utimesSync(path, 1, 1); // its bytes are the same: git, for example, writes files anew
  expect(await start()).toBe(0);
  expect([textOf("p/a.png"), textOf("p/photos/fig.jpg")]).toEqual([`${PNG}`, `${PNG}`]);

  writeFileSync(path, "changed");
  expect(await start()).toBe(1);
  expect([textOf("p/a.png"), textOf("p/photos/fig.jpg")]).toEqual(["changed", `${PNG}`]);
});

test.each<[what: string, (bucket: ReturnType<typeof createStartedBucket>) => void, put: number]>([
  ["an object is gone", ({ objects }) => objects.delete("p/photos/fig.jpg"), 1],
  ["all objects are gone", ({ objects }) => objects.clear(), FIXTURE_OBJECTS.length],
  [
    "nobody remembers what was put",
    ({ recordFile }) => writeFileSync(recordFile, "{"),
    FIXTURE_OBJECTS.length,
  ],
])("if %s, the next start puts the files again", async (_what, change, put) => {
  const bucket = createStartedBucket();
  await bucket.start();
  change(bucket);
  expect(await bucket.start()).toBe(put);
});
