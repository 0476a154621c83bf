// vitrine explain: says what the Worker makes of a public URL, or of an object's first one. It asks no server, and
// prints no signature.

import { Command } from "@commander-js/extra-typings";
import { align, type End, EXIT, isFault, type Run, say, type World } from "../command.ts";
import { openProject, type Project } from "../config/project.ts";
import { isHere, ownUrlsOf, refuserOfOthersUrls } from "../config/site-url.ts";
import { envOption, OBJECTS } from "../options.ts";
import { argumentsOf, commandLine, visible } from "../terminal/shell.ts";
import { isUrl, readGiven, refuseGiven } from "../urls/given-objects.ts";
import { findPaths, queryFor } from "../urls/public-url.ts";
import { explainUrl, type Row } from "./explain-url.ts";

export function explainCommand(world: World, run: Run) {
  return new Command("explain")
    .description("says what a public URL means, step by step, without requesting it")
    .argument("<url>", "a public URL or its path, or an object: then its first URL is explained")
    .addOption(envOption())
    .addHelpText(
      "after",
      `
${OBJECTS}

Examples:
  npx vitrine explain https://images.example.com/images/card@2x/photos/fig.jpg
  npx vitrine explain /images/hero@640w/photos/fig.jpg
  npx vitrine explain photos/fig.jpg
  npx vitrine explain "/private/hero/private/friends.jpg?exp=…&kid=…&sig=…"`,
    )
    .action((given, { env }) => run(() => explain(world, given, env)));
}

async function explain(world: World, given: string, env: string | undefined): Promise<End> {
  const isWhole = isUrl(given) && !given.startsWith("/");
  const local = isWhole && isHere(given) ? new URL(given).origin : undefined;
  const project = openProject(world, { env, url: local });
  if (isFault(project)) return project;
  const base = isFault(project.base) ? "https://images.example" : project.base;
  const rows: Row[] = [];
  let text = isWhole ? given : base + given;
  if (!isUrl(given)) {
    const first = await findFirstUrl(world, project, given);
    if (isFault(first)) return first;
    const all = commandLine("url", { sign: first.isSigned || undefined, env }, [given]);
    rows.push(["URL", first.path], ["", `the first of ${first.count}: ${all}`]);
    text = base + first.path + first.query;
  }
  if (!URL.canParse(text)) return refuseGiven(given, "is not a URL");
  const refuse = refuserOfOthersUrls(world.folder, project.known);
  const foreign = isWhole && !project.local ? refuse(text) : undefined;
  if (foreign !== undefined) return foreign;
  // Other commands find a deployed Vitrine by wrangler.toml, if that names a domain.
  const elsewhere = isWhole && isFault(project.base) ? new URL(given).origin : undefined;
  const flags = { url: local ?? elsewhere, env };
  const explained = await explainUrl(project, new URL(text), flags, world.now());
  say(world.stdout, ...align([...rows, ...explained.rows]).map(visible));
  return explained.isShown ? EXIT.done : EXIT.failed;
}

/** The first URL of an object by the first route that leads to it, signed if the keys are at hand. */
async function findFirstUrl({ folder, now }: World, project: Project, name: string) {
  const own = ownUrlsOf(folder, project);
  const object = readGiven(project, own, name, (one) => argumentsOf([one]));
  if (isFault(object)) return object;
  const found = findPaths(project, object);
  if (isFault(found)) return found;
  const [{ route, paths }] = found;
  const [[variant, path] = ["", ""]] = paths;
  const preset = project.config.variants.get(variant)?.preset ?? "";
  const grant = { preset, key: object.key, expires: Math.floor(now() / 1000) + 60 };
  const query = route.signing ? await queryFor(project, route, grant) : "";
  return {
    path,
    count: paths.size,
    isSigned: route.signing !== undefined,
    query: isFault(query) ? "" : query,
  };
}
