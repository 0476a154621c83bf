// Checks what is deployed at a URL: whether Vitrine is there, its health, an image of each route, the fallbacks, and
// the side door.

import { encodePath } from "../../url/grammar.ts";
import { PROTECTION } from "../../worker/answer/answer.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { resolveRequest } from "../../worker/request/resolve-request.ts";
import { type Fault, isFault } from "../command.ts";
import type { Project } from "../config/project.ts";
import { askWhetherThere, type NoHealth } from "../http/ask-health.ts";
import { nameOf } from "../objects/object-name.ts";
import { sniff } from "../picture/sniff.ts";
import { argumentsOf } from "../terminal/shell.ts";
import { pathOf, queryFor, variantsOf } from "../urls/public-url.ts";
import { diagnoseStatus } from "./edge.ts";
import {
  type Finding,
  fail,
  findingsOn,
  note,
  ok,
  type Result,
  withDeployFirst,
} from "./finding.ts";
import { checkHealth } from "./health.ts";
import { askSite, checkImage, checkWorkersCache, type Visit } from "./image.ts";
import type { Sample } from "./objects.ts";
import { checkSideDoors } from "./side-door.ts";

const MAX_VISITS = 8;
/** For how long a URL is signed: s. */
const TERM_S = 600;

export type SiteQuery = {
  readonly base: string;
  /** An original of each bucket, by the bucket's name, if one is known. */
  readonly samples: ReadonlyMap<string, Sample>;
  /** Milliseconds since 1970. */
  readonly now: number;
  /** How far the site's clock is ahead of that: s. */
  readonly clock: number | undefined;
};

export async function checkSite(project: Project, query: SiteQuery): Promise<readonly Finding[]> {
  const { base, samples } = query;
  const absent = await askWhetherThere(base);
  const gone = absent && diagnoseAbsence(base, absent, project.local);
  if (gone && (absent?.status === undefined || absent.status === 500))
    return [{ about: base, ...gone }];
  const there = ok("deployed", "Vitrine is there, and its configuration has no mistakes");
  const health = gone ? [] : await checkHealth(project, base, query.clock);
  const { visits, skipped } = await planVisits(project, query);
  const images: Finding[] = [];
  const tried = new Set<string>();
  let shown: Visit | undefined;
  for (const visit of visits.slice(0, MAX_VISITS)) {
    const bucket = visit.route.bucket.name;
    const results = await checkImage(project, visit, !tried.has(bucket));
    images.push(...findingsOn(base + visit.path, results).map((one) => ({ ...one, bucket })));
    tried.add(bucket);
    if (results.some(({ check, severity }) => check === "image" && severity === "ok"))
      shown ??= visit;
  }
  // On a domain with other apps, perhaps only /healthz belongs to another one.
  if (gone && shown === undefined) return [{ about: base, ...gone }];
  const elsewhere = fail("deployed", {
    severity: "warning",
    seen: "the images are there, but /healthz is not Vitrine's",
    impact:
      "the doctor cannot see which slot works, and what the edge says. vitrine rotate cannot see it either",
    remedy: "let /healthz of that host lead to the Worker, too: a route in wrangler.toml",
    deploys: true,
  });
  const nothing = fail("image", {
    severity: "warning",
    seen: "no image was requested, because no object is known",
    impact: "the doctor did not see what visitors get",
    remedy: "name an object that exists, such as photos/fig.jpg",
    bearing: "consequence",
  });
  const isUnknown = visits.length + skipped.length === 0;
  const differs = health.find((one) => one.check === "deployed");
  const fallbacks = await checkFallbacks(project, query);
  return [
    { about: base, ...(gone ? elsewhere : there) },
    ...health,
    ...skipped,
    ...(isUnknown ? [{ about: base, ...nothing }] : []),
    ...images,
    ...fallbacks.map((one) => (differs ? withDeployFirst(one, differs) : one)),
    ...(shown ? [await checkWorkersCache(project, shown)] : []),
    // The local run has no zone.
    ...(project.local ? [] : await checkSideDoors(project, base, samples, shown !== undefined)),
  ];
}

