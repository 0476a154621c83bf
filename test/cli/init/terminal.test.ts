// What `vitrine init` asks at a terminal.

import { expect, test } from "vitest";
import { AWS, contents, emptyFolder, init, readProject } from "../../support/cli/run-init.ts";
import { createTypist, type Typed } from "../../support/cli/typist.ts";

const ENTER = "\r";
const CLEAR = "\u0015";

/** Runs it at a terminal, in an empty folder. */
async function runInit(answers: Typed, options: readonly string[] = []) {
  const folder = emptyFolder();
  const { worldOptions, unanswered } = createTypist(answers);
  const ended = await init(folder, options, { ...worldOptions, env: { NO_COLOR: "1" } });
  return { ...ended, folder, unanswered };
}

const QUESTIONS: Typed = [
  ["The name of the bucket", `acme-media${ENTER}`],
  ["Its S3 endpoint", ENTER],
  ["The domain", ENTER],
  ["Environments", ENTER],
];

test("it asks for what is missing: the bucket alone is enough for R2", async () => {
  const { code, folder, unanswered } = await runInit(QUESTIONS);
  expect([code, unanswered]).toEqual([0, []]);
  expect(readProject(folder)).toMatchObject({
    ...{ worker: "images", patterns: [], environments: [] },
    deployedVars: {
      ANSWERS: { store: "RENDITIONS" },
      BUCKETS: { media: { binding: "MEDIA_BUCKET" } },
    },
  });
});

test("a wrong answer is refused at once, and asked for again", async () => {
  const { code, folder, unanswered } = await runInit([
    ["The name of the bucket", `Acme${ENTER}`],
    ["is not the name of an R2 bucket", `${CLEAR}acme-media${ENTER}`],
    ["Its S3 endpoint", `https://minio.example.com/acme-media${ENTER}`],
    ["contains the bucket's name", `${CLEAR}https://minio.example.com${ENTER}`],
    ["The domain", `images.example.com/${ENTER}`],
    ["is not a host name", `${CLEAR}images.example.com${ENTER}`],
    ["Environments", `a,a${ENTER}`],
    ["are not names", `${CLEAR}staging,production${ENTER}`],
  ]);
  expect([code, unanswered]).toEqual([0, []]);
  expect(readProject(folder, "production")).toMatchObject({
    patterns: ["images.example.com"],
    deployedVars: {
      BUCKETS: { media: { bucket: "acme-media", endpoint: "https://minio.example.com" } },
    },
  });
});

test("it asks only for what the options leave out", async () => {
  const all = [...AWS, "--environments", ""];
  const { code, folder, unanswered } = await runInit(
    [["The domain", `images.example.com${ENTER}`]],
    all,
  );
  expect([code, unanswered]).toEqual([0, []]);
  expect(readProject(folder).patterns).toEqual(["images.example.com"]);
  expect(await runInit([], [...all, "--host", ""])).toMatchObject({ code: 0, err: "" });
});

test.each([
  ["Ctrl-C", 0, "\u0003"],
  ["Ctrl-D", 3, "\u0004"],
] as const)("%s at question %d ends it with 130: nothing is written", async (_what, at, keys) => {
  const [question = ""] = QUESTIONS[at] ?? [];
  const { code, out, folder } = await runInit([...QUESTIONS.slice(0, at), [question, keys]]);
  expect([code, out, contents(folder)]).toEqual([130, "", {}]);
});
