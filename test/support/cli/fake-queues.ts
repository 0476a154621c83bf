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

      switch (`${first} ${second}`) {
        case "queues info":
          return infoOf(queues, third);
        case "queues create":
          return create(queues, third);
        case "r2 object":
          objects.push(`${third} ${fourth}`);
          return { code: 0, output: "Upload complete.\n" };
        case "r2 bucket":
          return third === "notification" ? answerRules(account, fourth, bucket, args) : undefined;
        default:
          return undefined;
      }
    },
  };

  return account;
}

/** `wrangler r2 bucket notification …` */
function answerRules(
  account: Rules,
  verb: string,
  bucket: string,
  args: readonly string[],
): Reply | undefined {
  switch (verb) {
    case "list":
      return listOf(account.rules.get(bucket), bucket);
    case "delete":
      return removeRule(account, bucket, args);
    case "create":
      return addRule(account, bucket, args);
    default:
      return undefined;
  }
}

const failed = (text: string): Reply => ({ code: 1, output: `\n✘ [ERROR] ${text}\n\n` });

function infoOf(queues: QueueAccount["queues"], name: string): Reply {
  const workers = queues.get(name);
  if (workers === undefined) return missing(name);

  const names = workers.map((worker) => `worker:${worker}`);
  const lines = [
    `Queue Name: ${name}`,
    "Queue ID: 0123456789abcdef0123456789abcdef",
    "Created On: 2026-12-01T09:00:00.000000Z",
    "Last Modified: 2026-12-01T09:00:00.000000Z",
    "Number of Producers: 0",
    `Number of Consumers: ${workers.length}`,
  ];
  if (workers.length > 0) lines.push(`Consumers: ${names.join(",")}`);

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

  const blocks = withIds(rules).map(describeRule);
  return { code: 0, output: `${head}${blocks.join("\n\n")}\n` };
}

function describeRule(rule: Rule): string {
  const { id, queue, prefix, suffix, actions = ACTIONS } = rule;
  const lines = [
    `rule_id:     \u001b[90m${id}\u001b[39m`,
    "created_at:  2026-12-01T09:00:00.000Z",
    `queue_name:  ${queue}`,
    `prefix:      ${prefix || "(all prefixes)"}`,
    `suffix:      ${suffix || "(all suffixes)"}`,
    `event_type:  ${actions.join(",")}`,
  ];
  return lines.join("\n");
}

function withIds(rules: readonly Rule[]): Rule[] {
  return rules.map((rule, index) => ({ id: `rule-${index}`, ...rule }));
}

type Rules = Pick<QueueAccount, "queues" | "rules" | "isStrict">;

function addRule(account: Rules, bucket: string, args: readonly string[]): Reply {
  const { queues, rules, isStrict } = account;
  const [queue = ""] = valuesOf(args, "--queue");
  if (!queues.has(queue)) return missing(queue);

  const rule = { queue, prefix: prefixIn(args), actions: actionsIn(args) };
  const present = rules.get(bucket) ?? [];
  const isOverlap = present.some((other) => overlaps(rule, other, isStrict));
  if (isOverlap) return failed("the rule overlaps with another one [code: 11020]");

  const { actions, ...ofAllActions } = rule;
  const added = actions.length < ACTIONS.length ? rule : ofAllActions;
  rules.set(bucket, [...present, added]);
  return { code: 0, output: "Event notification rule created successfully!\n" };
}

function prefixIn(args: readonly string[]): string {
  const option = "--prefix=";
  const arg = args.find((candidate) => candidate.startsWith(option));
  return arg === undefined ? "" : arg.slice(option.length);
}

function actionsIn(args: readonly string[]): string[] {
  const types = valuesOf(args, "--event-type");
  const actions: string[] = [];
  for (const [type, ofType] of Object.entries(ACTIONS_OF)) {
    if (types.includes(type)) actions.push(...ofType);
  }
  return actions;
}

/** @param isStrict whether the keys alone count */
function overlaps(rule: Rule, other: Rule, isStrict: boolean): boolean {
  const { prefix = "", actions = ACTIONS } = rule;
  const { prefix: otherPrefix = "", actions: otherActions = ACTIONS } = other;

  const isOfSameKeys = otherPrefix.startsWith(prefix) || prefix.startsWith(otherPrefix);
  const isOfSameActions = otherActions.some((action) => actions.includes(action));
  return isOfSameKeys && (isStrict || isOfSameActions);
}

function removeRule({ rules }: Rules, bucket: string, args: readonly string[]): Reply {
  const [queue] = valuesOf(args, "--queue");
  const [id] = valuesOf(args, "--rule");
  const present = withIds(rules.get(bucket) ?? []);
  const others = present.filter((rule) => rule.queue !== queue || rule.id !== id);
  if (others.length === present.length) return failed("no such rule [code: 11016]");

  rules.set(bucket, others);
  return { code: 0, output: "Event notification rule deleted successfully!\n" };
}

/** What stands behind an option, each time. */
function valuesOf(args: readonly string[], option: string): string[] {
  return args.flatMap((arg, index) => (args[index - 1] === option ? [arg] : []));
}
