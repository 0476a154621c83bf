// vitrine rotate: walks through the rotation of a key, so that no request fails. It may be stopped
// anywhere, and taken up again.

import { setTimeout } from "node:timers/promises";
import { Command, InvalidArgumentError } from "@commander-js/extra-typings";
import { EXIT, type Exit, type Fault, isFault, type Run, type World } from "../command.ts";
import { hasTerminal } from "../terminal/prompts.ts";
import { begin } from "./begin.ts";
import { alone } from "./lock.ts";
import { look } from "./look.ts";
import { type Options, type Plan, readPlan, USER_NAME, WAIT_S } from "./plan.ts";
import { wranglerAt } from "./put-secrets.ts";
import { readRecord } from "./record.ts";
import { changeOf, STEPS, type Step, serving } from "./steps.ts";
import { byHandLines, linesOf, type Tools, walk } from "./walk.ts";
import { tell } from "./words.ts";

export function rotateCommand(world: World, run: Run) {
  return new Command("rotate")
    .description("walks through the rotation of a key, step by step, without a failed request")
    .option("-u, --url <url>", "where Vitrine is; else the first domain under routes")
    .option("-b, --bucket <name>", "a bucket of the key that is to be rotated")
    .option("-c, --credentials <word>", "what the names of its secrets begin with, as AWS")
    .option(
      "-f, --key-file <file>",
      "the new key: what aws iam create-access-key printed, or KEY=VALUE lines; - is stdin",
    )
    .option("-k, --key <key>", "an image to look at all the time; else the canary of each bucket")
    .option("--user-name <name>", "the IAM user, for the commands that are printed", USER_NAME)
    .option("--wait <seconds>", "how long all must be well after a step", readWait, WAIT_S)
    .option(
      "--secrets-file <file>",
      "where HEALTH_TOKEN stands; else the environment, or .dev.vars",
    )
    .option("--print", "prints the commands of wrangler, and waits until they were typed elsewhere")
    .option("-y, --yes", "asks nothing; stops where only you can go on")
    .option("--restart", "forgets how far a rotation was, and begins anew")
    .option("--dry-run", "says what would be done, and does nothing")
    .addHelpText(
      "after",
      `
Steps:
${STEPS.map(({ number, title }) => `  ${number}  ${title}`).join("\n")}

It may be stopped anywhere, by Ctrl-C too, and run again to go on.

Examples:
  vitrine rotate --dry-run
  vitrine rotate
  vitrine rotate --key-file key.json --yes
  vitrine rotate --url http://localhost:8787 --key-file .dev.vars.example`,
    )
    .action((options) => run(() => rotate(world, options)));
}

function readWait(text: string): number {
  const seconds = Number(text);
  if (/^\d{1,4}$/.test(text) && seconds <= 3600) return seconds;
  throw new InvalidArgumentError("It is a number of seconds, from 0 to 3600.");
}

const TOOLS: Tools = {
  run: wranglerAt(),
  // That it was interrupted, who waits sees by the signal.
  sleep: (ms, signal) => setTimeout(ms, undefined, { signal }).catch(() => {}),
  looks: 60, // two minutes of them
};

/** Walks from wherever it is to the end, as far as it can. */
export async function rotate(
  world: World,
  options: Options,
  tools: Tools = TOOLS,
): Promise<Exit | Fault> {
  const plan = await readPlan(world, options);
  if (isFault(plan)) return plan;
  if (options.dryRun) return tellSteps(world, plan);
  if (!options.yes && !hasTerminal(world)) {
    return { fault: "There is no terminal to ask on: --yes goes on without asking" };
  }
  return alone(world.folder, () => walkAll(world, plan, tools));
}

async function walkAll(world: World, plan: Plan, tools: Tools): Promise<Exit | Fault> {
  const begun = await begin(world, plan, tools);
  if (typeof begun === "number" || isFault(begun)) return begun;

  let { record } = begun;
  for (const step of STEPS.slice(record.step - 1)) {
    const walked = await walk(begun, step, record);
    if (typeof walked === "number" || isFault(walked)) return walked;
    record = walked;
  }
  const done = `The key is rotated: ${record.new} serves.`;
  if (plan.local) {
    tell(world.stdout, done);
    return EXIT.done;
  }
  tell(
    world.stdout,
    `${done} Remove its file, if it came from one.`,
    "A day later, delete the old one:",
    `  aws iam delete-access-key --user-name ${plan.options.userName} --access-key-id <the old id>`,
  );
  return EXIT.done;
}

/** What would be done, and how all is now. */
async function tellSteps(world: World, plan: Plan): Promise<Exit | Fault> {
  const { userName } = plan.options;
  const made = `aws iam create-access-key --user-name ${userName}`;
  const ends = { old: "", new: "the new one" };
  const steps: readonly Step[] = STEPS;
  for (const step of steps) {
    const change = changeOf(step, plan.word);
    const lines = step.puts ? linesOf(plan, change) : [];
    if (step.number === 1 && plan.options.keyFile === undefined) lines.push(made);
    if (step.number === STEPS.length) lines.push(...byHandLines(plan, step, change, ends));
    tell(world.stdout, `${step.number}  ${step.title}`, ...lines.map((line) => `     ${line}`));
  }
  const { health, failed } = await look(world, plan);
  if (isFault(health)) return health;
  const known = readRecord(world.folder);
  if (isFault(known)) return known;
  if (known) tell(world.stderr, `A rotation of ${known.word} is under way, in step ${known.step}.`);
  tell(world.stderr, `Now ${serving(health)}. Nothing has been changed.`);
  return failed.length > 0 ? { fault: failed.join("\n") } : EXIT.done;
}
