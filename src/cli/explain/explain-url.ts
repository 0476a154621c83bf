// Walks a public URL through the steps of the Worker, up to what it asks of the engine, and writes a row of each.

import { isRefusal, type Refusal } from "../../worker/base/refusal.ts";
import { withoutQueries } from "../../worker/base/without-signatures.ts";
import { type RenditionKey, renditionUrl } from "../../worker/cache/rendition-url.ts";
import { secretNames } from "../../worker/config/read-secrets.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { keyEnd } from "../../worker/config/slot.ts";
import { edgeOptions, factsOptions } from "../../worker/edge/ask-edge.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { acceptedFormatsOf, createTransformRequest } from "../../worker/request/format.ts";
import {
  type ResolvedRequest,
  resolveRequest,
  splitFacts,
  type Target,
} from "../../worker/request/resolve-request.ts";
import { checkGrant, checkTime, readClaim } from "../../worker/request/url-signature.ts";
import { placeOf } from "../../worker/store/rendition-store.ts";
import { bucketOfWorker, type Project, slotsAtHand } from "../config/project.ts";
import { money, PRICE, transformationsOf, uniqueOptions } from "../config/transformations.ts";
import { BROWSERS } from "../http/ask-picture.ts";
import { nameOf } from "../objects/object-name.ts";
import { counted } from "../terminal/progress.ts";
import { commandLine, type Flags, visible } from "../terminal/shell.ts";
import { bindingCall } from "../urls/binding-call.ts";
import { densityFault, variantsOf } from "../urls/public-url.ts";

export type Row = readonly [name: string, value: string];

export type Explained = {
  readonly rows: readonly Row[];
  /** Whether the Worker shows it, as far as the configuration decides. */
  readonly isShown: boolean;
};

/** @param flags the options that commands need to reach this Vitrine */
export async function explainUrl(
  project: Project,
  url: URL,
  flags: Flags,
  now: number,
): Promise<Explained> {
  const { config } = project;
  if (url.pathname === "/healthz") {
    const answer = "the health of Vitrine, not an image (docs/doctor.md, Health)";
    return { rows: [["Answer", answer]], isShown: true };
  }
  const resolved = resolveRequest(config, url.pathname);
  const { route } = resolved;
  if (route === undefined) {
    const isRouteless = resolved.refusal.event === "no-such-route";
    return refuse([], resolved.refusal, isRouteless ? config.routes.map(({ path }) => path) : []);
  }
  const rows: Row[] = [["Route", route.path]];
  if (route.origins) {
    rows.push(["Pages", `only those of ${[...route.origins, "its own host"].join(", ")}`]);
  }
  rows.push(["Variant", resolved.name]);
  const { variant } = resolved;
  if (variant === undefined) {
    const density = densityFault(resolved.name);
    if (density !== undefined) rows.push(["Why", density]);
    return refuse(rows, resolved.refusal, variantsOf(project, route));
  }
  const { key } = resolved;
  rows.push(["Preset", variant.preset], ["Bucket", route.bucket.name], ["Key", oneLine(key)]);
  if ("refusal" in resolved) return refuse(rows, resolved.refusal);

  const { facts, target } = splitFacts(route, url);
  const granted = await readSignature(project, target, resolved, now);
  if (isRefusal(granted)) {
    const command = commandLine("url", { sign: true, ...flags }, [url.pathname]);
    // A path with a signature in it is not to be signed.
    const isPlain = withoutQueries(url.pathname) === url.pathname;
    return refuse([...rows, ...(isPlain ? [["Sign", command] as const] : [])], granted);
  }
  rows.push(["Signature", granted.text]);
  if (facts) {
    rows.push(["Answer", "the sizes as JSON, not an image (docs/configuration.md, Facts)"]);
  }
  const { svg, store: isStorable } = route;
  const bucket = bucketOfWorker(project, route.bucket);
  const rendition = { bucket, key, version: granted.version, variant, isStorable, svg, facts };
  const fallback = facts ? undefined : fallbackOf(project, route, originUrl(bucket.base, key));
  if (fallback !== undefined) rows.push(["Fallback", fallback]);
  const stored = await storedNames(project, rendition);
  const object = nameOf(config.buckets, { bucket: route.bucket, key: resolved.object });
  rows.push(
    ...originRows(project, rendition),
    ...engineRows(rendition),
    ...cacheRows(project, rendition),
    ...(stored.length === 0 ? [["Stored as", "nothing"] as const] : storeRows(stored)),
    ["Browsers", `keep it for up to ${config.answers.max_age} s`],
    ...costRows(project, rendition, stored.length > 0),
    ["Doctor", `if it is 404 or 415: ${commandLine("doctor", flags, [object])}`],
    [
      "Purge",
      project.local
        ? "nothing: the local run has no Workers Cache"
        : commandLine("purge", flags, [object]),
    ],
  );
  return { rows, isShown: true };
}

