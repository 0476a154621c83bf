// Finds the line of each setting in wrangler.toml or wrangler.jsonc, for annotations. wrangler has read the file already, so
// it is valid. A setting in one line with its table, or with its list, is at that line.

/** Lines from 1, by the path of the setting: `env.staging.vars.ROUTES[0].path`. */
export type SettingLines = ReadonlyMap<string, number>;

export function findSettingLines(file: string, text: string): SettingLines {
  return file.endsWith(".toml") ? linesOfToml(text) : linesOfJson(text);
}

/**
 * Returns the line of a setting, else that of the table that would have it.
 * @param environment that which has the setting; undefined: the top level
 * @param path as a message names it: `PRESETS.card.width`
 */
export function lineOf(
  lines: SettingLines,
  environment: string | undefined,
  path: string,
): number | undefined {
  for (let rest = path; rest !== ""; rest = outerPath(rest)) {
    // An environment inherits wrangler's keys, and no vars.
    const candidates =
      environment === undefined
        ? [`vars.${rest}`, rest]
        : [`env.${environment}.vars.${rest}`, `env.${environment}.${rest}`, rest];

    const written = candidates.find((candidate) => lines.has(candidate));
    if (written !== undefined) return lines.get(written);
  }
  return environment === undefined ? undefined : lines.get(`env.${environment}`);
}

/** The table or the list around a setting. It is always shorter, whatever a name in the path may be. */
function outerPath(path: string): string {
  const cut = Math.max(path.lastIndexOf("."), path.lastIndexOf("["), 0);
  return path.slice(0, cut);
}

const TOML_NAME = /"(?:[^"\\]|\\.)*"|'[^']*'|[\w-]+/g;
const TOML_PATH = `(?<path>(?:${TOML_NAME.source})(?:\\s*\\.\\s*(?:${TOML_NAME.source}))*)`;

/** `[vars.ANSWERS]` and `[[vars.ROUTES]]`. */
const TOML_TABLE = new RegExp(`^\\s*(?<open>\\[\\[?)\\s*${TOML_PATH}\\s*\\]`);
const TOML_SETTING = new RegExp(`^\\s*${TOML_PATH}\\s*=`);

function linesOfToml(text: string): SettingLines {
  const lines = new Map<string, number>();
  const lengths = new Map<string, number>();
  let table = "";
  let isInText = false;

  for (const [index, line] of text.split("\n").entries()) {
    // A text of many lines may look like settings.
    const isContinued = isInText;
    const marks = line.match(/"""|'''/g) ?? [];
    if (marks.length % 2 === 1) isInText = !isInText;
    if (isContinued) continue;

    const header = TOML_TABLE.exec(line)?.groups;
    const setting = TOML_SETTING.exec(line)?.groups;
    const names = namesOfToml(header?.["path"] ?? setting?.["path"] ?? "");
    if (names.length === 0) continue;

    let path = setting === undefined ? "" : table;
    for (const name of names) {
      path = joinPath(lastItem(path, lengths), name);
      if (!lines.has(path)) lines.set(path, index + 1);
    }
    if (header === undefined) continue;

    if (header["open"] === "[[") lengths.set(path, (lengths.get(path) ?? 0) + 1);
    table = lastItem(path, lengths);
    if (!lines.has(table)) lines.set(table, index + 1);
  }
  return lines;
}

function namesOfToml(path: string): readonly string[] {
  return (path.match(TOML_NAME) ?? []).map((name) => name.replace(/^(["'])(.*)\1$/, "$2"));
}

/** `vars.ROUTES[1]` after the second `[[vars.ROUTES]]`: the next tables are below it. */
function lastItem(path: string, lengths: ReadonlyMap<string, number>): string {
  const length = lengths.get(path);
  return length === undefined ? path : `${path}[${length - 1}]`;
}

function joinPath(path: string, name: string): string {
  return path === "" ? name : `${path}.${name}`;
}

const JSON_TOKEN = /\/\/.*|\/\*[\s\S]*?\*\/|"(?<text>(?:[^"\\]|\\.)*)"|[{}[\],:]/g;

/** An object or a list that is open. */
type Container = {
  readonly kind: "object" | "list";
  readonly path: string;
  /** In an object, the name of the setting that is being read. */
  name: string;
  /** In a list, the number of the item that is being read. */
  item: number;
};

function linesOfJson(text: string): SettingLines {
  const lines = new Map<string, number>();
  const containers: Container[] = [];
  let lastText = "";

  for (const { 0: token, index, groups } of text.matchAll(JSON_TOKEN)) {
    const container = containers.at(-1);
    switch (token) {
      case "{":
      case "[": {
        const kind = token === "{" ? "object" : "list";
        const path = container === undefined ? "" : pathOf(container);
        containers.push({ kind, path, name: "", item: 0 });
        if (container?.kind === "list") lines.set(path, lineAt(text, index));
        break;
      }
      case "}":
      case "]":
        containers.pop();
        break;
      case ",":
        if (container !== undefined) container.item += 1;
        break;
      case ":":
        if (container === undefined) break;
        container.name = lastText;
        lines.set(pathOf(container), lineAt(text, index));
        break;
      default:
        lastText = groups?.["text"] ?? lastText;
    }
  }
  return lines;
}

/** The path of what is being read. */
function pathOf({ kind, path, name, item }: Container): string {
  return kind === "list" ? `${path}[${item}]` : joinPath(path, name);
}

function lineAt(text: string, index: number): number {
  return text.slice(0, index).split("\n").length;
}
