// {"prefix": …} at /purge: the Worker lists a bucket that is an R2 binding, portion by portion.

import { beforeEach, expect, test } from "vitest";
import { createR2, type R2 } from "../../../src/emulator/r2/r2.ts";
import { file } from "../../support/emulators.ts";
import { ENV, PURGE_TOKEN, VARS } from "../../support/env.ts";
import {
  getAndSettle,
  MODERN,
  postPurge,
  stage,
  stopDate,
  wait,
} from "../../support/run-worker.ts";

let store: R2;
let originals: R2;
let env: object;

beforeEach(() => {
  stopDate();
  store = createR2();
  originals = createR2();

  env = {
    ...ENV,
    PURGE_TOKEN,
    IMAGES: stage.edge.images,
    MEDIA_BUCKET: originals,
    RENDITIONS: store,
    ANSWERS: { ...VARS.ANSWERS, store: "RENDITIONS" },
    BUCKETS: { ...VARS.BUCKETS, fresh: { binding: "MEDIA_BUCKET", prefix: "published/" } },
    ROUTES: [
      { path: "/images/:preset/*", object: "fresh/*" },
      { path: "/old/:preset/*", object: "media/*" },
    ],
  };
});

async function purge(body: object) {
  const answer = await postPurge(body, env);
  return { status: answer.status, report: JSON.parse(await answer.text()) };
}

const put = (key: string) =>
  originals.objects.set(`published/${key}`, { body: new Uint8Array([1]) });

test("the objects that begin so are purged in portions, and no others (L3)", async () => {
  const names = Array.from({ length: 20 }, (_, at) => `2026/${at.toString().padStart(2, "0")}.jpg`);
  for (const key of [...names, "2026/", "2025/a.jpg", "20.jpg"]) put(key);

  originals.objects.set("2026/secret.jpg", { body: new Uint8Array([1]) });

  const purged: string[] = [];
  let after: string | undefined;
  const statuses = [];

  do {
    const { status, report } = await purge({ prefix: "fresh/2026/", ...(after && { after }) });
    statuses.push([status, report.ok, report.left]);
    purged.push(...report.purged);
    after = report.after;
  } while (after !== undefined && statuses.length < 9);

  expect(purged).toEqual(names.map((name) => `fresh/${name}`));
  expect(statuses).toEqual([
    [503, false, true],
    [503, false, true],
    [200, true, false],
  ]);
});

/** How many renditions are stored: the names of other entries begin with `vitrine/`. */
const storedCount = () =>
  [...store.objects.keys()].filter((name) => !name.startsWith("vitrine/")).length;

test("what is stored of them is deleted", async () => {
  originals.objects.set("published/2026/a.jpg", {
    body: file("made/key.jpg"),
    type: "image/jpeg",
  });

  const answer = await getAndSettle("/images/card/2026/a.jpg", { headers: MODERN }, env);
  expect(answer.status).toBe(200);
  expect(storedCount()).toBe(1);

  wait(2);
  const { report } = await purge({ prefix: "fresh/2026/" });
  expect(report).toMatchObject({ ok: true, purged: ["fresh/2026/a.jpg"], deleted: 1, left: false });
  expect(storedCount()).toBe(0);
});

test.each<{ title: string; prefix: string; fail: () => void; status: number; reason: string }>([
  {
    title: "of a bucket of S3",
    prefix: "media/2026/",
    fail: () => {},
    status: 400,
    reason: "not an R2 binding",
  },
  {
    title: "of no bucket",
    prefix: "elsewhere/2026/",
    fail: () => {},
    status: 400,
    reason: "no bucket of this name",
  },
  {
    title: "that is no name",
    prefix: "2026",
    fail: () => {},
    status: 400,
    reason: "no bucket of this name",
  },
  {
    title: "that R2 does not list",
    prefix: "fresh/",
    fail: () => originals.faults.add("throws-list"),
    status: 502,
    reason: "listed",
  },
  {
    title: "that R2 lists too slowly",
    prefix: "fresh/",
    fail: () => originals.faults.add("stall-list"),
    status: 502,
    reason: "listed",
  },
])("a prefix $title is refused, with the reason", async ({ prefix, fail, status, reason }) => {
  fail();
  const result = await purge({ prefix });
  expect(result.status).toEqual(status);
  expect(result.report.ok).toBe(false);
  expect(result.report.purged).toEqual([]);
  expect(result.report.reason).toContain(reason);
});
