// The queues of an account, and the rules of its R2 buckets, as wrangler shows and changes them: its words are those of
// wrangler 4.164. R2 refuses a rule whose keys and events overlap with those of another one (Q5). Others write that it goes by
// the keys alone: `isStrict` has R2 do so.

export type Rule = {
  readonly id?: string;
  readonly queue: string;
  readonly prefix?: string;
  readonly suffix?: string;
  readonly actions?: readonly string[];
};

type Reply = { readonly code: number; readonly output: string };

export type QueueAccount = ReturnType<typeof createQueueAccount>;

const ACTIONS_OF = {
  "object-create": ["PutObject", "CompleteMultipartUpload", "CopyObject"],
  "object-delete": ["DeleteObject", "LifecycleDeletion"],
};

export const ACTIONS = Object.values(ACTIONS_OF).flat();

export function createQueueAccount() {
  /** The Workers that read each queue. */
  const queues = new Map<string, string[]>();

  /** The rules of each bucket. */
  const rules = new Map<string, Rule[]>();
  const objects: string[] = [];

  const account = {
    queues,
    rules,
    /** Whether R2 refuses rules by their keys alone. */
    isStrict: false,
    /** What was put and deleted. */
    objects,
    /** In place of an answer, by the beginning of the words of the command. */
    replies: new Map<string, Reply>(),
    /** @returns undefined: the command is about something else */
    answer(args: readonly string[]): Reply | undefined {
      const line = args.join(" ");
      for (const [start, reply] of account.replies) if (line.startsWith(start)) return reply;

      const [first, second, third = "", fourth = "", bucket = ""] = args;
      if (first === "queues" && second === "info") return infoOf(queues, third);
      if (first === "queues" && second === "create") return create(queues, third);
      if (first === "r2" && second === "object") {
        objects.push(`${third} ${fourth}`);
        return { code: 0, output: "Upload complete.\n" };
      }
      if (first !== "r2" || second !== "bucket" || third !== "notification") return undefined;
      if (fourth === "list") return listOf(rules.get(bucket), bucket);
      if (fourth === "delete") return removeRule(account, bucket, args);

      return fourth === "create" ? addRule(account, bucket, args) : undefined;
    },
  };

  return account;
}

const failed = (text: string): Reply => ({ code: 1, output: `\n✘ [ERROR] ${text}\n\n` });

function infoOf(queues: QueueAccount["queues"], name: string): Reply {
  const workers = queues.get(name);
  if (workers === undefined) return missing(name);

  const list = workers.map((worker) => `worker:${worker}`).join(",");
  const lines = [
    `Queue Name: ${name}`,
    "Queue ID: 0123456789abcdef0123456789abcdef",
    "Created On: 2026-12-01T09:00:00.000000Z",
    "Last Modified: 2026-12-01T09:00:00.000000Z",
    "Number of Producers: 0",
    `Number of Consumers: ${workers.length}`,
    ...(workers.length === 0 ? [] : [`Consumers: ${list}`]),
  ];

  return { code: 0, output: `${lines.join("\n")}\n` };
}

function missing(name: string): Reply {
  return failed(
    `Queue "${name}" does not exist. To create it, run: wrangler queues create ${name}`,
  );
}

function create(queues: QueueAccount["queues"], name: string): Reply {
  if (queues.has(name)) return failed(`Queue name '${name}' is already taken. [code: 11009]`);
  queues.set(name, []);
  return { code: 0, output: `🌀 Creating queue '${name}'\n✅ Created queue '${name}'\n` };
}

function listOf(rules: readonly Rule[] | undefined, bucket: string): Reply {
  const head = `Fetching notification rules for bucket ${bucket}...\n`;
  if (rules === undefined) {
    const { output } = failed("A request to the Cloudflare API failed.");
    return { code: 1, output: `${head}${output}  no configuration [code: 11015]\n` };
  }

  const blocks = withIds(rules).map(({ id, queue, prefix = "", suffix = "", actions = ACTIONS }) =>
    [
      `rule_id:     \u001b[90m${id}\u001b[39m`,
      "created_at:  2026-12-01T09:00:00.000Z",
      `queue_name:  ${queue}`,
      `prefix:      ${prefix || "(all prefixes)"}`,
      `suffix:      ${suffix || "(all suffixes)"}`,
      `event_type:  ${actions.join(",")}`,
    ].join("\n"),
  );

  return { code: 0, output: `${head}${blocks.join("\n\n")}\n` };
}

function withIds(rules: readonly Rule[]): readonly Rule[] {
  return rules.map((rule, index) => ({ id: `rule-${index}`, ...rule }));
}

type Rules = Pick<QueueAccount, "queues" | "rules" | "isStrict">;

function addRule(
  { queues, rules, isStrict }: Rules,
  bucket: string,
  args: readonly string[],
): Reply {
  const queue = valuesOf(args, "--queue")[0] ?? "";
  const prefix = args.find((arg) => arg.startsWith("--prefix="))?.slice("--prefix=".length) ?? "";
  const types = valuesOf(args, "--event-type");
  if (!queues.has(queue)) return missing(queue);

  const actions = Object.entries(ACTIONS_OF).flatMap(([type, all]) =>
    types.includes(type) ? all : [],
  );
  const present = rules.get(bucket) ?? [];
  const overlaps = ({ prefix: other = "", actions: others = ACTIONS }: Rule) =>
    (other.startsWith(prefix) || prefix.startsWith(other)) &&
    (isStrict || others.some((action) => actions.includes(action)));
  if (present.some(overlaps)) return failed("the rule overlaps with another one [code: 11020]");

  const ofActions = actions.length < ACTIONS.length ? { actions } : {};
  rules.set(bucket, [...present, { queue, prefix, ...ofActions }]);

  return { code: 0, output: "Event notification rule created successfully!\n" };
}

function removeRule({ rules }: Rules, bucket: string, args: readonly string[]): Reply {
  const [queue] = valuesOf(args, "--queue");
  const [id] = valuesOf(args, "--rule");
  const present = withIds(rules.get(bucket) ?? []);
  const left = present.filter((rule) => rule.queue !== queue || rule.id !== id);
  if (left.length === present.length) return failed("no such rule [code: 11016]");

  rules.set(bucket, [...left]);
  return { code: 0, output: "Event notification rule deleted successfully!\n" };
}

/** What stands behind an option, each time. */
function valuesOf(args: readonly string[], option: string): string[] {
  return args.flatMap((arg, index) => (args[index - 1] === option ? [arg] : []));
}
