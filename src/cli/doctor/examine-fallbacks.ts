// Tries the fallbacks of routes: S3 with a key at hand, and the site by an object that is missing.

import { PROTECTION } from "../../worker/answer/answer.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { verdictOf } from "../../worker/origin/verdict.ts";
import { resolveRequest } from "../../worker/request/resolve-request.ts";
import { isFault } from "../command.ts";
import type { Project } from "../config/project.ts";
import { sniff } from "../picture/sniff.ts";
import { queryFor, variantsOf } from "../urls/public-url.ts";
import { ACCEPTS, askSite } from "./ask-site.ts";
import { type Diagnosis, diagnose, type Finding, note, well } from "./finding.ts";
import { isInBucket, type Reader } from "./reader.ts";

const TERM_S = 600;
/** An image begins within that. */
const HEAD_BYTES = 4096;
const OWN = "content-security-policy";

/** Asks S3 for the fallbacks that are in a bucket. */
export async function fallbacksIn(
  { config }: Pick<Project, "config">,
  bucket: Bucket,
  reader: Reader,
): Promise<readonly Diagnosis[]> {
  const found: Diagnosis[] = [];
  for (const { path: route, fallback, svg } of config.routes) {
    if (fallback?.bucket.name !== bucket.name) continue;
    const { key } = fallback;
    const answer = await reader.fetch(key, HEAD_BYTES);
    const { bytes, code, status } = answer;
    if (verdictOf(answer, bucket.region).fault === "object") {
      const isThere = await isInBucket(reader, key, answer);
      const state = `${isThere ? "exists, but" : "is missing, or"} the key may not read it`;
      const facts = { route, key, state, said: `${code ?? status}` };
      found.push(diagnose(isThere === false ? "fallback-missing" : "fallback-denied", facts));
    }
    if (bytes === undefined) continue;
    const type = sniff(bytes) ?? "no image";
    const isShown = type.startsWith("image/") && (svg || type !== "image/svg+xml");
    if (!isShown) found.push(diagnose("fallback-not-an-image", { route, key, type }));
  }
  return found;
}

/** Asks each route that has a fallback for an object that is missing. */
export async function examineFallbacks(
  project: Project,
  base: string,
  now: number,
): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const route of project.config.routes) {
    if (route.fallback === undefined) continue;
    const { name } = route.fallback.bucket;
    const about = `${base}: the route ${route.path}`;
    findings.push({ about, bucket: name, ...(await tryFallback(project, base, route, now)) });
  }
  return findings;
}

async function tryFallback(
  project: Project,
  base: string,
  route: BoundRoute,
  now: number,
): Promise<Diagnosis> {
  const unknown = (why: string) =>
    note("fallback", `whether its fallback is shown is unknown: ${why}`);
  const [variant = ""] = variantsOf(project, route);
  const absent = `vitrine-doctor-${crypto.randomUUID()}`;
  const names = route.path.split("/").map((name) => {
    if (name === ":preset") return encodeURIComponent(variant);
    return name === "*" || name.startsWith(":") ? absent : name;
  });
  const path = names.join("/");
  const order = resolveRequest(project.config, path);
  if (order.route !== route || "refusal" in order) return unknown("another route takes its URLs");
  const expires = Math.floor(now / 1000) + Math.min(TERM_S, route.signing?.maxAge ?? TERM_S);
  const grant = { preset: order.variant.preset, key: order.object, expires };
  const query = route.signing === undefined ? "" : await queryFor(project, route, grant);
  if (isFault(query)) return unknown(query.fault);
  const answer = await askSite(base + path + query, { headers: { accept: ACCEPTS[0][1] } });
  if ("reason" in answer) return unknown(answer.reason);
  const { status, headers, bytes } = answer;
  const isOwn = status === 404 && headers.get(OWN) === PROTECTION[OWN];
  if (!isOwn) return unknown(`a missing object answers ${status}`);
  const type = sniff(bytes);
  if (type !== undefined) return well("fallback", `a missing object shows it: ${type}`);
  const facts = { route: route.path, key: route.fallback?.key ?? "" };
  return diagnose("fallback", facts, project.local);
}