/** @param existing the routes or variants that exist, if that is what is wrong */
function refuse(
  rows: readonly Row[],
  { event, ...fields }: Refusal,
  existing: readonly string[] = [],
): Explained {
  const details = Object.entries(fields).flatMap(([name, value]) =>
    // The text to sign has several lines.
    `${value}`.split("\n").map((line, at): Row => [at === 0 ? `  ${name}` : "", oneLine(line)]),
  );
  const answer: Row = ["Answer", `no image: ${event} (docs/errors.md#${event})`];
  const all = [...rows, answer, ...details];
  const clean = all.map(([name, value]): Row => [name, withoutQueries(value)]);
  if (existing.length > 0) clean.push(["There is", oneLine(existing.join(", "))]);
  return { rows: clean, isShown: false };
}

function oneLine(value: string): string {
  return visible(value).replaceAll("\n", "\\u000a");
}

/** What the signature of a URL grants. Without a key to check it, it is assumed to be right. */
async function readSignature(
  { secrets }: Project,
  target: Target,
  resolved: ResolvedRequest,
  now: number,
): Promise<{ readonly text: string; readonly version?: string | undefined } | Refusal> {
  const { signing } = resolved.route;
  if (signing === undefined) return { text: "none is asked for" };
  const isChecked = secrets.has("URL_SIGNING_KEYS");
  const claim = isChecked ? await checkGrant(resolved, target, now) : readClaim(target);
  if (claim === undefined || isRefusal(claim)) return claim ?? { text: "none is asked for" };
  const granted = isChecked ? claim : checkTime(claim, signing.maxAge, now);
  if (isRefusal(granted)) return granted;
  const { version, expires } = granted;
  const state = isChecked ? "valid" : "not checked: URL_SIGNING_KEYS is not at hand; valid at most";
  return { version, text: `${state} until ${new Date(expires * 1000).toISOString()}` };
}

function fallbackOf(project: Project, { fallback }: BoundRoute, source: string) {
  const url = fallback && originUrl(bucketOfWorker(project, fallback.bucket).base, fallback.key);
  return url === source ? undefined : url;
}

/** An object at a variant, with the version that a signed URL names. */
type Rendition = Omit<RenditionKey, "formats"> & {
  /** Whether its route shows SVGs. */
  readonly svg: boolean;
  /** Whether its facts are asked for, not the picture. */
  readonly facts: boolean;
};

/** The object's URL at S3, and what opens it. The signature is left out. */
function originRows(project: Project, { bucket, key }: Rendition): Row[] {
  const { base, r2, engine, hasSourceParameter, name, role } = bucket;
  const rows: Row[] = [["Origin URL", originUrl(base, key)]];
  if (engine === "cf" && hasSourceParameter) {
    rows.push(["", "the edge fetches it with ?x-vitrine=, a hash of its ETag"]); // A15
  }
  if (r2 !== undefined) return rows;
  const opener = role === undefined ? keyText(project, name) : `a session of the role ${role.arn}`;
  return [...rows, ["Signed by", opener]];
}

/** `the current key …MPLE (from .dev.vars)`. */
function keyText(project: Project, bucket: string): string {
  const [slot] = slotsAtHand(project, bucket).usable;
  if (slot === undefined) return "a key that is not at hand";
  const { accessKeyId } = secretNames(project.words.get(bucket) ?? "AWS", slot.name);
  return `the ${slot.name} key ${keyEnd(slot)} (from ${project.secrets.get(accessKeyId)?.from})`;
}

