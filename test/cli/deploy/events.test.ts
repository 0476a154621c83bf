// `vitrine deploy` of a project with a queue: queue, deploy, rule, in that order; what is there is never changed, and what
// wrangler does not say is never taken for missing (Q2, Q5).

import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test } from "vitest";
import { ruleArgs } from "../../../src/cli/wrangler/queues.ts";
import { ACTIONS, type Rule } from "../../support/cli/fake-queues.ts";
import { BOUND, STAGED } from "../../support/cli/folder.ts";
import {
  account,
  ended,
  examined,
  project,
  QUIET,
  ran,
  run,
} from "../../support/cli/run-deploy.ts";
import { network } from "../../support/network.ts";

const { env: _env, ...TOP } = STAGED;
const QUEUES = {
  producers: [{ binding: "EVENTS", queue: "acme-events" }],
  consumers: [
    {
      ...{ queue: "acme-events", dead_letter_queue: "acme-events-dead" },
      ...{ max_batch_size: 100, max_batch_timeout: 10, max_retries: 100, max_concurrency: 1 },
    },
  ],
};
const MEDIA = { binding: "MEDIA_BUCKET", bucket: "acme" };
const TARGET = "--config wrangler.toml --env ";

/** A project whose bucket is in R2. */
function r2Project(media: object = {}, more: object = {}) {
  project({
    ...{ ...TOP, ...BOUND, secrets: {}, queues: QUEUES, ...more },
    vars: { ...QUIET, BUCKETS: { media: { ...MEDIA, ...media } } },
  });
}

/** What wrangler was told to change, in its order. */
const changes = () =>
  ran.map(({ args }) => args).filter((args) => !/^queues info|notification list/.test(args));

beforeEach(() => r2Project());

test("for the first time: queues, deploy, rule, and then the doctor (Q5)", async () => {
  const { code, out } = await run({});
  expect(code).toBe(0);
  expect(changes()).toEqual([
    `queues create acme-events ${TARGET}`,
    `queues create acme-events-dead ${TARGET}`,
    `deploy ${TARGET}`,
    `r2 bucket notification create acme --event-type object-create --event-type object-delete --queue acme-events ${TARGET}`,
  ]);
  expect(account.rules.get("acme")).toEqual([{ queue: "acme-events", prefix: "" }]);
  expect(out).toContain("  queue: acme-events is made; acme-events-dead is made\n");
  expect(out).toContain("  events of media: R2 writes those of acme into acme-events.");
  expect(examined).toHaveLength(1);
});

test("from then on nothing is made, and nothing is changed", async () => {
  await run({});
  account.queues.set("acme-events", ["vitrine"]);
  const rules = structuredClone(account.rules);
  ran.length = 0;
  const { code, err } = await run({});
  expect([code, changes(), account.rules]).toEqual([0, [`deploy ${TARGET}`], rules]);
  expect(err).not.toContain("Warning");
});

test("--dry-run prints the same plan, and changes nothing", async () => {
  const dry = await run({ dryRun: true });
  const before = changes();
  const { out } = await run({});
  expect([dry.out, before]).toEqual([out, []]);
});

test("--dry-run says that nothing is known where wrangler is not logged in, and is right", async () => {
  const output = "✘ [ERROR] You are not logged in.\n";
  for (const start of ["queues info", "r2 bucket notification list"]) {
    account.replies.set(start, { code: 1, output });
  }
  const { code, out } = await run({ dryRun: true });
  expect([code, changes()]).toEqual([0, []]);
  expect(out).toContain("whether there is a queue acme-events is not known");
  expect(out).toContain("whether R2 writes those of acme into acme-events is not known");

  // One reason, so one line says it.
  expect(out.match(/the reason: wrangler is not logged in.* npx wrangler login/g)).toHaveLength(1);
  expect(out.match(/npx wrangler login/g)).toHaveLength(1);
});

test.each<[string, object, object, string]>([
  [
    "the prefix of the bucket",
    { prefix: "published/" },
    {},
    "--queue acme-events --prefix=published/",
  ],
  [
    "a prefix that looks like an option",
    { prefix: "--queue/" },
    {},
    "--queue acme-events --prefix=--queue/",
  ],
  [
    "the jurisdiction of the bucket",
    {},
    { r2_buckets: [{ ...BOUND.r2_buckets[0], jurisdiction: "eu" }] },
    "create acme --jurisdiction eu --event-type",
  ],
])("a rule has %s", async (_title, media, more, part) => {
  r2Project(media, more);
  expect((await run({})).code).toBe(0);
  expect(changes().at(-1)).toContain(part);
});

