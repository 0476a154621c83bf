// vitrine init: creates a new project in a folder. At a terminal it asks for missing options. It overwrites nothing.

import { constants, copyFileSync, existsSync, lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Command } from "@commander-js/extra-typings";
import {
  type CommandFault,
  EXIT,
  isFault,
  log,
  logInColour,
  type Outcome,
  type Run,
  type World,
} from "../command.ts";
import { askText, type Cancelled, hasTerminal } from "../terminal/prompts.ts";
import { shellQuote } from "../terminal/shell.ts";
import { findPacked, PACKED, type ProjectFiles, projectFiles } from "./project-files.ts";
import {
  findMistake,
  type InitOptions,
  type ProjectSettings,
  type SettingOption,
  settingsOf,
} from "./settings.ts";

export function initCommand(world: World, run: Run) {
  return new Command("init")
    .description("makes a new project in a folder, and says what to do next")
    .argument("[folder]", "the folder, which may have other files in it", ".")
    .option("--bucket <name>", "the name of the bucket")
    .option("--endpoint <url>", "its S3 endpoint, without the bucket; default: an R2 bucket")
    .option("--host <name>", "the domain to show it on; default: none yet")
    .option("--environments <names>", "such as staging,production; default: none")
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

type Question = {
  readonly option: SettingOption;
  readonly text: string;
};

const QUESTIONS: readonly Question[] = [
  { option: "bucket", text: "The name of the bucket, such as acme-media" },
  {
    option: "endpoint",
    text: "Its S3 endpoint, such as https://s3.eu-west-1.amazonaws.com, or nothing for R2",
  },
  {
    option: "host",
    text: "The domain to show it on, such as images.example.com, or nothing for now",
  },
  { option: "environments", text: "Environments, such as staging,production, or nothing" },
];

async function init(world: World, path: string, options: InitOptions): Promise<Outcome> {
  const answers = await askMissing(world, options);
  if (answers === "cancelled") return EXIT.interrupted;

  const mistakes = findMistakes(answers);
  if (mistakes.length > 0) {
    const text = ["Nothing is written:", ...mistakes].join("\n");
    logInColour(world, "red", text);
    return EXIT.usage;
  }

  const packed = findPackedFor(world, path);
  if (isFault(packed)) return packed;

  const folder = resolve(world.folder, path);
  const settings = settingsOf(answers, basename(folder));
  const files = projectFiles(settings);
  const fault = writeProject(folder, files, packed);
  if (fault !== undefined) return { fault: `${path}: ${fault}` };

  const lines = [
    ...writtenLines(world, path, files, packed),
    "",
    "Next:",
    ...nextSteps(world, path, settings, packed).map((step, index) => `  ${index + 1}. ${step}`),
  ];
  log(world.stdout, ...lines);
  return EXIT.done;
}

/** Asks at a terminal for what the options leave out. */
async function askMissing(world: World, options: InitOptions): Promise<InitOptions | Cancelled> {
  if (!hasTerminal(world)) return options;

  // If a given option is wrong, the command ends at once: nobody answers questions for nothing.
  for (const { option } of QUESTIONS) {
    const isGiven = options[option] !== undefined;
    if (isGiven && findMistake(option, options) !== undefined) return options;
  }

  let answers = options;
  for (const { option, text } of QUESTIONS) {
    if (options[option] !== undefined) continue;

    const faultOf = (answer: string) => findMistake(option, { ...answers, [option]: answer });
    const answer = await askText(world, text, faultOf);
    if (answer === "cancelled") return answer;

    answers = { ...answers, [option]: answer };
  }
  return answers;
}

/** A line for each option that is missing or wrong. */
function findMistakes(answers: InitOptions): string[] {
  const lines: string[] = [];
  for (const { option } of QUESTIONS) {
    if (option === "bucket" && answers.bucket === undefined) {
      lines.push("  --bucket: is missing. At a terminal, init asks for it");
      continue;
    }

    const mistake = findMistake(option, answers);
    if (mistake !== undefined) lines.push(`  --${option}: ${mistake}`);
  }
  return lines;
}

/** The packed file of Vitrine, from which the project installs it. */
type Packed =
  /** It is in the project's folder already. */
  | { readonly kind: "there" }
  /** It is copied into that folder. */
  | { readonly kind: "copied"; readonly source: string }
  /** The operator has to make it. */
  | { readonly kind: "missing" };

function findPackedFor(world: World, path: string): Packed | CommandFault {
  const packedHere = join(resolve(world.folder, path), PACKED);
  const entry = lstatSync(packedHere, { throwIfNoEntry: false });
  if (entry?.isFile()) return { kind: "there" };

  // A link or a folder may be anybody's code.
  if (entry !== undefined) {
    return {
      fault: `${join(path, PACKED)}: is no file, and npm install would run it. Nothing is written: remove it`,
    };
  }

  const source = findPacked([world.folder]);
  if (source === undefined) return { kind: "missing" };
  return { kind: "copied", source };
}

/**
 * Overwrites no file. wrangler would read wrangler.json(c), and ignore wrangler.toml.
 * @returns why not all files are written
 */
function writeProject(folder: string, files: ProjectFiles, packed: Packed): string | undefined {
  const paths = [...Object.keys(files), "wrangler.json", "wrangler.jsonc"];
  const existing = paths.filter((path) => existsSync(join(folder, path)));
  if (existing.length > 0) {
    return `${existing.join(", ")}: there already, and init overwrites nothing. Nothing is written: name another folder`;
  }

  try {
    for (const [path, text] of Object.entries(files)) {
      const file = join(folder, path);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text, { flag: "wx" });
    }

    if (packed.kind === "copied") {
      copyFileSync(packed.source, join(folder, PACKED), constants.COPYFILE_EXCL);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `not all files could be written: ${error.message}`;
  }
}

function writtenLines(
  { folder }: World,
  path: string,
  files: ProjectFiles,
  packed: Packed,
): string[] {
  const packedPath = join(path, PACKED);
  const written = Object.keys(files).map((file) => `  ${join(path, file)}`);
  if (packed.kind === "copied") {
    written.push(`  ${packedPath}, a copy of ${relative(folder, packed.source)}`);
  }

  const lines = [`Wrote ${written.length} files:`, ...written];
  if (packed.kind === "there") {
    lines.push(`Not written, because it is there: ${packedPath}. npm install runs it`);
  }
  return lines;
}

/** What the operator does next, without the numbers. */
function nextSteps(
  world: World,
  path: string,
  settings: ProjectSettings,
  packed: Packed,
): string[] {
  const steps: string[] = [];
  const folder = resolve(world.folder, path);

  if (packed.kind === "missing") {
    steps.push(
      `In your clone of Vitrine: npm pack --pack-destination ${shellQuote(folder)}, which makes ${PACKED}`,
    );
  }

  const isHere = folder === resolve(world.folder);
  steps.push(isHere ? "npm install" : `cd ${shellQuote(path)} && npm install`);
  steps.push("npm start, and open http://localhost:8787/");
  steps.push(deployStep(settings));
  return steps;
}

/** The first deploy is that of the first environment. */
function deployStep({ deployments, s3 }: ProjectSettings): string {
  const [{ environment }] = deployments;
  const envFlag = environment === undefined ? "" : ` --env ${environment}`;

  // Only the image edge needs a zone that is set up.
  if (s3 !== undefined) {
    return `npm install --save-dev cloudflare && npx vitrine deploy --setup --secrets-file secrets.env${envFlag}, after what it needs: node_modules/vitrine/docs/deploy.md, step 2`;
  }

  const npmArgs = environment === undefined ? "" : ` --${envFlag}`;
  return `npm run deploy${npmArgs}, after what it needs: node_modules/vitrine/docs/deploy.md, “With R2 alone”`;
}
