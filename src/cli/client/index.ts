// vitrine client: writes one TypeScript file for an app in another repository: the client, and the routes
// and presets of wrangler.toml.

import { Command, InvalidArgumentError, Option } from "@commander-js/extra-typings";
import {
  type Expression,
  optionsText,
  readExpression,
  readOptions,
  type Where,
  type Written,
} from "../app-file/header.ts";
import { type End, EXIT, type Fault, isFault, type Run, say, type World } from "../command.ts";
import { readVars } from "../config/environment-config.ts";
import { configFault } from "../config/mistakes.ts";
import { envOption } from "../options.ts";
import { visible } from "../terminal/shell.ts";
import { chooseEnvironment } from "../wrangler/config-file.ts";
import { type Checked, checkClient } from "./check-client.ts";
import type { ClientVars } from "./plan-client.ts";
import { readOwn } from "./read-own.ts";
import { writeClient } from "./write-client.ts";

export function clientCommand(world: World, run: Run) {
  return new Command("client")
    .description("writes one TypeScript file for an app: the client, the routes and the presets")
    .argument("<file>", "the file to write, such as ../app/src/vitrine.ts", readFile)
    .addOption(envOption())
    .option(
      "--base-url <url>",
      `where Vitrine is, such as https://images.example.com, or "" for the page's own host; default: the first domain under routes`,
    )
    .addOption(
      new Option(
        "--base-url-from <expression>",
        "the app's environment says where Vitrine is: process.env.NAME or import.meta.env.NAME",
      )
        .argParser(readFrom)
        .conflicts("baseUrl"),
    )
    .option("--check", "writes nothing; ends with 1 if the file is missing or out of date")
    .addHelpText(
      "after",
      `
Run it in the folder of your Worker, in CI too, after npm ci there.

A file that this command wrote is replaced. It keeps its options: give only those that are to change. Any other
file is left alone. If the nearest package.json above the file names vitrine, the file imports the package;
otherwise it holds the client itself.

Examples:
  npx vitrine client ../app/src/vitrine.ts
  npx vitrine client ../app/src/vitrine.ts --base-url https://images.example.com
  npx vitrine client ../app/src/vitrine.ts --base-url-from process.env.NEXT_PUBLIC_IMAGES_URL
  npx vitrine client ../app/src/vitrine.ts --check`,
    )
    .action((file, options) => run(() => printClient(world, file, options)));
}

/** A .ts file that is not a .d.ts file. */
function readFile(file: string): string {
  if (/(?<!\.d)\.ts$/.test(file)) return file;
  throw new InvalidArgumentError(
    "It must end in .ts, and not in .d.ts. In JavaScript, use createClient of vitrine/client.",
  );
}

/** A variable of the app's environment, by the names that bundlers replace. */
function readFrom(code: string): { readonly from: Expression } {
  const from = readExpression(code);
  if (from !== undefined) return { from };
  throw new InvalidArgumentError("It must be process.env.NAME or import.meta.env.NAME.");
}

type Options = {
  readonly env?: string | undefined;
  readonly baseUrl?: string | undefined;
  readonly baseUrlFrom?: { readonly from: Expression } | undefined;
  readonly check?: true | undefined;
};

/** What is not given is as the file says, if this command wrote it. */
function printClient(world: World, file: string, options: Options): End {
  const before = readOwn(file);
  if (isFault(before)) return before;
  const written = readOptions(before?.text ?? "");
  const environment = options.env ?? world.env["CLOUDFLARE_ENV"];
  const given = options.baseUrl ?? options.baseUrlFrom;
  const known = readVars(
    world.folder,
    chooseEnvironment(world, environment ?? written.environment),
  );
  if (isFault(known)) return configFault([known.mistake]);
  const where = given ?? written.where;
  if (options.check) return printCheck(world, checkClient(known, file, before?.text, where));
  const kept = {
    environment: environment === undefined ? written.environment : undefined,
    where: given === undefined ? written.where : undefined,
  };
  return print(world, known, file, where, kept);
}

/** @param kept the options that the file had and that were not given */
function print(world: World, known: ClientVars, file: string, where: Where, kept: Written): End {
  const said = writeClient(known, file, where);
  if (isFault(said)) return said;
  say(world.stdout, said);
  const options = optionsText(kept);
  if (options !== "") say(world.stdout, visible(`${file} keeps its options:${options}`));
  return EXIT.done;
}

function printCheck({ stdout, stderr }: World, checked: Checked | Fault): End {
  if (isFault(checked)) return checked;
  say(checked.isCurrent ? stdout : stderr, checked.said);
  return checked.isCurrent ? EXIT.done : EXIT.partly;
}
