// npm run fuzz: attacks the Worker with inputs made from a seed, with each engine and one thread a core. It writes the
// smallest input that breaks a property to findings.json. From then on npm test tries it.

import { writeFileSync } from "node:fs";
import { availableParallelism } from "node:os";
import { parseArgs } from "node:util";
import { ENGINES, type Engine, isEngine } from "./engines.ts";
import { FINDINGS, readFindings } from "./findings.ts";
import { isPropertyName, PROPERTIES, PROPERTY_NAMES, type PropertyName } from "./properties.ts";
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

const options = readOptions();
const { inputs, seconds, seed } = options;
const names = options.property === undefined ? PROPERTY_NAMES : [options.property];
const engines = options.engine === undefined ? ENGINES : [options.engine];
/** Each property with each engine: the ones that are tried. */
const targets = engines.flatMap((engine) => names.map((name) => targetOf(name, engine)));
const began = performance.now();
const tried = new Map(targets.map(({ id }) => [id, 0]));
const given = new Map(targets.map(({ id }) => [id, 0]));
const broken = new Set<string>();
const tally = new Map<string, number>();
const stop = new AbortController();
let portions = 0;
let kept = false;
process.once("SIGINT", () => stop.abort());

const again = `npm run fuzz -- --seed ${seed} --inputs ${inputs}`;
const chosen = `${options.property ? ` --property ${names}` : ""}${options.engine ? ` --engine ${engines}` : ""}`;
console.log(`Seed ${seed}. The same again: ${again}${chosen}`);
await Promise.all(Array.from({ length: availableParallelism() }, attack));
report();
process.exitCode = broken.size > 0 ? 1 : stop.signal.aborted ? 130 : 0;

/** Lets a thread attack until there are no more inputs. */
async function attack(): Promise<void> {
  const thread = startThread();
  for (let next = nextAttack(); next !== undefined; next = nextAttack()) {
    const late = AbortSignal.timeout(PORTION_MS);
    try {
      const outcome = await ask(thread, next, AbortSignal.any([stop.signal, late]));
      note({ ...outcome, engine: next.engine });
    } catch (error) {
      if (stop.signal.aborted) break;
      if (!late.aborted) throw error;
      const { property, engine } = next;
      broken.add(targetOf(property, engine).id);
      const where = `--property ${property} --engine ${engine} --seed ${seed}`;
      console.log(`\nBroken: ${property}: a loop without end, in npm run fuzz -- ${where}`);
      break;
    }
  }
  await thread.terminate();
}

type Target = { readonly name: PropertyName; readonly engine: Engine; readonly id: string };

function targetOf(name: PropertyName, engine: Engine): Target {
  return { name, engine, id: `${name} with ${engine}` };
}

/** The next portion: each property with each engine in turn, with its own seed. */
function nextAttack() {
  const late = seconds !== undefined && performance.now() - began > seconds * 1000;
  const open = targets.filter(
    (target) => !broken.has(target.id) && (given.get(target.id) ?? 0) < share(target),
  );
  const target = open[portions % open.length];
  if (target === undefined || late || stop.signal.aborted) return undefined;
  const { name: property, engine, id } = target;
  const before = given.get(id) ?? 0;
  const runs = Math.min(PORTION, share(target) - before);
  given.set(id, before + runs);
  portions += 1;
  // The same number if only this property or engine is tried.
  const own = PROPERTY_NAMES.indexOf(property) * 1_000_003 + ENGINES.indexOf(engine) * 97_000_007;
  return { property, engine, runs, seed: (seed + before + own) | 0 } satisfies Attack;
}

/** How many inputs a property gets with an engine. */
function share(target: Target): number {
  const extra = targets.indexOf(target) < inputs % targets.length ? 1 : 0;
  return Math.floor(inputs / targets.length) + extra;
}

