// The words of the real wrangler about queues and about rules of R2, in front of a stub of Cloudflare's API on loopback:
// what is read of them, and what a rule of `vitrine deploy` is for R2 (Q5).

import { createServer } from "node:http";
import { text } from "node:stream/consumers";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import {
  type QueueAnswer,
  readQueue,
  readRules,
  ruleArgs,
} from "../../../src/cli/wrangler/queues.ts";
import { askWrangler, wranglerAt } from "../../../src/cli/wrangler/run-wrangler.ts";
import { listenLocally } from "../../../src/emulator/local-server.ts";
import { createProject } from "../../support/cli/folder.ts";
import { createWorld } from "../../support/cli/vitrine.ts";

const ACCOUNT = "0123456789abcdef0123456789abcdef";
const QUEUE_ID = "fedcba9876543210fedcba9876543210";
const BUCKET = { bucket: "acme", jurisdiction: undefined };
const CONFIG = { file: "wrangler.toml", environment: undefined, environments: [] };
const ACTIONS = [
  ...["PutObject", "CompleteMultipartUpload", "CopyObject"],
  ...["DeleteObject", "LifecycleDeletion"],
];

type Answer = { readonly status?: number; readonly result?: unknown; readonly errors?: object[] };

/** The answers of the API, by the method and the beginning of the path below the account. */
let answers: Map<string, Answer>;
/** What was sent, and the jurisdiction that was named. */
let sent: { readonly path: string; readonly body: unknown; readonly jurisdiction: unknown }[];
let env: Record<string, string>;

beforeEach(async () => {
  [answers, sent] = [new Map(), []];
  const server = createServer(async (request, response) => {
    const { method = "", url = "", headers } = request;
    const body = await text(request);
    const path = `${method} ${url.replace(/^\/accounts\/[0-9a-f]+\//, "")}`;
    if (method !== "GET") {
      const jurisdiction = headers["cf-r2-jurisdiction"];
      sent.push({ path, body: JSON.parse(body), jurisdiction });
    }
    const { status = 200, ...answer } = answerTo(path);
    response.writeHead(status, { "content-type": "application/json" });
    const envelope = { success: status === 200, messages: [], errors: [], result: [] };
    response.end(JSON.stringify({ ...envelope, ...answer }));
  });
  const { url, close } = await listenLocally(server, 0);
  onTestFinished(close);
  env = {
    ...{ CLOUDFLARE_API_BASE_URL: url, CLOUDFLARE_API_TOKEN: "made-up" },
    ...{ CLOUDFLARE_ACCOUNT_ID: ACCOUNT, PATH: process.env["PATH"] ?? "" },
  };
});

function answerTo(path: string): Answer {
  for (const [start, answer] of answers) if (path.startsWith(start)) return answer;
  return {};
}

function createRun(more: Record<string, string> = {}) {
  const folder = createProject({ name: "vitrine", compatibility_date: "2026-11-01" });
  const { world } = createWorld({ folder, env: { ...env, HOME: folder, ...more } });
  return { world, run: wranglerAt() };
}

const queue = (consumers: readonly object[]) => ({
  ...{ queue_id: QUEUE_ID, queue_name: "acme-events", created_on: "2026", modified_on: "2026" },
  ...{ producers: [], producers_total_count: 0 },
  ...{ consumers, consumers_total_count: consumers.length },
});

