// vitrine purge: all that the edge made of objects is dropped, by the URLs of their originals (C3).

import { Command } from "@commander-js/extra-typings";
import type { Bucket } from "../../worker/config/bucket.ts";
import {
  EXIT,
  type Exit,
  type Fault,
  isFault,
  paint,
  type Run,
  say,
  type World,
} from "../command.ts";
import { cloudflareApi } from "../net/cloudflare.ts";
import { findBaseUrl, hostOf, isHere } from "../project/base-url.ts";
import { type Operator, readOperator, readSecretsFile } from "../project/operator.ts";
import { linesOf } from "../terminal/lines.ts";
import { count } from "../terminal/progress.ts";
import { type Gathered, gather } from "./keys.ts";
import { purgeAll, tellLeft, tellOutcome } from "./run.ts";
import { findZones } from "./zone.ts";

export type PurgeOptions = {
  readonly prefix?: string | undefined;
  readonly bucket?: string | undefined;
  readonly v?: readonly string[] | undefined;
  readonly zone?: readonly string[] | undefined;
  readonly url?: string | undefined;
  readonly secretsFile?: string | undefined;
  readonly yes?: true | undefined;
  readonly dryRun?: true | undefined;
};

export function purgeCommand(world: World, run: Run) {
  return new Command("purge")
    .description("drops all variants of objects from Cloudflare's edge")
    .argument(
      "[keys...]",
      "keys below the prefix of their bucket, or public URLs; - is stdin, one a line",
    )
    .option("--prefix <prefix>", "all objects that begin so, if the bucket's key may list them")
    .option("-b, --bucket <name>", "the bucket of wrangler.toml, where there are several")
    .option(
      "--v <version>",
      "what signed URLs with this version show, too; may be repeated",
      (version: string, before: readonly string[] = []) => [...before, version],
    )
    .option(
      "--zone <id>",
      "in this zone alone, may be repeated; else in all that its domains lie in",
      (id: string, before: readonly string[] = []) => [...before, id],
    )
    .option(
      "-u, --url <url>",
      "where Vitrine is; else the first domain under routes in wrangler.toml",
    )
    .option("--secrets-file <file>", "where secrets stand; else the environment, or .dev.vars")
    .option("--yes", "asks nothing, however many objects begin with the prefix")
    .option("--dry-run", "prints the URLs that would be purged, and sends nothing")
    .addHelpText(
      "after",
      `
An object is purged with all of its variants, of all presets: there is no --preset to purge some.
CLOUDFLARE_API_TOKEN, in the environment or the file, is a token that may Zone, Cache Purge, Purge.
Keys that were not purged are printed on stdout, so that they can be given again.

Examples:
  vitrine purge photos/fig.jpg photos/friends.jpg
  vitrine purge https://images.example.com/images/card/photos/fig.jpg
  vitrine purge - < keys.txt > left.txt
  vitrine purge --prefix photos/2026/ --secrets-file secrets.env`,
    )
    .action((keys, options) => run(() => purge(world, keys, options)));
}

