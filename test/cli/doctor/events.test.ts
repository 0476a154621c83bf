// What the doctor finds of the queue of events and of R2's rules, by what wrangler says, and `--write-events`, the only thing
// in it that writes (Q2, Q5).

import { HttpResponse, http } from "msw";
import { beforeEach, expect, test } from "vitest";
import {
  beginSite,
  CONFIGURED,
  configure,
  deploy,
  examineQueues,
  reporting,
  SITE,
} from "../../support/cli/doctor.ts";
import {
  ACTIONS,
  createQueueAccount,
  type QueueAccount,
  type Rule,
} from "../../support/cli/fake-queues.ts";
import { expectFindings, type Report } from "../../support/cli/findings.ts";
import type { WorldOptions } from "../../support/cli/vitrine.ts";
import { network } from "../../support/emulators.ts";
import { SECRETS } from "../../support/env.ts";

const QUEUE = `
[[queues.producers]]
queue = "acme-events"
binding = "EVENTS"
[[queues.consumers]]
queue = "acme-events"
max_batch_size = 100
max_batch_timeout = 10
max_retries = 100
max_concurrency = 1
dead_letter_queue = "acme-dead"
`;
const WRITING = QUEUE.slice(0, QUEUE.indexOf("[[queues.consumers]]"));
const BOUND = `
[images]
binding = "IMAGES"
[[r2_buckets]]
binding = "MEDIA_BUCKET"
bucket_name = "acme"
`;
const MEDIA = { binding: "MEDIA_BUCKET", bucket: "acme", prefix: "published/" };
const R2 = { ...CONFIGURED, BUCKETS: { media: MEDIA } };
const STORE = `
[[r2_buckets]]
binding = "RENDITIONS"
bucket_name = "renditions"
`;
const STORED = { ANSWERS: { ...CONFIGURED.ANSWERS, store: "RENDITIONS" } };

let account: QueueAccount;

beforeEach(() => {
  beginSite();
  configure(R2, ["URL_SIGNING_KEYS"], BOUND + QUEUE);
  beginAccount();
});

/** All is as `vitrine deploy` leaves it. */
function beginAccount(): void {
  account = createQueueAccount();
  account.queues.set("acme-events", ["vitrine"]).set("acme-dead", []);
  account.rules.set("acme", [{ queue: "acme-events", prefix: "published/" }]);
}

const CREATIONS = ACTIONS.slice(0, 3);
const DELETIONS = ACTIONS.slice(3);
type Parts = readonly (readonly [string, readonly Omit<Rule, "queue">[]])[];
/** Rules of this queue. */
const PARTS: Parts = [
  ["none", []],
  ["creations", [{ actions: CREATIONS }]],
  ["deletions", [{ actions: DELETIONS }]],
  ["all but what a lifecycle deletes", [{ actions: ACTIONS.slice(0, 4) }]],
  ["a part of the keys", [{ prefix: "published/a/" }, { prefix: "published/b/" }]],
  ["files of one kind", [{ suffix: ".jpg" }]],
  ["events whose names are not known", [{ actions: ["RestoreObject"] }]],
];
/** Rules that are there only if events count where keys overlap. */
const PARTS_SIDE_BY_SIDE: Parts = [
  ["all but copies", [{ actions: ["PutObject"] }, { actions: DELETIONS }]],
  [
    "creations, and deletions of a part of the keys",
    [{ actions: CREATIONS }, { actions: DELETIONS, prefix: "published/a/" }],
  ],
];

const eventsIn = ({ findings }: Report) => findings.filter(({ check }) => check === "events");

test("a queue and a rule as they should be are well, and nothing is written", async () => {
  const report = await examineQueues(account);
  const severities = eventsIn(report).map(({ severity }) => severity);
  expect([severities, account.objects]).toEqual([["ok", "ok"], []]);
  for (const command of report.commands) {
    expect(command).toMatch(/^queues info |^r2 bucket notification list /);
    expect(command).toMatch(/ --config wrangler\.toml --env $/);
  }
});

test("without --url, and without a queue, wrangler is not asked", async () => {
  const alone = await examineQueues(account, []);
  configure(R2, ["URL_SIGNING_KEYS"], BOUND);
  const none = await examineQueues(account);
  expect([alone.commands, none.commands, eventsIn(none)]).toEqual([[], [], []]);
});

const rule = (more: Partial<Rule>) => () =>
  void account.rules.set("acme", [{ queue: "acme-events", ...more }]);
const rules =
  (...all: Rule[]) =>
  () =>
    void account.rules.set("acme", all);
const reply = (start: string, code: number, output: string) => () =>
  void account.replies.set(start, { code, output });
const readers =
  (...workers: string[]) =>
  () =>
    void account.queues.set("acme-events", workers);