test("two buckets that are one at R2 have one rule, for the wider prefix (Q5)", async () => {
  project({
    ...{ ...TOP, ...BOUND, secrets: {}, queues: QUEUES },
    vars: {
      ...QUIET,
      BUCKETS: { media: { ...MEDIA, prefix: "published/" }, all: MEDIA },
      ROUTES: [...QUIET.ROUTES, { path: "/all/:preset/*", object: "all/*" }],
    },
  });
  expect((await run({})).code).toBe(0);
  expect(account.rules.get("acme")).toEqual([{ queue: "acme-events", prefix: "" }]);
});

test("two rules by kind of event are right together (Q5)", async () => {
  const rules = [ACTIONS.slice(0, 3), ACTIONS.slice(3)].map((actions) => {
    return { queue: "acme-events", actions };
  });
  account.rules.set("acme", rules);
  const { err } = await run({});
  expect([account.rules.get("acme"), err.includes("Warning")]).toEqual([rules, false]);
});

/** A project whose environment staging has a bucket in R2. */
function stagedProject() {
  const [consumer] = QUEUES.consumers;
  const queues = { consumers: [{ ...consumer, queue: "acme-events-staging" }] };
  const { vars: _vars, ...staging } = STAGED.env.staging;
  const vars = { ...QUIET, BUCKETS: { media: { ...MEDIA, bucket: "acme-staging" } } };
  const r2_buckets = [{ binding: "MEDIA_BUCKET", bucket_name: "acme-staging" }];
  r2Project({}, { env: { staging: { ...staging, ...BOUND, r2_buckets, vars, queues } } });
}

test("each environment has a queue of its own, and wrangler is asked about that one (S6)", async () => {
  stagedProject();
  expect((await run({ env: "staging" })).code).toBe(0);
  expect([...account.rules]).toEqual([
    ["acme-staging", [{ queue: "acme-events-staging", prefix: "" }]],
  ]);
  expect(ran.filter(({ args }) => !args.includes("--env staging"))).toEqual([]);
});

test("a command to paste names the environment, which may have an account of its own (S6)", async () => {
  stagedProject();
  account.replies.set("r2 bucket notification create", { code: 1, output: "✘ [ERROR] busy\n" });
  const { err } = await run({ env: "staging" });
  expect(err).toMatch(/npx wrangler r2 bucket notification create acme-staging .* --env staging\n/);
  account.queues.set("acme-events-staging", ["old"]);
  const refused = await run({ env: "staging" });
  expect(refused.err).toContain(
    "queues consumer remove acme-events-staging old --env staging. Nothing",
  );
});

/** Rules that are there before, and what the operator reads. */
const PRESENT: readonly (readonly [string, Rule, RegExp])[] = [
  ["another queue", { queue: "theirs" }, /into theirs, and takes no second rule/],
  [
    "another queue, for a part of the keys",
    { queue: "theirs", prefix: "published/raw/" },
    /into theirs, and takes no second rule/,
  ],
  [
    "another queue, for some kinds of files",
    { queue: "theirs", suffix: ".jpg" },
    /into theirs, and takes no second rule/,
  ],
  [
    "this queue, for a part of the keys",
    { queue: "acme-events", prefix: "published/raw/" },
    /some keys alone/,
  ],
  [
    "this queue, for some kinds of files",
    { queue: "acme-events", suffix: ".jpg" },
    /some keys alone/,
  ],
  [
    "this queue, without deletions",
    { queue: "acme-events", actions: ACTIONS.slice(0, 3) },
    /leaves DeleteObject, LifecycleDeletion out/,
  ],
  [
    "this queue, without copies",
    { queue: "acme-events", actions: ACTIONS.filter((action) => action !== "CopyObject") },
    /leaves CopyObject out/,
  ],
];

