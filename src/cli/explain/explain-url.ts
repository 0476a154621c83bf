// Walks a public URL through the steps of the Worker, up to what it asks of the edge. Nothing is sent.

import { keyFault } from "../../url/key.ts";
import { isRefusal, type Refusal } from "../../worker/base/refusal.ts";
import { findRoute } from "../../worker/config/find-route.ts";
import type { Signing } from "../../worker/config/routes.ts";
import { readPathname } from "../../worker/request/target.ts";
import {
  checkSignature,
  checkTime,
  type Granted,
  readClaim,
} from "../../worker/request/url-signature.ts";
import { originUrl } from "../../worker/s3/object-url.ts";
import type { Project } from "../project/project.ts";
import { variantsOf } from "../project/public-url.ts";
import { type Asked, explainAsked } from "./asked.ts";

/** What a URL asks for. */
export type Explained = {
  /** Why there is no image, as in the log. */
  readonly refused?: Refusal;
  /** What exists: the paths of all routes, or the variants of this one. */
  readonly known?: readonly string[];
  /** Whether it is /healthz. */
  readonly health?: true;
  readonly route?: string;
  readonly variant?: string;
  readonly preset?: string;
  readonly bucket?: string;
  /** The key without the prefix of its bucket, as other commands take it. */
  readonly object?: string;
  /** The key in the bucket. */
  readonly key?: string;
  readonly signature?: "none is asked for" | "right" | typeof UNCHECKED;
  /** The version in a URL whose signature is wrong. */
  readonly version?: string;
  /** When a signed URL expires. */
  readonly expires?: string;
  /** The origins of the pages that may embed it, if not all may. */
  readonly origins?: readonly string[];
  /** The origin URL of the fallback. */
  readonly fallback?: string;
  readonly asked?: Asked;
};

const UNCHECKED = "not checked: URL_SIGNING_KEYS is not at hand";

export async function explainUrl(project: Project, url: URL, now: number): Promise<Explained> {
  const { config } = project;
  if (url.pathname === "/healthz") return { health: true };
  const path = readPathname(url.pathname);
  if (isRefusal(path)) return { refused: path };
  const found = findRoute(config.index, path);
  if (isRefusal(found)) {
    return { refused: found, known: config.routes.map((route) => route.path) };
  }
  const { bucket, presets, svg, signing, origins, fallback } = found.route;
  const on = {
    route: found.route.path,
    ...(origins !== undefined && { origins: [...origins] }),
    variant: found.variant,
  };
  const variant = config.variants.get(found.variant);
  if (variant === undefined || presets?.has(variant.preset) === false) {
    const known = variantsOf(project, found.route);
    return { ...on, refused: { event: "no-such-variant", variant: found.variant }, known };
  }
  const key = bucket.prefix + found.key;
  const of = { ...on, preset: variant.preset, bucket: bucket.name, object: found.key, key };
  const reason = keyFault(key);
  if (reason !== undefined) return { ...of, refused: { event: "impossible-key", reason } };

  const grant = { route: found.route.path, preset: variant.preset, key: found.key };
  const granted = signing && (await readGranted(project, url, grant, signing, now));
  if (isRefusal(granted)) {
    const version = url.searchParams.get("v") ?? "";
    return { ...of, ...(/^[\w.-]{1,64}$/.test(version) && { version }), refused: granted };
  }
  const source = originUrl(bucket.base, key, granted?.version);
  return {
    ...of,
    signature: granted?.signature ?? "none is asked for",
    ...(granted && { expires: new Date(granted.expires * 1000).toISOString() }),
    ...(fallback && fallback.url !== originUrl(bucket.base, key) && { fallback: fallback.url }),
    asked: await explainAsked(project, bucket, source, { variant, svg }, now),
  };
}

type Signed = Granted & { readonly signature: NonNullable<Explained["signature"]> };

/** What a signed URL grants. Without a key to check the signature, it is assumed to be right. */
async function readGranted(
  { secrets }: Project,
  url: URL,
  grant: Parameters<typeof checkSignature>[1],
  signing: Signing,
  now: number,
): Promise<Signed | Refusal> {
  if (secrets.has("URL_SIGNING_KEYS")) {
    const granted = await checkSignature(url, grant, signing, now);
    return isRefusal(granted) ? granted : { ...granted, signature: "right" };
  }
  const claim = readClaim(url);
  const granted = isRefusal(claim) ? claim : checkTime(claim, signing.maxAge, now);
  return isRefusal(granted) ? granted : { ...granted, signature: UNCHECKED };
}
