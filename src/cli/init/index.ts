// vitrine init: creates a new project in a folder. At a terminal it asks for missing options. It overwrites nothing.

import { constants, copyFileSync, existsSync, lstatSync, mkdirSync, writeFileSync } from "node:fs";
import { basename, dirname, join, relative, resolve } from "node:path";
import { Command } from "@commander-js/extra-typings";
import { EXIT, logInColour, type Outcome, print, type Run, type World } from "../command.ts";
import { askText, type Cancelled, hasTerminal } from "../terminal/prompts.ts";
import { shellQuote, visible } from "../terminal/shell.ts";
import { findPacked, PACKED, type ProjectFiles, projectFiles } from "./project-files.ts";
import { findMistake, type InitOptions, settingsOf } from "./settings.ts";

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

const MISSING = "is missing. At a terminal, init asks for it";
const QUESTIONS = [
  ["bucket", "The name of the bucket, such as acme-media"],
  ["endpoint", "Its S3 endpoint, such as https://s3.eu-west-1.amazonaws.com, or nothing for R2"],
  ["host", "The domain to show it on, such as images.example.com, or nothing for now"],
  ["environments", "Environments, such as staging,production, or nothing"],
] as const;

async function init(world: World, path: string, options: InitOptions): Promise<Outcome> {
  const folder = resolve(world.folder, path);
  const answers = await askMissing(world, options);
  if (answers === "cancelled") return EXIT.interrupted;
  const mistakes = QUESTIONS.flatMap(([option]) => {
    const isMissing = option === "bucket" && answers.bucket === undefined;
    const message = isMissing ? MISSING : findMistake(option, answers);
    return message === undefined ? [] : [`  --${option}: ${message}`];
  });
  if (mistakes.length > 0) {
    const text = ["Nothing is written:", ...mistakes].join("\n");
    logInColour(world, "red", text);
    return EXIT.usage;
  }
  const settings = settingsOf(answers, basename(folder));
  const files = projectFiles(settings);
  const packedHere = join(folder, PACKED);
  const entry = lstatSync(packedHere, { throwIfNoEntry: false });
  const isThere = entry !== undefined;
  if (isThere && !entry.isFile()) {
    const reason = "is no file, and npm install would run it. Nothing is written: remove it";
    return { fault: `${join(path, PACKED)}: ${reason}` };
  }
  const packed = isThere ? packedHere : findPacked([world.folder]);
  const fault = writeProject(folder, files, packed);
  if (fault !== undefined) return { fault: `${path}: ${fault}` };

  const written = Object.keys(files).map((file) => `  ${join(path, file)}`);
  if (packed !== undefined && !isThere) {
    written.push(`  ${join(path, PACKED)}, a copy of ${relative(world.folder, packed)}`);
  }
  const enter = folder === resolve(world.folder) ? "" : `cd ${shellQuote(path)} && `;
  const pack = `In your clone of Vitrine: npm pack --pack-destination ${shellQuote(folder)}`;
  const [{ environment }] = settings.deployments;
  const again = `npm run deploy${environment === undefined ? "" : ` -- --env ${environment}`}`;
  const environmentFlag = environment === undefined ? "" : ` --env ${environment}`;
  const first = `npm install --save-dev cloudflare && npx vitrine deploy --setup --secrets-file secrets.env${environmentFlag}`;
  const deploy = settings.s3 ? first : again;
  const steps = [
    ...(packed === undefined ? [`${pack}, which makes ${PACKED}`] : []),
    `${enter}npm install`,
    "npm start, and open http://localhost:8787/",
    `${deploy}, after what it needs: node_modules/vitrine/docs/deploy.md, ${settings.s3 ? "step 2" : "“With R2 alone”"}`,
  ];
  const numbered = steps.map((step, index) => `  ${index + 1}. ${step}`);
  const untouched = isThere
    ? [`Not written, because it is there: ${join(path, PACKED)}. npm install runs it`]
    : [];
  const lines = [
    `Wrote ${written.length} files:`,
    ...written,
    ...untouched,
    "",
    "Next:",
    ...numbered,
  ];
  print(world.stdout, ...lines.map(visible));
  return EXIT.done;
}

async function askMissing(world: World, options: InitOptions): Promise<InitOptions | Cancelled> {
  const missing = QUESTIONS.filter(([option]) => options[option] === undefined);
  const isWrong = QUESTIONS.some(
    (question) => !missing.includes(question) && findMistake(question[0], options),
  );
  let answers = options;
  for (const [option, question] of hasTerminal(world) && !isWrong ? missing : []) {
    const faultOf = (answer: string) => findMistake(option, { ...answers, [option]: answer });
    const answer = await askText(world, question, faultOf);
    if (answer === "cancelled") return answer;
    answers = { ...answers, [option]: answer };
  }
  return answers;
}

/**
 * Overwrites no file. wrangler would read wrangler.json(c), and ignore wrangler.toml.
 * @param packed the packed file to copy; it may be there already
 * @returns why not all files are written
 */
function writeProject(
  folder: string,
  files: ProjectFiles,
  packed: string | undefined,
): string | undefined {
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
    const packedHere = join(folder, PACKED);
    if (packed !== undefined && packed !== packedHere) {
      copyFileSync(packed, packedHere, constants.COPYFILE_EXCL);
    }
    return undefined;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return `not all files could be written: ${error.message}`;
  }
}