test.each(PRESENT)(
  "a rule to %s stays, and no second one is tried (Q5)",
  async (_t, rule, text) => {
    r2Project({ prefix: "published/" });
    account.rules.set("acme", [rule]);
    const { code, err } = await run({});
    expect([code, account.rules.get("acme")]).toEqual([0, [rule]]);
    expect(changes().filter((args) => args.startsWith("r2"))).toEqual([]);
    expect(err).toMatch(text);
    expect(err).toContain("docs/events.md");
  },
);

/** What `vitrine init` writes for R2. */
const LONG = { ANSWERS: { keep: 2_592_000 } };

/** A project whose bucket has a prefix, and whose pictures are kept for long. */
function longProject(vars: object = LONG) {
  project({
    ...{ ...TOP, ...BOUND, secrets: {}, queues: QUEUES },
    vars: { ...QUIET, BUCKETS: { media: { ...MEDIA, prefix: "published/" } }, ...vars },
  });
}

describe.each(PRESENT)("with a rule to %s", (_title, rule, text) => {
  beforeEach(() => account.rules.set("acme", [rule]));

  test.each([{}, { dryRun: true as const }])("a long keep is not deployed: %o (Q5)", async (o) => {
    longProject();
    const { code, err } = await run(o);
    expect([code, changes(), examined]).toEqual([2, [], []]);
    expect(err).toMatch(text);
    expect(err).toMatch(/ANSWERS\.keep is 2,592,000 s.*docs\/events\.md.*Nothing is deployed/);
    expect(err).toContain("npx vitrine deploy --events-elsewhere.");
  });

  test("a long keep is deployed if events are passed on, and the plan has the rule", async () => {
    longProject();
    const { code, out } = await run({ eventsElsewhere: true });
    expect([code, changes().at(-1)]).toEqual([0, `deploy ${TARGET}`]);
    expect(out).toMatch(text);
  });
});

const ELSEWHERE = { queue: "theirs" };
const [FIRST_ROUTE] = QUIET.ROUTES;
test.each<[string, object, number]>([
  ["a keep of an hour", { ANSWERS: { keep: 3600 } }, 0],
  ["a keep of an hour and a second", { ANSWERS: { keep: 3601 } }, 2],
  ["a route's own long keep", { ROUTES: [{ ...FIRST_ROUTE, answers: { keep: 86_400 } }] }, 2],
  [
    "a long keep of pictures that never change",
    { ROUTES: [{ ...FIRST_ROUTE, answers: { keep: 86_400, immutable: true } }] },
    0,
  ],
  [
    "a short keep of the only route",
    { ...LONG, ROUTES: [{ ...FIRST_ROUTE, answers: { keep: 60 } }] },
    0,
  ],
])("R2 writes elsewhere, with %s: exit code", async (_title, vars, expected) => {
  longProject(vars);
  account.rules.set("acme", [ELSEWHERE]);
  expect((await run({})).code).toBe(expected);
});

test("the command that deploys all the same has the environment (S6)", async () => {
  const vars = { ...QUIET, ...LONG, BUCKETS: { media: { ...MEDIA, bucket: "acme-staging" } } };
  const { vars: _vars, ...staging } = STAGED.env.staging;
  const r2_buckets = [{ binding: "MEDIA_BUCKET", bucket_name: "acme-staging" }];
  const queues = { consumers: [{ ...QUEUES.consumers[0], queue: "acme-events-staging" }] };
  r2Project({}, { env: { staging: { ...staging, ...BOUND, r2_buckets, vars, queues } } });
  account.rules.set("acme-staging", [ELSEWHERE]);
  const { code, err } = await run({ env: "staging" });
  expect(code).toBe(2);
  expect(err).toMatch(/npx vitrine deploy --env staging --events-elsewhere\./);
});

test.each([
  ["a rule of other keys", { queue: "theirs", prefix: "other/" }],
  ["a rule whose prefix only begins like this one", { queue: "theirs", prefix: "published-2/" }],
])("%s is no hindrance (Q5)", async (_title, rule) => {
  r2Project({ prefix: "published/" });
  account.rules.set("acme", [rule]);
  await run({});
  expect(account.rules.get("acme")).toHaveLength(2);
});