test("it finds what keeps events from the Worker, and takes nothing unknown for missing", async () => {
  const cases: [string, Report["findings"]][] = [];
  for (const [title, broken] of [
    ["no queue", () => void account.queues.delete("acme-events")],
    ["a queue that nobody reads", readers()],
    ["a queue that another Worker reads", readers("vitrine-old")],
    [
      "a queue that is read by HTTP",
      reply(
        "queues info acme-events",
        0,
        "Queue Name: acme-events\nNumber of Consumers: 1\nConsumers: HTTP Pull Consumer.\n",
      ),
    ],
    [
      "a queue about which wrangler says less",
      reply("queues info acme-events", 0, "Queue Name: acme-events\n"),
    ],
    ["wrangler is not logged in", reply("", 1, "✘ [ERROR] You are not logged in.\n")],
    ["wrangler speaks another language", reply("", 0, "Warteschlange: acme-events\n")],
    ["no dead-letter queue", () => void account.queues.delete("acme-dead")],
    ["no rule", () => void account.rules.delete("acme")],
    ["a rule of other keys", rule({ prefix: "drafts/" })],
    ["a rule into another queue", rule({ queue: "theirs" })],
    ["a rule without what a lifecycle deletes", rule({ actions: ACTIONS.slice(0, 4) })],
    ["a rule of creations", rules({ queue: "acme-events", actions: CREATIONS })],
    [
      "another queue has the deletions",
      rules({ queue: "acme-events", actions: CREATIONS }, { queue: "theirs", actions: DELETIONS }),
    ],
    [
      "another queue has the deletions, and nobody has the rest",
      rule({ queue: "theirs", actions: DELETIONS }),
    ],
    ["another queue has a part of the keys", rule({ queue: "theirs", prefix: "published/raw/" })],
    ["a rule for a part of the keys", rule({ prefix: "published/2026/" })],
    ["a rule for some kinds of files", rule({ suffix: ".jpg" })],
    ["rules in a form that is not known", reply("r2 bucket notification list", 0, "[]\n")],
  ] as const) {
    beginAccount();
    broken();
    const findings = eventsIn(await examineQueues(account));
    cases.push([title, findings.filter(({ severity }) => severity !== "ok")]);
  }
  await expectFindings("events.txt", cases);
});

const isWell = (report: Report) => eventsIn(report).every(({ severity }) => severity === "ok");

test.each([
  ["creations and deletions, each", [{ actions: CREATIONS }, { actions: DELETIONS }]],
  ["each action", ACTIONS.map((action) => ({ actions: [action] }))],
  [
    "creations of all keys, and deletions of its own",
    [
      { actions: CREATIONS, prefix: "" },
      { actions: DELETIONS, prefix: "published/" },
    ],
  ],
])("a rule for %s covers the bucket together with the others (Q5)", async (_title, parts) => {
  account.rules.set(
    "acme",
    parts.map((part) => ({ queue: "acme-events", ...part })),
  );
  expect(isWell(await examineQueues(account))).toBe(true);
});

/** Does as an operator does who reads a remedy: takes its commands one by one, and goes on only as far as it says. */
function follow(remedy: string): void {
  const [first = "", otherwise = ""] = remedy.split("If R2 refuses");
  const codes = commandsIn(first).map((args) => account.answer(args)?.code);
  if (codes.every((code) => code === 0)) return;
  for (const args of commandsIn(otherwise)) expect(account.answer(args)?.code).toBe(0);
}

function commandsIn(text: string): string[][] {
  const commands = text.split("npx wrangler ").slice(1);
  return commands.map((part) => part.replace(/(?: and |[.:,] |\.?$).*/s, "").split(" "));
}

async function expectCure(parts: Parts[number][1]): Promise<void> {
  account.rules.set(
    "acme",
    parts.map((part) => ({ queue: "acme-events", ...part })),
  );
  const [finding] = eventsIn(await examineQueues(account)).slice(1);
  follow(`${finding?.remedy}`);
  expect(isWell(await examineQueues(account))).toBe(true);
}

test.each([...PARTS, ...PARTS_SIDE_BY_SIDE])(
  "after the remedy for a rule of %s, all is well (Q5)",
  (_title, parts) => expectCure(parts),
);

test.each(PARTS)(
  "so it is if R2 refuses rules by their keys alone, for a rule of %s",
  (_title, parts) => {
    account.isStrict = true;
    return expectCure(parts);
  },
);

test("what is there goes on while a missing kind is added, and no rule of another queue is touched", async () => {
  for (const queue of ["acme-events", "theirs"]) {
    const present = { queue, actions: CREATIONS };
    account.rules.set("acme", [present]);
    const [finding] = eventsIn(await examineQueues(account)).slice(1);
    follow(`${finding?.remedy}`);
    const added = { queue: "acme-events", prefix: "published/", actions: DELETIONS };
    expect(account.rules.get("acme")).toEqual([present, added]);
  }
});

