// Makes a plan of the options and the configuration: which secrets, which buckets, which images to look at.

import type { Bucket } from "../../worker/config/bucket.ts";
import { type Fault, isFault } from "../command.ts";
import { isPlayed, type Site } from "../config/project.ts";
import { type Found, nameOf, readKeys } from "../objects/object-name.ts";
import { optionOf } from "../terminal/shell.ts";
import { pathOf, queryFor, variantsOf } from "../urls/public-url.ts";
import type { ImageUrl, Options, Plan, Target } from "./plan.ts";

/** Reads what is rotated, and which images are checked meanwhile. Sends nothing. */
export async function readPlan(site: Site, options: Options, now: number): Promise<Plan | Fault> {
  const { base, local, healthToken: token } = site;
  if (token === undefined) {
    const where = local ? site.known.devVars : "the environment, or the file of --secrets-file";
    const what = "HEALTH_TOKEN is missing, or has fewer than 16 characters";
    return { fault: `${what}. Put it into ${where} (docs/doctor.md, “Health”)` };
  }
  if (local && options.print) return { fault: "--print is for a deployed Vitrine" };
  const word = findWord(site, options);
  if (isFault(word)) return word;
  const named = readImages(site, word, options.key);
  if (isFault(named)) return named;
  const buckets = site.config.buckets
    .filter(({ name }) => site.words.get(name) === word)
    .map((bucket) => {
      const key = keyIn(bucket, named);
      return { ...bucket, canary: bucket.canary ?? (key && bucket.prefix + key) };
    });
  const images = await findImages(site, buckets, named, now);
  if (isFault(images)) return images;
  const { known: place } = site;
  const played = isPlayed(site);
  const hasSessions = buckets.every(({ engine }) => engine !== "cf"); // A11
  const signedFrom = site.secrets.get("URL_SIGNING_KEYS")?.from;
  return {
    ...{ options, base, local, played, place, word, hasSessions },
    ...{ buckets, images, signedFrom, token },
  };
}

/** Reads the images that `--key` names. Each must be in a bucket that this rotation is about. */
function readImages(
  { config: { buckets }, words }: Site,
  word: string,
  keys: Options["key"],
): readonly Found[] | Fault {
  const named = readKeys(buckets, keys);
  if (isFault(named)) return named;
  const other = named.find(({ bucket }) => words.get(bucket.name) !== word);
  if (other === undefined) return named;
  const { name } = other.bucket;
  const its = `the secrets of the bucket ${name} begin with ${words.get(name)}`;
  const key = optionOf("--key", nameOf(buckets, other));
  return { fault: `${key}: ${its}, and this rotation is about ${word}` };
}

function findWord({ config, words }: Site, { bucket, credentials }: Options): string | Fault {
  const known = [...new Set(words.values())];
  const listed = known.join(", ");
  if (credentials !== undefined) {
    if (known.includes(credentials)) return credentials;
    return { fault: `no bucket has credentials = "${credentials}". Known: ${listed}` };
  }
  if (bucket !== undefined) {
    const names = [...words.keys()].join(", ");
    const bound = config.buckets.find(({ name }) => name === bucket && !words.has(name));
    if (bound !== undefined)
      return { fault: `${bucket} has no key to rotate: ${whyKeyless(bound)}` };
    return words.get(bucket) ?? { fault: `there is no bucket "${bucket}". Known: ${names}` };
  }
  const [only, ...more] = known;
  const [first] = config.buckets;
  if (only === undefined && first !== undefined) {
    return { fault: `no bucket has a key to rotate: ${whyKeyless(first)}` };
  }
  if (only !== undefined && more.length === 0) return only;
  return { fault: `there are several keys: ${listed}. Choose one, such as --credentials ${only}` };
}

function whyKeyless({ r2 }: Pick<Bucket, "r2">): string {
  if (r2 !== undefined) return "a binding opens it";
  return "a role opens it. To rotate OIDC_SIGNING_KEY: docs/keyless.md";
}

function keyIn({ name }: Target, named: readonly Found[]): string | undefined {
  return named.find(({ bucket }) => bucket.name === name)?.key;
}

/** Finds an image of each bucket: the named one, otherwise its canary. */
async function findImages(
  site: Site,
  buckets: readonly Target[],
  named: readonly Found[],
  now: number,
): Promise<ImageUrl[] | Fault> {
  const images: ImageUrl[] = [];
  for (const bucket of buckets) {
    const key = keyIn(bucket, named) ?? bucket.canary?.slice(bucket.prefix.length);
    const image = key === undefined ? undefined : findImage(site, bucket.name, key);
    const url = await image?.(now);
    if (isFault(url)) return url;
    if (image !== undefined) images.push(image);
  }
  if (images.length > 0) return images;
  const names = buckets.map(({ name }) => `BUCKETS.${name}`).join(", ");
  const [first] = named;
  if (first !== undefined) return { fault: `no route leads to "${first.key}" in ${names}` };
  const why = buckets.some(({ canary }) => canary) ? "no route leads to a canary" : "no canary";
  const what = `${names}: ${why}, so there is no image to look at`;
  return { fault: `${what}. Add a canary (docs/doctor.md, “Health”), or name an image: --key` };
}

/** Uses the first route without signatures, otherwise the first route. */
function findImage(site: Site, bucket: string, key: string): ImageUrl | undefined {
  const routes = site.config.routes.filter((route) => route.bucket.name === bucket);
  const open = (route: (typeof routes)[number]) => Number(route.signing !== undefined);
  for (const route of routes.toSorted((one, other) => open(one) - open(other))) {
    for (const variant of variantsOf(site, route)) {
      const path = pathOf(site, route, variant, key);
      if (path === undefined) continue;
      const { signing } = route;
      if (signing === undefined) return async () => site.base + path;
      const preset = site.config.variants.get(variant)?.preset ?? "";
      return async (now) => {
        const expires = Math.floor(now / 1000) + Math.min(EXPIRY_S, signing.maxAge);
        const query = await queryFor(site, route, { preset, key, expires });
        return isFault(query) ? query : site.base + path + query;
      };
    }
  }
  return undefined;
}

/** How long the URL of an image is valid: seconds. */
const EXPIRY_S = 600;