const HEAD = "Fetching notification rules for bucket acme...\n";
/** Answers about the rules that prove nothing. */
const UNREADABLE: readonly (readonly [string, number, string])[] = [
  ["nothing at all", 0, ""],
  ["JSON", 0, '{"queues": []}'],
  ["a table", 0, `${HEAD}┌─────┐\n│ id  │\n└─────┘\n`],
  ["another label", 0, `${HEAD}rule_id: 1\nqueue: q\nprefix: a\nsuffix: b\nevent_type: c\n`],
  ["a label too few", 0, `${HEAD}rule_id: 1\nqueue_name: q\nprefix: (all prefixes)\n`],
  [
    "a prefix of two lines, which names a queue",
    0,
    `${HEAD}rule_id: 1\nqueue_name: q\nprefix: a\nqueue_name: acme-events\nsuffix: b\nevent_type: c\n`,
  ],
  ["a sentence", 0, `${HEAD}You have no permission to see rules.\n`],
  ["an error", 1, "✘ [ERROR] Authentication error [code: 10000]\n"],
  ["another error", 1, `${HEAD}✘ [ERROR] bucket_not_found [code: 10006]\n`],
];

test.each(UNREADABLE)("%s is not known, never “no rule”", async (_title, code, output) => {
  account.replies.set("r2 bucket notification list", { code, output });
  longProject();
  const deployed = await run({});
  expect([deployed.code, account.rules.size]).toEqual([0, 0]);
  expect(deployed.out).toContain("Warning: whether R2 writes those of acme into acme-events is");
  expect(changes().filter((args) => args.startsWith("r2"))).toEqual([]);
  expect(deployed.err).toMatch(/whether R2 writes .* is not known: .*npx wrangler r2 bucket/s);
});

test.each([
  ["nothing at all", 0, ""],
  ["the queue of another name", 0, "Queue Name: acme-events-2\nNumber of Consumers: 0\n"],
  ["a missing queue of another name", 1, '✘ [ERROR] Queue "acme" does not exist.\n'],
  ["an error", 1, "✘ [ERROR] fetch failed\n"],
  ["a signal", null, ""],
])("%s about a queue makes none, and wrangler deploys as it can", async (_title, code, output) => {
  account.queues.set("acme-events", ["vitrine"]);
  account.replies.set("queues info", { code: code ?? 137, output });
  expect(await run({})).toMatchObject({
    code: 0,
    out: expect.stringContaining("whether there is a queue acme-events is not known"),
  });
  expect(changes().filter((args) => args.startsWith("queues"))).toEqual([]);
  expect(changes()[0]).toContain("deploy");
});

test.each([
  [
    "10000",
    "✘ [ERROR] A request to the Cloudflare API failed.\n\n  Authentication error [code: 10000]\n",
  ],
  ["9109", "✘ [ERROR] Unauthorized to access requested resource [code: 9109]\n"],
  ["403", "✘ [ERROR] GET /accounts/0123/queues?name=acme-events -> 403 Forbidden\n"],
])("a token that may not see queues deploys nothing: %s", async (_title, output) => {
  account.replies.set("queues info", { code: 1, output });
  for (const options of [{}, { dryRun: true as const }]) {
    const { code, err } = await run(options);
    expect([code, changes(), examined]).toEqual([2, [], []]);
    expect(err).toMatch(/Account → Queues: Edit .*docs\/environments\.md.*Nothing is deployed/);
  }
});

const CONSUMER_FAILED = `✘ [ERROR] A request to the Cloudflare API (/accounts/0123/queues/4567/consumers) failed.

  Authentication error [code: 10000]
`;

test("wrangler that fails after the upload says that the Worker is uploaded, and what is missing", async () => {
  ended.wrangler = 1;
  ended.output = `Total Upload: 100 KiB\nUploaded vitrine (1.20 sec)\n${CONSUMER_FAILED}`;
  const { code, err } = await run({});
  expect([code, examined]).toEqual([2, []]);
  expect(err).toContain("Account → Queues: Edit");
  expect(err).toMatch(/The Worker is uploaded: its new version may be live/);
});

test("wrangler that fails before the upload does not say so", async () => {
  ended.wrangler = 1;
  ended.output = "✘ [ERROR] Build failed\n";
  expect((await run({})).err).not.toContain("uploaded");
});

