// vitrine init: makes a new project in a folder. It asks at a terminal for what the options leave out, and overwrites
// nothing.

import { basename, join, resolve } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { type End, EXIT, isFault, paint, print, type Run, say, type World } from "../command.ts";
import { askText, type Cancelled, hasTerminal } from "../terminal/prompts.ts";
import { shellQuote, visible } from "../terminal/shell.ts";
import { findPackageSource } from "./package-source.ts";
import { projectFiles } from "./project-files.ts";
import { MISTAKES, type Options, type Settings, settingsOf } from "./settings.ts";
import { writeProject } from "./write-project.ts";

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

Environments are deployed in their order. The last one is that of visitors: it has the bucket and the host as
they are given. The others add their names: acme-media-staging, staging.images.example.com.

Examples:
  vitrine init images
  vitrine init images --bucket acme-media
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
  const options = await askForTheRest(world, given, basename(folder));
  if (options === "cancelled") return EXIT.interrupted;
  const mistakes = QUESTIONS.flatMap(([option]) => {
    const message = MISTAKES[option](options, basename(folder));
    return message === undefined ? [] : [`  --${option}: ${message}`];
  });
  if (mistakes.length > 0) {
    const text = ["Nothing is written:", ...mistakes].map(visible).join("\n");
    say(world.stderr, paint(world, world.stderr, "red", text));
    return EXIT.usage;
  }
  const settings = settingsOf(options, basename(folder));
  const { dependency, install } = findPackageSource(folder);
  const files = projectFiles(settings, dependency);
  const fault = writeProject(folder, files, shown);
  if (isFault(fault)) return fault;
  const written = Object.keys(files).map((path) => `  ${join(shown, path)}`);
  print(world.stdout, ...[`Wrote ${written.length} files:`, ...written, ""].map(visible));
  // `cd -` goes to the last folder, and -x is an option.
  const path = /^[-+]/.test(shown) ? `./${shown}` : shown;
  const enter = folder === resolve(world.folder) ? "" : `cd ${shellQuote(path)} && `;
  say(world.stdout, ...nextSteps(settings, enter + install).map(visible));
  return EXIT.done;
}

/** Asks for each option that is not given, if there is a terminal, and if no given one is wrong. */
async function askForTheRest(
  world: World,
  given: Options,
  folder: string,
): Promise<Options | Cancelled> {
  const isWrong = QUESTIONS.some(
    ([one]) => given[one] !== undefined && MISTAKES[one](given, folder),
  );
  if (!hasTerminal(world) || isWrong) return given;
  let options = given;
  for (const [option, message] of QUESTIONS) {
    if (given[option] !== undefined) continue;
    const fault = (answer: string) => MISTAKES[option]({ ...options, [option]: answer }, folder);
    const answer = await askText(world, message, fault);
    if (answer === "cancelled") return answer;
    options = { ...options, [option]: answer };
  }
  return options;
}

/** @param install the command that enters the folder and installs the packages */
function nextSteps({ places, s3, store }: Settings, install: string): string[] {
  const [{ environment, host }] = places;
  const deploy = `npm run deploy${environment === undefined ? "" : ` -- --env ${environment}`}`;
  const buckets = places.map(({ bucket }) => bucket).join(" and ");
  const routes = host === undefined ? "put your domain under routes in wrangler.toml, and " : "";
  const steps = [install, "npm start, and open http://localhost:8787/"];
  if (s3 === undefined || store) steps.push("Switch on R2 in Cloudflare's dashboard, once");
  if (s3 === undefined) {
    steps.push(`npx wrangler login, and ${deploy}, which makes the R2 bucket if there is none`);
    steps.push("If the bucket is empty: npm run sample puts a picture into it");
  } else {
    const page = "node_modules/vitrine/docs/deploy.md";
    steps.push(
      `Before ${deploy}: ${routes}follow\n     ${page} with a key that may read ${buckets}`,
    );
  }
  return ["Next:", ...steps.map((step, at) => `  ${at + 1}. ${step}`)];
}
