// Options that several commands have. Each has one text.

import { Option } from "@commander-js/extra-typings";

export const envOption = () =>
  new Option("--env <name>", "an environment; default: CLOUDFLARE_ENV, else the top level");

export const urlOption = () =>
  new Option("-u, --url <url>", "where Vitrine is; default: the first domain under routes");

/** @param which the secrets that the command needs */
export const secretsFileOption = (which = "secrets") =>
  new Option("--secrets-file <file>", `a file with ${which}; default: environment or .dev.vars`);

export const tokenOption = () =>
  new Option(
    "--token <file>",
    "a file with a visitor's token, or - for stdin; default: VITRINE_TOKEN",
  );

export const OBJECTS = `An object is named by its key, without the prefix of its bucket. If wrangler.toml has several buckets,
or if the key begins with the name of the bucket, write BUCKET/key.`;
