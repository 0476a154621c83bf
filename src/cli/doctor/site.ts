// Checks what is deployed at a URL: whether Vitrine is there, its health, an image of each route, the fallbacks, and
// the side door.

import type { Bucket } from "../../worker/config/bucket.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { resolveRequest } from "../../worker/request/resolve-request.ts";
import { isFault } from "../command.ts";
import { edgeBucketsOf } from "../config/buckets.ts";
import type { Site } from "../config/project.ts";
import { findAbsence, isOfVitrine, type NoHealth } from "../http/ask-health.ts";
import { nameOf } from "../objects/bucket-key.ts";
import { sniff } from "../picture/sniff.ts";
import { commandLine } from "../terminal/shell.ts";
import { signForNow, variantPathOf, variantsOf } from "../urls/public-url.ts";
import { findHolder } from "./bucket.ts";
import { diagnoseStatus } from "./edge.ts";
import { type Finding, fail, note, ok, type Result } from "./finding.ts";
import { checkHealth } from "./health.ts";
import { askSite, checkImage, checkWorkersCache, type Visit } from "./image.ts";
import type { Sample } from "./objects.ts";
import { checkSideDoor, SIDE_DOOR } from "./side-door.ts";

/**
 * @param samples an original of each bucket, by the bucket's name, if one is known
 * @param now milliseconds since 1970
 */
export async function checkSite(
  site: Site,
  samples: ReadonlyMap<string, Sample>,
  now: number,
): Promise<readonly Finding[]> {
  const { config, baseUrl, local } = site;
  const absent = await findAbsence(baseUrl);
  const gone = absent && { about: baseUrl, ...diagnoseAbsence(baseUrl, absent, local) };
  if (gone && (absent?.status === undefined || absent.status === 500)) return [gone];
  const health = gone ? [] : await checkHealth(site, baseUrl);
  const findings: Finding[] = [];
  const report = (at: string, bucket: string, ...results: readonly Result[]) =>
    findings.push(...results.map((one) => ({ about: baseUrl + at, bucket, ...one })));
  let shown: Visit | undefined;
  const ways = config.routes.flatMap((route) => route.buckets.map((bucket) => ({ route, bucket })));
  for (const { route, bucket } of ways) {
    const visit = await planVisit(site, route, bucket, samples.get(bucket.name), now);
    if (visit === undefined) continue;
    if ("check" in visit) {
      report(`: the route ${route.path}`, bucket.name, visit);
      continue;
    }
    const keyOf = (one: Bucket) => samples.get(one.name)?.key.slice(one.prefix.length);
    const same = route.buckets.filter((one) => keyOf(one) === keyOf(bucket));
    // One URL is asked once, with the original, to see whether that is the answer.
    if (bucket !== (same.find((one) => samples.get(one.name)?.bytes) ?? same[0])) continue;
    const results = await checkImage(site, visit);
    const [image] = results;
    if (image?.severity === "ok" && route.buckets.length > 1) {
      const key = keyOf(bucket) ?? "";
      const { holder, unknown } = await findHolder(site, route.buckets, key, () => now);
      const source = unknown ? `${unknown.name} or a later one` : holder?.name;
      results[0] = { ...image, seen: `${image.seen}, of ${source ?? "no bucket: it is kept"}` };
    }
    report(visit.path, bucket.name, ...results);
    if (results.length > 1) shown ??= visit; // one alone is a fault
  }
  // On a domain with other apps, perhaps only /healthz belongs to another one.
  if (gone && shown === undefined) return [gone];
  if (findings.length === 0) findings.push({ about: baseUrl, ...NO_OBJECT });
  for (const route of config.routes) {
    if (route.fallback === undefined) continue;
    const result = await checkFallback(site, route, route.fallback, now);
    report(`: the route ${route.path}`, route.fallback.bucket.name, result);
  }
  const there = { about: baseUrl, ...ok("deployed", "Vitrine is there, and without mistakes") };
  const impact = "neither the doctor nor vitrine rotate can see which slot works";
  const deployed: Finding = gone ? { ...gone, severity: "warning", impact } : there;
  findings.unshift(deployed, ...health);
  if (local) return findings; // It has no Workers Cache, and no zone.
  if (shown !== undefined) {
    const result = await checkWorkersCache(shown, config.answers.keep);
    report(shown.path, shown.route.bucket.name, result);
  }
  for (const bucket of edgeBucketsOf(config.routes)) {
    const { name } = bucket;
    const result = await checkSideDoor(bucket, baseUrl, samples.get(name), shown !== undefined);
    report(`${SIDE_DOOR}, for bucket ${name}`, name, result);
  }
  return findings;
}

