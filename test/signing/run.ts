// npm run test:signing: runs the programs of docs/signing.md against the known answers. Words, such as
// `php`, choose languages. The program of a language is read from its blocks of code; main.* calls it.

import { spawnSync } from "node:child_process";
import { copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import vectors from "../../fixtures/vectors/signing.json" with { type: "json" };

type Language = {
  /** The language of its blocks of code, and the file that they become. */
  readonly block: string;
  readonly file: string;
  /** What stands before them. */
  readonly head?: string;
  readonly main: string;
  /** They run one after the other. The last one signs. */
  readonly commands: readonly (readonly [command: string, ...args: string[]])[];
  /** The package of Debian that has the first command. */
  readonly debian: string;
};

const LANGUAGES: Readonly<Record<string, Language>> = {
  php: {
    ...{ block: "php", file: "sign.php", main: "main.php", debian: "php-cli" },
    commands: [["php", "-d", "error_reporting=-1", "main.php"]],
  },
  ruby: {
    ...{ block: "ruby", file: "sign.rb", main: "main.rb", debian: "ruby" },
    commands: [["ruby", "-w", "main.rb"]],
  },
  python: {
    ...{ block: "python", file: "sign.py", main: "main.py", debian: "python3" },
    commands: [["python3", "-W", "error", "main.py"]],
  },
  go: {
    ...{ block: "go", file: "sign.go", main: "main.go", debian: "golang-go" },
    head: "package main\n\n",
    // Without optimisations: the compiler then needs two thirds of the time.
    commands: [["go", "run", "-gcflags=all=-N -l", "sign.go", "main.go"]],
  },
  java: {
    ...{ block: "java", file: "Vitrine.java", main: "Main.java", debian: "default-jdk-headless" },
    commands: [
      ["javac", "-Xlint:all", "-Werror", "Vitrine.java", "Main.java"],
      ["java", "Main"],
    ],
  },
};
const MAX_MS = 5 * 60_000;
const MAX_SHOWN = 3;

const { keys, urls, cookies, wrong } = vectors;
const secretOf = (kid: string) => Object.entries(keys).find(([name]) => name === kid)?.[1];

/** What a program reads: a line for each case, with tabs between the arguments. */
const INPUT = [
  ...urls.map(({ kid, site, route, folder, variant, file, expires, version = "" }) => {
    return ["url", kid, secretOf(kid), site, route, folder, variant, file, expires, version];
  }),
  ...cookies.map(({ kid, host, route, prefix, expires }) => {
    return ["cookie", kid, secretOf(kid), host, route, prefix, expires];
  }),
];
/** What it must print: a line for each case. */
const ANSWERS = [
  ...urls.map(({ name, url }) => ({ name, answer: url })),
  ...cookies.map(({ name, value }) => ({ name, answer: value })),
];
const MISTAKES = new Map([
  ...wrong.urls.map(({ url, mistake }) => [url, mistake] as const),
  ...wrong.cookies.map(({ value, mistake }) => [value, mistake] as const),
]);

/** Runs a program. @returns what is wrong with it: nothing, if it gives the known answers */
function faultsOf({ block, file, head = "", main, commands, debian }: Language, folder: string) {
  const page = readFileSync(join(import.meta.dirname, "../../docs/signing.md"), "utf8");
  const blocks = page.matchAll(new RegExp(`^\`\`\`${block}\n(.*?)^\`\`\`$`, "gms"));
  writeFileSync(join(folder, file), head + Array.from(blocks, ([, code]) => code).join("\n"));
  copyFileSync(join(import.meta.dirname, main), join(folder, main));
  const input = INPUT.map((line) => `${line.join("\t")}\n`).join("");
  let lines: string[] = [];
  for (const [command, ...args] of commands) {
    const settings = { cwd: folder, input, encoding: "utf8", timeout: MAX_MS } as const;
    const { error, status, stdout, stderr } = spawnSync(command, args, settings);
    if (error) return [`${error.message}. On Debian or Ubuntu: apt-get install -y ${debian}`];
    if (status !== 0) return [`${command} ended with ${status}: ${stderr}`];
    lines = stdout.trimEnd().split("\n");
  }
  if (lines.length !== ANSWERS.length) return [`It printed ${lines.length} lines.`];
  return ANSWERS.flatMap(({ name, answer }, at) => {
    const line = lines[at] ?? "";
    if (line === answer) return [];
    return [`${name}: ${MISTAKES.get(line) ?? "wrong"}\n  it made  ${line}\n  right is ${answer}`];
  });
}

const chosen = process.argv.slice(2);
for (const name of chosen.length > 0 ? chosen : Object.keys(LANGUAGES)) {
  const language = LANGUAGES[name];
  if (!language) throw new Error(`Choose of ${Object.keys(LANGUAGES).join(", ")}`);
  const folder = mkdtempSync(join(tmpdir(), "vitrine-signing-"));
  const began = performance.now();
  const faults = faultsOf(language, folder);
  rmSync(folder, { recursive: true });
  const seconds = ((performance.now() - began) / 1000).toFixed(1);
  if (faults.length > 0) process.exitCode = 1;
  const result = faults.length > 0 ? `${faults.length} faults` : `${ANSWERS.length} known answers`;
  console.log(`${name}: ${result}, ${seconds} s`);
  for (const fault of faults.slice(0, MAX_SHOWN)) console.log(`- ${fault}`);
}
