// vitrine explain: says what the Worker makes of a public URL, or of an object's first one. It asks no server, and
// prints no signature.

import { Command } from "@commander-js/extra-typings";
import { align, type End, EXIT, isFault, type Run, say, type World } from "../command.ts";
import { openProject, type Project } from "../config/project.ts";
import { isHere, ownUrlsOf } from "../config/site-url.ts";
import { envOption, OBJECTS } from "../options.ts";
import { commandLine, visible } from "../terminal/shell.ts";
import { isUrl, readGiven, refuseGiven } from "../urls/given-objects.ts";
import { findPaths, signPaths } from "../urls/public-url.ts";
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
  const url = isWhole && isHere(given) ? new URL(given).origin : undefined;
  const project = openProject(world, { env, url });
  if (isFault(project)) return project;
  const base = isFault(project.base) ? "https://images.example" : project.base;
  const first = isUrl(given) ? undefined : await findFirstUrl(world, project, given, env);
  if (isFault(first)) return first;
  const text = isWhole ? given : base + (first?.path ?? given);
  if (!URL.canParse(text)) return refuseGiven(given, "is not a URL");
  const foreign = isWhole && !project.local && ownUrlsOf(world.folder, project).refuse(text);
  if (foreign) return foreign;
  const { rows, isShown } = await explainUrl(project, new URL(text), world.now());
  say(world.stdout, ...align([...(first?.rows ?? []), ...rows]).map(visible));
  return isShown ? EXIT.done : EXIT.failed;
}

/** The first URL of an object by the first route that leads to it, signed if the keys are at hand. */
async function findFirstUrl(
  { folder, now }: World,
  project: Project,
  name: string,
  env: string | undefined,
) {
  const object = readGiven(project, ownUrlsOf(folder, project), name);
  if (isFault(object)) return object;
  const found = findPaths(project, object);
  if (isFault(found)) return found;
  const [{ route, paths }] = found;
  const signed = await signPaths(project, found[0], object.key, Math.floor(now() / 1000) + 60);
  const [[, plain] = ["", ""]] = paths;
  const [[, path] = ["", ""]] = isFault(signed) ? paths : signed;
  const all = commandLine("url", { sign: route.signing && true, env }, [name]);
  const rows: Row[] = [
    ["URL", plain],
    ["", `the first of ${paths.size}: ${all}`],
  ];
  return { path, rows };
}
