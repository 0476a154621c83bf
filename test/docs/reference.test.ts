// Generates the parts of the pages that the source has already, from its tables and comments: they stand between
// `<!-- generated: NAME -->` and `<!-- generated -->`. With `-u` it writes them anew.

import { join } from "node:path";
import { inspect } from "node:util";
import { expect, test } from "vitest";
import {
  type KnownOriginal,
  type PredictedRefusal,
  predictRefusal,
} from "../../src/cli/picture/predict-refusal.ts";
import { SWITCHES as CACHE_SWITCHES } from "../../src/emulator/cache/cache.ts";
import type { Rule } from "../../src/emulator/check.ts";
import { SWITCH_RULES } from "../../src/emulator/edge/switches.ts";
import { R2_FAULTS } from "../../src/emulator/r2/r2.ts";
import { S3_FAULTS, S3_GRANTS } from "../../src/emulator/s3/faults.ts";
import { presetSchema } from "../../src/worker/config/preset.ts";
import type { Refusal } from "../../src/worker/http/refusal.ts";
import { LEVELS } from "../../src/worker/log/log.ts";
import { refusalAnswer } from "../../src/worker/response/answer.ts";
import { ROOT } from "../support/built.ts";
import { markdownTable } from "../support/markdown-table.ts";
import { RANGES } from "../support/tables/ranges.ts";
import { readPage } from "./pages.ts";

const COMMAND = "npx vitest run --config test/vitest.config.ts test/docs/reference.test.ts -u";

const code = (text: string) => `\`${text}\``;
const linkTo = (event: string) => `[${code(event)}](#${event})`;

type Switches = Readonly<Record<string, Rule & { readonly strict?: unknown }>>;

/** A line for each switch: its strict value, the other values, its rule, and the comment in front of it. */
function switchLines(file: string, switches: Switches): string[] {
  const comments = new Map(
    Array.from(
      readPage(file).matchAll(/\/\*\*((?:(?!\*\/).)*)\*\/\n {2}(\w+): switchOf\(/gs),
      ([, comment = "", name = ""]) => [name, comment.replace(/\s*\n\s*\*?\s*/g, " ").trim()],
    ),
  );
  return Object.entries(switches).map(([name, { expected, test, strict }]) => {
    const comment = comments.get(name) ?? expect.unreachable(`${name} has no comment`);
    const [, meaning, rule] = /^(.*) \(([A-Z]\d[^()]*)\)\.$/s.exec(comment) ?? [];
    const text = meaning === undefined ? comment : `${meaning}.`;
    const [, values = ""] = /^one of (.*)$/.exec(expected) ?? [];
    const alternatives = values
      .split(", ")
      .map((value) => (test(value) ? JSON.stringify(value) : value))
      .filter((value) => !["", "true", "false", JSON.stringify(strict)].includes(value));
    const value = inspect(strict, { numericSeparator: true, breakLength: Infinity });
    const rest = alternatives.length > 0 ? `, or ${alternatives.map(code).join(", ")}` : "";
    const source = rule === undefined ? "" : ` (${rule})`;
    return `- ${code(name)}: ${code(value.replaceAll("'", '"'))}${rest}${source}. ${text}`;
  });
}

const isOpen = (line: string) => /, (?:open|seen)\)/.test(line);

/** Groups of switches, by the letter of their rules. */
const GROUPS: ReadonlyMap<string, string> = new Map([
  ["E", "requests"],
  ["R", "answers"],
  ["O", "options"],
]);

