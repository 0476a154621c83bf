// npm run mutants: makes small mistakes in the Worker, one at a time, and lists those that no test notices. It works on
// copies of this folder, and changes nothing in it.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { availableParallelism, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { type Mutant, mutantsOf } from "./mutate.ts";

const ROOT = join(import.meta.dirname, "../..");
/** How many mutants are tried at once, each in its own copy of the folder. */
const COPIES = availableParallelism();
const REQUIRED = 95;
/** A run that prints nothing for so long has a loop without end. A test that waits too long fails within 80 s. */
const MAX_SILENCE_MS = 120_000;
/** Where tests run the Worker without importing it: in a thread, or the bundle of it. */
const RUNNERS = ["hostile/thread.ts", "support/harness.ts", "support/workerd.ts"];

const { values } = parseArgs({
  options: {
    mutants: { type: "string", default: "40" }, // how many that compile
    seed: { type: "string", default: "1" }, // which ones
    files: { type: "string", default: "src/{url,worker}/**/*.ts" }, // where
  },
});
const SOURCES = globSync(values.files, { cwd: ROOT })
  .filter((path) => path.endsWith(".ts")) // not a folder
  .toSorted();
const count = Number(values.mutants);
const seed = Number(values.seed);
const temporary = mkdtempSync(join(tmpdir(), "vitrine-mutants-"));
const running = new Set<ChildProcess>();
process.once("exit", () => {
  for (const child of running) kill(child);
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
});
process.once("SIGINT", () => process.exit(130)).once("SIGTERM", () => process.exit(143));

const noticed: Record<Outcome["state"], Mutant[]> = { failed: [], hung: [], survived: [] };
let tried = 0;

const folders = Array.from({ length: COPIES }, (_, at) => copy(join(temporary, `${at}`)));
console.log("Without a mutant …");
const [first = ""] = folders;
const { state, test } = await runTests(first, SOURCES);
if (state !== "survived") {
  console.error(`The tests must pass without a mutant: ${test}`);
  process.exit(2);
}

const all = SOURCES.flatMap((file) => mutantsOf(file, readFileSync(join(first, file), "utf8")));
const shuffled = fc.shuffledSubarray(all, { minLength: all.length });
const candidates = fc.sample(shuffled, { seed, numRuns: 1 }).flat();
await Promise.all(folders.map(tryMutants));

const { survived, hung } = noticed;
const percent = (100 * (tried - survived.length)) / Math.max(1, tried);
console.log(`\n${percent.toFixed(1)} % of ${tried} are noticed. Seed ${seed}.`);
for (const mutant of hung) console.log(`Hung: ${describe(mutant)}`);
for (const mutant of survived) console.log(`Survived: ${describe(mutant)}`);
process.exit(percent < REQUIRED ? 1 : 0);

/** Copies what git has, with the changes of now. The packages stay where they are. */
function copy(folder: string): string {
  const listed = ["ls-files", "--cached", "--others", "--exclude-standard", "-z"];
  const paths = execFileSync("git", listed, { cwd: ROOT, encoding: "utf8" }).split("\0");
  for (const path of [...paths.filter(Boolean), "dist"]) {
    cpSync(join(ROOT, path), join(folder, path), { recursive: true });
  }
  symlinkSync(join(ROOT, "node_modules"), join(folder, "node_modules"));
  execFileSync("git", ["init", "--quiet"], { cwd: folder });
  return folder;
}

async function tryMutants(folder: string): Promise<void> {
  while (tried < count) {
    const mutant = candidates.pop();
    if (mutant === undefined) return;
    const { file } = mutant;
    const source = readFileSync(join(folder, file), "utf8");
    await writeFile(
      join(folder, file),
      source.slice(0, mutant.start) + mutant.text + source.slice(mutant.end),
    );
    const compiled = await run(folder, ["tsc", "-p", ".", "--noEmit"]);
    if (compiled.code === 0 && tried < count) {
      const number = ++tried;
      const began = Date.now();
      let outcome = await runTests(folder, [file]);
      // Once more: a busy machine is no loop without end.
      if (outcome.state === "hung") outcome = await runTests(folder, [file]);
      noticed[outcome.state].push(mutant);
      const seconds = Math.round((Date.now() - began) / 1000);
      console.log(`${number} ${describe(mutant)}\n   ${seconds} s: ${outcome.test}`);
    }
    await writeFile(join(folder, file), source);
  }
}

/** The result of the tests, and the line that they printed. `hung`: one ran into its time limit, or the run did not end. */
type Outcome = { readonly state: "survived" | "failed" | "hung"; readonly test: string };

/** Runs the tests that can notice a change of these files, those nearest to a single one first. */
async function runTests(folder: string, changed: readonly string[]): Promise<Outcome> {
  const related = [...changed, ...RUNNERS.map((runner) => `test/${runner}`)];
  const args = ["related", ...related, "--run", "--config", "test/mutants/vitest.config.ts"];
  const [changedFile = ""] = changed.length === 1 ? changed : [];
  const { code, output } = await run(folder, ["vitest", ...args], changedFile);
  const [test, state] = /^(failed|hung|A secret was) .*/m.exec(output) ?? [];
  if (test !== undefined) return { state: state === "hung" ? state : "failed", test };
  if (code === 0) return { state: "survived", test: "survived" };
  return { state: "hung", test: `hung: it ended with ${code}` };
}

type Ended = { code: number | null; output: string };

/** Runs a program of the packages, until it ends, a test fails, or it is silent for too long. */
function run(folder: string, [program = "", ...args]: string[], file = ""): Promise<Ended> {
  const env = { ...process.env, MUTANT_FILE: file, NO_COLOR: "1", TMPDIR: temporary };
  // A group of its own: with it ends what its tests have started.
  const options = { cwd: folder, env, detached: true };
  const child = spawn(join("node_modules/.bin", program), args, options);
  running.add(child);
  return new Promise((resolve) => {
    let output = "";
    const silent = setTimeout(() => kill(child), MAX_SILENCE_MS);
    const listen = (text: string) => {
      output += text;
      silent.refresh();
      if (/^(failed|hung) .*\n/m.test(output)) kill(child);
    };
    child.stdout.setEncoding("utf8").on("data", listen);
    child.stderr.setEncoding("utf8").on("data", listen);
    child.once("exit", (code) => {
      clearTimeout(silent);
      kill(child);
      running.delete(child);
      resolve({ code, output });
    });
  });
}

function kill({ pid }: ChildProcess): void {
  try {
    if (pid !== undefined) process.kill(-pid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

function describe({ file, line, before, text }: Mutant): string {
  const short = (code: string) => code.replace(/\s+/g, " ").slice(0, 70);
  return `${file}:${line} ${short(before)} → ${short(text) || "(removed)"}`;
}
