// Makes the settings of a new project out of what flags and answers say, or names all that is wrong with them.
// A bucket is checked as the Worker and `vitrine check` check it. No I/O.

import type { Mistake } from "../../worker/base/refusal.ts";
import { bucketSchema } from "../../worker/config/bucket-settings.ts";
import { oneOf, type Schema, textLike, textThat } from "../../worker/config/schema.ts";
import { bucketDeployMistakes } from "../config/pitfalls.ts";
import { endpointOf, findProvider, PROVIDER_NAMES, type Provider } from "./providers.ts";

/** In the order in which mistakes are told. */
const FLAGS = [
  ...(["provider", "bucket", "endpoint", "region", "prefix", "domain", "name"] as const),
  "jurisdiction",
] as const;

export type Flag = (typeof FLAGS)[number];

/** What the flags say, and what the person at the terminal says. */
export type Answers = { readonly [flag in Flag]?: string | undefined } & {
  /** Whether R2 stores the renditions; undefined: yes. */
  readonly store?: boolean | undefined;
};

/** What the files of a project are made of, checked. */
export type Settings = {
  /** The name of the Worker. */
  readonly name: string;
  readonly bucket: string;
  /** How S3's API reaches it; undefined: it is an R2 bucket, which a binding of the Worker reaches. */
  readonly s3: { readonly endpoint: string; readonly region: string } | undefined;
  /** With a slash at the end; `""`: the whole bucket. */
  readonly prefix: string;
  /** `""`: none yet. */
  readonly domain: string;
  /** R2 stores the renditions, in a jurisdiction if one is given. */
  readonly store: { readonly jurisdiction: string | undefined } | undefined;
};

/** What is wrong with a flag. */
export type FlagMistake = { readonly flag: Flag; readonly message: string };

