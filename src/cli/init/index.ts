// vitrine init: makes a new project. It asks at a terminal for what the flags leave out.

import { basename, join, resolve } from "node:path";
import { Command } from "@commander-js/extra-typings";
import {
  align,
  type End,
  EXIT,
  type Exit,
  isFault,
  paint,
  print,
  type Run,
  say,
  type World,
} from "../command.ts";
import { hasTerminal } from "../terminal/prompts.ts";
import { shellQuote, visible } from "../terminal/shell.ts";
import { VERSION } from "../wrangler/packages.ts";
import { askAnswers } from "./ask-answers.ts";
import { findSource } from "./find-source.ts";
import { PROVIDER_NAMES } from "./providers.ts";
import {
  type Answers,
  type FlagMistake,
  nameOf,
  readAnswers,
  type Settings,
} from "./read-answers.ts";
import { projectFiles } from "./templates/index.ts";
import { firstPicture } from "./templates/readme-md.ts";
import { writeProject } from "./write-project.ts";

export function initCommand(world: World, run: Run) {
  return new Command("init")
    .description("makes a new project in a folder, and says what to do next")
    .argument("[folder]", "the folder, which may have other files in it", ".")
    .option("--provider <name>", `who keeps the bucket: ${PROVIDER_NAMES.join(", ")}`)
    .option("--bucket <name>", "the bucket's name at the provider")
    .option("--region <region>", "its region; not for r2 and gcs")
    .option("--endpoint <url>", "its S3 endpoint, without the bucket: for minio, or r2 with keys")
    .option("--prefix <path>", "the part of the bucket to show; default: all of it")
    .option("--domain <host>", "the domain to show it on; default: none yet")
    .option("--name <name>", "the name of the Worker; default: that of the folder")
    .option(
      "--store",
      "keep every rendition in an R2 bucket, so that each is made once: the default",
    )
    .option("--no-store", "make renditions anew where Workers Cache has forgotten them")
    .option("--jurisdiction <name>", "where R2 keeps that bucket: eu or fedramp; default: anywhere")
    .addHelpText("after", HELP)
    .action((folder, options) => run(() => init(world, folder, options)));
}

const HELP = `
At a terminal it asks for what the options leave out. It overwrites nothing.

Examples:
  vitrine init images
  vitrine init images --provider r2 --bucket acme-media
  vitrine init images --provider aws --bucket acme-media --region eu-west-1
  vitrine init . --provider minio --bucket acme-media --endpoint https://minio.example.com`;

async function init(world: World, shown: string, flags: Answers): Promise<End> {
  const folder = resolve(world.folder, shown);
  const isHere = folder === resolve(world.folder);
  const name = nameOf(basename(folder));
  const settings = await findSettings(world, flags, name);
  if (typeof settings === "number") return settings;
  const { dependency, install } = findSource(folder);
  const files = projectFiles(settings, VERSION, dependency);
  const fault = writeProject(folder, files, shown);
  if (isFault(fault)) return fault;
  const written = files.map(({ path, what }) => [`  ${join(shown, path)}`, what]);
  print(world.stdout, visible(`Wrote ${files.length} files:`), ...align(written).map(visible), "");
  const first = `${isHere ? "" : `cd ${shellQuote(asPath(shown))} && `}${install}`;
  say(world.stdout, ...nextSteps(settings, first).map(visible));
  return EXIT.done;
}

/** The folder as `cd` takes it: `-` alone is the last folder, and `-x` an option. */
function asPath(folder: string): string {
  return /^[-+]/.test(folder) ? `./${folder}` : folder;
}

/** @returns how the command ends, if there are none */
async function findSettings(world: World, flags: Answers, name: string): Promise<Settings | Exit> {
  const asks = hasTerminal(world);
  const given = readAnswers({ ...flags, name: flags.name ?? name });
  if ("mistakes" in given) {
    const wrong = given.mistakes.filter(({ flag }) => !asks || flags[flag] !== undefined);
    if (wrong.length > 0) return refuse(world, wrong);
  }
  if (!asks) return "mistakes" in given ? refuse(world, given.mistakes) : given;
  const answers = await askAnswers(world, flags, name);
  if (answers === "cancelled") return EXIT.interrupted;
  const read = readAnswers(answers);
  return "mistakes" in read ? refuse(world, read.mistakes) : read;
}

function refuse(world: World, mistakes: readonly FlagMistake[]): Exit {
  const lines = mistakes.map(({ flag, message }) => `  --${flag}: ${message}`);
  const text = ["Nothing is written:", ...lines].map(visible).join("\n");
  say(world.stderr, paint(world, world.stderr, "red", text));
  return EXIT.usage;
}

/** @param first the command that installs */
function nextSteps({ domain, bucket, s3 }: Settings, first: string): string[] {
  if (s3 === undefined) {
    return [
      "Next:",
      `  1. ${first}`,
      "  2. npm start, and open http://localhost:8787/",
      `  3. npx wrangler login, and npm run deploy, which makes the R2 bucket ${bucket} if there is none`,
      "  4. If the bucket is empty, put a first picture into it:",
      `     ${firstPicture(bucket)}`,
    ];
  }
  const own = domain === "" ? "put your domain under routes in wrangler.toml, and " : "";
  return [
    "Next:",
    `  1. ${first}`,
    "  2. npm start, and open http://localhost:8787/",
    `  3. Before npm run deploy: ${own}follow`,
    `     node_modules/vitrine/docs/deploy.md with a key that may read ${bucket}`,
  ];
}
