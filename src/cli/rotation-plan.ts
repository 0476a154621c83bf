// What a rotation is of: which secrets, which buckets, and what to look at.

import { secretNames } from "../secret-names.ts";
import { findBaseUrl } from "./base-url.ts";
import type { Tried } from "./new-key.ts";
import { type Operator, readOperator } from "./operator.ts";
import { shellQuote } from "./shell.ts";
import { pathOf, queryFor, variantsOf } from "./url.ts";
import { type Fault, isFault, type World } from "./world.ts";

export type Options = {
  readonly url?: string | undefined;
  readonly bucket?: string | undefined;
  readonly credentials?: string | undefined;
  readonly keyFile?: string | undefined;
  readonly key?: string | undefined;
  readonly userName: string;
  /** Seconds. */
  readonly wait: number;
  readonly secretsFile?: string | undefined;
  readonly print?: true | undefined;
  readonly yes?: true | undefined;
  readonly restart?: true | undefined;
  readonly dryRun?: true | undefined;
};

export type Plan = {
  readonly options: Options;
  /** Where Vitrine is. */
  readonly base: string;
  /** True where that is this machine. */
  readonly local: boolean;
  /** What the names of the secrets begin with. */
  readonly word: string;
  /** All buckets that they open. */
  readonly buckets: readonly Tried[];
  /** Images that must be there all the time. */
  readonly images: readonly string[];
  readonly token: string;
};

export async function readPlan(world: World, options: Options): Promise<Plan | Fault> {
  const operator = readOperator(world, options);
  if (isFault(operator)) return operator;
  const base = findBaseUrl(options.url, operator.known.patterns, "--url");
  if (isFault(base)) return base;
  if (base === "") return { fault: '--url "": say where Vitrine is, https://images.example.com' };
  const { healthToken: token, local } = operator;
  if (token === undefined) {
    const where = local
      ? "put one into .dev.vars"
      : "put it into the environment, or --secrets-file";
    return {
      fault: `HEALTH_TOKEN, of 16 characters or more, is not at hand: ${where} (README.md, “Health”)`,
    };
  }
  if (local && options.print) return { fault: "--print is for a Vitrine that is deployed" };
  const word = findWord(operator, options);
  if (isFault(word)) return word;
  const names = [secretNames(word), secretNames(word, "next")].flatMap((slot) =>
    Object.values(slot),
  );
  const stored = names.find((name) => operator.known.stored.includes(name));
  if (stored !== undefined && !local) {
    return {
      fault: `${stored} is kept in a Secrets Store, where this cannot put it: README.md, “Rotate the keys”, has the steps`,
    };
  }
  const buckets = operator.config.buckets
    .filter(({ name }) => operator.words.get(name) === word)
    .map((bucket) => ({ ...bucket, canary: bucket.canary ?? keyIn(bucket, options.key) }));
  const images = await findImages(operator, buckets, options.key, base, world.now());
  if (isFault(images)) return images;
  return { options, base, local, word, buckets, images, token };
}

function findWord({ words }: Operator, { bucket, credentials }: Options): string | Fault {
  const known = [...new Set(words.values())];
  const listed = known.join(", ");
  if (credentials !== undefined) {
    if (known.includes(credentials)) return credentials;
    return { fault: `no bucket has credentials = "${credentials}": there are ${listed}` };
  }
  if (bucket !== undefined) {
    const word = words.get(bucket);
    return word ?? { fault: `there is no bucket "${bucket}": ${[...words.keys()].join(", ")}` };
  }
  const [only, ...more] = known;
  if (only !== undefined && more.length === 0) return only;
  return { fault: `there are several keys, ${listed}: say which, --credentials ${only ?? ""}` };
}

function keyIn({ prefix }: { readonly prefix: string }, key: string | undefined) {
  return key && prefix + key;
}

/** The URL of an image of each bucket: of its canary, or of the key that was named. */
async function findImages(
  operator: Operator,
  buckets: readonly Tried[],
  named: string | undefined,
  base: string,
  now: number,
): Promise<string[] | Fault> {
  const images: string[] = [];
  for (const bucket of buckets) {
    const key = named ?? bucket.canary?.slice(bucket.prefix.length);
    const path = key === undefined ? undefined : await findPath(operator, bucket.name, key, now);
    if (isFault(path)) return path;
    if (path !== undefined) images.push(base + path);
  }
  if (images.length > 0) return images;
  const names = buckets.map(({ name }) => `BUCKETS.${name}`).join(", ");
  return {
    fault:
      named === undefined
        ? `${names}: has no canary that a route leads to, so that nothing can be looked at: add one (README.md, “Health”), or name an image with --key`
        : `no route leads to "${named}" in ${names}`,
  };
}

/** The first route that needs no signature, else the first one, with a signature for a day. */
async function findPath(
  operator: Operator,
  bucket: string,
  key: string,
  now: number,
): Promise<string | Fault | undefined> {
  const routes = operator.config.routes.filter((route) => route.bucket.name === bucket);
  const open = (route: (typeof routes)[number]) => Number(route.signing !== undefined);
  for (const route of routes.toSorted((one, other) => open(one) - open(other))) {
    for (const variant of variantsOf(operator, route)) {
      const path = pathOf(operator, route, variant, key);
      if (path === undefined) continue;
      if (route.signing === undefined) return path;
      const expires = Math.floor(now / 1000) + Math.min(86_400, route.signing.maxAge);
      const preset = operator.config.variants.get(variant)?.preset ?? "";
      const query = await queryFor(operator, route, { preset, key, expires });
      return isFault(query) ? query : path + query;
    }
  }
  return undefined;
}

/** The command that goes on with it. No part of it is secret. */
export function commandOf({ options, local }: Plan, ...more: readonly string[]): string {
  const { url, bucket, credentials, keyFile, key, userName, wait, secretsFile, print, yes } =
    options;
  const given = { url, bucket, credentials, "key-file": keyFile, key, "secrets-file": secretsFile };
  const flags = Object.entries(given).flatMap(([name, value]) =>
    value === undefined ? [] : [`--${name} ${shellQuote(value)}`],
  );
  if (userName !== USER_NAME) flags.push(`--user-name ${shellQuote(userName)}`);
  if (wait !== WAIT_S) flags.push(`--wait ${wait}`);
  if (print && !local) flags.push("--print");
  if (yes) flags.push("--yes");
  return ["npx vitrine rotate", ...flags, ...more].join(" ");
}

export const USER_NAME = "vitrine";
/** How long what is right has to last. After a minute no old version runs any more: seconds. */
export const WAIT_S = 60;