const jurisdictionSchema = oneOf("eu", "fedramp");
const providerSchema = oneOf(...PROVIDER_NAMES);
const nameSchema = textLike(
  "a name of 1 to 63 letters a to z, digits and -",
  /^[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?$/,
);
// S3's rules allow more.
const r2NameSchema = textLike(
  "the name of an R2 bucket: 3 to 63 letters a to z, digits and -",
  /^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$/,
);
const domainSchema = textThat(
  "a host name such as images.example.com, without https://, port and path",
  (domain) => hostNameOf(domain) !== undefined,
);

/** @param answers without a name, it is a mistake; every other default is here */
export function readAnswers(
  answers: Answers,
): Settings | { readonly mistakes: readonly FlagMistake[] } {
  const { provider: providerName, name = "", domain = "", store = true, jurisdiction } = answers;
  const provider = findProvider(providerName);
  const bucket = bucketOf(answers, provider);
  const all = [
    ...(providerName === undefined
      ? [{ flag: "provider", message: `is missing: one of ${PROVIDER_NAMES.join(", ")}` } as const]
      : mistakesOf("provider", providerSchema, providerName)),
    ...bucketMistakes(bucket, answers, provider),
    ...(bucket.binding === undefined ? [] : boundMistakes(answers)),
    ...mistakesOf("name", nameSchema, name),
    ...(jurisdiction === undefined
      ? []
      : mistakesOf("jurisdiction", jurisdictionSchema, jurisdiction)),
    ...(jurisdiction !== undefined && !store
      ? [{ flag: "jurisdiction", message: "is that of the store: leave --no-store out" } as const]
      : []),
    ...(domain === "" ? [] : mistakesOf("domain", domainSchema, domain)),
    ...(isOfCloudflare(domain)
      ? [
          {
            flag: "domain",
            message: "belongs to Cloudflare: a route needs a zone of yours",
          } as const,
        ]
      : []),
  ];
  // The first mistake of a flag is the cause of its others.
  const mistakes = FLAGS.flatMap((flag) => all.find((mistake) => mistake.flag === flag) ?? []);
  if (mistakes.length > 0) return { mistakes };
  const { endpoint = "", region = "", prefix = "" } = bucket;
  return {
    ...{ name, prefix },
    bucket: bucket.bucket ?? "",
    s3: bucket.binding === undefined ? { endpoint, region } : undefined,
    domain: hostNameOf(domain) ?? "",
    store: store ? { jurisdiction } : undefined,
  };
}

/** A bucket as wrangler.toml has it, as far as it is known. */
type Bucket = {
  readonly [key in "binding" | "bucket" | "endpoint" | "region" | "prefix"]?: string;
};

/** The name of the binding of an R2 bucket. */
export const R2_BINDING = "MEDIA_BUCKET";
/** That of the store. */
export const STORE_BINDING = "RENDITIONS";

function bucketOf(given: Answers, provider: Provider | undefined): Bucket {
  const own = {
    ...(given.bucket !== undefined && { bucket: given.bucket }),
    ...(given.prefix && { prefix: given.prefix.endsWith("/") ? given.prefix : `${given.prefix}/` }),
  };
  if (provider?.isBound && given.endpoint === undefined) return { binding: R2_BINDING, ...own };
  const isUsual = (need: "endpoint" | "region") => provider?.needs.includes(need) === false;
  const region = given.region ?? (isUsual("region") ? provider?.region : undefined);
  const made = provider && region !== undefined ? endpointOf(provider, region) : undefined;
  const endpoint = given.endpoint ?? (isUsual("endpoint") ? made : undefined);
  return {
    ...own,
    ...(endpoint !== undefined && { endpoint }),
    ...(region !== undefined && { region }),
  };
}

function bucketMistakes(
  bucket: Bucket,
  answers: Answers,
  provider: Provider | undefined,
): FlagMistake[] {
  const { endpoint, region = "" } = bucket;
  const found: Mistake[] = [];
  bucketSchema(bucket, "bucket", (path, message) => found.push({ path, message }));
  if (endpoint !== undefined && URL.canParse(endpoint)) {
    found.push(...bucketDeployMistakes({ name: "", base: endpoint, region }));
  }
  const isRegionWrong = found.some(({ path }) => path.endsWith(".region"));
  return found.flatMap(({ path, message }) => {
    const flag = FLAGS.find((one) => path.endsWith(`.${one}`)) ?? "bucket";
    // It was made of the region.
    if (flag === "endpoint" && answers.endpoint === undefined && isRegionWrong) return [];
    if (flag in bucket) return [{ flag, message }];
    const what = missingText(flag, provider);
    return what === undefined ? [] : [{ flag, message: what }];
  });
}

/** What is wrong for an R2 bucket that a binding reaches: its settings need no bucket, and have no region. */
function boundMistakes({ bucket, region }: Answers): FlagMistake[] {
  const needs = "is only for R2 by its S3 API: add --endpoint, too, or leave it out";
  return [
    ...(bucket === undefined
      ? [{ flag: "bucket", message: NO_BUCKET } as const]
      : mistakesOf("bucket", r2NameSchema, bucket)),
    ...(region === undefined ? [] : [{ flag: "region", message: needs } as const]),
  ];
}

const NO_BUCKET = "is missing: the bucket's name at the provider";

/** Says that a flag is missing. Undefined: it depends on the provider, or on another flag, whether it is. */
function missingText(flag: Flag, provider: Provider | undefined): string | undefined {
  if (flag === "bucket") return NO_BUCKET;
  if (flag !== "endpoint" && flag !== "region") return undefined;
  return provider?.needs.includes(flag) ? `is missing, such as ${provider[flag]}` : undefined;
}

function mistakesOf(flag: Flag, schema: Schema<unknown>, value: string): FlagMistake[] {
  const found: FlagMistake[] = [];
  schema(value, flag, (_path, message) => found.push({ flag, message }));
  return found;
}

const LABEL = /^(?!-)[a-z0-9-]{1,63}(?<!-)$/;

/** A host name with a dot in it, as DNS has it: `xn--…` for other scripts. Undefined: it is none. */
function hostNameOf(text: string): string | undefined {
  if (/[^\p{L}\p{M}\p{N}.-]/u.test(text)) return undefined;
  const host = URL.parse(`https://${text}`)?.hostname ?? "";
  const labels = host.split(".");
  const isName = labels.length > 1 && host.length <= 253 && labels.every((one) => LABEL.test(one));
  return isName && !/^\d/.test(labels.at(-1) ?? "") ? host : undefined;
}

/** Returns whether a host is one that Cloudflare gives away: no account has its zone. */
function isOfCloudflare(domain: string): boolean {
  return /\.(?:workers|pages)\.dev$/.test(hostNameOf(domain) ?? "");
}

/** A name for the Worker: that of the folder, as far as it may be one. */
export function nameOf(folder: string): string {
  const plain = folder.toLowerCase().replace(/[^a-z0-9]+/g, "-");
  return plain.slice(0, 63).replace(/^-|-$/g, "") || "vitrine";
}
