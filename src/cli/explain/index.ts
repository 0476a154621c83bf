// vitrine explain: walks a public URL through the steps of the Worker, up to the request to the engine, and prints rows
// for each. It sends no request, but asks an issuer for its keys if there is a token to check. It prints no signature, and
// no token.

import { Command } from "@commander-js/extra-typings";
import { decodePath } from "../../url/encoding.ts";
import { readRest } from "../../url/grammar.ts";
import { outputOptions, overlayOptions, transformOptions } from "../../worker/binding/options.ts";
import { lifetimesOf } from "../../worker/config/answers.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { maskKeyId } from "../../worker/config/slot.ts";
import { edgeOptions } from "../../worker/edge/render-at-edge.ts";
import { isRefusal, type ObjectType, type Refusal } from "../../worker/http/refusal.ts";
import { withoutQueries } from "../../worker/log/without-signatures.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import { acceptedFormatsOf } from "../../worker/request/accept.ts";
import { checkCookie } from "../../worker/request/cookie.ts";
import type { RequestTarget, ResolvedRequest } from "../../worker/request/resolve-request.ts";
import { objectsOf, resolveRequest, splitFacts } from "../../worker/request/resolve-request.ts";
import type { TransformRequest } from "../../worker/request/transform-request.ts";
import { createTransformRequest } from "../../worker/request/transform-request.ts";
import { checkExpiry, checkGrant, parseUrlClaims } from "../../worker/request/url-signature.ts";
import { align, EXIT, isFault, log, type Outcome, type Run, type World } from "../command.ts";
import { secretNamesOf } from "../config/buckets.ts";
import type { Project } from "../config/project.ts";
import { bucketOfWorker, openProject, ownUrlsOf, slotsAtHand } from "../config/project.ts";
import { isHere } from "../config/site-url.ts";
import { money, PRICE, uniqueOptions } from "../config/transformations.ts";
import { BROWSERS } from "../http/ask-picture.ts";
import { envOption, tokenOption } from "../options.ts";
import { readVisitorToken } from "../secrets/visitor-token.ts";
import { count, counted } from "../terminal/progress.ts";
import { commandLine, visible } from "../terminal/shell.ts";
import { variantNamesOf } from "../urls/public-url.ts";
import { isUrl, refuseInput } from "../urls/select-objects.ts";
import { describeToken, type Row } from "./describe-token.ts";

export function explainCommand(world: World, run: Run) {
  return new Command("explain")
    .description("says what a public URL means, step by step, without requesting it")
    .argument("<url>", "a public URL, or its path")
    .addOption(envOption())
    .addOption(tokenOption())
    .addHelpText("after", HELP)
    .action((input, options) => run(() => explain(world, input, options)));
}

const HELP = `
With a visitor's token it also says whether that opens the URL, and if not, why. For that alone it asks the issuer
for its keys.

Examples:
  npx vitrine explain https://images.example.com/images/card@2x/photos/fig.jpg
  npx vitrine explain /images/hero@640w/photos/fig.jpg
  npx vitrine explain "/private/hero/private/friends.jpg?exp=…&kid=…&sig=…"
  npx vitrine explain /users/alice/card/fig.jpg --token - < token.txt`;

type Options = { readonly env?: string | undefined; readonly token?: string | undefined };

async function explain(
  world: World,
  input: string,
  { env, token: tokenFile }: Options,
): Promise<Outcome> {
  if (!isUrl(input)) {
    const command = commandLine("url", { env }, [input]);
    return refuseInput(input, `is not a URL. For those of an object: ${command}`);
  }
  const isWhole = !input.startsWith("/");
  const url = isWhole && isHere(input) ? new URL(input).origin : undefined;
  const project = openProject(world, { env, url });
  if (isFault(project)) return project;
  const baseUrl = isFault(project.baseUrl) ? "https://images.example" : project.baseUrl;
  const text = isWhole ? input : baseUrl + input;
  if (!URL.canParse(text)) return refuseInput(input, "is not a URL");
  const foreign = isWhole && !project.isLocalRun && ownUrlsOf(world.folder, project).refuse(text);
  if (foreign) return foreign;
  const token = await readVisitorToken(world, tokenFile);
  if (isFault(token)) return token;
  const { rows, isShown } = await explainUrl(project, new URL(text), token, world.now());
  log(world.stdout, ...align(rows));
  return isShown ? EXIT.done : EXIT.failed;
}

const FORMAT_LABELS = { avif: "AVIF and WebP", webp: "WebP", none: "neither" } as const;

