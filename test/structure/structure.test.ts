// The shape of src/: what the layout asks for, and that the linter would refuse anything else.

import { execFileSync, spawnSync } from "node:child_process";
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { longestChains, readSources, valuesFrom } from "./imports.ts";

const sources = readSources();

test("no file of src/ has more than 400 lines", () => {
  const long = [...sources].filter(([, text]) => text.split("\n").length - 1 > 400);
  expect(long.map(([file]) => file)).toEqual([]);
});

test("no chain of imports has more than twelve files", () => {
  const graph = new Map([...sources].map(([file, text]) => [file, valuesFrom(file, text)]));
  const long = longestChains(graph).filter((chain) => chain.length > 12);
  expect(long.map((chain) => chain.join(" > "))).toEqual([]);
});

/** The folders of src/cli that are commands: the linter has to be told each of them. */
const COMMANDS = readdirSync(join(ROOT, "src/cli"), { withFileTypes: true })
  .filter(({ name }) => existsSync(join(ROOT, "src/cli", name, "index.ts")))
  .map(({ name }) => name);

/** Imports that the layout does not allow: the file that has one, and what it imports. */
const FORBIDDEN: readonly (readonly [file: string, from: string, name?: string])[] = [
  ["src/url/x.ts", "../worker/base/log.ts"],
  ["src/worker/base/x.ts", "../config/schema.ts"],
  ["src/worker/base/x.ts", "../../url/key.ts"],
  ["src/worker/config/x.ts", "../request/format.ts"],
  ["src/worker/config/x.ts", "../origin/sigv4.ts"],
  ["src/worker/request/x.ts", "../origin/sigv4.ts"],
  ["src/worker/request/x.ts", "../edge/guard.ts"],
  ["src/worker/origin/x.ts", "../request/format.ts"],
  ["src/worker/origin/x.ts", "../edge/guard.ts"],
  ["src/worker/origin/x.ts", "../answer/answer.ts"],
  ["src/worker/edge/x.ts", "../answer/answer.ts"],
  ["src/worker/edge/x.ts", "../images/render-by-binding.ts"],
  ["src/worker/origin/x.ts", "../images/render-by-binding.ts"],
  ["src/worker/images/x.ts", "../cache/rendition-url.ts"],
  ["src/worker/answer/x.ts", "../origin/sigv4.ts"],
  ["src/worker/answer/x.ts", "../config/config.ts"],
  ["src/worker/answer/x.ts", "../request/format.ts", "readAccept"],
  ["src/worker/cache/x.ts", "../answer/answer.ts"],
  ["src/worker/cache/x.ts", "../purge/read-purge.ts"],
  ["src/worker/purge/x.ts", "../edge/guard.ts"],
  ["src/worker/store/x.ts", "../edge/guard.ts"],
  ["src/worker/cache/x.ts", "../store/rendition-store.ts"],
  ["src/worker/edge/x.ts", "../cache/rendition-url.ts"],
  ["src/worker/answer/x.ts", "../cache/rendition-url.ts"],
  ["src/worker/x.ts", "../cli/command.ts"],
  ["src/worker/x.ts", "../../test/support/env.ts"],
  ["src/client/x.ts", "../worker/base/log.ts"],
  ["src/emulator/edge/x.ts", "../../worker/base/log.ts", "logRefusal"],
  ["src/emulator/cache/x.ts", "../../worker/cache/loopback.ts", "Loopback"],
  ["src/emulator/edge/x.ts", "../../url/key.ts"],
  ["src/emulator/images/x.ts", "../../worker/origin/sigv4.ts"],
  ["src/emulator/r2/x.ts", "../../worker/origin/sigv4.ts"],
  ["src/emulator/x.ts", "../worker/cache/loopback.ts", "Loopback"],
  ["src/emulator/edge/x.ts", "../../cli/command.ts"],
  ["src/cli/purge/x.ts", "../warm/index.ts"],
  ["src/cli/deploy/x.ts", "../doctor/index.ts"],
  ["src/cli/config/x.ts", "../purge/index.ts"],
  ["src/cli/http/x.ts", "../config/environment-config.ts"],
  ["src/cli/terminal/x.ts", "../http/retry.ts"],
  ["src/cli/x.ts", "../dev/start.ts"],
  ["src/cli/dev/x.ts", "../../dev/start.ts"],
  ["src/cli/x.ts", "../emulator/edge/edge.ts"],
  ["src/dev/x.ts", "../../test/support/env.ts"],
  ...COMMANDS.flatMap((name): [string, string][] => [
    [`src/cli/${name}/x.ts`, "../program.ts"],
    ["src/dev/x.ts", `../cli/${name}/index.ts`],
  ]),
];

