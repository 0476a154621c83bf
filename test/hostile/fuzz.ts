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
import { type Attack, ask, type Outcome, startThread } from "./thread.ts";

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

/** A property with an engine. */
type Target = {
  readonly property: PropertyName;
  readonly engine: Engine;
  /** How many inputs it gets in all, got, and has tried. */
  readonly share: number;
  given: number;
  tried: number;
  isBroken: boolean;
};

const { inputs, seconds, seed, property, engine } = readOptions();
const names = property === undefined ? PROPERTY_NAMES : [property];
const engines = engine === undefined ? ENGINES : [engine];
const pairs = engines.flatMap((engine) => names.map((property) => ({ property, engine })));
const targets = pairs.map((pair, at): Target => {
  const share = Math.floor(inputs / pairs.length) + (at < inputs % pairs.length ? 1 : 0);
  return { ...pair, share, given: 0, tried: 0, isBroken: false };
});
const began = performance.now();
const tally = new Map<string, number>();
const stop = new AbortController();
let portions = 0;
process.once("SIGINT", () => stop.abort());

const chosen = `${property ? ` --property ${property}` : ""}${engine ? ` --engine ${engine}` : ""}`;
console.log(`Seed ${seed}: npm run fuzz -- --seed ${seed} --inputs ${inputs}${chosen}`);
await Promise.all(Array.from({ length: availableParallelism() }, attack));
report();
const isBroken = targets.some((target) => target.isBroken);
process.exitCode = isBroken ? 1 : stop.signal.aborted ? 130 : 0;

/** Lets a thread attack until there are no more inputs. */
async function attack(): Promise<void> {
  const thread = startThread();
  for (let target = nextTarget(); target !== undefined; target = nextTarget()) {
    const late = AbortSignal.timeout(PORTION_MS);
    try {
      const signal = AbortSignal.any([stop.signal, late]);
      note(target, await ask(thread, portionOf(target), signal));
    } catch (error) {
      if (stop.signal.aborted) break;
      if (!late.aborted) throw error;
      target.isBroken = true;
      console.log(`\nBroken with ${target.engine}: ${target.property}: a loop without end`);
      break;
    }
  }
  await thread.terminate();
}

/** Each property with each engine in turn. */
function nextTarget(): Target | undefined {
  const isLate = seconds !== undefined && performance.now() - began > seconds * 1000;
  const open = targets.filter(({ isBroken, given, share }) => !isBroken && given < share);
  return isLate || stop.signal.aborted ? undefined : open[portions++ % open.length];
}

/** The next inputs, with their own seed: the same if only this property or engine is tried. */
function portionOf(target: Target): Attack {
  const { property, engine, given, share } = target;
  const runs = Math.min(PORTION, share - given);
  target.given += runs;
  const own = PROPERTY_NAMES.indexOf(property) * 1_000_003 + ENGINES.indexOf(engine) * 97_000_007;
  return { property, engine, runs, seed: (seed + given + own) | 0 };
}

function note(target: Target, { runs, tally: seen, finding }: Outcome): void {
  target.tried += runs;
  for (const [what, times] of Object.entries(seen)) tally.set(what, (tally.get(what) ?? 0) + times);
  if (finding !== undefined && !target.isBroken) {
    const { property, engine } = target;
    target.isBroken = true;
    console.log(`\nBroken with ${engine}: ${property}: ${PROPERTIES[property].says}`);
    console.log(`  by (made smaller ${finding.shrinks} times): ${JSON.stringify(finding.input)}`);
    console.log(`  ${finding.error.replaceAll("\n", "\n  ")}`);
    const all = [...readFindings(), { property, engine, input: finding.input }];
    writeFileSync(FINDINGS, `${JSON.stringify(all, null, 2)}\n`);
  }
  const line = `${total(targets).toLocaleString("en")} of ${inputs.toLocaleString("en")} inputs`;
  if (process.stdout.isTTY) process.stdout.write(`\r${line}\x1b[K`);
  else if (portions % 100 === 0) console.log(line);
}

function total(some: readonly Target[]): number {
  return some.reduce((sum, { tried }) => sum + tried, 0);
}

function report(): void {
  console.log("");
  for (const name of names) {
    const own = targets.filter(({ property }) => property === name);
    const wrong = own.filter(({ isBroken }) => isBroken).map(({ engine }) => engine);
    const count = total(own);
    const outcome = wrong.length > 0 ? `BROKEN ${wrong}` : count > 0 ? "held" : "not tried";
    const figures = `${count.toLocaleString("en").padStart(9)}  ${outcome.padEnd(9)}`;
    console.log(`${figures}  ${name}: ${PROPERTIES[name].says}`);
  }
  const seen = [...tally].sort(([one], [other]) => one.localeCompare(other));
  const counts = seen.map(([what, times]) => `${times.toLocaleString("en")} ${what}`).join(", ");
  const findings = targets.filter(({ isBroken }) => isBroken).length;
  const took = Math.round((performance.now() - began) / 1000);
  console.log(`\nRequests: ${counts}`);
  console.log(`${total(targets)} inputs, ${findings} findings, ${took} s, seed ${seed}`);
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