/** `isShown`: whether the configuration lets the URL show an image. S3 is not asked. */
type Explanation = { readonly rows: readonly Row[]; readonly isShown: boolean };

/** @param token of a visitor; undefined: none is at hand */
async function explainUrl(
  project: Project,
  url: URL,
  token: string | undefined,
  now: number,
): Promise<Explanation> {
  const { config } = project;
  const resolved = resolveRequest(config, url.pathname);
  const { route, variant } = resolved;
  if (route === undefined) {
    const isRouteless = resolved.refusal.event === "no-such-route";
    return refuse([], resolved.refusal, isRouteless ? config.routes.map(({ path }) => path) : []);
  }
  const rows: Row[] = [["Route", route.path]];
  const pages = describePages(route);
  if (pages) rows.push(["Pages", pages]);
  rows.push(["Variant", resolved.variantName]);
  if (variant === undefined) return refuse(rows, resolved.refusal, variantNamesOf(project, route));
  const { key } = resolved;
  rows.push(["Preset", variant.preset], ["Bucket", route.bucket.name], ["Key", oneLine(key)]);
  if (resolved.kind === "unresolved") return refuse(rows, resolved.refusal);

  const { facts, requestTarget } = splitFacts(route, url);
  if (route.signing?.cookie) {
    const rest = readRest(route.mapping, decodePath(url.pathname) ?? "") ?? "";
    const folders = [...rest.matchAll(/\//g)].map(({ index }) => rest.slice(0, index + 1));
    const prefixes = oneLine(folders.join(" or "));
    const effect = `one with the prefix ${prefixes} opens it without a signature`;
    rows.push(["Cookie", prefixes ? effect : "opens only what is in a folder: not this"]);
  }
  const signature = await describeGrant(project, requestTarget, resolved, now);
  if (typeof signature !== "string") {
    const request = { url: url.href, headers: new Headers() }; // without a cookie
    const cookie = await checkCookie(resolved, request, signature, now);
    return refuse(rows, isRefusal(cookie) ? cookie : signature);
  }
  const bucket = bucketOfWorker(project, route.bucket);
  if (route.tokenRules === undefined) rows.push(["Signature", signature]);
  else {
    const { rows: tokenRows, refusal } = await describeToken(config, route, url, token, now);
    rows.push(...tokenRows.map(([name, value]): Row => [name, oneLine(value)]));
    if (refusal !== undefined) return refuse(rows, refusal);
  }
  for (const [index, object] of objectsOf(resolved).entries()) {
    const { name, baseUrl, r2 } = bucketOfWorker(project, object.bucket);
    if (index > 0) rows.push(["If it is missing", `the object of bucket ${name}`]);
    rows.push(["Origin URL", originUrl(baseUrl, object.key)]);
    if (r2 === undefined) rows.push(["Signed by", signerOf(project, object.bucket)]);
  }
  rows.push(["Kept", keptText(route, config)]);
  if (facts) {
    rows.push(["Answer", "the sizes as JSON, not an image (docs/configuration.md, Facts)"]);
    return { rows, isShown: true };
  }
  return { rows: [...rows, ...renditionRows({ ...route, bucket }, variant, key)], isShown: true };
}

/** For how long a picture of the route is kept, if it is one of the object that S3 has. */
function keptText(
  { policy, signing, tokenRules }: BoundRoute,
  { answers }: Project["config"],
): string {
  const { keep } = lifetimesOf(policy, answers);
  const byCache = keep === 0 ? "not by Workers Cache" : `${count(keep)} s by Workers Cache`;
  if (policy.isImmutable && signing !== undefined) {
    return `${byCache}, by browsers until its URL expires, ${count(policy.maxAge)} s at most (immutable)`;
  }

  if (tokenRules !== undefined && policy.maxAge === 0) {
    return `${byCache}, and the visitor's browser asks each time`;
  }
  if (tokenRules !== undefined) {
    return `${byCache}, by the visitor's browser until the token expires, ${count(policy.maxAge)} s at most`;
  }

  const immutable = policy.isImmutable ? ", which do not ask again (immutable)" : "";
  return `${byCache}, ${count(policy.maxAge)} s by browsers${immutable}`;
}

/** The options of the engine for each kind of browser, and what Cloudflare bills (L2). */
function renditionRows(route: BoundRoute, variant: Variant, key: string): Row[] {
  const ending = /\.(gif|png)$/i.exec(key)?.[1]?.toLowerCase();
  const original =
    ending === "gif" || ending === "png" ? (`image/${ending}` as const) : "image/jpeg";
  const isBinding = route.bucket.engine === "binding";
  const options = BROWSERS.map(({ browser, readable }): Row => {
    const formats = acceptedFormatsOf(variant, readable, route.svg);
    const request = createTransformRequest(variant, formats, { type: original });
    const engineOptions = isBinding ? bindingOptions(request, original) : edgeOptions(request);
    return [`  ${FORMAT_LABELS[browser]}`, JSON.stringify(engineOptions)];
  });
  const point = variant.image.gravity === "object" ? " without a focal point" : "";
  const isSame = new Set(options.map(([, value]) => value)).size === 1;
  const unique = counted(uniqueOptions(variant, false).length, "unique transformation");
  return [
    ["Engine", isBinding ? "the Images binding" : "the image edge"],
    ["Options", `by what the browser reads, if the original is a large ${original}${point}`],
    ...(isSame ? options.slice(0, 1).map(([, value]): Row => ["  any", value]) : options),
    ["Cost", `at most ${unique}: free, or ${money(PRICE * 1000)} for 1,000 (docs/costs.md)`],
  ];
}

/** The options of the Images binding for an original whose first bytes are not known. */
function bindingOptions(request: TransformRequest, type: ObjectType): object {
  const { image } = request;
  return {
    ...transformOptions(request.image, request.focus),
    ...(image.draw && { draw: image.draw.map(overlayOptions) }),
    ...outputOptions(request, type, new Uint8Array()),
  };
}

/** @param existing the routes or variants that exist, if the URL names another one */
function refuse(
  rows: readonly Row[],
  { event, ...fields }: Refusal,
  existing: readonly string[] = [],
): Explanation {
  const all: Row[] = [...rows, ["Answer", `no image: ${event} (docs/errors.md#${event})`]];
  for (const [name, value] of Object.entries(fields)) {
    if (name === "repeated") continue; // of the log alone
    // The text to sign has several lines.
    const [first = "", ...furtherLines] = `${value}`.split("\n").map(oneLine);
    all.push([`  ${name}`, first], ...furtherLines.map((line): Row => ["", line]));
  }
  const clean = all.map(([name, value]): Row => [name, withoutQueries(value)]);
  if (existing.length > 0) clean.push(["There is", oneLine(existing.join(", "))]);
  return { rows: clean, isShown: false };
}

function oneLine(value: string): string {
  return visible(value).replaceAll("\n", "\\u000a");
}

/**
 * Says which pages may embed the image, and have scripts that may read it.
 * @returns undefined for a route that says nothing of pages: all may embed it, and none may read it
 */
function describePages({ cors, origins }: BoundRoute): string | undefined {
  if (cors) return "all may embed it, and their scripts may read it (cors)";
  if (!origins) return undefined;

  const names = [...origins].join(", ");
  return `only those of ${names} and of its own host may embed it, and their scripts may read it`;
}

/** Describes what the signature of a URL grants. Without keys at hand, only its form and its expiry are checked. */
async function describeGrant(
  { secrets }: Project,
  requestTarget: RequestTarget,
  resolved: ResolvedRequest,
  now: number,
): Promise<string | Refusal> {
  const { signing } = resolved.route;
  if (signing === undefined) return "none is asked for";
  const hasKeys = secrets.has("URL_SIGNING_KEYS");
  const claims = hasKeys
    ? await checkGrant(resolved, requestTarget, now)
    : parseUrlClaims(requestTarget);
  if (claims === undefined || isRefusal(claims)) return claims ?? "none is asked for";
  const granted = hasKeys ? claims : checkExpiry(claims, signing.maxAge, now);
  if (isRefusal(granted)) return granted;
  const state = hasKeys ? "valid" : "not checked: URL_SIGNING_KEYS is not at hand; valid at most";
  return `${state} until ${new Date(granted.expires * 1000).toISOString()}`;
}

/** The credentials for S3: of a key, only its last characters. */
function signerOf(project: Project, bucket: Bucket): string {
  if (bucket.role !== undefined) return `a session of the role ${bucket.role.arn}`;
  const [slot] = slotsAtHand(project, bucket).usable;
  if (slot === undefined) return "a key that is not at hand";
  const { accessKeyId } = secretNamesOf(bucket, slot.name);
  return `the ${slot.name} key ${maskKeyId(slot)} (from ${project.secrets.get(accessKeyId)?.source})`;
}