const NO_OBJECT = fail("image", {
  severity: "warning",
  seen: "no image was requested, because no object is known",
  impact: "the doctor did not see what visitors get",
  remedy: "name an object that exists, such as photos/fig.jpg",
  bearing: "consequence",
});

function diagnoseAbsence(url: string, { status, reason }: NoHealth, local: boolean): Result {
  if (status === 500) return diagnoseStatus(500, `${url}/healthz`, local);
  return fail("deployed", {
    seen: `there is no Vitrine at ${url}: at /healthz, ${reason}`,
    impact: "visitors see no image",
    remedy: local
      ? "start it: npx vitrine dev. It prints its http:// URL: pass that, without a path"
      : 'make sure that no rule of the zone is in front of it, and put that domain under routes in wrangler.toml, as { pattern = "images.example.com", custom_domain = true }. At another route, let /healthz lead to the Worker, too',
    deploys: true,
  });
}

/** The image of a sample at the first preset of a route, or why it cannot be asked for; undefined: it has no URL. */
async function planVisit(
  site: Site,
  route: BoundRoute,
  { prefix }: Bucket,
  sample: Sample | undefined,
  now: number,
): Promise<Visit | Result | undefined> {
  const [name = ""] = variantsOf(site, route);
  const variant = site.config.variants.get(name);
  const key = sample?.key.slice(prefix.length) ?? "";
  const path = variantPathOf(site.config, route, name, key);
  if (sample === undefined || variant === undefined || path === undefined) return undefined;
  const query = await signForNow(site, route, { preset: variant.preset, key }, now);
  if (isFault(query)) return note("image", `not requested: ${query.fault}`);
  return { route, name, variant, baseUrl: site.baseUrl, path, query, original: sample.bytes };
}

async function checkFallback(
  site: Site,
  route: BoundRoute,
  { bucket, key }: NonNullable<BoundRoute["fallback"]>,
  now: number,
): Promise<Result> {
  const [variant = ""] = variantsOf(site, route);
  const path = route.path
    .replace(":preset", encodeURIComponent(variant))
    .replaceAll(/:\w+|\*/g, `vitrine-doctor-${crypto.randomUUID()}`);
  const { variant: resolved, ...request } = resolveRequest(site.config, path);
  const isOurs = request.route === route && resolved !== undefined;
  const grant = isOurs && { preset: resolved.preset, key: request.relativeKey };
  const query = grant && (await signForNow(site, route, grant, now));
  const answer = typeof query === "string" ? await askSite(site.baseUrl + path + query) : undefined;
  if (!answer || "reason" in answer || answer.status !== 404 || !isOfVitrine(answer.headers)) {
    const unknown = "no URL is at hand, or something in front answers";
    return note("fallback", `whether its fallback is shown is unknown: ${unknown}`);
  }
  if (sniff(answer.bytes) !== undefined) return ok("fallback", "a missing object shows it");
  const object = { bucket, key: key.slice(bucket.prefix.length) };
  const doctor = commandLine("doctor", {}, [nameOf(site.config.buckets, object)]);
  return fail("fallback", {
    severity: "warning",
    seen: `a missing object does not show the fallback ${key}, but answers 404 without an image`,
    impact: "visitors see a broken image where an object is missing",
    // The deployed fallback may be another one than that of wrangler.toml, which may be a good image.
    remedy: `npx vitrine deploy if wrangler.toml has changed. Else see what is wrong with that object: ${doctor}`,
    bearing: "harmless",
  });
}