function note({
  property,
  engine,
  runs,
  tally: seen,
  finding,
}: Outcome & { engine: Engine }): void {
  const { id } = targetOf(property, engine);
  tried.set(id, (tried.get(id) ?? 0) + runs);
  for (const [what, times] of Object.entries(seen)) tally.set(what, (tally.get(what) ?? 0) + times);
  if (finding !== undefined && !broken.has(id)) {
    broken.add(id);
    keep(property, engine, finding.input);
    kept = true;
    console.log(`\nBroken with ${engine}: ${property}: ${PROPERTIES[property].says}`);
    console.log(`  by (made smaller ${finding.shrinks} times): ${JSON.stringify(finding.input)}`);
    console.log(`  ${finding.error.replaceAll("\n", "\n  ")}`);
  }
  progress();
}

/** Writes a finding to findings.json, once. */
function keep(property: PropertyName, engine: Engine, input: unknown): void {
  const known = readFindings();
  const finding = { property, engine, input };
  if (known.some((one) => JSON.stringify(one) === JSON.stringify(finding))) return;
  writeFileSync(FINDINGS, `${JSON.stringify([...known, finding], null, 2)}\n`);
}

function total(): number {
  return [...tried.values()].reduce((sum, count) => sum + count, 0);
}

function progress(): void {
  const done = total();
  const took = (performance.now() - began) / 1000;
  const left = Math.round(((inputs - done) * took) / Math.max(1, done));
  const line = `${done.toLocaleString("en")} of ${inputs.toLocaleString("en")} inputs, ${broken.size} findings, ${left} s left`;
  if (process.stdout.isTTY) process.stdout.write(`\r${line}\x1b[K`);
  else if (portions % 100 === 0) console.log(line);
}

function report(): void {
  const took = (performance.now() - began) / 1000;
  console.log(process.stdout.isTTY ? "\n" : "");
  for (const name of names) {
    const own = engines.map((engine) => targetOf(name, engine));
    const count = own.reduce((sum, { id }) => sum + (tried.get(id) ?? 0), 0);
    const wrong = own.filter(({ id }) => broken.has(id)).map(({ engine }) => engine);
    const outcome = wrong.length > 0 ? `BROKEN ${wrong}` : count > 0 ? "held" : "not tried";
    const figures = `${count.toLocaleString("en").padStart(9)}  ${outcome.padEnd(9)}`;
    console.log(`${figures}  ${name}: ${PROPERTIES[name].says}`);
  }
  const seen = [...tally].sort(([one], [other]) => one.localeCompare(other));
  console.log(
    `\nRequests: ${seen.map(([what, times]) => `${times.toLocaleString("en")} ${what}`).join(", ")}`,
  );
  console.log(
    `${total().toLocaleString("en")} inputs, ${broken.size} findings, ${Math.round(took)} s, seed ${seed}${stop.signal.aborted ? ": stopped" : ""}`,
  );
  if (kept) console.log("Kept in test/hostile/findings.json: npm test tries them from now on.");
}

/** Reads the command line. If it is wrong, says why and ends. */
function readOptions() {
  try {
    const { values } = parseArgs({
      options: {
        inputs: { type: "string", default: "1000000" },
        seconds: { type: "string" },
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
    const { property } = values;
    if (property !== undefined && !isPropertyName(property)) {
      throw new Error(`--property ${property} is none of ${PROPERTY_NAMES.join(", ")}`);
    }
    const { engine } = values;
    if (engine !== undefined && !isEngine(engine)) {
      throw new Error(`--engine ${engine} is none of ${ENGINES.join(", ")}`);
    }
    return {
      engine,
      inputs: whole("--inputs", values.inputs, 1),
      seconds: values.seconds === undefined ? undefined : whole("--seconds", values.seconds, 1),
      seed: whole("--seed", values.seed, 0),
      property,
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message : error;
    console.error(`${reason}\nOptions come after two dashes: npm run fuzz -- --seed 7\n\n${HELP}`);
    process.exit(2);
  }
}

function whole(name: string, text: string, least: number): number {
  const value = Number(text);
  if (!Number.isSafeInteger(value) || value < least) {
    throw new Error(`${name} ${text} is no whole number from ${least} on`);
  }
  return value;
}
