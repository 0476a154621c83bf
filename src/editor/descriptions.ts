// The text of each setting, as docs/configuration.md has it: the last cell of its row, its item of a list, or the sentence
// that begins with its name. So a page and an editor say the same.

import { type JsonSchema, propertiesOf } from "./record.ts";

/** The sections of the page that describe the options of a variable, the first one first. */
const SECTIONS: Readonly<Record<string, readonly string[]>> = {
  BUCKETS: ["`[vars.BUCKETS.<name>]`", "R2 by a binding"],
  ROUTES: ["`[[vars.ROUTES]]`"],
  PRESETS: ["`[vars.PRESETS.<name>]`"],
  ANSWERS: ["`[vars.ANSWERS]`"],
  COSTS: ["`[vars.COSTS]`"],
  OIDC: ["`[vars.OIDC]`"],
  DOCS_URL: ["`vars.DOCS_URL`"],
  answers: ["Answers of a route"],
  token: ["Tokens"],
  draw: ["Overlays", "`[vars.PRESETS.<name>]`"],
};

/** For each section: its options and their texts, and the text of the section itself, whose name is "". */
type Descriptions = ReadonlyMap<string, ReadonlyMap<string, string>>;

export function readDescriptions(page: string): Descriptions {
  const sections = page.split(/^#{2,3} /m).slice(1);
  return new Map(
    sections.map((section) => {
      const [heading = "", ...lines] = section.split("\n");
      return [heading, readSection(lines.join("\n"))];
    }),
  );
}

function readSection(markdown: string): ReadonlyMap<string, string> {
  const texts = new Map<string, string>();
  const withoutCode = markdown.replace(/^```.*?^```/gms, "");

  for (const line of withoutCode.split("\n")) {
    const isProse = /^(?:[A-Z]|`)/.test(line);
    if (isProse && !texts.has("")) texts.set("", plainText(line));

    for (const { names, text } of entriesOf(line)) {
      for (const [, name = ""] of names.matchAll(/`(\w+)`/g)) {
        const earlier = texts.get(name);
        const sentence = plainText(text);
        texts.set(name, earlier === undefined ? sentence : `${earlier} ${sentence}`);
      }
    }
  }
  return texts;
}

type Entry = { readonly names: string; readonly text: string };

/** The options that a line describes. */
function entriesOf(line: string): readonly Entry[] {
  const row = /^\| (?<names>`\w+`(?:, `\w+`)*) *\| (?<second>.*?) *\| (?<third>.*?) *\|$/.exec(
    line,
  );
  if (row?.groups) {
    const { names = "", second = "", third = "" } = row.groups;
    // In the table of presets, the second column says what an option takes. In the others, it is the default.
    const isRange = /^(?:a |each |true or |[a-z]+(?:-[a-z]+)*(?:[,;]|$)|text|0,)/.test(second);
    const isOfPresets = isRange && (third === "" || /^`[\w-]+`$/.test(third));
    return [{ names, text: isOfPresets ? `Takes: ${second}.` : third }];
  }

  const item = /^- (?<names>`\w+`(?: and `\w+`|, `\w+`)*)[^:`]*: (?<text>.*)$/.exec(line);
  if (item?.groups) {
    const { names = "", text = "" } = item.groups;
    return [{ names, text }];
  }

  // A sentence such as "`most` is how many US dollars …".
  const sentences = line.split(/(?<=\.) (?=`)/);
  return sentences.flatMap((sentence) => {
    const names = /^(?:`\w+`(?: \([^)]*\))?(?: and )?)+(?= (?:is|are) )/.exec(sentence)?.[0];
    return names === undefined ? [] : [{ names, text: sentence }];
  });
}

/** Markdown without its links and emphasis. It begins with a capital letter, and ends with a full stop. */
function plainText(markdown: string): string {
  const text = markdown
    .replace(/\[(?<label>(?:`[^`]*`|[^\]])*)\]\([^)]*\)/g, "$<label>")
    .replace(/\*\*|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)/g, "")
    .trim();
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return /[.:]$/.test(sentence) ? sentence : `${sentence}.`;
}

/** Adds the texts of the page. @throws if the page says nothing of an option */
export function withDescriptions(
  variables: Readonly<Record<string, JsonSchema>>,
  descriptions: Descriptions,
): Readonly<Record<string, JsonSchema>> {
  const described = Object.entries(variables).map(([name, schema]) => {
    const sections = SECTIONS[name.replace("_2", "")] ?? [];
    const text = lookUp(descriptions, sections, "");
    if (text === undefined) throw new Error(`docs/configuration.md has no section of ${name}`);
    return [name, { ...describe(schema, sections, descriptions), description: text }] as const;
  });
  return Object.fromEntries(described);
}

/** Describes the options of a table, and of the tables in it. */
function describe(
  schema: JsonSchema,
  sections: readonly string[],
  descriptions: Descriptions,
): JsonSchema {
  const described: Record<string, unknown> = { ...schema };

  for (const keyword of ["additionalProperties", "items", "then", "else"]) {
    const inner = schema[keyword];
    if (isSchema(inner)) described[keyword] = describe(inner, sections, descriptions);
  }

  const { anyOf } = schema;
  if (Array.isArray(anyOf)) {
    described["anyOf"] = anyOf.map((inner) => describe(inner, sections, descriptions));
  }

  if (schema["properties"] === undefined) return described;
  described["properties"] = Object.fromEntries(
    Object.entries(propertiesOf(schema)).map(([option, inner]) => {
      const ownSections = SECTIONS[option];
      const nested = describe(inner, ownSections ?? [], descriptions);
      const text = lookUp(descriptions, sections, option) ?? takes(inner);
      if (text === undefined && sections.length > 0) {
        throw new Error(`docs/configuration.md says nothing of ${option} in ${sections.join()}`);
      }
      return [option, text === undefined ? nested : { ...nested, description: text }];
    }),
  );
  return described;
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function lookUp(
  descriptions: Descriptions,
  sections: readonly string[],
  option: string,
): string | undefined {
  for (const section of sections) {
    const text = descriptions.get(section)?.get(option);
    if (text !== undefined) return text;
  }
  return undefined;
}

/** What an option takes, in the words of its check. */
function takes({ errorMessage }: JsonSchema): string | undefined {
  if (typeof errorMessage !== "string") return undefined;
  const expected = errorMessage.replace("is not ", "").replace(", or is empty", "");
  return `Takes: ${expected}.`;
}
