// npm run mutants: makes small mistakes in the Worker, one at a time, and lists those that no test notices. It works on
// copies of this folder, and changes nothing in it.

import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { cpSync, globSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import fc from "fast-check";
import { type Mutant, mutantsOf } from "./mutate.ts";

const ROOT = join(import.meta.dirname, "../..");
const SOURCES = "src/{url,worker}/**/*.ts";
/** How many mutants are tried at once, each in its own copy of the folder. */
const COPIES = 2;
/** The percentage that the tests must notice. */
const REQUIRED = 95;

const { values } = parseArgs({
  options: {
    mutants: { type: "string", default: "40" }, // how many that compile
    seed: { type: "string", default: "1" }, // which ones
  },
});
const count = Number(values.mutants);
const seed = Number(values.seed);
const temporary = mkdtempSync(join(tmpdir(), "vitrine-mutants-"));
const running = new Set<ChildProcess>();
const survivors: Mutant[] = [];
let tried = 0;
/** A run that prints nothing for so long has a loop without end: ms. */
let maxSilence = 300_000;
process.once("SIGINT", () => end(130)).once("SIGTERM", () => end(143));

const folders = Array.from({ length: COPIES }, (_, at) => copy(join(temporary, `${at}`)));
console.log("Without a mutant …");
const [first = ""] = folders;
const { failed, silence } = await runTests(first, "");
if (failed !== undefined) {
  console.error(`The tests must pass without a mutant: ${failed}`);
  end(2);
}
maxSilence = 20_000 + 4 * silence;

const files = globSync(SOURCES, { cwd: first }).toSorted();
const all = files.flatMap((file) => mutantsOf(file, readFileSync(join(first, file), "utf8")));
const shuffled = fc.shuffledSubarray(all, { minLength: all.length });
const candidates = fc.sample(shuffled, { seed, numRuns: 1 }).flat();
await Promise.all(folders.map(tryMutants));

const killed = tried - survivors.length;
const percent = (100 * killed) / Math.max(1, tried);
console.log(`\nKilled ${killed} of ${tried}: ${percent.toFixed(1)} %. Seed ${seed}. Survivors:`);
for (const mutant of survivors) console.log(describe(mutant));
end(percent < REQUIRED ? 1 : 0);

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
    const { file, start, end, text } = mutant;
    const source = readFileSync(join(folder, file), "utf8");
    await writeFile(join(folder, file), source.slice(0, start) + text + source.slice(end));
    const compiled = await run(folder, ["tsc", "-p", ".", "--noEmit"]);
    if (compiled.code === 0 && tried < count) {
      const number = ++tried;
      const began = Date.now();
      const { failed } = await runTests(folder, file);
      if (failed === undefined) survivors.push(mutant);
      const seconds = Math.round((Date.now() - began) / 1000);
      console.log(`${number} ${describe(mutant)}\n   ${seconds} s: ${failed ?? "SURVIVED"}`);
    }
    await writeFile(join(folder, file), source);
  }
}

/** Runs the tests, those nearest to a file first, and returns what failed first. */
async function runTests(folder: string, file: string) {
  const config = ["--config", "test/mutants/vitest.config.ts"];
  const { code, output, silence } = await run(folder, ["vitest", "run", ...config], file);
  const test = /^failed (.*)/m.exec(output)?.[1];
  const failed = code === 0 ? undefined : (test ?? /^.*Error.*/m.exec(output)?.[0] ?? "no end");
  return { failed, silence };
}

type Ended = { code: number | null; output: string; silence: number };

/** Runs a program of the packages, until it ends, a test fails, or it is silent for too long. */
function run(folder: string, [program = "", ...args]: string[], file = ""): Promise<Ended> {
  const env = { ...process.env, MUTANT_FILE: file, NO_COLOR: "1" };
  // A group of its own: with it ends what its tests have started.
  const child = spawn(join("node_modules/.bin", program), args, {
    cwd: folder,
    env,
    detached: true,
  });
  running.add(child);
  return new Promise((resolve) => {
    let output = "";
    let silence = 0;
    let heard = Date.now();
    const silent = setTimeout(() => kill(child), maxSilence);
    const listen = (text: string) => {
      output += text;
      silence = Math.max(silence, Date.now() - heard);
      heard = Date.now();
      silent.refresh();
      if (/^failed .*\n/m.test(output)) kill(child);
    };
    child.stdout.setEncoding("utf8").on("data", listen);
    child.stderr.setEncoding("utf8").on("data", listen);
    child.once("exit", (code) => {
      clearTimeout(silent);
      kill(child);
      running.delete(child);
      resolve({ code, output, silence });
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

function end(code: number): never {
  for (const child of running) kill(child);
  rmSync(temporary, { recursive: true, force: true, maxRetries: 5 });
  process.exit(code);
}
