// Joins modules of src/ into one that imports nothing. It reads the lines as the formatter writes them, and
// throws at a line that it does not know.

/** A module: its path below src/, with slashes, and its text. */
export type Source = { readonly file: string; readonly text: string };

export type Joined = {
  readonly text: string;
  /** All names declared at the top level, exported or not. */
  readonly names: ReadonlySet<string>;
  /** What each entry exports. */
  readonly exports: ReadonlyMap<string, Exports>;
};

/** Names, each with whether it is a type. */
type Exports = ReadonlyMap<string, boolean>;

type Module = {
  readonly file: string;
  /** Without the imports, and the exports from others. */
  readonly lines: readonly string[];
  readonly declared: readonly string[];
  readonly exported: Exports;
};

const FROM = /^(import|export) (?:type )?(\{[^}]*\}|\*) from "([^"]+)";\n/gm;
const DECLARATION = /^(export )?(?:async )?(function|const|let|class|type|interface) ([\w$]+)/;
/** A comment, or a line that continues the one before it. */
const OTHER = /^(?:$|\s|\/\/|\/\*|[)}\]>|])/;
const COMMENT = /^\s*(?:\/\/|\/?\*)/;

/**
 * @param sources each imports only from those before it
 * @param entries the files whose exports stay exports
 * @throws Error if a name would mean two things, or at a line that it cannot read
 */
export function joinModules(sources: readonly Source[], entries: readonly string[]): Joined {
  const modules = new Map<string, Module>();
  const home = new Map<string, string>();
  for (const source of sources) {
    const module = readModule(source, modules);
    modules.set(source.file, module);
    for (const name of module.declared) {
      const other = home.get(name);
      if (other !== undefined) throw new Error(`${source.file} and ${other} both have a ${name}`);
      home.set(name, source.file);
    }
  }
  const exports = new Map(entries.map((file) => [file, moduleAt(file, modules).exported]));
  const open = new Set([...exports.values()].flatMap((names) => [...names.keys()]));
  const texts = [...modules.values()].map(({ file, lines }) => {
    const told = lines.map((line) => {
      const [, exported, , name = ""] = DECLARATION.exec(line) ?? [];
      return exported !== undefined && !open.has(name) ? line.slice(exported.length) : line;
    });
    return `// src/${file}\n\n${told.join("\n").trim()}\n`;
  });
  return { text: texts.join("\n"), names: new Set(home.keys()), exports };
}

function readModule({ file, text }: Source, known: ReadonlyMap<string, Module>): Module {
  const passedOn = new Map<string, boolean>();
  const own = text.replaceAll("\r\n", "\n").replace(FROM, (_all, kind, what, from) => {
    const { exported } = moduleAt(resolve(file, from), known);
    const names = what === "*" ? exported.keys() : namesIn(what);
    for (const name of names) {
      const isType = exported.get(name);
      if (isType === undefined) throw new Error(`${file}: ${from} exports no "${name}"`);
      if (kind === "export") passedOn.set(name, isType);
    }
    if (kind === "import" && what === "*") throw new Error(`${file}: imports all of ${from}`);
    return "";
  });
  const lines = own.split("\n");
  const found = lines.map((line) => {
    const declaration = DECLARATION.exec(line);
    const isOther = OTHER.test(line) && (COMMENT.test(line) || !/\bimport\s*[.(]/.test(line));
    if (!declaration && !isOther) throw new Error(`${file}: cannot join the line "${line}"`);
    return declaration;
  });
  const declared = found.flatMap((match) => match?.[3] ?? []);
  const exported = found.flatMap((match): [string, boolean][] =>
    match?.[1] && match[3] ? [[match[3], /type|interface/.test(match[2] ?? "")]] : [],
  );
  return { file, lines, declared, exported: new Map([...exported, ...passedOn]) };
}

function moduleAt(file: string, modules: ReadonlyMap<string, Module>): Module {
  const module = modules.get(file);
  if (module === undefined) throw new Error(`${file} is not among the modules before`);
  return module;
}

/** The names in `{ a, type B }`. `a as b` is taken for a name, which no module exports. */
function namesIn(list: string): string[] {
  const names = list.slice(1, -1).split(",");
  return names.map((name) => name.trim().replace(/^type /, "")).filter((name) => name !== "");
}

/** A relative specifier as a path below src/. */
function resolve(file: string, from: string): string {
  return new URL(from, `file:///${file}`).pathname.slice(1);
}