test.each<[string, Answer, QueueAnswer["kind"], readonly string[] | undefined]>([
  ["nobody reads", { result: [queue([])] }, "there", []],
  [
    "a Worker reads",
    { result: [queue([{ type: "worker", script: "vitrine" }])] },
    "there",
    ["vitrine"],
  ],
  ["somebody pulls from", { result: [queue([{ type: "http_pull" }])] }, "there", []],
  ["is not there", { result: [] }, "missing", undefined],
  [
    "wrangler may not see",
    { status: 403, errors: [{ code: 10000, message: "Authentication error" }] },
    "forbidden",
    undefined,
  ],
  [
    "Cloudflare does not know today",
    { status: 400, errors: [{ code: 11000, message: "Unknown error" }] },
    "unknown",
    undefined,
  ],
])("a queue that %s (Q2)", async (_title, answer, kind, workers) => {
  answers.set("GET queues", answer);
  // Whoever has turned wrangler's log off gets an answer all the same.
  const { world, run } = createRun({ WRANGLER_LOG: "none" });
  const read = await readQueue(world, run, CONFIG, "acme-events");
  expect(read).toMatchObject({ kind, ...(workers && { workers }) });
  expect(sent).toEqual([]);
});

const RULES = "GET event_notifications/r2/acme/configuration";
const rule = {
  ruleId: "r1",
  prefix: "published/",
  suffix: "",
  actions: ACTIONS,
  createdAt: "2026",
};

test.each<[string, Answer, unknown]>([
  [
    "two rules",
    {
      result: {
        bucketName: "acme",
        queues: [
          { queueId: QUEUE_ID, queueName: "acme-events", rules: [rule] },
          {
            ...{ queueId: "2", queueName: "theirs" },
            rules: [{ ...rule, ruleId: "r2", prefix: undefined, suffix: ".zip" }],
          },
        ],
      },
    },
    {
      kind: "rules",
      rules: [
        { id: "r1", queue: "acme-events", prefix: "published/", suffix: "", actions: ACTIONS },
        { id: "r2", queue: "theirs", prefix: "", suffix: ".zip", actions: ACTIONS },
      ],
    },
  ],
  ["an empty list", { result: { bucketName: "acme", queues: [] } }, { kind: "rules", rules: [] }],
  [
    "R2's answer that there is none",
    { status: 404, errors: [{ code: 11015, message: "no_event_notification_config" }] },
    { kind: "rules", rules: [] },
  ],
  [
    "no such bucket",
    { status: 404, errors: [{ code: 10006, message: "bucket_not_found" }] },
    { kind: "unknown" },
  ],
  [
    "a prefix that imitates a line of wrangler",
    {
      result: {
        bucketName: "acme",
        queues: [
          {
            ...{ queueId: "2", queueName: "theirs" },
            rules: [{ ...rule, prefix: "a\nqueue_name: acme-events" }],
          },
        ],
      },
    },
    { kind: "unknown" },
  ],
])("the rules of a bucket: %s (Q5)", async (_title, answer, expected) => {
  answers.set(RULES, answer);
  const { world, run } = createRun();
  expect(await readRules(world, run, CONFIG, BUCKET)).toMatchObject(Object(expected));
  expect(sent).toEqual([]);
});

test("a rule of vitrine is about all that creates and deletes an object (Q5)", async () => {
  answers.set("GET queues", { result: [queue([])] });
  const { world, run } = createRun();
  const r2Bucket = { bucket: "acme", jurisdiction: "eu" };
  const { code } = await askWrangler(
    world,
    run,
    CONFIG,
    ruleArgs(r2Bucket, "--queue/", "acme-events"),
  );
  expect(code).toBe(0);
  expect(sent).toEqual([
    {
      path: `PUT event_notifications/r2/acme/configuration/queues/${QUEUE_ID}`,
      body: { rules: [{ prefix: "--queue/", suffix: "", actions: ACTIONS }] },
      jurisdiction: "eu",
    },
  ]);
});

test("without an account, wrangler opens no browser, and says so", async () => {
  env = { PATH: process.env["PATH"] ?? "", CLOUDFLARE_API_BASE_URL: "http://127.0.0.1:1" };
  const { world, run } = createRun();
  const read = await readQueue(world, run, CONFIG, "acme-events");
  expect(read).toMatchObject({
    kind: "unknown",
    reason: expect.stringContaining("wrangler is not logged in"),
  });
});
