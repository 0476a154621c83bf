// npm run fuzz: attacks the Worker with inputs made from a seed, with each engine and one thread a core. It writes the
// smallest input that breaks a property to findings.json. From then on npm test tries it.

import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { ENGINES, type Engine, isEngine } from "./engines.ts";
import {
  FINDINGS,
  isPropertyName,
  PROPERTIES,
  PROPERTY_NAMES,
  type PropertyName,
  readFindings,
} from "./properties.ts";
import { type Attack, type Outcome, runAttack, startThread } from "./thread.ts";

const HELP = `Attacks the Worker with random inputs: npm run fuzz -- [options]

  --inputs <n>        the number of inputs (1000000)
  --seconds <n>       end after that time, even if inputs are left
  --seed <n>          repeats the inputs of this seed (default: a new seed, which is printed)
  --property <name>   tries only one property: ${PROPERTY_NAMES.join(", ")}
  --engine <name>     tries only one engine: ${ENGINES.join(", ")}

Findings are written to test/hostile/findings.json. From then on npm test tries them.
The exit code is 1 if there is a finding.
`;
/** How many inputs a thread gets at once, and their time limit in ms. */
const PORTION = 1000;
const PORTION_MS = 600_000; // also with `nice`, on a busy machine

const { inputs, seconds, seed, property, engine } = readOptions();
const names = property === undefined ? PROPERTY_NAMES : [property];
const engines = engine === undefined ? ENGINES : [engine];
const portions = portionsOf();
const tried = new Map<PropertyName, number>(names.map((name) => [name, 0]));
const broken = new Set<string>();
const tally = new Map<string, number>();
const began = performance.now();
const stop = new AbortController();
process.once("SIGINT", () => stop.abort());

const chosen = `${property ? ` --property ${property}` : ""}${engine ? ` --engine ${engine}` : ""}`;
console.log(`Seed ${seed}: npm run fuzz -- --seed ${seed} --inputs ${inputs}${chosen}`);
await Promise.all(Array.from({ length: availableParallelism() }, attack));
report();
process.exitCode = broken.size > 0 ? 1 : stop.signal.aborted ? 130 : 0;

/** Each property with each engine in turn, with seeds of its own: the same if it alone is tried. */
function portionsOf(): (Attack & { readonly runs: number; readonly engine: Engine })[] {
  const pairs = engines.flatMap((engine) => names.map((property) => ({ property, engine })));
  const shares = pairs.map((pair, at) => {
    const runs = Math.floor(inputs / pairs.length) + (at < inputs % pairs.length ? 1 : 0);
    const offset =
      PROPERTY_NAMES.indexOf(pair.property) * 1_000_003 + ENGINES.indexOf(pair.engine) * 97_000_007;
    return Array.from({ length: Math.ceil(runs / PORTION) }, (_, number) => {
      const start = number * PORTION;
      const size = Math.min(PORTION, runs - start);
      return { ...pair, runs: size, seed: (seed + start + size + offset) | 0 };
    });
  });
  const rounds = Array.from({ length: shares[0]?.length ?? 0 }, (_, round) => round);
  return rounds.flatMap((round) => shares.flatMap((share) => share[round] ?? []));
}

async function attack(): Promise<void> {
  const thread = startThread();
  while (!stop.signal.aborted) {
    const next = portions.shift();
    const isLate = seconds !== undefined && performance.now() - began > seconds * 1000;
    if (next === undefined || isLate) break;
    if (broken.has(`${next.property} ${next.engine}`)) continue;
    const timeout = AbortSignal.timeout(PORTION_MS);
    try {
      note(next, await runAttack(thread, next, AbortSignal.any([stop.signal, timeout])));
    } catch (error) {
      if (stop.signal.aborted) break;
      if (!timeout.aborted) throw error;
      broken.add(`${next.property} ${next.engine}`);
      console.log(`\nBroken with ${next.engine}: ${next.property}: a loop without end`);
      break;
    }
  }
  await thread.terminate();
}

function note({ property, engine }: (typeof portions)[number], outcome: Outcome): void {
  const { runs, tally: counts, finding } = outcome;
  tried.set(property, (tried.get(property) ?? 0) + runs);
  for (const [name, times] of Object.entries(counts))
    tally.set(name, (tally.get(name) ?? 0) + times);
  if (process.stdout.isTTY) process.stdout.write(`\r${total()} of ${inputs} inputs\x1b[K`);
  if (finding === undefined || broken.has(`${property} ${engine}`)) return;
  broken.add(`${property} ${engine}`);
  console.log(`\nBroken with ${engine}: ${property}: ${PROPERTIES[property].sentence}`);
  console.log(`  by (made smaller ${finding.shrinks} times): ${JSON.stringify(finding.input)}`);
  console.log(`  ${finding.error.replaceAll("\n", "\n  ")}`);
  const all = [...readFindings(), { property, engine, input: finding.input }];
  writeFileSync(FINDINGS, `${JSON.stringify(all, null, 2)}\n`);
}

function total(): number {
  return [...tried.values()].reduce((sum, count) => sum + count, 0);
}

function report(): void {
  console.log("");
  for (const [name, count] of tried) {
    const isBroken = [...broken].some((one) => one.startsWith(`${name} `));
    const outcome = isBroken ? "BROKEN" : count > 0 ? "held" : "not tried";
    console.log(
      `${`${count}`.padStart(9)}  ${outcome.padEnd(9)}  ${name}: ${PROPERTIES[name].sentence}`,
    );
  }
  const counts = [...tally].sort().map(([name, times]) => `${times} ${name}`);
  const took = Math.round((performance.now() - began) / 1000);
  console.log(`\nRequests: ${counts.join(", ")}`);
  console.log(`${total()} inputs, ${broken.size} findings, ${took} s, seed ${seed}`);
}

/** Reads the command line. If it is wrong, says why and ends. */
function readOptions() {
  const whole = (name: string, text: string, min: number) => {
    const value = Number(text);
    if (Number.isSafeInteger(value) && value >= min) return value;
    throw new Error(`${name} ${text} is no whole number from ${min} on`);
  };
  try {
    const { values } = parseArgs({
      options: {
        inputs: { type: "string", default: "1000000" },
        seconds: { type: "string", default: "0" },
        seed: { type: "string", default: `${(Math.random() * 2 ** 31) | 0}` },
        property: { type: "string" },
        engine: { type: "string" },
        help: { type: "boolean", short: "h" },
      },
    });
    if (values.help) {
      console.log(HELP);
      process.exit(0);
    }
    const { property, engine } = values;
    if (property !== undefined && !isPropertyName(property)) throw new Error("no such property");
    if (engine !== undefined && !isEngine(engine)) throw new Error("no such engine");
    return {
      ...{ property, engine, seed: whole("--seed", values.seed, 0) },
      inputs: whole("--inputs", values.inputs, 1),
      seconds: whole("--seconds", values.seconds, 0) || undefined,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    console.error(`${reason}\nOptions come after two dashes: npm run fuzz -- --seed 7\n\n${HELP}`);
    process.exit(2);
  }
}
