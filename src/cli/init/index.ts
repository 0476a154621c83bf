// vitrine init: makes a new project in a folder. It asks at a terminal for what the options leave out, and overwrites
// nothing.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { type End, EXIT, type Fault, paint, print, type Run, say, type World } from "../command.ts";
import { askText, type Cancelled, hasTerminal } from "../terminal/prompts.ts";
import { shellQuote, visible } from "../terminal/shell.ts";
import { PACKED, type ProjectFiles, projectFiles } from "./project-files.ts";
import { MISTAKES, type Options, type Settings, settingsOf } from "./settings.ts";

export function initCommand(world: World, run: Run) {
  return new Command("init")
    .description("makes a new project in a folder, and says what to do next")
    .argument("[folder]", "the folder, which may have other files in it", ".")
    .option("--bucket <name>", "the name of the bucket")
    .option("--endpoint <url>", "its S3 endpoint, without the bucket; default: an R2 bucket")
    .option("--host <name>", "the domain to show it on; default: none yet")
    .option("--environments <names>", "such as staging,production; default: none")
    .option("--no-store", "makes renditions anew where Workers Cache has forgotten them")
    .addHelpText("after", HELP)
    .action((folder, options) => run(() => init(world, folder, options)));
}

const HELP = `
At a terminal it asks for what the options leave out. It overwrites nothing.
The last environment is that of visitors. The others add their names: acme-media-staging, staging.images.example.com.

Examples:
  vitrine init images
  vitrine init images --bucket acme-media --endpoint https://s3.eu-west-1.amazonaws.com
  vitrine init images --bucket acme-media --host images.example.com --environments staging,production`;

const QUESTIONS = [
  ["bucket", "The name of the bucket, such as acme-media"],
  ["endpoint", "Its S3 endpoint, such as https://s3.eu-west-1.amazonaws.com, or nothing for R2"],
  ["host", "The domain to show it on, such as images.example.com, or nothing for now"],
  ["environments", "Environments, such as staging,production, or nothing"],
] as const;

async function init(world: World, shown: string, given: Options): Promise<End> {
  const folder = resolve(world.folder, shown);
  const options = await askForTheRest(world, given);
  if (options === "cancelled") return EXIT.interrupted;
  const mistakes = QUESTIONS.flatMap(([option]) => {
    const message = MISTAKES[option](options);
    return message === undefined ? [] : [`  --${option}: ${message}`];
  });
  if (mistakes.length > 0) {
    const text = ["Nothing is written:", ...mistakes].map(visible).join("\n");
    say(world.stderr, paint(world, world.stderr, "red", text));
    return EXIT.usage;
  }
  const settings = settingsOf(options, basename(folder));
  const files = projectFiles(settings);
  const fault = writeProject(folder, files, shown);
  if (fault !== undefined) return fault;
  const written = Object.keys(files).map((path) => `  ${join(shown, path)}`);
  print(world.stdout, ...[`Wrote ${written.length} files:`, ...written, ""].map(visible));
  // `cd -` goes to the last folder, and -x is an option.
  const path = /^[-+]/.test(shown) ? `./${shown}` : shown;
  const enter = folder === resolve(world.folder) ? "" : `cd ${shellQuote(path)} && `;
  const copy = existsSync(join(folder, PACKED)) ? "" : `cp path/to/${PACKED} . && `;
  say(world.stdout, ...nextSteps(settings, `${enter}${copy}npm install`).map(visible));
  return EXIT.done;
}

/** Asks for each option that is not given, if there is a terminal, and if no given one is wrong. */
async function askForTheRest(world: World, given: Options): Promise<Options | Cancelled> {
  const isWrong = QUESTIONS.some(([one]) => given[one] !== undefined && MISTAKES[one](given));
  if (!hasTerminal(world) || isWrong) return given;
  let options = given;
  for (const [option, message] of QUESTIONS) {
    if (given[option] !== undefined) continue;
    const fault = (answer: string) => MISTAKES[option]({ ...options, [option]: answer });
    const answer = await askText(world, message, fault);
    if (answer === "cancelled") return answer;
    options = { ...options, [option]: answer };
  }
  return options;
}

/** Writes no file over one that is there. wrangler would read the last two, and ignore wrangler.toml. */
function writeProject(folder: string, files: ProjectFiles, shown: string): Fault | undefined {
  const paths = [...Object.keys(files), "wrangler.json", "wrangler.jsonc"];
  const there = paths.filter((path) => existsSync(join(folder, path)));
  if (there.length > 0) {
    const reason = `${there.join(", ")}: there already, and init overwrites nothing`;
    return { fault: `${shown}: ${reason}. Nothing is written: name another folder` };
  }
  try {
    for (const [path, text] of Object.entries(files)) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { flag: "wx" });
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { fault: `${shown}: not all files could be written: ${error.message}` };
  }
}

/** @param install the command that enters the folder and installs the packages */
function nextSteps({ places, s3 }: Settings, install: string): string[] {
  const [{ environment }] = places;
  const deploy = `npm run deploy${environment === undefined ? "" : ` -- --env ${environment}`}`;
  const page = `docs/deploy.md, ${s3 ? "step 1" : "“With R2 alone”"}`;
  return [
    ...["Next:", `  1. ${install}`, "  2. npm start, and open http://localhost:8787/"],
    `  3. ${deploy}, after what it needs: ${page}`,
  ];
}
