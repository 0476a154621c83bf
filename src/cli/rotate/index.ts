// vitrine rotate: leads through the rotation of a key without a failed request. It can be stopped at any time
// and continued later.

import { Command } from "@commander-js/extra-typings";
import { type End, EXIT, isFault, type Run, type World } from "../command.ts";
import { openSite } from "../config/project.ts";
import { sleep } from "../http/retry.ts";
import {
  collect,
  dryRunOption,
  envOption,
  OBJECTS,
  restartOption,
  secretsFileOption,
  urlOption,
  wholeNumber,
} from "../options.ts";
import { hasTerminal } from "../terminal/prompts.ts";
import { wranglerAt } from "../wrangler/run-wrangler.ts";
import { begin } from "./begin.ts";
import { deleteOldKey, linesOf, listKeys } from "./command-lines.ts";
import { alone } from "./lock.ts";
import { observe } from "./observe.ts";
import { type Options, type Plan, type Rotation, type Tools, USER_NAME, WAIT_S } from "./plan.ts";
import { readPlan } from "./read-plan.ts";
import { readRecord } from "./record.ts";
import { tell } from "./report.ts";
import { serving } from "./slots.ts";
import { STEPS } from "./steps.ts";
import { isEnd, walk } from "./walk.ts";

export function rotateCommand(world: World, run: Run) {
  return new Command("rotate")
    .description("leads through the rotation of an S3 key, step by step, without a failed request")
    .addOption(envOption())
    .addOption(urlOption())
    .option("-b, --bucket <name>", "a bucket whose key you want to rotate")
    .option("-c, --credentials <word>", "the first word of its secrets' names, for example AWS")
    .option("-f, --key-file <file>", "the new key as aws prints it, or KEY=VALUE lines; - is stdin")
    .option("-k, --key <key>", "an image to check; repeatable; default: the canaries", collect)
    .option("--user-name <name>", "the IAM user in the commands that it prints", USER_NAME)
    .option("--wait <seconds>", "how long all must work after a step", wholeNumber(0, 3600), WAIT_S)
    .addOption(secretsFileOption("HEALTH_TOKEN"))
    .option("--print", "prints the commands of wrangler instead of running them")
    .option("-y, --yes", "asks nothing, and stops before the step that only you can do")
    .addOption(restartOption())
    .addOption(dryRunOption())
    .addHelpText(
      "after",
      `
Steps:
${STEPS.map(({ number, title }) => `  ${number}  ${title}`).join("\n")}

You can stop it at any time with Ctrl-C. Run it again to continue.
${OBJECTS}

Examples:
  npx vitrine rotate --dry-run
  npx vitrine rotate
  npx vitrine rotate --key-file key.json --yes
  npx vitrine rotate --url http://localhost:8787 --key-file key.json`,
    )
    .action((options) => run(() => rotate(world, options)));
}

/** 60 looks take two minutes. */
const TOOLS: Tools = { run: wranglerAt(), sleep, looks: 60 };

export async function rotate(world: World, options: Options, tools: Tools = TOOLS): Promise<End> {
  const site = openSite(world, options);
  if (isFault(site)) return site;
  const plan = await readPlan(site, options, world.now());
  if (isFault(plan)) return plan;
  if (options.dryRun) return tellSteps(world, plan);
  if (!options.yes && !hasTerminal(world)) {
    return { fault: "There is no terminal to ask on. Use --yes to continue without questions" };
  }
  return alone(world.folder, plan.place, () => walkAll({ world, plan, tools }));
}

async function walkAll(rotation: Rotation): Promise<End> {
  const { world, plan } = rotation;
  const begun = await begin(rotation);
  if (isEnd(begun)) return begun;
  let { record } = begun;
  while (record.step <= STEPS.length) {
    const walked = await walk({ ...rotation, ...begun }, record);
    if (isEnd(walked)) return walked;
    record = walked;
  }
  const done = `The key is rotated: ${record.new} serves.`;
  // An operator said that the last step is done, or nobody did.
  const unseen = "Whether the old key is inactive was not looked at";
  const deployed = [
    `${done} If the new key came from a file, remove that file.`,
    `${unseen}: ${listKeys(plan)}`,
    "A day later, delete it:",
    `  ${deleteOldKey(plan, record)}`,
  ];
  const own = plan.played ? [done] : [done, `${unseen}.`];
  tell(world.stdout, ...(plan.local ? own : deployed));
  return EXIT.done;
}

async function tellSteps(world: World, plan: Plan): Promise<End> {
  for (const step of STEPS) {
    const lines = linesOf(plan, step, { old: "", new: "the new one" });
    tell(world.stdout, `${step.number}  ${step.title}`, ...lines.map((line) => `     ${line}`));
  }
  const { health, failed } = await observe(world, plan);
  if (isFault(health)) return health;
  const known = readRecord(world.folder, plan.place);
  if (isFault(known)) return known;
  if (known) tell(world.stderr, `A rotation of ${known.word} is under way, in step ${known.step}.`);
  tell(world.stderr, `Now ${serving(health)}. Nothing has been changed.`);
  return failed.length > 0 ? { fault: failed.join("\n") } : EXIT.done;
}
