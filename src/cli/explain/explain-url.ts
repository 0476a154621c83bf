// Walks a public URL through the steps of the Worker, up to the request to the engine, and makes rows of each. What is
// printed has no signature and no token in it, and no line break of a stranger.

import { decodePath } from "../../url/encoding.ts";
import { readRest } from "../../url/grammar.ts";
import { lifetimesOf } from "../../worker/config/answers.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Config } from "../../worker/config/config.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import { isRefusal, type Refusal } from "../../worker/http/refusal.ts";
import { withoutQueries } from "../../worker/log/without-signatures.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { checkCookie } from "../../worker/request/cookie.ts";
import type { RequestTarget, ResolvedRequest } from "../../worker/request/resolve-request.ts";
import { objectsOf, resolveRequest, splitFacts } from "../../worker/request/resolve-request.ts";
import { checkExpiry, checkGrant, parseUrlClaims } from "../../worker/request/url-signature.ts";
import { page } from "../command.ts";
import { secretNamesOf } from "../config/buckets.ts";
import { bucketOfWorker, type Project, slotsAtHand } from "../config/project.ts";
import { count } from "../terminal/progress.ts";
import { visible } from "../terminal/shell.ts";
import { variantNamesOf } from "../urls/public-url.ts";
import { describeToken, type Row } from "./describe-token.ts";
import { renditionRows } from "./rendition-rows.ts";

export type Explanation = {
  readonly rows: readonly Row[];
  /** Whether the configuration lets the URL show an image. S3 is not asked. */
  readonly isShown: boolean;
};

/** @param token of a visitor; undefined: none is at hand */
export async function explainUrl(
  project: Project,
  url: URL,
  token: string | undefined,
  now: number,
): Promise<Explanation> {
  const { config } = project;
  const rows: Row[] = [];

  // The path names a route, a variant and a key.
  const resolved = resolveRequest(config, url.pathname);
  if (resolved.route === undefined) return refuseWithoutRoute(config, resolved.refusal);

  const { route, variant } = resolved;
  rows.push(["Route", route.path]);
  const pages = pagesText(route);
  if (pages !== undefined) rows.push(["Pages", pages]);

  rows.push(["Variant", resolved.variantName]);
  if (variant === undefined) return refuse(rows, resolved.refusal, variantNamesOf(project, route));

  rows.push(["Preset", variant.preset]);
  rows.push(["Bucket", route.bucket.name]);
  rows.push(["Key", oneLine(resolved.key)]);
  if (resolved.kind === "unresolved") return refuse(rows, resolved.refusal);

  // A cookie, a signature or a token lets the visitor in.
  const { facts, requestTarget } = splitFacts(route, url);
  if (route.signing?.cookie) rows.push(["Cookie", cookieText(route, url)]);

  const signature = await checkSignature(project, requestTarget, resolved, now);
  if (signature.kind === "refused") {
    // A cookie could still open the URL: none is at hand, and the refusal says so.
    const request = { url: url.href, headers: new Headers() };
    const cookie = await checkCookie(resolved, request, signature.refusal, now);
    return refuse(rows, isRefusal(cookie) ? cookie : signature.refusal);
  }

  if (route.tokenRules === undefined) {
    rows.push(["Signature", signature.text]);
  } else {
    const explained = await describeToken(config, route, url, token, now);
    for (const [name, value] of explained.rows) rows.push([name, oneLine(value)]);
    if (explained.refusal !== undefined) return refuse(rows, explained.refusal);
  }

  // S3 has the object, and the engine makes the picture.
  rows.push(...originRows(project, resolved));
  rows.push(["Kept", keptText(route, config)]);

  if (facts) {
    const configuration = page("docs/configuration.md");
    rows.push(["Answer", `the sizes as JSON, not an image (${configuration}, Facts)`]);
    return { rows, isShown: true };
  }

  const bucket = bucketOfWorker(project, route.bucket);
  rows.push(...renditionRows({ ...route, bucket }, variant, resolved.key));
  return { rows, isShown: true };
}

/** Lists the routes if the path has none of them, and not if it cannot be decoded. */
function refuseWithoutRoute({ routes }: Config, refusal: Refusal): Explanation {
  if (refusal.event !== "no-such-route") return refuse([], refusal);

  const paths = routes.map(({ path }) => path);
  return refuse([], refusal, paths);
}

/** @param existing the routes or variants that exist, if the URL names another one */
function refuse(
  rows: readonly Row[],
  refusal: Refusal,
  existing: readonly string[] = [],
): Explanation {
  const { event, ...fields } = refusal;
  const errors = page("docs/errors.md");
  const allRows: Row[] = [...rows, ["Answer", `no image: ${event} (${errors}#${event})`]];

  for (const [name, value] of Object.entries(fields)) {
    // This field is for the log alone.
    if (name === "repeated") continue;

    // The text to sign has several lines.
    const [first = "", ...furtherLines] = `${value}`.split("\n");
    allRows.push([`  ${name}`, oneLine(first)]);
    for (const line of furtherLines) allRows.push(["", oneLine(line)]);
  }

  const safeRows = allRows.map(([name, value]): Row => [name, withoutQueries(value)]);
  if (existing.length > 0) safeRows.push(["There is", oneLine(existing.join(", "))]);
  return { rows: safeRows, isShown: false };
}

