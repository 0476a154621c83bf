// Checks what is deployed at a URL: whether Vitrine is there, its health, an image of each route, the fallbacks, and
// the side door.

import { encodePath } from "../../url/grammar.ts";
import { PROTECTION } from "../../worker/answer/answer.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { resolveRequest } from "../../worker/request/resolve-request.ts";
import { isFault } from "../command.ts";
import type { Project } from "../config/project.ts";
import { askWhetherThere, type NoHealth } from "../http/ask-health.ts";
import { nameOf } from "../objects/object-name.ts";
import { sniff } from "../picture/sniff.ts";
import { argumentsOf } from "../terminal/shell.ts";
import { pathOf, queryFor, variantsOf } from "../urls/public-url.ts";
import { diagnoseStatus } from "./edge.ts";
import { type Finding, fail, note, ok, type Result } from "./finding.ts";
import { checkHealth } from "./health.ts";
import { askSite, checkImage, checkWorkersCache, type Visit } from "./image.ts";
import type { Sample } from "./objects.ts";
import { checkSideDoors } from "./side-door.ts";

/** For how long a URL is signed: s. */
const TERM_S = 600;

/**
 * @param samples an original of each bucket, by the bucket's name, if one is known
 * @param now milliseconds since 1970
 */
export async function checkSite(
  project: Project,
  base: string,
  samples: ReadonlyMap<string, Sample>,
  now: number,
): Promise<readonly Finding[]> {
  const { config, local } = project;
  const absent = await askWhetherThere(base);
  const gone = absent && { about: base, ...diagnoseAbsence(base, absent, local) };
  if (gone && (absent?.status === undefined || absent.status === 500)) return [gone];
  const health = gone ? [] : await checkHealth(project, base);
  const images: Finding[] = [];
  const tried = new Set<string>();
  let shown: Visit | undefined;
  for (const route of config.routes) {
    const sample = samples.get(route.bucket.name);
    const visit = sample && (await planVisit(project, base, route, sample, now));
    if (visit === undefined) continue;
    const bucket = route.bucket.name;
    const isPlanned = !("check" in visit);
    const results = isPlanned ? await checkImage(project, visit, !tried.has(bucket)) : [visit];
    const about = isPlanned ? base + visit.path : `${base}: the route ${route.path}`;
    images.push(...results.map((one) => ({ about, bucket, ...one })));
    tried.add(bucket);
    const isShown = results.some(({ check, severity }) => check === "image" && severity === "ok");
    if (isPlanned && isShown) shown ??= visit;
  }
  // On a domain with other apps, perhaps only /healthz belongs to another one.
  if (gone && shown === undefined) return [gone];
  const findings = [
    {
      about: base,
      ...(gone
        ? HEALTH_ELSEWHERE
        : ok("deployed", "Vitrine is there, and its configuration has no mistakes")),
    },
    ...health,
    ...images,
  ];
  if (images.length === 0) findings.push({ about: base, ...NO_OBJECT });
  for (const route of config.routes) {
    if (route.fallback === undefined) continue;
    const result = await checkFallback(project, base, route, route.fallback, now);
    const bucket = route.fallback.bucket.name;
    findings.push({ about: `${base}: the route ${route.path}`, bucket, ...result });
  }
  if (local) return findings; // It has no Workers Cache, and no zone.
  if (shown !== undefined) {
    const result = await checkWorkersCache(shown, config.answers.keep);
    findings.push({ about: base + shown.path, bucket: shown.route.bucket.name, ...result });
  }
  return [...findings, ...(await checkSideDoors(project, base, samples, shown !== undefined))];
}

const HEALTH_ELSEWHERE = fail("deployed", {
  severity: "warning",
  seen: "the images are there, but /healthz is not Vitrine's",
  impact: "neither the doctor nor vitrine rotate can see which slot works, and what the edge says",
  remedy: "let /healthz of that host lead to the Worker, too: a route in wrangler.toml",
  deploys: true,
});
const NO_OBJECT = fail("image", {
  severity: "warning",
  seen: "no image was requested, because no object is known",
  impact: "the doctor did not see what visitors get",
  remedy: "name an object that exists, such as photos/fig.jpg",
  bearing: "consequence",
});

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

/** The image of a sample at the first preset of a route, or why it cannot be asked for; undefined: it has no URL. */
async function planVisit(
  project: Project,
  base: string,
  route: BoundRoute,
  sample: Sample,
  now: number,
): Promise<Visit | Result | undefined> {
  const [name = ""] = variantsOf(project, route);
  const variant = project.config.variants.get(name);
  const key = sample.key.slice(route.bucket.prefix.length);
  const path = pathOf(project, route, name, key);
  if (variant === undefined || path === undefined) return undefined;
  const query = await signQuery(project, route, variant.preset, key, now);
  if (isFault(query)) return note("image", `not requested: ${query.fault}`);
  return { route, name, variant, base, path, query, key: encodePath(key), original: sample.bytes };
}

/** The query that signs a URL for some minutes; "" if the route is not signed. */
function signQuery(project: Project, route: BoundRoute, preset: string, key: string, now: number) {
  if (route.signing === undefined) return "";
  const expires = Math.floor(now / 1000) + Math.min(TERM_S, route.signing.maxAge ?? TERM_S);
  return queryFor(project, route, { preset, key, expires });
}

/** Asks a route for an object that is missing. */
async function checkFallback(
  project: Project,
  base: string,
  route: BoundRoute,
  { bucket, key }: NonNullable<BoundRoute["fallback"]>,
  now: number,
): Promise<Result> {
  const [variant = ""] = variantsOf(project, route);
  const absent = `vitrine-doctor-${crypto.randomUUID()}`;
  const path = route.path
    .replace(":preset", encodeURIComponent(variant))
    .replaceAll(/:\w+|\*/g, absent);
  const request = resolveRequest(project.config, path);
  const unknown = (reason: string) =>
    note("fallback", `whether its fallback is shown is unknown: ${reason}`);
  if (request.route !== route || request.variant === undefined)
    return unknown("another route takes its URLs");
  const query = await signQuery(project, route, request.variant.preset, request.object, now);
  if (isFault(query)) return unknown(query.fault);
  const answer = await askSite(base + path + query);
  if ("reason" in answer) return unknown(answer.reason);
  const policy = "content-security-policy";
  if (answer.status !== 404 || answer.headers.get(policy) !== PROTECTION[policy])
    return unknown(`a missing object answers ${answer.status}`);
  if (sniff(answer.bytes) !== undefined) return ok("fallback", "a missing object shows it");
  const object = { bucket, key: key.slice(bucket.prefix.length) };
  return fail("fallback", {
    severity: "warning",
    seen: `${route.path}: a missing object does not show the fallback ${key}, but answers 404 without an image`,
    impact: "visitors see a broken image where an object is missing",
    // The deployed fallback may be another one than that of wrangler.toml, which may be a good image.
    remedy: `npx vitrine deploy if wrangler.toml has changed. Else see what is wrong with that object: npx vitrine doctor ${argumentsOf([nameOf(project.config.buckets, object)])}`,
    bearing: "harmless",
  });
}
