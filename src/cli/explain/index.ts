// vitrine explain: says what the Worker makes of a public URL. Nothing is asked of any server.

import { Command } from "@commander-js/extra-typings";
import { withoutQueries } from "../../worker/base/without-signatures.ts";
import { align, type End, EXIT, isFault, print, type Run, say, type World } from "../command.ts";
import { type OpenOptions, openProject } from "../config/project.ts";
import { isHere, refuserOfOthersUrls } from "../config/site-url.ts";
import { envOption, jsonOption, secretsFileOption } from "../options.ts";
import { visible } from "../terminal/shell.ts";
import { type Explained, explainUrl } from "./explain-url.ts";
import { rowsOf } from "./rows.ts";

export function explainCommand(world: World, run: Run) {
  return new Command("explain")
    .description("says what a public URL means, step by step, without requesting it")
    .argument("<url>", "a public URL, or its path")
    .addOption(envOption())
    .addOption(jsonOption())
    .addOption(secretsFileOption())
    .addHelpText(
      "after",
      `
Examples:
  npx vitrine explain https://images.example.com/images/card@2x/photos/fig.jpg
  npx vitrine explain /images/hero@640w/photos/fig.jpg
  npx vitrine explain "/private/hero/private/friends.jpg?exp=…&kid=…&sig=…"`,
    )
    .action((url, options) => run(() => printExplained(world, url, options)));
}

type Options = Omit<OpenOptions, "url"> & { readonly json?: true | undefined };

async function printExplained(world: World, given: string, options: Options): Promise<End> {
  const { json, ...same } = options;
  const isWhole = /^https?:\/\//i.test(given);
  if (!isWhole && !given.startsWith("/")) {
    return { fault: `${given}: is neither a URL that begins with https://, nor a path with /` };
  }
  const url = isWhole && isHere(given) ? new URL(given).origin : undefined;
  const project = openProject(world, { ...same, url });
  if (isFault(project)) return project;
  const base = isFault(project.base) ? "https://images.example" : project.base;
  // A path is taken as a client sends it: two slashes at its beginning do not name a host.
  const asked = isWhole ? given : base + given;
  if (!URL.canParse(asked)) return { fault: `${given}: is not a URL` };
  const others =
    isWhole && !project.local && refuserOfOthersUrls(world.folder, project.known)(asked);
  if (isFault(others)) return others;
  const found = await explainUrl(project, new URL(asked), world.now());
  // Other commands find a deployed Vitrine by wrangler.toml, if that names a domain.
  const elsewhere = isWhole && isFault(project.base) ? new URL(given).origin : undefined;
  const place = { flags: { url: url ?? elsewhere, ...same }, local: project.local };
  if (json) print(world.stdout, visible(jsonOf(found)));
  else say(world.stdout, ...align(rowsOf(found, place)).map(visible));
  return found.refused === undefined ? EXIT.done : EXIT.failed;
}

/** As JSON. A signature that got into the path of a refused URL is left out. */
function jsonOf(found: Explained): string {
  return JSON.stringify(
    found,
    (_name, value: unknown) =>
      typeof value === "string" && found.refused ? withoutQueries(value) : value,
    2,
  );
}
