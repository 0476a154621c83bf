// What a rotation is of: which secrets, which buckets, and what to look at.

import { secretNames } from "../../worker/config/secret-names.ts";
import { type Fault, isFault, type World } from "../command.ts";
import { findBaseUrl } from "../project/base-url.ts";
import { type Operator, readOperator } from "../project/operator.ts";
import { pathOf, queryFor, variantsOf } from "../project/public-url.ts";
import { shellQuote } from "../terminal/shell.ts";
import type { Tried } from "./new-key.ts";

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
  readonly images: readonly Image[];
  readonly token: string;
};

/** The URL of an image, signed as of now where that must be: a rotation may outlast a signature. */
export type Image = (now: number) => Promise<string | Fault>;

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
      fault: `HEALTH_TOKEN, of 16 characters or more, is not at hand: ${where} (docs/doctor.md, “Health”)`,
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
      fault: `${stored} is kept in a Secrets Store, where this cannot put it: docs/rotate.md has the steps`,
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

/** An image of each bucket: the one that was named where there is one bucket, else its canary first. */
async function findImages(
  operator: Operator,
  buckets: readonly Tried[],
  named: string | undefined,
  base: string,
  now: number,
): Promise<Image[] | Fault> {
  const images: Image[] = [];
  for (const bucket of buckets) {
    const canary = bucket.canary?.slice(bucket.prefix.length);
    const key = buckets.length === 1 ? (named ?? canary) : (canary ?? named);
    const image = key === undefined ? undefined : findImage(operator, base, bucket.name, key);
    const url = await image?.(now);
    if (isFault(url)) return url;
    if (image !== undefined) images.push(image);
  }
  if (images.length > 0) return images;
  const names = buckets.map(({ name }) => `BUCKETS.${name}`).join(", ");
  return {
    fault:
      named === undefined
        ? `${names}: has no canary that a route leads to, so that nothing can be looked at: add one (docs/doctor.md, “Health”), or name an image with --key`
        : `no route leads to "${named}" in ${names}`,
  };
}

/** By the first route that needs no signature, else by the first one. */
function findImage(
  operator: Operator,
  base: string,
  bucket: string,
  key: string,
): Image | undefined {
  const routes = operator.config.routes.filter((route) => route.bucket.name === bucket);
  const open = (route: (typeof routes)[number]) => Number(route.signing !== undefined);
  for (const route of routes.toSorted((one, other) => open(one) - open(other))) {
    for (const variant of variantsOf(operator, route)) {
      const path = pathOf(operator, route, variant, key);
      if (path === undefined) continue;
      const { signing } = route;
      if (signing === undefined) return async () => base + path;
      const preset = operator.config.variants.get(variant)?.preset ?? "";
      return async (now) => {
        const expires = Math.floor(now / 1000) + Math.min(TERM_S, signing.maxAge);
        const query = await queryFor(operator, route, { preset, key, expires });
        return isFault(query) ? query : base + path + query;
      };
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

/** For how long a look's URL is good: seconds. */
const TERM_S = 600;

export const USER_NAME = "vitrine";
/** How long what is right has to last. After a minute no old version runs any more: seconds. */
export const WAIT_S = 60;
