// vitrine explain: says what a public URL means, as the Worker reads it. It sends no request, but asks an issuer for its
// keys if there is a token to check. It prints no signature, and no token.

import { Command } from "@commander-js/extra-typings";
import type { CommandFault, Outcome, Run, World } from "../command.ts";
import { align, EXIT, isFault, log } from "../command.ts";
import { openProject, ownUrlsOf, type Project } from "../config/project.ts";
import { isHere } from "../config/site-url.ts";
import { envOption, tokenOption } from "../options.ts";
import { readVisitorToken } from "../secrets/visitor-token.ts";
import { commandLine } from "../terminal/shell.ts";
import { isUrl, refuseInput } from "../urls/select-objects.ts";
import { explainUrl } from "./explain-url.ts";

export function explainCommand(world: World, run: Run) {
  return new Command("explain")
    .description("says what a public URL means, step by step, without requesting it")
    .argument("<url>", "a public URL, or its path")
    .addOption(envOption())
    .addOption(tokenOption())
    .addHelpText("after", HELP)
    .action((input, options) => run(() => explain(world, input, options)));
}

const HELP = `
With a visitor's token it also says whether that opens the URL, and if not, why. For that alone it asks the issuer
for its keys.

Examples:
  npx vitrine explain https://images.example.com/images/card@2x/photos/fig.jpg
  npx vitrine explain /images/hero@640w/photos/fig.jpg
  npx vitrine explain "/private/hero/private/friends.jpg?exp=…&kid=…&sig=…"
  npx vitrine explain /users/alice/card/fig.jpg --token - < token.txt`;

type Options = { readonly env?: string | undefined; readonly token?: string | undefined };

async function explain(world: World, input: string, options: Options): Promise<Outcome> {
  const { env, token: tokenFile } = options;

  if (!isUrl(input)) {
    const command = commandLine("url", { env }, [input]);
    return refuseInput(input, `is not a URL. For those of an object: ${command}`);
  }

  // A URL of this machine is one of the local run, which has its own configuration.
  const isOfLocalRun = !isPath(input) && isHere(input);
  const localUrl = isOfLocalRun ? new URL(input).origin : undefined;
  const project = openProject(world, { env, url: localUrl });
  if (isFault(project)) return project;

  const url = readUrl(world, project, input);
  if (isFault(url)) return url;

  const token = await readVisitorToken(world, tokenFile);
  if (isFault(token)) return token;

  const { rows, isShown } = await explainUrl(project, url, token, world.now());
  log(world.stdout, ...align(rows));
  return isShown ? EXIT.done : EXIT.failed;
}

function isPath(input: string): boolean {
  return input.startsWith("/");
}

/** The host of a path, where nothing says which host Vitrine has. No step depends on it. */
const ANY_HOST = "https://images.example";

/** Reads a path or a URL, and refuses a URL of another Vitrine. */
function readUrl({ folder }: World, project: Project, input: string): URL | CommandFault {
  const baseUrl = isFault(project.baseUrl) ? ANY_HOST : project.baseUrl;
  const text = isPath(input) ? baseUrl + input : input;
  if (!URL.canParse(text)) return refuseInput(input, "is not a URL");

  const url = new URL(text);
  if (isPath(input) || project.isLocalRun) return url;

  const foreign = ownUrlsOf(folder, project).refuse(text);
  return foreign ?? url;
}