function oneLine(value: string): string {
  return visible(value).replaceAll("\n", "\\u000a");
}

/**
 * Says which pages may embed the image, and have scripts that may read it.
 * @returns undefined for a route that says nothing of pages: all may embed it, and none may read it
 */
function pagesText({ cors, origins }: BoundRoute): string | undefined {
  if (cors) return "all may embed it, and their scripts may read it (cors)";
  if (!origins) return undefined;

  const names = [...origins].join(", ");
  return `only those of ${names} and of its own host may embed it, and their scripts may read it`;
}

/** Says which cookies open a URL: one for each folder that it is in. */
function cookieText({ mapping }: BoundRoute, { pathname }: URL): string {
  const decoded = decodePath(pathname) ?? "";
  const rest = readRest(mapping, decoded) ?? "";

  const folders: string[] = [];
  for (const { index } of rest.matchAll(/\//g)) folders.push(rest.slice(0, index + 1));
  if (folders.length === 0) return "opens only what is in a folder: not this";

  const prefixes = oneLine(folders.join(" or "));
  return `one with the prefix ${prefixes} opens it without a signature`;
}

type SignatureResult =
  /** The signature grants it, or the route asks for none. */
  | { readonly kind: "granted"; readonly text: string }
  | { readonly kind: "refused"; readonly refusal: Refusal };

const NO_SIGNATURE = { kind: "granted", text: "none is asked for" } as const;

/** Checks the signature of a URL. Without keys at hand, only its form and its expiry are checked. */
async function checkSignature(
  { secrets }: Project,
  requestTarget: RequestTarget,
  resolved: ResolvedRequest,
  now: number,
): Promise<SignatureResult> {
  const { signing } = resolved.route;
  if (signing === undefined) return NO_SIGNATURE;

  if (secrets.has("URL_SIGNING_KEYS")) {
    const granted = await checkGrant(resolved, requestTarget, now);
    if (granted === undefined) return NO_SIGNATURE;
    if (isRefusal(granted)) return { kind: "refused", refusal: granted };

    return { kind: "granted", text: `valid until ${isoTime(granted.expires)}` };
  }

  const claims = parseUrlClaims(requestTarget);
  if (isRefusal(claims)) return { kind: "refused", refusal: claims };

  const granted = checkExpiry(claims, signing.maxAge, now);
  if (isRefusal(granted)) return { kind: "refused", refusal: granted };

  const expires = isoTime(granted.expires);
  const text = `not checked: URL_SIGNING_KEYS is not at hand; valid at most until ${expires}`;
  return { kind: "granted", text };
}

/** @param seconds since 1970 */
function isoTime(seconds: number): string {
  return new Date(seconds * 1000).toISOString();
}

/** Where the object may be, and with which key S3 is asked for it. */
function originRows(project: Project, resolved: ResolvedRequest): Row[] {
  const rows: Row[] = [];

  for (const [index, object] of objectsOf(resolved).entries()) {
    const { name, baseUrl, r2 } = bucketOfWorker(project, object.bucket);
    if (index > 0) rows.push(["If it is missing", `the object of bucket ${name}`]);

    rows.push(["Origin URL", originUrl(baseUrl, object.key)]);
    if (r2 === undefined) rows.push(["Signed by", signerOf(project, object.bucket)]);
  }

  return rows;
}

/** The credentials for S3: of a key, only its last characters. */
function signerOf(project: Project, bucket: Bucket): string {
  if (bucket.role !== undefined) return `a session of the role ${bucket.role.arn}`;

  const [slot] = slotsAtHand(project, bucket).usable;
  if (slot === undefined) return "a key that is not at hand";

  const { accessKeyId } = secretNamesOf(bucket, slot.name);
  const source = project.secrets.get(accessKeyId)?.source;
  return `the ${slot.name} key ${maskKeyId(slot)} (from ${source})`;
}

/** For how long a picture of the route is kept, if it is one of the object that S3 has. */
function keptText({ policy, signing, tokenRules }: BoundRoute, { answers }: Config): string {
  const { keep } = lifetimesOf(policy, answers);
  const byCache = keep === 0 ? "not by Workers Cache" : `${count(keep)} s by Workers Cache`;
  const maxAge = count(policy.maxAge);

  if (policy.isImmutable && signing !== undefined) {
    return `${byCache}, by browsers until its URL expires, ${maxAge} s at most (immutable)`;
  }

  if (tokenRules !== undefined && policy.maxAge === 0) {
    return `${byCache}, and the visitor's browser asks each time`;
  }
  if (tokenRules !== undefined) {
    return `${byCache}, by the visitor's browser until the token expires, ${maxAge} s at most`;
  }

  if (policy.isImmutable) {
    return `${byCache}, ${maxAge} s by browsers, which do not ask again (immutable)`;
  }
  return `${byCache}, ${maxAge} s by browsers`;
}
