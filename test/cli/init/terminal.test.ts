// What `vitrine init` asks at a terminal.

import { expect, test } from "vitest";
import { AWS, contents, emptyFolder, init, readProject } from "../../support/cli/making.ts";
import { createTypist, type Typed } from "../../support/cli/typist.ts";

const ENTER = "\r";
const DOWN = "\u001b[B";
const CTRL_C = "\u0003";
const CTRL_D = "\u0004";

/** Runs it at a terminal, in an empty folder. */
async function ask(answers: Typed, flags: readonly string[] = []) {
  const folder = emptyFolder();
  const { given, left } = createTypist(answers);
  const ended = await init(folder, flags, { ...given, env: { NO_COLOR: "1" } });
  return { ...ended, folder, left };
}

test("it asks for what a provider needs, and the defaults are one key away", async () => {
  const { code, folder, left } = await ask([
    ["Who keeps the bucket?", ENTER],
    ["The name of the bucket", `acme-media${ENTER}`],
    ["Its region", ENTER],
    ["The part of the bucket", ENTER],
    ["The domain", ENTER],
    ["The name of the Worker", ENTER],
    ["Keep every rendition", ENTER],
  ]);
  expect([code, left]).toEqual([0, []]);
  const { deployed, patterns, worker, r2Buckets } = readProject(folder);
  expect({ deployed, patterns, worker, r2Buckets }).toMatchObject({
    r2Buckets: [{ binding: "RENDITIONS" }],
    deployed: {
      ANSWERS: { store: "RENDITIONS" },
      BUCKETS: {
        media: {
          bucket: "acme-media",
          region: "eu-west-1",
          endpoint: "https://s3.eu-west-1.amazonaws.com",
        },
      },
    },
    patterns: [],
    worker: "images",
  });
});

test("a wrong answer is refused at once, and asked for again", async () => {
  const { code, folder, left } = await ask([
    ["Who keeps the bucket?", DOWN.repeat(4) + ENTER],
    ["The name of the bucket", ENTER],
    ["is missing", `Acme${ENTER}`],
    ['"Acme" is not a bucket name', `\u0015acme-media${ENTER}`],
    ["Its S3 endpoint", `https://minio.example.com/acme-media${ENTER}`],
    ["contains the bucket's name", `\u0015https://minio.example.com${ENTER}`],
    ["Its region", ENTER],
    ["The part of the bucket", `published${ENTER}`],
    ["The domain", `images.example.com/${ENTER}`],
    ["is not a host name", `\u0015images.example.com${ENTER}`],
    ["The name of the Worker", `shop-images${ENTER}`],
    ["Keep every rendition", "n"],
  ]);
  expect([code, left]).toEqual([0, []]);
  const { deployed, patterns, worker } = readProject(folder);
  expect({ deployed, patterns, worker }).toMatchObject({
    deployed: {
      BUCKETS: {
        media: {
          ...{ bucket: "acme-media", region: "us-east-1", prefix: "published/" },
          endpoint: "https://minio.example.com",
        },
      },
    },
    patterns: ["images.example.com"],
    worker: "shop-images",
  });
});

test("it asks for no endpoint and no region of an R2 bucket", async () => {
  const { code, err, folder, left } = await ask([
    ["Who keeps the bucket?", DOWN + ENTER],
    ["The name of the bucket", `acme.media${ENTER}`],
    ["is not the name of an R2 bucket", `\u0015acme-media${ENTER}`],
    ["The part of the bucket", ENTER],
    ["The domain", ENTER],
    ["The name of the Worker", ENTER],
    ["Keep every rendition", ENTER],
  ]);
  expect([code, left]).toEqual([0, []]);
  expect(err).not.toMatch(/endpoint|region/);
  expect(readProject(folder).deployed).toMatchObject({
    BUCKETS: { media: { binding: "MEDIA_BUCKET" } },
  });
});

test("it asks only for what the flags leave out", async () => {
  const all = [...AWS, "--prefix", "", "--domain", "", "--name", "images", "--store"];
  const { code, err, folder } = await ask([], all);
  expect([code, err]).toEqual([0, ""]);
  expect(Object.keys(contents(folder))).toContain("wrangler.toml");
  const one = await ask(
    [["The domain", `images.example.com${ENTER}`]],
    all.filter((arg, at) => arg !== "--domain" && all[at - 1] !== "--domain"),
  );
  expect([one.code, one.left]).toEqual([0, []]);
  expect(readProject(one.folder).patterns).toEqual(["images.example.com"]);
});

test("a wrong flag is refused before it asks anything", async () => {
  const { code, err, folder } = await ask([], ["--bucket", "Acme", "--prefix", "/x"]);
  const lines = [
    '--bucket: "Acme" is not a bucket name',
    '--prefix: "/x/" is not a path such as a/b/',
  ];
  expect([code, err]).toEqual([3, `Nothing is written:\n  ${lines.join("\n  ")}\n`]);
  expect(contents(folder)).toEqual({});
});

const QUESTIONS: Typed = [
  ["Who keeps the bucket?", ENTER],
  ["The name of the bucket", `acme-media${ENTER}`],
  ["Its region", ENTER],
  ["The part of the bucket", ENTER],
  ["The domain", ENTER],
  ["The name of the Worker", ENTER],
  ["Keep every rendition", ENTER],
];

test.each(
  QUESTIONS.flatMap(([question], at) => [
    ["Ctrl-C", question, at, CTRL_C] as const,
    ["Ctrl-D", question, at, CTRL_D] as const,
  ]),
)("%s at %j ends it with 130, and nothing is written", async (_what, question, at, keys) => {
  const { code, out, folder } = await ask([...QUESTIONS.slice(0, at), [question, keys]]);
  expect([code, out]).toEqual([130, ""]);
  expect(contents(folder)).toEqual({});
});
