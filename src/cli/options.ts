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

const UNITS_S: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };

export const NO_DURATION = "is not like 30s, 15m, 12h or 7d";

/** Reads a time such as 30s, 15m, 12h or 7d. @returns s; undefined if it is no such time */
export function parseDuration(text: string): number | undefined {
  const groups = /^(?<number>[1-9]\d{0,8})(?<unit>[smhd])$/.exec(text)?.groups;
  if (groups === undefined) return undefined;

  const unitS = UNITS_S[`${groups["unit"]}`];
  return unitS === undefined ? undefined : Number(groups["number"]) * unitS;
}
