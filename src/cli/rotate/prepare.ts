// Makes a plan of the options and the configuration: which secrets, which buckets, which images to look at.

import { secretNames } from "../../worker/config/secret-names.ts";
import { type Fault, isFault, type World } from "../command.ts";
import { findBaseUrl } from "../project/base-url.ts";
import { type Operator, readOperator } from "../project/operator.ts";
import { pathOf, queryFor, variantsOf } from "../project/public-url.ts";
import type { ImageUrl, Options, Plan, Target } from "./plan.ts";

export async function readPlan(world: World, options: Options): Promise<Plan | Fault> {
  const operator = readOperator(world, options);
  if (isFault(operator)) return operator;
  const base = findBaseUrl(options.url, operator.known.patterns, "--url");
  if (isFault(base)) return base;
  if (base === "")
    return { fault: "--url is empty. Say where Vitrine is: --url https://images.example.com" };
  const { healthToken: token, local } = operator;
  if (token === undefined) {
    const where = local ? ".dev.vars" : "the environment, or into the file of --secrets-file";
    return {
      fault: `HEALTH_TOKEN is missing, or has fewer than 16 characters. Put it into ${where} (docs/doctor.md, “Health”)`,
    };
  }
  if (local && options.print) return { fault: "--print is for a deployed Vitrine" };
  const word = findWord(operator, options);
  if (isFault(word)) return word;
  const names = [secretNames(word), secretNames(word, "next")].flatMap((slot) =>
    Object.values(slot),
  );
  const stored = names.find((name) => operator.known.stored.includes(name));
  if (stored !== undefined && !local) {
    return {
      fault: `${stored} is in a Secrets Store, and this command cannot write there. docs/rotate.md has the steps, under “In a Secrets Store”`,
    };
  }
  const buckets = operator.config.buckets
    .filter(({ name }) => operator.words.get(name) === word)
    .map((bucket) => ({
      ...bucket,
      canary: bucket.canary ?? (options.key && bucket.prefix + options.key),
    }));
  const images = await findImages(operator, buckets, options.key, base, world.now());
  if (isFault(images)) return images;
  return { options, base, local, word, buckets, images, token };
}

function findWord({ words }: Operator, { bucket, credentials }: Options): string | Fault {
  const known = [...new Set(words.values())];
  const listed = known.join(", ");
  if (credentials !== undefined) {
    if (known.includes(credentials)) return credentials;
    return { fault: `no bucket has credentials = "${credentials}". Known: ${listed}` };
  }
  if (bucket !== undefined) {
    const word = words.get(bucket);
    return (
      word ?? { fault: `there is no bucket "${bucket}". Known: ${[...words.keys()].join(", ")}` }
    );
  }
  const [only, ...more] = known;
  if (only !== undefined && more.length === 0) return only;
  return {
    fault: `there are several keys: ${listed}. Choose one, for example --credentials ${only ?? ""}`,
  };
}

/** Finds an image of each bucket: the named one if there is one bucket, otherwise preferably its canary. */
async function findImages(
  operator: Operator,
  buckets: readonly Target[],
  named: string | undefined,
  base: string,
  now: number,
): Promise<ImageUrl[] | Fault> {
  const images: ImageUrl[] = [];
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
        ? `${names}: no canary that a route leads to, so there is no image to look at. Add a canary (docs/doctor.md, “Health”), or name an image: --key`
        : `no route leads to "${named}" in ${names}`,
  };
}

/** Uses the first route without signatures, otherwise the first route. */
function findImage(
  operator: Operator,
  base: string,
  bucket: string,
  key: string,
): ImageUrl | undefined {
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
        const expires = Math.floor(now / 1000) + Math.min(EXPIRY_S, signing.maxAge);
        const query = await queryFor(operator, route, { preset, key, expires });
        return isFault(query) ? query : base + path + query;
      };
    }
  }
  return undefined;
}

/** How long the URL of an image is valid: seconds. */
const EXPIRY_S = 600;
