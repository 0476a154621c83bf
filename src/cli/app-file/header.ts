// The head of the file for an app. It keeps the options that the file was written with, so that a check
// needs none of them. It never names the path of the file: that differs from machine to machine.

const FIRST_LINE = "// Written by `npx vitrine client` from wrangler.toml.";
/** A file that begins with one of these may be replaced. Remove none: files in apps have them. */
const FIRST_LINES = [
  FIRST_LINE,
  "// Written by `npm run client` of Vitrine from its wrangler.toml.", // 0.1.0
];

/** Where Vitrine is: its URL, or an expression of the app that gives it. Undefined: as wrangler.toml says. */
export type Where = string | { readonly from: Expression } | undefined;

/** What an app's bundler or its runtime replaces by a variable of its environment. */
export type Expression = {
  /** `process.env.IMAGES_URL`. */
  readonly code: string;
  /** `IMAGES_URL`. */
  readonly name: string;
};

/** What the file was written with. */
export type Written = { readonly environment?: string | undefined; readonly where?: Where };

/** Returns an expression, or undefined if the text is anything but a variable of the environment. */
export function readExpression(code: string): Expression | undefined {
  const [, name] = /^(?:process|import\.meta)\.env\.([A-Za-z_]\w*)$/.exec(code) ?? [];
  return name === undefined ? undefined : { code, name };
}

export function writeHeader(written: Written): string {
  const options = optionsText(written);
  const told = options === "" ? "" : `// Options:${options}\n`;
  return `${FIRST_LINE}
${told}// Do not edit it: run that again after a change of the presets or the routes there.
/* eslint-disable */
`;
}

/** Returns whether `vitrine client` wrote a file. */
export function isWritten(text: string): boolean {
  return FIRST_LINES.some((line) => text.startsWith(line));
}

/** The options as one types them, each with a space before it. */
export function optionsText({ environment, where }: Written): string {
  const env = environment === undefined ? "" : ` --env ${quoted(environment)}`;
  if (where === undefined) return env;
  return typeof where === "string"
    ? `${env} --base-url ${quoted(where)}`
    : `${env} --base-url-from ${where.from.code}`;
}

/** Reads the options from a file, as `writeHeader` wrote them. It ignores what it does not know. */
export function readOptions(text: string): Written {
  const [, line = ""] = /^.*\r?\n\/\/ Options:(.*)/.exec(text) ?? [];
  const options = [...line.matchAll(/ --(env|base-url|base-url-from) ("(?:[^"\\]|\\.)*"|\S+)/g)];
  const given = (option: string) => options.find(([, name]) => name === option)?.[2];
  const expression = readExpression(given("base-url-from") ?? "");
  return {
    environment: unquoted(given("env")),
    where: expression === undefined ? unquoted(given("base-url")) : { from: expression },
  };
}

function quoted(value: string): string {
  return /^[\w.:/-]+$/.test(value) ? value : JSON.stringify(value);
}

function unquoted(value: string | undefined): string | undefined {
  if (!value?.startsWith('"')) return value;
  try {
    return String(JSON.parse(value));
  } catch {
    return undefined;
  }
}