/** Imports of the same kind that the layout allows. */
const ALLOWED: typeof FORBIDDEN = [
  ["src/worker/config/y.ts", "../base/log.ts"],
  ["src/worker/config/y.ts", "../../url/key.ts"],
  ["src/worker/edge/y.ts", "../origin/sigv4.ts"],
  ["src/worker/images/y.ts", "../edge/facts.ts"],
  ["src/worker/images/y.ts", "../request/format.ts", "Asked"],
  ["src/worker/cache/y.ts", "../edge/rendition.ts"],
  ["src/worker/purge/y.ts", "../cache/rendition-url.ts"],
  ["src/worker/store/y.ts", "../cache/rendition-url.ts"],
  ["src/worker/y.ts", "./origin/sigv4.ts"],
  ["src/client/y.ts", "../url/key.ts"],
  ["src/emulator/s3/y.ts", "../edge/faults.ts"],
  ["src/emulator/s3/y.ts", "../fetch.ts"],
  ["src/emulator/images/y.ts", "../edge/faults.ts"],
  ["src/emulator/r2/y.ts", "../s3/refuse.ts"],
  ["src/emulator/y.ts", "./edge/faults.ts"],
  ["src/cli/purge/y.ts", "../config/environment-config.ts"],
  ["src/cli/purge/y.ts", "../../worker/base/log.ts"],
  ["src/dev/y.ts", "../cli/config/environment-config.ts"],
];

type Diagnostic = { category: string; location: { path: string | { file: string } } };

/** Lints a folder with these files, and gives back which of them break an import rule. */
function lint(files: ReadonlyMap<string, string>, rule: string): string[] {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-rooms-"));
  try {
    cpSync(join(ROOT, "biome.json"), join(folder, "biome.json"));
    symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
    execFileSync("git", ["init", "-q"], { cwd: folder });
    for (const [file, text] of files) {
      mkdirSync(join(folder, dirname(file)), { recursive: true });
      writeFileSync(join(folder, file), text);
    }
    const args = ["lint", "--reporter=json", "--max-diagnostics=none", "src"];
    const { stdout } = spawnSync(join(ROOT, "node_modules/.bin/biome"), args, {
      cwd: folder,
      encoding: "utf8",
    });
    const { diagnostics }: { diagnostics: Diagnostic[] } = JSON.parse(stdout);
    return diagnostics
      .filter(({ category }) => category === rule)
      .map(({ location: { path } }) => (typeof path === "string" ? path : path.file));
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Each import in a file of its own, by the place of its row. */
function filesOf(rows: typeof FORBIDDEN): Map<string, string> {
  return new Map(
    rows.map(([file, from, name = "thing"], at) => [
      file.replace(/\w\.ts$/, `row${at}.ts`),
      `import { ${name} } from "${from}";\n\nexport const used: unknown = ${name};\n`,
    ]),
  );
}

let refused: string[] = [];
const all = filesOf([...FORBIDDEN, ...ALLOWED]);

beforeAll(() => {
  refused = lint(all, "lint/style/noRestrictedImports");
});

test.each(FORBIDDEN.map(([file, from], at) => [file, from, at] as const))(
  "%s may not import %s",
  (_file, _from, at) => {
    expect(refused).toContain([...all.keys()][at]);
  },
);

test.each(ALLOWED.map(([file, from], at) => [file, from, at] as const))(
  "%s may import %s",
  (_file, _from, at) => {
    expect(refused).not.toContain([...all.keys()][FORBIDDEN.length + at]);
  },
);

test("a circle of imports, also of types, is an error", () => {
  const circle = new Map([
    ["src/url/one.ts", 'import type { Two } from "./two.ts";\n\nexport type One = Two | 1;\n'],
    ["src/url/two.ts", 'import type { One } from "./one.ts";\n\nexport type Two = One | 2;\n'],
  ]);
  expect(lint(circle, "lint/suspicious/noImportCycles").sort()).toEqual([...circle.keys()]);
});

test("what runs in an app's own Worker is a few files that import nothing of Node.js", () => {
  const reached = new Set(["src/emulator/worker.ts"]);
  for (const file of reached) {
    for (const [, from = ""] of (sources.get(file) ?? "").matchAll(/ from "([^"]+)"/g)) {
      expect(from).toMatch(/^\./);
      reached.add(join(dirname(file), from));
    }
  }
  const types = ["edge/image-options.ts", "images/types.ts"];
  const code = ["base64.ts", "binding.ts", "form.ts"].map((name) => `images/${name}`);
  const files = ["worker.ts", "through-edge.ts", "through-images.ts", ...code, ...types];
  expect([...reached].toSorted()).toEqual(files.map((name) => `src/emulator/${name}`).toSorted());
});

test.each(["sharp", "msw"])("the emulators run without %s until they need it", (name) => {
  const emulators = [...sources].filter(([file]) => file.startsWith("src/emulator/"));
  const loads = new RegExp(`^import (?!type)[^;]*"${name}`, "m");
  expect(emulators.filter(([, text]) => loads.test(text)).map(([file]) => file)).toEqual([]);
});

test("one file of the CLI starts processes: it keeps secrets from wrangler (S5)", () => {
  const starting = [...sources].filter(([, text]) => /node:child_process/.test(text));
  const files = starting.map(([file]) => file).filter((file) => file.startsWith("src/cli/"));
  expect(files).toEqual(["src/cli/wrangler/run-wrangler.ts"]);
});
