// The program `vitrine`: its list of commands, and what a command's end means for the process.

import { Command } from "@commander-js/extra-typings";
import { CommanderError } from "commander";
import { originSchema } from "../worker/config/oidc.ts";
import { BUILD_VERSION } from "../worker/util/version.ts";
import { checkCommand } from "./check/index.ts";
import { ciCommand } from "./ci/index.ts";
import { clientCommand } from "./client/index.ts";
import type { CommandFault, Exit, Run, World } from "./command.ts";
import { EXIT, isFault, log, logInColour, page, setDocsSite } from "./command.ts";
import { completeCommand, isCompletionRequest, printCompletions } from "./complete/index.ts";
import { deployCommand } from "./deploy/index.ts";
import { devCommand, type LoadLocal } from "./dev/index.ts";
import { doctorCommand, examineSite } from "./doctor/index.ts";
import { explainCommand } from "./explain/index.ts";
import { factsCommand } from "./facts/index.ts";
import { initCommand } from "./init/index.ts";
import { purgeCommand } from "./purge/index.ts";
import { rotateCommand } from "./rotate/index.ts";
import { withoutTokens } from "./secrets/visitor-token.ts";
import { statsCommand } from "./stats/index.ts";
import { visible } from "./terminal/shell.ts";
import { tokenCommand } from "./token/index.ts";
import { urlCommand } from "./url/index.ts";
import { warmCommand } from "./warm/index.ts";

const COMMANDS = [
  initCommand,
  checkCommand,
  devCommand,
  (world, run) => deployCommand(world, run, examineSite),
  (world, run) => doctorCommand(world, run),
  clientCommand,
  factsCommand,
  urlCommand,
  tokenCommand,
  explainCommand,
  statsCommand,
  rotateCommand,
  purgeCommand,
  warmCommand,
  (world, run, load) => ciCommand(world, run, (args, ciWorld) => runProgram(args, ciWorld, load)),
  completeCommand,
] as const satisfies readonly ((world: World, run: Run, load: LoadLocal) => unknown)[];

const help = () => `
Exit codes:
  0    everything is done, or well
  1    a part is not done, and is named; doctor: there are warnings;
       deploy: it is deployed, but the doctor finds errors
  2    it could not be done; doctor, check: something is wrong
  3    the arguments make no sense
  130  ended by Ctrl-C

Documentation: ${page("docs/README.md")}`;

/**
 * Runs one command.
 * @param args what follows `vitrine`
 * @returns the exit code
 */
export async function runProgram(
  args: readonly string[],
  world: World,
  loadLocal: LoadLocal,
): Promise<Exit> {
  const site = readDocsSite(world);
  if (isFault(site)) {
    logInColour(world, "red", site.fault);
    return EXIT.usage;
  }
  setDocsSite(site.url);

  let exit: Exit = EXIT.done;
  const run: Run = async (work) => {
    const outcome = await work();
    if (!isFault(outcome)) {
      exit = outcome;
      return;
    }

    exit = EXIT.failed;
    logInColour(world, "red", withoutTokens(outcome.fault));
  };

  const program = new Command("vitrine")
    .description("Commands for operators of a Vitrine: configuration, keys, caches and URLs.")
    .version(BUILD_VERSION, "--version", "prints the version of Vitrine")
    .addHelpText("after", help());
  for (const createCommand of COMMANDS) {
    program.addCommand(createCommand(world, run, loadLocal));
  }

  for (const command of [program, ...program.commands]) {
    command.exitOverride().configureOutput({
      writeOut: (text) => world.stdout.write(text),
      writeErr: (text) => world.stderr.write(visible(withoutTokens(text))),
      getOutHelpWidth: () => world.stdout.columns ?? 100,
      getErrHelpWidth: () => world.stderr.columns ?? 100,
    });
    const commandLine = command === program ? "npx vitrine" : `npx vitrine ${command.name()}`;
    command.showHelpAfterError(`(${commandLine} --help says more)`);
  }

  if (isCompletionRequest(args)) {
    await printCompletions(world, program.commands, args);
    return EXIT.done;
  }

  try {
    await program.parseAsync([...args], { from: "user" });
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (UNKNOWN.includes(error.code)) {
      log(world.stderr, `(If an older version had it: ${page("docs/upgrade.md")})`);
    }
    return error.exitCode === 0 ? EXIT.done : EXIT.usage;
  }
  return world.interrupted.aborted ? EXIT.interrupted : exit;
}

/** The errors of commander for what Vitrine does not have, or has no longer. */
const UNKNOWN = ["commander.unknownOption", "commander.unknownCommand"];

/** Reads where the shell says that the site of the documents is. */
function readDocsSite({ env }: World): { readonly url: string | undefined } | CommandFault {
  const { DOCS_URL: url } = env;
  if (!url) return { url: undefined };

  const mistakes: string[] = [];
  originSchema(url, "DOCS_URL", (path, message) => mistakes.push(`${path} ${message}`));
  const [mistake] = mistakes;
  return mistake === undefined ? { url } : { fault: `${mistake}. The environment has it` };
}
