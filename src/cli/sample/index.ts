// vitrine sample: puts a picture into the R2 bucket of the configuration, so that a first deploy shows one. It
// asks no question, and never replaces an object.

import { Command } from "@commander-js/extra-typings";
import { type End, EXIT, type Fault, isFault, type Run, say, type World } from "../command.ts";
import { isHere } from "../config/base-url.ts";
import { type OpenOptions, openProject } from "../config/open-project.ts";
import { envOption, urlOption } from "../options.ts";
import { shellQuote, visible } from "../terminal/shell.ts";
import { type RunWrangler, wranglerAt } from "../wrangler/run-wrangler.ts";
import { findTarget, type Target } from "./find-target.ts";
import { isThere, putPicture } from "./r2-object.ts";
import { urlOf } from "./url-of.ts";

export function sampleCommand(world: World, run: Run) {
  const runWrangler = wranglerAt();
  return new Command("sample")
    .description("puts a first picture into the R2 bucket, unless it is there, and prints its URL")
    .addOption(envOption())
    .addOption(urlOption())
    .addHelpText("after", HELP)
    .action((options) => run(() => putSample(world, options, runWrangler)));
}

const HELP = `
It is for the first R2 bucket that wrangler.toml reaches by a binding. wrangler uploads the picture: run
npx wrangler login before, or set CLOUDFLARE_API_TOKEN. It overwrites nothing. If wrangler.toml has no routes,
the URL has <your subdomain> in it, unless --url says where Vitrine is.

Examples:
  npx vitrine sample
  npx vitrine sample --env staging
  npx vitrine sample --url https://vitrine.acme.workers.dev`;

/** Puts the picture below the prefix of the bucket. */
export async function putSample(
  world: World,
  options: OpenOptions,
  run: RunWrangler,
): Promise<End> {
  if (options.url !== undefined && isHere(options.url)) return LOCAL;
  const project = openProject(world, options);
  if (isFault(project)) return project;
  const target = findTarget(project);
  if (isFault(target)) return target;
  const there = await isThere(world, run, project.known, target);
  if (isFault(there)) return there;
  const failed = there ? undefined : await putPicture(world, run, project.known, target);
  if (failed !== undefined) return failed;
  const { bucketName, key } = target;
  const done = there ? "has it already, and it is left as it is" : "has it now";
  const lines = [`${key}: the R2 bucket ${bucketName} ${done}.`, ...urlOf(project, target)];
  say(world.stdout, ...[...lines, ...nextSteps(target)].map(visible));
  return EXIT.done;
}

const LOCAL: Fault = { fault: "--url: names the local run, which has pictures of its own" };

function nextSteps({ bucketName, jurisdiction, key }: Target): string[] {
  const own = shellQuote(`${bucketName}/${key.replace(/[^/]*$/, "photo.jpg")}`);
  const where = jurisdiction === undefined ? "" : ` --jurisdiction ${jurisdiction}`;
  return [
    "Your own pictures: in the dashboard under R2, or",
    `  npx wrangler r2 object put ${own} --file photo.jpg --remote${where}`,
    'Once you have some, remove "vitrine sample" from the script deploy of package.json, if it is there.',
  ];
}