test("wrangler's hints about a new queue, with another binding, are not shown", async () => {
  const output =
    '✅ Created queue\n\n{ "queues": { "producers": [{ "binding": "acme_events" }] } }\n';
  account.replies.set("queues create", { code: 0, output });
  account.queues.set("acme-events-dead", []);
  account.rules.set("acme", [{ queue: "acme-events" }]);
  const { code, err } = await run({});
  expect(code).toBe(0);
  expect(err).toContain("The queue acme-events is made\n");
  expect(err).not.toContain("acme_events");
});

test("a queue that another Worker reads deploys nothing (Q2)", async () => {
  account.queues.set("acme-events", ["vitrine-old"]);
  const { code, err } = await run({});
  expect([code, changes(), examined]).toEqual([2, [], []]);
  expect(err).toContain("is read by the Worker vitrine-old");
  expect(err).toContain("npx wrangler queues consumer remove acme-events vitrine-old");
});

test("a dead-letter queue that somebody reads is theirs", async () => {
  account.queues.set("acme-events-dead", ["somebody"]);
  expect((await run({})).code).toBe(0);
});

test("a queue that cannot be made deploys nothing", async () => {
  const output = "✘ [ERROR] You have reached the limit of queues. [code: 11007]\n";
  account.replies.set("queues create", { code: 1, output });
  const { code, err } = await run({});
  expect([code, changes().some((args) => args.startsWith("deploy")), examined]).toEqual([
    2,
    false,
    [],
  ]);
  expect(err).toContain("Nothing is deployed");
  expect(err).toContain("the limit of queues. [code: 11007]");
});

test("a rule that cannot be made is shown as a command, and the deploy ends as done in part", async () => {
  const output = "✘ [ERROR] overlapping rule [code: 11020]\n";
  account.replies.set("r2 bucket notification create", { code: 1, output });
  const { code, err } = await run({});
  expect([code, examined.length]).toEqual([1, 1]);
  expect(err).toContain(
    "npx wrangler r2 bucket notification create acme --event-type object-create --event-type object-delete --queue acme-events\n",
  );
});

test("after a deploy that wrangler refuses, no rule is made", async () => {
  ended.wrangler = 1;
  expect((await run({})).code).toBe(2);
  expect(account.rules.size).toBe(0);
});

test("a bucket of R2 by S3's API may be in another account: its rule is shown, and not made", async () => {
  const endpoint = "https://0123456789abcdef0123456789abcdef.eu.r2.cloudflarestorage.com";
  const media = { endpoint, bucket: "acme", region: "auto", engine: "binding" };
  project({
    ...{ ...TOP, ...BOUND, queues: QUEUES },
    vars: { ...QUIET, BUCKETS: { media }, ROUTES: QUIET.ROUTES.slice(0, 1) },
  });
  network.use(http.get("https://*.r2.cloudflarestorage.com/*", () => HttpResponse.error()));
  const { err } = await run({});
  expect(ran.filter(({ args }) => args.startsWith("r2"))).toEqual([]);
  expect(err).toContain("npx wrangler r2 bucket notification create acme --jurisdiction eu ");
});

test("a queue that another Worker reads by design is made, and R2 gets no rule", async () => {
  r2Project({}, { queues: { producers: QUEUES.producers } });
  account.queues.set("acme-events", ["reader"]);
  expect((await run({})).code).toBe(0);
  expect(changes()).toEqual([`deploy ${TARGET}`]);
});

test("a rule into another queue that this Worker reads is right", async () => {
  const consumers = [...QUEUES.consumers, { ...QUEUES.consumers[0], queue: "r2-events" }];
  r2Project({}, { queues: { ...QUEUES, consumers } });
  account.rules.set("acme", [{ queue: "r2-events" }]);
  const { err } = await run({});
  expect(err).toContain("R2 writes the events of acme into r2-events already");
  expect(err).not.toContain("Warning");
});

test("without a queue, wrangler is asked nothing about events", async () => {
  r2Project({}, { queues: {} });
  await run({});
  expect(ran.map(({ args }) => args)).toEqual([`deploy ${TARGET}`]);
});

test("the words of a rule are those of Cloudflare's documentation", () => {
  expect(ruleArgs({ bucket: "b", jurisdiction: undefined }, "", "q").join(" ")).toBe(
    "r2 bucket notification create b --event-type object-create --event-type object-delete --queue q",
  );
});
