// What `vitrine check` says of the queue by which events come: names, settings that lose events, and what is shared (Q1, Q2).

import { describe, expect, test } from "vitest";
import { BOUND, createProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { VARS } from "../../support/env.ts";

type Config = Readonly<Record<string, unknown>>;

const { env: ENVIRONMENTS, ...TOP } = STAGED;
const { staging } = ENVIRONMENTS;

/** A consumer as `vitrine init` writes it. */
const CONSUMER = {
  ...{ queue: "acme-events", dead_letter_queue: "acme-events-dead" },
  ...{ max_batch_size: 100, max_batch_timeout: 10, max_retries: 100, max_concurrency: 1 },
};
const PRODUCER = { binding: "EVENTS", queue: "acme-events" };
const RIGHT = { producers: [PRODUCER], consumers: [CONSUMER] };

/** A configuration without signed routes, of which `check` would warn. */
const QUIET = { ...VARS, ROUTES: VARS.ROUTES.slice(0, 1) };
const withQueues = (queues: object): Config => ({ ...TOP, vars: QUIET, queues });
const consuming = (changed: object): Config =>
  withQueues({ ...RIGHT, consumers: [{ ...CONSUMER, ...changed }] });
/** A consumer that leaves a setting to Cloudflare. */
const leavingOut = (setting: keyof typeof CONSUMER): Config => {
  const settings = Object.entries(CONSUMER).filter(([name]) => name !== setting);
  return withQueues({ ...RIGHT, consumers: [Object.fromEntries(settings)] });
};

const withR2 = (media: object, queues: object = RIGHT): Config => ({
  ...withQueues(queues),
  ...{ images: BOUND.images, r2_buckets: BOUND.r2_buckets },
  vars: { ...QUIET, BUCKETS: { media: { binding: "MEDIA_BUCKET", ...media } } },
});

const staged = (queues: object, top: object = RIGHT): Config => ({
  ...withQueues(top),
  env: { staging: { ...staging, queues } },
});
const named = (queue: string, dead = `${queue}-dead`) => ({
  producers: [{ ...PRODUCER, queue }],
  consumers: [{ ...CONSUMER, queue, dead_letter_queue: dead }],
});

/** The lines of stderr that are about queues or events. */
async function check(config: Config, file: string) {
  const folder = createProject(config, file);
  const { code, err } = await vitrine(["check"], { folder });
  return { code, lines: err.split("\n").filter((line) => /queue|events|EVENTS/i.test(line)) };
}

const LONGEST = "q".repeat(63);
const WRONG: readonly (readonly [title: string, config: Config, line: RegExp])[] = [
  [
    "a name that is an option of wrangler",
    withQueues(named("--help", "dead")),
    /queues: "--help" is not the name/,
  ],
  [
    "a name that a shell runs",
    withQueues(named("a;reboot", "dead")),
    /queues: "a;reboot" is not the name/,
  ],
  ["an empty name", withQueues(named("", "dead")), /non-empty string "queue"/],
  ["a name that is too long", withQueues(named(`${LONGEST}q`, "dead")), /is not the name/],
  [
    "a name in two lines",
    withQueues(named("a\nb", "dead")),
    /queues: "a\\nb" is not the name of a queue/,
  ],
  [
    "a wrong dead-letter queue",
    consuming({ dead_letter_queue: "-J" }),
    /queues\.consumers\.dead_letter_queue: "-J" is not the name/,
  ],
  [
    "a binding that the Worker does not use",
    withQueues({ ...RIGHT, producers: [{ binding: "QUEUE", queue: "acme-events" }] }),
    /queues\.producers\.binding: is QUEUE, .*: call it EVENTS/,
  ],
  [
    "a batch that is too large",
    consuming({ max_batch_size: 101 }),
    /queues\.consumers\.max_batch_size: is 101, and Cloudflare takes 1 to 100/,
  ],
  ["an empty batch", consuming({ max_batch_size: 0 }), /max_batch_size: is 0, .* takes 1 to 100/],
  [
    "half a message",
    consuming({ max_batch_size: 10.5 }),
    /max_batch_size: is 10\.5, .* takes 1 to 100/,
  ],
  [
    "too many tries",
    consuming({ max_retries: 101 }),
    /queues\.consumers\.max_retries: is 101, and Cloudflare takes 0 to 100/,
  ],
  [
    "a wait that is too long",
    consuming({ max_batch_timeout: 61 }),
    /queues\.consumers\.max_batch_timeout: is 61, and Cloudflare takes 0 to 60/,
  ],
  [
    "a negative wait, of an environment",
    staged({ consumers: [{ ...CONSUMER, queue: "other", max_batch_timeout: -1 }] }),
    /env\.staging: queues\.consumers\.max_batch_timeout: is -1, .* takes 0 to 60/,
  ],
  [
    "a queue of two environments",
    staged(RIGHT),
    /env\.staging: queues: has the queue acme-events of the top level/,
  ],
  [
    "a queue that one environment reads, and the other writes",
    staged({ producers: [PRODUCER] }, { consumers: [CONSUMER] }),
    /env\.staging: queues: has the queue acme-events of the top level/,
  ],
  [
    "a queue into which a deploy names the queue of another Worker (T9)",
    staged({ producers: [{ binding: "EVENTS" }] }, named("vitrine-staging-events")),
    /env\.staging: queues: has the queue vitrine-staging-events of the top level/,
  ],
  [
    "a dead-letter queue that another environment reads",
    staged(named("other", "acme-events")),
    /env\.staging: queues\.consumers\.dead_letter_queue: is acme-events, the queue of the top level/,
  ],
  [
    "a queue into which what fails elsewhere goes",
    staged(named("acme-events-dead", "other-dead")),
    /env\.staging: queues: has the queue acme-events-dead of the top level/,
  ],
];

/** What is right: nothing is said. */
const FINE: readonly (readonly [title: string, config: Config])[] = [
  ["no queue", withQueues({})],
  ["the queue of init", withQueues(RIGHT)],
  ["a consumer alone, of R2's own events", withQueues({ consumers: [CONSUMER] })],
  ["the longest name", withQueues(named(LONGEST, "dead"))],
  ["a queue for each environment", staged(named("acme-events-staging"))],
  ["one dead-letter queue for two environments", staged(named("other", "acme-events-dead"))],
  ["an R2 bucket that has its name", withR2({ bucket: "acme" })],
  ["an R2 bucket without its name, and no consumer", withR2({}, {})],
  ["thirty seconds", consuming({ max_batch_timeout: 30 })],
];

/** What is doubtful: one line each, with the remedy in the words of the file. */
const DOUBTFUL: readonly (readonly [
  title: string,
  config: Config,
  line: RegExp,
  toml: string,
  json: string,
])[] = [
  [
    "consumers side by side",
    consuming({ max_concurrency: 5 }),
    /max_concurrency .* is 5:/,
    "write max_concurrency = 1",
    'write "max_concurrency": 1',
  ],
  [
    "as many consumers as Cloudflare likes",
    leavingOut("max_concurrency"),
    /max_concurrency .* is missing:/,
    "write max_concurrency = 1",
    'write "max_concurrency": 1',
  ],
  [
    "small batches",
    consuming({ max_batch_size: 99 }),
    /max_batch_size .* is 99:/,
    "write max_batch_size = 100",
    'write "max_batch_size": 100',
  ],
  [
    "batches as Cloudflare makes them",
    leavingOut("max_batch_size"),
    /max_batch_size .* is 10:/,
    "write max_batch_size = 100",
    'write "max_batch_size": 100',
  ],
  [
    "no wait",
    consuming({ max_batch_timeout: 0 }),
    /max_batch_timeout .* is 0:/,
    "write max_batch_timeout = 10",
    'write "max_batch_timeout": 10',
  ],
  [
    "a long wait",
    consuming({ max_batch_timeout: 60 }),
    /max_batch_timeout .* is 60:/,
    "write max_batch_timeout = 10",
    'write "max_batch_timeout": 10',
  ],
  [
    "few tries",
    leavingOut("max_retries"),
    /max_retries .* is 3:/,
    "write max_retries = 100",
    'write "max_retries": 100',
  ],
  [
    "no dead-letter queue",
    leavingOut("dead_letter_queue"),
    /no dead_letter_queue: .* is lost/,
    'write dead_letter_queue = "acme-events-dead"',
    'write "dead_letter_queue": "acme-events-dead"',
  ],
  [
    "a dead-letter queue that is the queue",
    consuming({ dead_letter_queue: "acme-events" }),
    /is that queue itself/,
    'write dead_letter_queue = "acme-events-dead"',
    'write "dead_letter_queue": "acme-events-dead"',
  ],
  [
    "a producer alone",
    withQueues({ producers: [PRODUCER] }),
    /EVENTS writes into the queue acme-events, which this Worker does not read/,
    'write [[queues.consumers]] with queue = "acme-events"',
    'write "queues": { "consumers": … } with "queue": "acme-events"',
  ],
  [
    "an R2 bucket without its name",
    withR2({}),
    /BUCKETS\.media has no bucket, and R2's events are about acme:.* are made once more/,
    'write bucket = "acme" in [vars.BUCKETS.media]',
    'write "bucket": "acme" in "vars": { "BUCKETS": { "media": … } }',
  ],
  [
    "an R2 bucket with another name",
    withR2({ bucket: "acme-old" }),
    /BUCKETS\.media has the bucket acme-old, .* about acme:.* are made once more/,
    'write bucket = "acme" in [vars.BUCKETS.media]',
    'write "bucket": "acme" in "vars": { "BUCKETS": { "media": … } }',
  ],
];

describe.each(["wrangler.toml", "wrangler.jsonc"])("%s", (file) => {
  test.each(WRONG)("%s is a mistake (Q2)", async (_title, config, line) => {
    const { code, lines } = await check(config, file);
    expect(lines).toContainEqual(expect.stringMatching(line));
    expect(code).toBe(2);
  });

  test.each(FINE)("%s: nothing is said (Q1)", async (_title, config) => {
    expect(await check(config, file)).toEqual({ code: 0, lines: [] });
  });

  test.each(DOUBTFUL)("%s is warned of (Q1, Q2, W10)", async (_title, config, line, toml, json) => {
    const { code, lines } = await check(config, file);
    const remedy = file.endsWith(".toml") ? toml : json;
    expect([code, lines]).toEqual([0, [expect.stringMatching(line)]]);
    expect(lines[0]).toContain(remedy);
  });
});

test("a table of an environment is that of the environment", async () => {
  const folder = createProject(staged({ producers: [{ ...PRODUCER, queue: "other" }] }));
  const { err } = await vitrine(["check"], { folder });
  expect(err).toContain("env.staging: EVENTS writes into the queue other");
  expect(err).toContain("write [[env.staging.queues.consumers]] with");
});