test("a rule with the prefix of a folder above covers the bucket", async () => {
  for (const prefix of ["", "pub", "published/"]) {
    account.rules.set("acme", [{ queue: "acme-events", prefix }]);
    const severities = eventsIn(await examineQueues(account)).map(({ severity }) => severity);
    expect([prefix, severities]).toEqual([prefix, ["ok", "ok"]]);
  }
});

test("what another Worker reads by design is no fault, and R2's rules are its own", async () => {
  configure(R2, ["URL_SIGNING_KEYS"], BOUND + WRITING);
  account.queues.set("acme-events", ["reader"]);
  const report = await examineQueues(account);
  expect(eventsIn(report)).toMatchObject([{ severity: "ok" }]);
  expect(report.commands).toHaveLength(1);
});

// --write-events

const START = Date.UTC(2026, 11, 1, 12);

/**
 * Runs the doctor with `--write-events`, on a clock that its pauses move.
 * @param last when the Worker took an event before: ms before now; undefined: never
 * @param delay how long the event takes: ms; undefined: it never comes
 */
async function write(
  {
    last,
    delay,
    args = [],
    state = "ok",
  }: {
    last?: number;
    delay?: number;
    args?: readonly string[];
    state?: string;
  },
  options: WorldOptions = {},
) {
  let clock = START;
  let putAt: number | undefined;
  const isoOf = (time: number) => new Date(time).toISOString();
  const answer = account.answer;
  account.answer = (wranglerArgs) => {
    if (wranglerArgs.slice(0, 3).join(" ") === "r2 object put") putAt ??= clock;
    return answer(wranglerArgs);
  };
  deploy(undefined, (response, request) => {
    const came = putAt !== undefined && delay !== undefined && clock >= putAt + delay;
    const before = last === undefined ? {} : { last_event: isoOf(START - last) };
    const after = came ? { last_event: isoOf(clock) } : {};
    const health = reporting({ slots: [] })(response, request);
    if (health === response) return response;
    const bucket = { bucket: "media", edge: "on", slots: [] };
    return HttpResponse.json({
      ok: true,
      buckets: [bucket],
      store: { state },
      ...before,
      ...after,
    });
  });
  const report = await examineQueues(account, ["--url", SITE, "--write-events", ...args], {
    now: () => clock,
    pause: async (ms) => {
      clock += ms;
    },
    ...options,
  });
  return { ...report, seconds: (clock - START) / 1000 };
}

const stored = () => configure({ ...R2, ...STORED }, ["URL_SIGNING_KEYS"], BOUND + STORE + QUEUE);

test("--write-events puts and deletes one object in R2, and sees its event", async () => {
  stored();
  const report = await write({ delay: 22_000, last: 3_600_000 });
  const [put = "", deletion = "", ...rest] = account.objects;
  const name = /^acme\/published\/vitrine-doctor\/[\w-]{36}\.txt$/;
  expect(put).toMatch(/^put /);
  expect(put.slice(4)).toMatch(name);
  expect([deletion, rest]).toEqual([put.replace("put", "delete"), []]);
  const writes = report.commands.filter((command) => command.startsWith("r2 object"));
  for (const command of writes) expect(command).toContain(" --remote ");
  expect(eventsIn(report).at(-1)).toMatchObject({
    severity: "ok",
    seen: expect.stringMatching(/took an event 2\d s after/),
  });
});

test("the first event of a site is seen, too", async () => {
  stored();
  expect(eventsIn(await write({ delay: 1_000 })).at(-1)).toMatchObject({ severity: "ok" });
});

test("an event that never comes is a warning, after three minutes", async () => {
  stored();
  const report = await write({ last: 3_600_000 });
  expect(eventsIn(report).at(-1)).toMatchObject({ severity: "warning" });
  expect(report.seconds).toBe(180);
  expect(account.objects).toHaveLength(2);
});

test("an event of a moment ago, and its second pass, are not taken for the next one", async () => {
  stored();
  const report = await write({ last: 20_000, delay: 10_000 });
  expect(eventsIn(report).at(-1)).toMatchObject({ severity: "ok" });
  expect(report.seconds).toBe(130 + 10);
});