/** Why no Vitrine is there. */
export function diagnoseAbsence(url: string, { status, reason }: NoHealth, local: boolean): Result {
  if (status === 500) return diagnoseStatus(500, `${url}/healthz`, local);
  return fail("deployed", {
    seen: `there is no Vitrine at ${url}: at /healthz, ${reason}`,
    impact: "visitors see no image",
    remedy: local
      ? "start it: npx vitrine dev. It prints its http:// URL: pass that, without a path"
      : 'make sure that no rule of the zone is in front of it, and put that domain under routes in wrangler.toml, as { pattern = "images.example.com", custom_domain = true }',
    deploys: true,
  });
}

/** For each route that leads to a sample: the image at its first preset, or why it cannot be asked for. */
async function planVisits(project: Project, { base, samples, now }: SiteQuery) {
  const visits: Visit[] = [];
  const skipped: Finding[] = [];
  for (const route of project.config.routes) {
    const sample = samples.get(route.bucket.name);
    const [name = ""] = variantsOf(project, route);
    const variant = project.config.variants.get(name);
    if (sample === undefined || variant === undefined) continue;
    const key = sample.key.slice(route.bucket.prefix.length);
    const path = pathOf(project, route, name, key);
    if (path === undefined) continue;
    const query = await signQuery(project, route, { preset: variant.preset, key }, now);
    if (isFault(query)) {
      skipped.push({ about: base + path, ...note("image", `not requested: ${query.fault}`) });
    } else {
      const object = { key: encodePath(key), original: sample.bytes };
      visits.push({ route, name, variant, base, path, query, ...object });
    }
  }
  return { visits, skipped };
}

/** The query that signs a URL for some minutes; "" if the route is not signed. */
async function signQuery(
  project: Project,
  route: BoundRoute,
  grant: { readonly preset: string; readonly key: string },
  now: number,
): Promise<string | Fault> {
  if (route.signing === undefined) return "";
  const expires = Math.floor(now / 1000) + Math.min(TERM_S, route.signing.maxAge ?? TERM_S);
  return queryFor(project, route, { ...grant, expires });
}

/** Asks each route that has a fallback for an object that is missing. */
async function checkFallbacks(project: Project, query: SiteQuery): Promise<readonly Finding[]> {
  const findings: Finding[] = [];
  for (const route of project.config.routes) {
    if (route.fallback === undefined) continue;
    const about = `${query.base}: the route ${route.path}`;
    const result = await checkFallback(project, query, route, route.fallback);
    findings.push({ about, bucket: route.fallback.bucket.name, ...result });
  }
  return findings;
}

async function checkFallback(
  project: Project,
  { base, now }: SiteQuery,
  route: BoundRoute,
  { bucket, key }: NonNullable<BoundRoute["fallback"]>,
): Promise<Result> {
  const unknown = (reason: string) =>
    note("fallback", `whether its fallback is shown is unknown: ${reason}`);
  const [variant = ""] = variantsOf(project, route);
  const absent = `vitrine-doctor-${crypto.randomUUID()}`;
  const names = route.path.split("/").map((name) => {
    if (name === ":preset") return encodeURIComponent(variant);
    return name === "*" || name.startsWith(":") ? absent : name;
  });
  const path = names.join("/");
  const request = resolveRequest(project.config, path);
  if (request.route !== route || "refusal" in request)
    return unknown("another route takes its URLs");
  const grant = { preset: request.variant.preset, key: request.object };
  const query = await signQuery(project, route, grant, now);
  if (isFault(query)) return unknown(query.fault);
  const answer = await askSite(base + path + query);
  if ("reason" in answer) return unknown(answer.reason);
  const policy = "content-security-policy";
  const isVitrine = answer.status === 404 && answer.headers.get(policy) === PROTECTION[policy];
  if (!isVitrine) return unknown(`a missing object answers ${answer.status}`);
  const type = sniff(answer.bytes);
  if (type !== undefined) return ok("fallback", `a missing object shows it: ${type}`);
  const object = { bucket, key: key.slice(bucket.prefix.length) };
  const name = argumentsOf([nameOf(project.config.buckets, object)]);
  return fail("fallback", {
    severity: "warning",
    seen: `${route.path}: a missing object does not show the fallback ${key}, but answers 404 without an image`,
    impact: "visitors see a broken image where an object is missing",
    // The deployed fallback may be another one than that of wrangler.toml, which may be a good image.
    remedy: `npx vitrine deploy if wrangler.toml has changed. Else see what is wrong with that object: npx vitrine doctor ${name}`,
    bearing: "harmless",
  });
}