async function purge(
  world: World,
  keys: readonly string[],
  options: PurgeOptions,
): Promise<Exit | Fault> {
  const { url, secretsFile, dryRun, v: versions = [], zone: given = [] } = options;
  if (url !== undefined && isHere(url)) {
    return { fault: "--url: is of this machine, where nothing is kept: there is nothing to purge" };
  }
  if (versions.some((version) => !/^[\w.-]{1,64}$/.test(version))) {
    return { fault: "--v is 1 to 64 letters, digits, dots, - and _" };
  }
  const operator = readOperator(world, { url, secretsFile });
  if (isFault(operator)) return operator;
  const bucket = findBucket(operator, options.bucket);
  if (isFault(bucket)) return bucket;
  const { domains, patterns } = operator.known;
  const base = findBaseUrl(url, patterns, "--url");
  if (url !== undefined && isFault(base)) return base;
  const host = isFault(base) || base === "" ? undefined : hostOf(base);
  const cloudflare = dryRun ? NOT_ASKED : readCloudflare(world, secretsFile);
  // Nothing is listed in vain; what is given is read all the same, and printed as not purged.
  if (isFault(cloudflare) && options.prefix !== undefined) return cloudflare;

  const hosts = [...new Set([...(host ? [host] : []), ...domains.map((domain) => domain.host)])];
  const gathered = await gather(world, operator, { ...options, keys, versions, bucket, hosts });
  if (isFault(gathered) || typeof gathered === "number") return gathered;
  if (world.interrupted.aborted)
    return { fault: "ended before anything was sent: nothing is purged" };
  const impossible = gathered.impossible.length;
  if (gathered.sources.size === 0) {
    if (impossible === 0) say(world.stderr, "There is no key: nothing is to be purged.");
    return impossible === 0 ? EXIT.done : EXIT.failed;
  }
  if (dryRun) {
    for (const source of gathered.sources.keys()) say(world.stdout, source);
    return impossible === 0 ? EXIT.done : EXIT.partly;
  }
  if (isFault(cloudflare)) {
    tellLeft(world, new Set(gathered.sources.values()));
    return cloudflare;
  }
  if (options.prefix !== undefined && !options.yes && !(await agreed(world, gathered, keys))) {
    return EXIT.failed;
  }
  const outcome = await purgeAll(world, gathered, {
    api: (tell) => cloudflareApi(world, cloudflare.token, tell),
    findZones: (api) => findZones({ given, env: cloudflare.zone, host, domains }, api),
  });
  return tellOutcome(world, outcome, operator.config.answers.max_age, impossible);
}

/** @returns undefined where there are several, and none is named */
function findBucket({ config: { buckets } }: Operator, name?: string): Bucket | undefined | Fault {
  if (name === undefined) return buckets.length === 1 ? buckets[0] : undefined;
  const found = buckets.find((bucket) => bucket.name === name);
  const names = buckets.map((bucket) => bucket.name).join(", ");
  return found ?? { fault: `--bucket ${name}: wrangler.toml has ${names}` };
}

const NO_TOKEN =
  "CLOUDFLARE_API_TOKEN is not at hand: make a token that may Zone, Cache Purge, Purge, on https://dash.cloudflare.com/profile/api-tokens, and put it into the environment, or into the file that --secrets-file names";

type Cloudflare = { readonly token: string; readonly zone: string | undefined };

/** In a dry run. */
const NOT_ASKED: Cloudflare = { token: "", zone: undefined };

function readCloudflare(world: World, secretsFile: string | undefined): Cloudflare | Fault {
  const filed = secretsFile === undefined ? {} : readSecretsFile(world, secretsFile);
  if (isFault(filed)) return filed;
  const read = (name: string) => {
    const value = filed[name] || world.env[name];
    return typeof value === "string" && value !== "" ? value : undefined;
  };
  const token = read("CLOUDFLARE_API_TOKEN");
  if (token === undefined) return { fault: NO_TOKEN };
  if (!/^[\x21-\x7e]+$/.test(token)) {
    return { fault: "CLOUDFLARE_API_TOKEN: has a character that no token has" };
  }
  return { token, zone: read("CLOUDFLARE_ZONE_ID") };
}

/** So many objects of a prefix are purged without asking. */
const MANY = 1_000;

async function agreed(
  world: World,
  { count: many }: Gathered,
  keys: readonly string[],
): Promise<boolean> {
  if (many <= MANY) return true;
  const { stdin, stderr, interrupted } = world;
  const asked = `${count(many)} objects would be purged, and the next visitors wait for each`;
  if (!stdin.isTTY || keys.includes("-")) {
    say(stderr, paint(world, stderr, "red", `${asked}: say --yes if that is meant.`));
    return false;
  }
  stderr.write(`${asked}. Purge them? [y/N] `);
  for await (const line of linesOf(stdin, interrupted)) return /^y(?:es)?$/i.test(`${line}`.trim());
  return false;
}