/** The group of a switch, by its line. */
function groupOf(line: string): string {
  if (line.startsWith("- `binding")) return "binding";
  const [, letter = ""] = / \(([A-Z])\d/.exec(line) ?? [];
  return GROUPS.get(letter) ?? "limits";
}

/** The lines of the switches of the edge whose behaviour is open, or is not, of one group. */
function edgeSwitchLines(group: string, shouldBeOpen: boolean): string[] {
  const lines = switchLines("src/emulator/edge/switches.ts", SWITCH_RULES);
  return lines.filter((line) => groupOf(line) === group && isOpen(line) === shouldBeOpen);
}

/** What the Worker expects of an option: its own words for values of every kind that are wrong. */
function rangeOf(option: string): string {
  const ranges = [null, "?", [null], { "?": 1 }].flatMap((value) => {
    const mistakes: string[] = [];
    presetSchema({ width: 1, [option]: value }, "", (path, message) => {
      if (/ option|is missing/.test(message)) mistakes.push("a table");
      const [, expected = ""] =
        /is not (?:one of )?(.*?)(?:, or is empty|, without quotes|: .*)?$/.exec(message) ?? [];
      mistakes.push(path.includes("[0]") ? `each ${expected}` : expected);
    });
    return mistakes.slice(0, 1);
  });
  const texts = [...new Set(ranges)].filter(Boolean).join("; ");
  return texts.replace(`between 0 and ${Number.MAX_VALUE}`, "from 0");
}

/** The options of a preset: those with one range and one default share a line. */
function optionTable(): string[] {
  const defaults: Readonly<Record<string, unknown>> = {
    ...presetSchema({ width: 1 }, "", () => {}),
  };
  const rows = new Map<string, string[]>();
  for (const option of Object.keys(RANGES)) {
    const value = option === "width" ? "" : `${defaults[option] ?? ""}`;
    const row = `${rangeOf(option)} | ${value && code(value)}`;
    rows.set(row, [...(rows.get(row) ?? []), code(option)]);
  }
  const cells = Array.from(rows, ([row, options]) => [options.join(", "), ...row.split(" | ")]);
  return markdownTable(["option", "takes", "default"], cells);
}

/** A line for each answer: the events of the log that lead to it. */
async function answerLines(): Promise<string[]> {
  const source = readPage("src/worker/http/refusal.ts");
  const events = new Set(
    Array.from(source.matchAll(/"([a-z]+(?:-[a-z]+)+)"/g), ([, name]) => name),
  );
  const answers = new Map<string, string[]>();
  for (const event of events) {
    const refusal = { event, allow: "GET, HEAD", certain: true } as Refusal;
    const answer = refusalAnswer(refusal, {}, 0);
    const text = (await answer.text()).trim();
    const retry = answer.headers.has("retry-after") ? ", with `retry-after`" : "";
    const line = `- **${answer.status}** "${text}"${retry}: `;
    answers.set(line, [...(answers.get(line) ?? []), linkTo(`${event}`)]);
  }
  return Array.from(answers, ([line, links]) => line + links.join(", ")).sort();
}

/** A line for each level of the log's other lines. */
function noticeLines(): string[] {
  const events = Object.entries<string>(LEVELS);
  return ["info", "warn", "error"].map((level) => {
    const links = events
      .filter(([, eventLevel]) => eventLevel === level)
      .map(([event]) => linkTo(event));
    return `- ${code(level)}: ${links.join(", ")}`;
  });
}

type S3FaultTable = Readonly<Record<string, { readonly does: string; readonly rule: string }>>;

/** A row for each fault of S3: what happens, and the rule that it plays. */
function s3FaultTable(kind: string, faults: S3FaultTable): string[] {
  const rows = Object.entries(faults).map(([name, { does, rule }]) => [code(name), does, rule]);
  return markdownTable([kind, "what happens", "rule"], rows);
}

/** A row for each fault of R2. */
function r2FaultTable(): string[] {
  const rows = Object.entries(R2_FAULTS).map(([name, does]) => [code(name), does]);
  return markdownTable(["fault", "what happens"], rows);
}

/** Originals of which one thing is not ordinary. */
const ORIGINALS: Readonly<Record<string, Partial<KnownOriginal>>> = {
  "JPEG, PNG, GIF, WebP": {},
  SVG: { format: "SVG" },
  HEIC: { format: "HEIC" },
  AVIF: { format: "AVIF" },
  "JPEG XL": { format: "JPEG XL" },
  TIFF: { format: "TIFF" },
  area: { sides: { width: 10_001, height: 10_000 } },
  side: { sides: { width: 12_001, height: 1 } },
  "bytes of the edge": { bytes: 100_000_001 },
  "bytes of the binding": { bytes: 20_000_001 },
};

/** A row for each kind of original: what visitors get of it with each engine, and why not the picture. */
function originalTable(): string[] {
  const rows = Object.entries(ORIGINALS).map(([kind, change]) => {
    const original: KnownOriginal = { format: undefined, bytes: 1, ...change };
    // No route with `svg = true` may lead to a bucket of the binding.
    const byEdge = predictRefusal(original, { engine: "cf", svg: true });
    const byBinding = predictRefusal(original, { engine: "binding", svg: false });
    const reason = (byEdge ?? byBinding)?.reason ?? "";
    const limit = / at most (?<limit>.*)$/.exec(reason)?.groups?.["limit"];
    const name = limit === undefined ? kind : `over ${limit}`;
    const cause = limit === undefined ? (byEdge?.reason ?? "") : "";
    return [name, shownAs(byEdge), shownAs(byBinding), cause];
  });
  return markdownTable(["original", 'engine `"cf"`', 'engine `"binding"`', "why"], rows);
}

function shownAs(prediction: PredictedRefusal | undefined): string {
  if (prediction === undefined) return "shown";
  return prediction.isCertain ? "415" : "shown, or 415";
}

const PARTS: Readonly<
  Record<string, Readonly<Record<string, () => string[] | Promise<string[]>>>>
> = {
  "docs/switches.md": {
    "states of requests": () => edgeSwitchLines("requests", false),
    "states of answers": () => edgeSwitchLines("answers", false),
    "states of limits": () => edgeSwitchLines("limits", false),
    "states of the binding": () => edgeSwitchLines("binding", false),
    "open requests": () => edgeSwitchLines("requests", true),
    "open answers": () => edgeSwitchLines("answers", true),
    "open options": () => edgeSwitchLines("options", true),
    "open limits": () => edgeSwitchLines("limits", true),
    "open binding": () => edgeSwitchLines("binding", true),
    cache: () => switchLines("src/emulator/cache/cache.ts", CACHE_SWITCHES),
  },
  "docs/emulator.md": {
    "faults of S3": () => s3FaultTable("fault", S3_FAULTS),
    "grants of S3": () => s3FaultTable("grant", S3_GRANTS),
    "faults of R2": r2FaultTable,
  },
  "docs/apps.md": { originals: originalTable },
  "docs/configuration.md": { options: optionTable },
  "docs/errors.md": { answers: answerLines, notices: noticeLines },
};

test.each(Object.entries(PARTS))("%s has what the source says", async (page, parts) => {
  let text = readPage(page);
  for (const [name, createLines] of Object.entries(parts)) {
    const lines = await createLines();
    const part = new RegExp(`(<!-- generated: ${name} -->\n).*?(<!-- generated -->)`, "s");
    expect(text).toMatch(part);
    text = text.replace(
      part,
      (_all, opening, closing) => `${opening}\n${lines.join("\n")}\n\n${closing}`,
    );
  }
  await expect(text, `write it anew: ${COMMAND}`).toMatchFileSnapshot(join(ROOT, page));
});
