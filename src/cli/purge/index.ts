// vitrine purge: drops all renditions of objects from the edge, by the URLs of their originals (C3), and from
// the cache of the Worker, by its own /purge.

import { Command } from "@commander-js/extra-typings";
import { type End, EXIT, isFault, paint, print, type Run, say, type World } from "../command.ts";
import { collect, envOption, OBJECTS, secretsFileOption, urlOption } from "../options.ts";
import { isHere } from "../project/base-url.ts";
import { openProject } from "../project/open-project.ts";
import { ownUrlsOf, refuseUnprovenUrl } from "../project/own-url.ts";
import { count } from "../terminal/progress.ts";
import { askYes, hasTerminal } from "../terminal/prompts.ts";
import { commandLine } from "../terminal/shell.ts";
import { purgeCaches } from "./both-caches.ts";
import { tellLeft, tellOutcome } from "./outcome.ts";
import { gather } from "./sources.ts";
import { readTokens } from "./tokens.ts";
import { purgeWhole, wholeOf } from "./whole.ts";

type Options = ReturnType<ReturnType<typeof define>["opts"]>;

export function purgeCommand(world: World, run: Run) {
  return define().action((keys, options) => run(() => purge(world, keys, options)));
}

function define() {
  return new Command("purge")
    .description("drops all variants of objects from Cloudflare's caches")
    .argument("[keys...]", "objects, or public URLs; - is stdin")
    .option("--prefix <prefix>", "all objects that begin with it, if your S3 key may list them")
    .option("--bucket <name>", "all of this bucket, in Workers Cache only")
    .option("--everything", "everything, in Workers Cache only")
    .option("--v <version>", "purges this version of signed URLs, too; can be repeated", collect)
    .option("--zone <id>", "purges in this zone only; can be repeated; default: all", collect)
    .addOption(envOption())
    .addOption(urlOption())
    .addOption(secretsFileOption())
    .option("--yes", "does not ask, even if many objects begin with the prefix")
    .option("--dry-run", "prints the URLs that it would purge, and sends nothing")
    .addHelpText(
      "after",
      `
${OBJECTS}
All variants of an object are purged together. You cannot purge one preset alone.
The tokens are in the environment or the file. CLOUDFLARE_API_TOKEN purges the edge: it needs the permission
Zone, Cache Purge, Purge. PURGE_TOKEN has the Worker purge Workers Cache, and the edge if it can.
It prints the keys that were not purged on stdout. You can give them again.

Examples:
  npx vitrine purge photos/fig.jpg photos/friends.jpg
  npx vitrine purge https://images.example.com/images/card/photos/fig.jpg
  npx vitrine purge - < keys.txt > left.txt
  npx vitrine purge --prefix photos/2026/ --secrets-file secrets.env`,
    );
}

async function purge(world: World, keys: readonly string[], options: Options): Promise<End> {
  const { url, prefix, secretsFile, dryRun, v: versions = [], zone: given = [] } = options;
  if (url !== undefined && isHere(url)) {
    return { fault: "--url is on this machine. The local run keeps nothing: nothing to purge" };
  }
  if (versions.some((version) => !/^[\w.-]{1,64}$/.test(version))) {
    return { fault: "--v must be 1 to 64 letters, digits, dots, - and _" };
  }
  const project = openProject(world, options);
  if (isFault(project)) return project;
  const unproven = url && refuseUnprovenUrl(world.folder, project.known, url);
  if (isFault(unproven)) return unproven;
  const whole = wholeOf(options);
  if (whole) {
    const isGiven = keys.length > 0 || prefix !== undefined;
    return purgeWhole(world, project, whole, options, isGiven);
  }
  const { domains, file } = project.known;
  const tokens = readTokens(world, project, secretsFile);
  // Without a token, do not list a bucket. Keys that are given are printed as not purged.
  if (isFault(tokens) && prefix !== undefined && !dryRun) return tokens;

  const { prefix: _prefix, yes: _yes, ...same } = options;
  const instead = `${commandLine("purge", same, ["-"])} < keys.txt`;
  const own = ownUrlsOf(world.folder, project);
  const gathered = await gather(world, project, { keys, prefix, versions, own, instead });
  if (isFault(gathered) || typeof gathered === "number") return gathered;
  if (world.interrupted.aborted) {
    return { fault: "interrupted before anything was sent: nothing is purged" };
  }
  const { sources, impossible } = gathered;
  const { max_age, keep } = project.config.answers;
  if (sources.size === 0) {
    if (impossible === 0) say(world.stderr, "There is no key, so nothing is purged.");
    return impossible === 0 ? EXIT.done : EXIT.failed;
  }
  if (dryRun) {
    print(world.stdout, ...sources.keys());
    return impossible === 0 ? EXIT.done : EXIT.partly;
  }
  const objects = new Set(sources.values());
  if (isFault(tokens)) {
    tellLeft(world, objects);
    return tokens;
  }
  const asks = prefix !== undefined && !options.yes && objects.size > MANY;
  const isAgreed = !asks || (await askAgreement(world, objects.size, !keys.includes("-")));
  if (isAgreed !== true) return isAgreed ? EXIT.interrupted : EXIT.failed;
  const outcome = await purgeCaches(world, gathered, tokens, { given, domains, file });
  const kept = tokens.worker ? undefined : keep;
  return tellOutcome(world, outcome, { max_age, kept }, impossible);
}

/** Above so many objects of a prefix, it asks. */
const MANY = 1_000;

/** @param canAsk whether stdin is free for an answer */
async function askAgreement(world: World, many: number, canAsk: boolean) {
  const what = `${count(many)} objects would be purged, and the next visitors would wait for each.`;
  if (canAsk && hasTerminal(world)) return askYes(world, `${what} Purge them?`, false);
  say(world.stderr, paint(world, world.stderr, "red", `${what} Use --yes to confirm.`));
  return false;
}