/** Who reads which formats, in words. */
const READS = { avif: "AVIF and WebP", webp: "WebP", none: "neither" } as const;

/** A row for each browser; one for all if they are the same. */
function rowsByBrowser(values: readonly (readonly [browser: string, value: string])[]): Row[] {
  const [[, first] = ["", ""]] = values;
  if (values.every(([, value]) => value === first)) return [["  any", first]];
  return values.map(([browser, value]) => [`  ${browser}`, value]);
}

/** What the edge, or the Images binding, is asked for by each kind of browser, if the key ends as its type does. */
function engineRows({ bucket, key, variant, svg, facts }: Rendition): Row[] {
  const isBound = bucket.engine === "binding";
  if (isBound && facts) return [["Engine", "binding: .info() of the Images binding, free"]];
  const ending = /\.(gif|png)$/i.exec(key)?.[1]?.toLowerCase();
  const original =
    ending === "gif" || ending === "png" ? (`image/${ending}` as const) : "image/jpeg";
  const calls = BROWSERS.map(({ browser, readable }) => {
    const formats = facts ? "facts" : acceptedFormatsOf(variant, readable, svg);
    const request = createTransformRequest(variant, formats, original);
    const edgeCall = facts ? factsOptions(request) : edgeOptions(request);
    return [READS[browser], JSON.stringify(isBound ? bindingCall(request) : edgeCall)] as const;
  });
  const title = `by what the browser reads, if the original is ${original}`;
  return isBound
    ? [["Engine", `the Images binding, ${title}`], ...rowsByBrowser(calls)]
    : [
        ["Options", `sent to the edge, ${title}`],
        ...rowsByBrowser(calls),
        ["Cache key", "at the edge: the URL that it fetches and these options, nothing else"], // C1
      ];
}

/** What decides the bytes of a rendition, by what the browser reads. */
function keysOf({ variant, svg, facts, ...object }: Rendition) {
  return BROWSERS.map(({ browser, readable }) => {
    const formats = facts ? "facts" : acceptedFormatsOf(variant, readable, svg);
    return { browser: READS[browser], key: { ...object, variant, formats } };
  });
}

/** Under which URLs Workers Cache keeps it (W3). */
function cacheRows({ config, local }: Project, rendition: Rendition): Row[] {
  const { keep } = config.answers;
  if (local) return [["Kept as", "nothing: the local run has no Workers Cache"]]; // W15
  if (keep === 0) return [["Kept as", "nothing: keep is 0 in [vars.ANSWERS]"]];
  const urls = keysOf(rendition).map(({ browser, key }) => [browser, renditionUrl(key)] as const);
  return [["Kept as", `by Workers Cache for all visitors, for ${keep} s`], ...rowsByBrowser(urls)];
}

type StoredName = readonly [browser: string, name: string];

async function storedNames({ config }: Project, rendition: Rendition): Promise<StoredName[]> {
  const names = keysOf(rendition).map(async ({ browser, key }): Promise<StoredName[]> => {
    const place = await placeOf(key, config);
    return place === undefined ? [] : [[browser, place.name]];
  });
  return (await Promise.all(names)).flat();
}

function storeRows(stored: readonly StoredName[]): Row[] {
  return [["Stored as", "in the store, by what the browser reads"], ...rowsByBrowser(stored)];
}

/** What Cloudflare bills for this variant, and for all variants of the object (L2). */
function costRows(
  { config }: Project,
  { bucket, variant, facts }: Rendition,
  isStored: boolean,
): Row[] {
  // The binding tells facts for nothing.
  const ofFacts = bucket.engine === "binding" ? 0 : 1;
  const unique = facts ? ofFacts : uniqueOptions(variant, false).length;
  const months = isStored
    ? "once, since the store holds what was made"
    : "in each month in which somebody asks for it; with a store once: docs/costs.md";
  const price = `free, or ${money(PRICE * 1000)} for 1,000`;
  return [
    ["Cost", `${counted(unique, "unique transformation")}, whatever the format: ${price}`],
    ["", `billed ${months}`],
    ["", `all variants of this object: ${transformationsOf(config).get(bucket.name) ?? unique}`],
  ];
}