test("an object that cannot be deleted is named", async () => {
  stored();
  account.replies.set("r2 object delete", { code: 1, output: "✘ [ERROR] busy [code: 10001]\n" });
  const report = await write({ delay: 1_000 });
  expect(eventsIn(report).at(-1)).toMatchObject({
    severity: "error",
    remedy: expect.stringMatching(/^delete published\/vitrine-doctor\//),
  });
});

test.each([
  ["no store", () => {}, {}],
  ["a store that does not answer", stored, { state: "10006" }],
])("with %s, nothing is written: its event could not be seen", async (_title, arrange, options) => {
  arrange();
  const report = await write({ delay: 1_000, ...options });
  expect([account.objects, report.seconds]).toEqual([[], 0]);
  expect(eventsIn(report).at(-1)).toMatchObject({ severity: "note" });
});

test("without HEALTH_TOKEN, nothing is written", async () => {
  stored();
  const report = await write({ delay: 1_000 }, { env: { HEALTH_TOKEN: undefined } });
  expect(account.objects).toEqual([]);
  expect(eventsIn(report).at(-1)).toMatchObject({
    severity: "note",
    seen: expect.stringMatching(/npx wrangler secret put HEALTH_TOKEN.*docs\/doctor\.md/),
  });
});

test.each([
  [["--write-events"], /--url/],
  [["--write-events", "--url", "http://localhost:8787"], /the local run/],
  [
    ["--url", SITE, "--write-events", "photos/fig.jpg"],
    /no bucket that a route shows: --write-events=media/,
  ],
])("%j writes nothing, and says what is wrong", async (args, text) => {
  const report = await examineQueues(account, args);
  expect([report.code, report.commands, account.objects]).toEqual([2, [], []]);
  expect(report.text).toMatch(text);
});

test("with two buckets, it must be named which one to write into", async () => {
  const more = { ...CONFIGURED.BUCKETS.media, bucket: "acme-more" };
  const ROUTES = [...CONFIGURED.ROUTES, { path: "/more/:preset/*", object: "more/*" }];
  const vars = { ...R2, ...STORED, BUCKETS: { media: MEDIA, more }, ROUTES };
  configure(vars, Object.keys(SECRETS), BOUND + STORE + QUEUE);
  const { code, text } = await examineQueues(account, ["--url", SITE, "--write-events"]);
  expect([code, account.objects]).toEqual([2, []]);
  expect(text).toContain("name one of media, more");
});

test("into another S3 a key at hand writes, if it may; a key that may only read is right", async () => {
  configure({ ...CONFIGURED, ...STORED }, Object.keys(SECRETS), STORE + QUEUE);
  const denied = await write({ delay: 1_000 });
  expect(eventsIn(denied).at(-1)).toMatchObject({
    severity: "note",
    seen: expect.stringContaining("A key that may only read is right for the Worker"),
  });

  const methods: string[] = [];
  network.use(
    http.all("https://acme-media.*/published/vitrine-doctor/*", ({ request }) => {
      methods.push(`${request.method} ${request.headers.has("authorization")}`);
      return new HttpResponse(null, { status: request.method === "PUT" ? 200 : 204 });
    }),
  );
  await write({ delay: 1_000 });
  expect([methods, account.objects]).toEqual([["PUT true", "DELETE true"], []]);
});

const FAILURES: readonly (readonly [
  title: string,
  put: number,
  deletion: number,
  severity: string,
  seen: RegExp,
])[] = [
  ["a PUT that was done, and answered with an error", 500, 204, "note", /500.*nothing is left/i],
  ["an outage of S3", 503, 503, "warning", /503.*may be there/],
  ["a bucket that is not there", 404, 404, "note", /404.*nothing is left/i],
];

test.each(FAILURES)(
  "%s: DELETE follows, and the report says what is left",
  async (_title, put, deletion, severity, seen) => {
    configure({ ...CONFIGURED, ...STORED }, Object.keys(SECRETS), STORE + QUEUE);
    const methods: string[] = [];
    network.use(
      http.all("https://acme-media.*/published/vitrine-doctor/*", ({ request: { method } }) => {
        methods.push(method);
        return new HttpResponse(null, { status: method === "PUT" ? put : deletion });
      }),
    );
    const finding = eventsIn(await write({ delay: 1_000 })).at(-1);
    expect([new Set(methods), finding]).toMatchObject([new Set(["PUT", "DELETE"]), { severity }]);
    expect(finding?.seen).toMatch(seen);
  },
);

test("a PUT of wrangler that fails is followed by a deletion, unless wrangler may not put", async () => {
  for (const [output, expected] of [
    ["✘ [ERROR] Internal error [code: 10001]\n", 1],
    ["✘ [ERROR] Authentication error [code: 10000]\n", 0],
    ["✘ [ERROR] Failed to fetch … - 403: Forbidden\n", 0],
  ] as const) {
    stored();
    beginAccount();
    account.replies.set("r2 object put", { code: 1, output });
    const finding = eventsIn(await write({ delay: 1_000 })).at(-1);
    expect([account.objects.length, finding?.severity]).toEqual([expected, "note"]);
  }
});
