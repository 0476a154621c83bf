// Options that several commands have. Each has one text.

import { InvalidArgumentError, Option } from "@commander-js/extra-typings";

export const envOption = () =>
  new Option("--env <name>", "an environment; default: CLOUDFLARE_ENV, else the top level");

export const urlOption = () =>
  new Option("-u, --url <url>", "where Vitrine is; default: the first domain under routes");

/** @param which the secrets that the command needs */
export const secretsFileOption = (which = "secrets") =>
  new Option("--secrets-file <file>", `a file with ${which}; default: environment or .dev.vars`);

export const jsonOption = () => new Option("--json", "prints JSON");

/** How commands take objects (project/object-name.ts). */
export const OBJECTS = `An object is named by its key, without the prefix of its bucket. If wrangler.toml has several buckets,
or if the key begins with the name of the bucket, write BUCKET/key.`;

/** Reads an option that may be repeated. */
export function collect(value: string, before: readonly string[] = []): readonly string[] {
  return [...before, value];
}

/** Makes a function that reads an option whose value is a whole number. */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = Number(text);
    if (/^\d{1,9}$/.test(text) && number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It must be a whole number from ${least} to ${most}.`);
  };
}
