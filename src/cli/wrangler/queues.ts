// What wrangler says of a queue, and of the rules by which R2 writes the events of a bucket into queues. wrangler has no
// JSON for them, so its text is read. A text that has another form than the one known here is "not known", never "none":
// whoever takes a rule for missing would add a second one.

import type { World } from "../command.ts";
import { shellQuote } from "../terminal/shell.ts";
import { type ConfigFile, envFlag } from "./config-file.ts";
import { askWrangler, type RunWrangler } from "./run-wrangler.ts";

type Config = Omit<ConfigFile, "devVars">;

export type QueueAnswer =
  /** `workers`: the Workers that read it; undefined: that is not known. */
  | { readonly kind: "there"; readonly workers: readonly string[] | undefined }
  | { readonly kind: "missing" }
  /** wrangler may not see it. So it may not make one, nor have a Worker read it. */
  | { readonly kind: "forbidden"; readonly reason: string }
  | Unknown;

type Unknown = { readonly kind: "unknown"; readonly reason: string };

/** By which R2 writes events of a bucket into a queue. */
export type EventRule = {
  readonly id: string;
  readonly queue: string;
  /** Empty: of all keys. */
  readonly prefix: string;
  readonly suffix: string;
  /** Such as `PutObject`. */
  readonly actions: readonly string[];
};

export type RulesAnswer =
  | { readonly kind: "rules"; readonly rules: readonly EventRule[] }
  | Unknown;

/** A bucket of R2. */
export type R2Bucket = { readonly bucket: string; readonly jurisdiction: string | undefined };

const UNREADABLE = "its output has another form than the one that is known";

/** What Cloudflare answers to a token that lacks a permission, as wrangler shows it. */
const FORBIDDEN = /\[code: (?:10000|9109)\]|\b403 Forbidden\b/;

export async function readQueue(
  world: World,
  run: RunWrangler,
  config: Config,
  name: string,
): Promise<QueueAnswer> {
  const { code, output, reason } = await askWrangler(world, run, config, ["queues", "info", name]);
  const text = output.replaceAll(/\s+/g, " ");
  if (code !== 0 && text.includes(`Queue "${name}" does not exist`)) return { kind: "missing" };
  if (code !== 0 && FORBIDDEN.test(output)) return { kind: "forbidden", reason };
  if (code !== 0) return { kind: "unknown", reason };

  if (!output.split("\n").includes(`Queue Name: ${name}`)) {
    return { kind: "unknown", reason: UNREADABLE };
  }
  return { kind: "there", workers: workersIn(output) };
}

/** The Workers of `Consumers: worker:vitrine,worker:other`. Whoever pulls messages by HTTP is none. */
function workersIn(output: string): readonly string[] | undefined {
  const count = /^Number of Consumers: (?<count>\d+)$/m.exec(output)?.groups?.["count"];
  if (count === undefined) return undefined;
  if (count === "0") return [];

  const list = /^Consumers: (?<list>.*)/m.exec(output)?.groups?.["list"];
  if (list === undefined) return undefined;
  const workers = list.matchAll(/(?:^|,)worker:(?<worker>[\w-]+)(?=,|$)/g);
  return [...workers].map(({ groups }) => groups?.["worker"] ?? "");
}

/** R2 answers so if a bucket has no rule. */
const NO_RULES = /\[code: 11015\]/;

const HEAD = "Fetching notification rules for bucket ";
const LABELS = ["rule_id", "created_at", "queue_name", "prefix", "suffix", "event_type"];

export async function readRules(
  world: World,
  run: RunWrangler,
  config: Config,
  r2Bucket: R2Bucket,
): Promise<RulesAnswer> {
  const args = ["r2", "bucket", "notification", "list", ...bucketArgs(r2Bucket)];
  const { code, output, reason } = await askWrangler(world, run, config, args);
  if (code !== 0 && NO_RULES.test(output)) return { kind: "rules", rules: [] };
  if (code !== 0) return { kind: "unknown", reason };

  const rules = rulesIn(output);
  if (rules === undefined) return { kind: "unknown", reason: UNREADABLE };
  return { kind: "rules", rules };
}

/** @returns undefined if any line is none that is known */
function rulesIn(output: string): readonly EventRule[] | undefined {
  const lines = output.split(/\r?\n/);
  const head = lines.findIndex((line) => line.startsWith(HEAD));
  if (head < 0) return undefined;

  const text = lines.slice(head + 1).join("\n");
  const blocks = text.split(/\n\s*\n/).filter((block) => block.trim() !== "");
  const rules: EventRule[] = [];
  for (const block of blocks) {
    const rule = ruleOf(block.trim());
    if (rule === undefined) return undefined;
    rules.push(rule);
  }
  return rules;
}

function ruleOf(block: string): EventRule | undefined {
  const values = new Map<string, string>();
  for (const line of block.split("\n")) {
    const { label = "", value = "" } = /^(?<label>\w+):(?<value>.*)$/.exec(line)?.groups ?? {};
    if (!LABELS.includes(label) || values.has(label)) return undefined;
    values.set(label, value.trim());
  }

  const queue = values.get("queue_name");
  const prefix = values.get("prefix");
  const suffix = values.get("suffix");
  const actions = values.get("event_type");
  const isWhole = prefix !== undefined && suffix !== undefined && Boolean(queue && actions);
  if (!isWhole || queue === undefined || actions === undefined) return undefined;
  return {
    id: values.get("rule_id") ?? "",
    queue,
    prefix: prefix === "(all prefixes)" ? "" : prefix,
    suffix: suffix === "(all suffixes)" ? "" : suffix,
    actions: actions.split(","),
  };
}

/** The kinds of events that a rule of wrangler may have. */
export const EVENT_KINDS = ["object-create", "object-delete"] as const;
export type EventKind = (typeof EVENT_KINDS)[number];

/** wrangler's words that make a rule for what is created and deleted below a prefix. */
export function ruleArgs(
  r2Bucket: R2Bucket,
  prefix: string,
  queue: string,
  kinds: readonly EventKind[] = EVENT_KINDS,
): readonly string[] {
  const types = kinds.flatMap((kind) => ["--event-type", kind]);
  const start = ["r2", "bucket", "notification", "create", ...bucketArgs(r2Bucket), ...types];
  const ofPrefix = prefix === "" ? [] : [`--prefix=${prefix}`];
  return [...start, "--queue", queue, ...ofPrefix];
}

/** The name of a bucket, and the options that say where it is. */
export function bucketArgs({ bucket, jurisdiction }: R2Bucket): readonly string[] {
  return jurisdiction === undefined ? [bucket] : [bucket, "--jurisdiction", jurisdiction];
}

/** A command of wrangler, for an operator to paste: each environment may have an account of its own. */
export function wranglerLine(config: Config, args: readonly string[]): string {
  return ["npx wrangler", ...args.map(shellQuote)].join(" ") + envFlag(config);
}
