// Walks a public URL through the steps of the Worker, up to what it asks of the edge. Nothing is sent.

import { isRefusal, type Refusal } from "../../worker/base/refusal.ts";
import type { Signing } from "../../worker/config/routes.ts";
import { originUrl } from "../../worker/origin/object-url.ts";
import {
  type ResolvedRequest,
  resolveRequest,
  splitFacts,
  type Target,
} from "../../worker/request/resolve-request.ts";
import { checkGrant, checkTime, readClaim } from "../../worker/request/url-signature.ts";
import { bucketOfWorker, type Project } from "../config/project.ts";
import { nameOf } from "../objects/object-name.ts";
import { variantsOf } from "../urls/public-url.ts";
import { type Asked, explainAsked } from "./asked.ts";

export type Explained = {
  /** Why there is no image, as in the log. */
  readonly refused?: Refusal;
  /** What exists: the paths of all routes, or the variants of this one. */
  readonly known?: readonly string[];
  readonly health?: true;
  readonly route?: string;
  readonly variant?: string;
  readonly preset?: string;
  readonly bucket?: string;
  /** Its name, as other commands take it. */
  readonly object?: string;
  readonly key?: string;
  readonly signature?: "none is asked for" | "right" | typeof UNCHECKED;
  /** The version in a URL whose signature is wrong. */
  readonly version?: string;
  readonly expires?: string;
  /** Whether the URL asks for facts, on a route that shows them. */
  readonly facts?: true;
  /** The origins of the pages that may embed it, if not all may. */
  readonly origins?: readonly string[];
  readonly fallback?: string;
  readonly asked?: Asked;
};

const UNCHECKED = "not checked: URL_SIGNING_KEYS is not at hand" as const;

export async function explainUrl(project: Project, url: URL, now: number): Promise<Explained> {
  const { config } = project;
  if (url.pathname === "/healthz") return { health: true };
  const order = resolveRequest(config, url.pathname);
  if (order.route === undefined) {
    const { refusal } = order;
    const known = config.routes.map((route) => route.path);
    return { refused: refusal, ...(refusal.event === "no-such-route" && { known }) };
  }
  const { route, object, key, name, variant } = order;
  const { bucket, svg, signing, origins, fallback } = route;
  const on = {
    route: route.path,
    ...(origins !== undefined && { origins: [...origins] }),
    variant: name,
  };
  if (variant === undefined) {
    return { ...on, refused: order.refusal, known: variantsOf(project, route) };
  }
  const named = nameOf(config.buckets, { bucket, key: object });
  const of = { ...on, preset: variant.preset, bucket: bucket.name, object: named, key };
  if ("refusal" in order) return { ...of, refused: order.refusal };

  const { facts, target } = splitFacts(route, url);
  const granted = signing && (await readGranted(project, target, order, signing, now));
  if (isRefusal(granted)) {
    const version = url.searchParams.get("v") ?? "";
    return { ...of, ...(/^[\w.-]{1,64}$/.test(version) && { version }), refused: granted };
  }
  const own = bucketOfWorker(project, bucket);
  const version = granted?.version;
  const subject = { bucket: own, key, version, isStorable: route.store };
  const other =
    fallback && !facts && originUrl(bucketOfWorker(project, fallback.bucket).base, fallback.key);
  return {
    ...of,
    signature: granted?.signature ?? "none is asked for",
    ...(granted && { expires: new Date(granted.expires * 1000).toISOString() }),
    ...(other && other !== originUrl(own.base, key) && { fallback: other }),
    ...(facts && { facts }),
    asked: await explainAsked(project, { ...subject, variant, svg, facts }, now),
  };
}

/** What a signed URL grants. Without a key to check the signature, it is assumed to be right. */
async function readGranted(
  { secrets }: Project,
  url: Target,
  order: ResolvedRequest,
  signing: Signing,
  now: number,
) {
  if (secrets.has("URL_SIGNING_KEYS")) {
    const granted = await checkGrant(order, url, now);
    return isRefusal(granted) || !granted ? granted : { ...granted, signature: "right" as const };
  }
  const claim = readClaim(url);
  const granted = isRefusal(claim) ? claim : checkTime(claim, signing.maxAge, now);
  return isRefusal(granted) ? granted : { ...granted, signature: UNCHECKED };
}
