// vitrine complete: prints the script of a shell, and, for that script, what a line may go on with. It changes nothing.

import { type Complete, type Command as CompletedCommand, RootCommand } from "@bomb.sh/tab";
import { Argument, Command, type CommandUnknownOpts } from "@commander-js/extra-typings";
import { EXIT, type Outcome, print, type Run, type World } from "../command.ts";
import { captureOutput, completionScript, SHELLS, type Shell } from "./script.ts";
import { environmentNames } from "./settings.ts";
import { bucketNames, localObjectNames, plainValues, variantNames } from "./values.ts";

export function completeCommand(world: World, run: Run) {
  return new Command("complete")
    .description("prints the script by which bash, zsh or fish completes commands")
    .addArgument(new Argument("<shell>", "the shell").choices(SHELLS))
    .addHelpText("after", HELP)
    .action((shell) => run(() => printScript(world, shell)));
}

const HELP = `
Tab then completes npx vitrine: commands, options, environments, presets, and the keys of
the local bucket while npx vitrine dev runs.

Examples:
  npx vitrine complete bash > ~/.vitrine.bash && echo '. ~/.vitrine.bash' >> ~/.bashrc
  npx vitrine complete zsh > ~/.vitrine.zsh && echo '. ~/.vitrine.zsh' >> ~/.zshrc
  npx vitrine complete fish > ~/.config/fish/conf.d/vitrine.fish`;

function printScript({ stdout }: World, shell: Shell): Outcome {
  print(stdout, completionScript(shell));
  return EXIT.done;
}

/** Returns whether the script of a shell asks: `complete -- url --preset ""`. */
export function isCompletionRequest(args: readonly string[]): boolean {
  return args[0] === "complete" && args[1] === "--";
}

/**
 * Prints what a line may go on with, a value a line, and last how the shell takes it.
 * @param commands all commands of the program
 * @param args as `isCompletionRequest` takes them. The last one is not finished, and may be empty
 */
export async function printCompletions(
  world: World,
  commands: readonly CommandUnknownOpts[],
  args: readonly string[],
): Promise<void> {
  const typed = args.slice(2);
  const command = commands.find((candidate) => namesOf(candidate).includes(typed[0] ?? ""));

  // The library never leaves names of files to the shell.
  if (command !== undefined && takesFile(command, typed)) {
    print(world.stdout, ":0");
    return;
  }

  const env = environmentIn(typed);
  const objectNames = takesObject(command)
    ? await localObjectNames(world, env, typed.at(-1) ?? "")
    : [];

  const root = new RootCommand();
  for (const candidate of commands) {
    for (const name of namesOf(candidate)) {
      const completed = root.command(name, candidate.description());
      addOptions(completed, candidate, optionValues(world, env));
      addArguments(completed, candidate, objectNames);
    }
  }

  const text = captureOutput(() => root.parse([...typed]));
  // zsh would show a value without a description as `card --`.
  print(world.stdout, text.replaceAll("\t\n", "\n"));
}

function namesOf(command: CommandUnknownOpts): readonly string[] {
  return [command.name(), ...command.aliases()];
}

/** The value of `--env` on the line, as far as it is typed. */
function environmentIn(typed: readonly string[]): string | undefined {
  const position = typed.indexOf("--env");
  return position === -1 ? undefined : typed[position + 1];
}

/** Returns whether the last one of the line is the name of a file or a folder: `--secrets-file <file>`. */
function takesFile(command: CommandUnknownOpts, typed: readonly string[]): boolean {
  const before = typed.at(-2) ?? "";
  const option = command.options.find(({ long, short }) => before === long || before === short);
  if (option !== undefined) return /<file>$/.test(option.flags);

  const isOption = typed.at(-1)?.startsWith("-") ?? false;
  if (isOption) return false;
  return command.registeredArguments.some((argument) => /^(?:file|folder)$/.test(argument.name()));
}

const OBJECT_ARGUMENTS: readonly string[] = ["object", "objects", "url", "prefix"];

function takesObject(command: CommandUnknownOpts | undefined): boolean {
  const names = command?.registeredArguments.map((argument) => argument.name()) ?? [];
  return names.some((name) => OBJECT_ARGUMENTS.includes(name));
}

/** The values of options, by the name of the option. They are read only when a shell asks for them. */
type OptionValues = Readonly<Record<string, () => readonly string[]>>;

function optionValues(world: World, env: string | undefined): OptionValues {
  return {
    env: () => environmentNames(world),
    preset: () => variantNames(world, env),
    bucket: () => bucketNames(world, env),
  };
}

function addOptions(
  completed: CompletedCommand,
  command: CommandUnknownOpts,
  values: OptionValues,
): void {
  for (const option of command.createHelp().visibleOptions(command)) {
    const name = option.long?.slice(2);
    if (name === undefined) continue;

    const { description } = option;
    const alias = option.short?.slice(1);
    if (option.isBoolean()) {
      completed.option(name, description, alias);
      continue;
    }

    const readValues = values[name] ?? (() => option.argChoices ?? []);
    completed.option(name, description, offer(readValues), alias);
  }
}

function addArguments(
  completed: CompletedCommand,
  command: CommandUnknownOpts,
  objectNames: readonly string[],
): void {
  for (const argument of command.registeredArguments) {
    const name = argument.name();
    const values = OBJECT_ARGUMENTS.includes(name) ? objectNames : (argument.argChoices ?? []);
    completed.argument(
      name,
      offer(() => values),
      argument.variadic,
    );
  }
}

/** Makes a function that gives a shell the values that it can take. */
function offer(readValues: () => readonly string[]) {
  return (complete: Complete): void => {
    for (const value of plainValues(readValues())) complete(value, "");
  };
}
