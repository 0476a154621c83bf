// Checks what is deployed at a URL: Vitrine itself, its health, and an image of each route.

import { encodePath } from "../../url/grammar.ts";
import { isFault } from "../command.ts";
import { askWhetherThere, type NoHealth } from "../net/ask-health.ts";
import type { Project } from "../project/project.ts";
import { pathOf, queryFor, variantsOf } from "../project/public-url.ts";
import { diagnoseStatus } from "./diagnose-site.ts";
import { type Diagnosis, diagnose, type Finding, found, note, well } from "./finding.ts";
import { conditionsOf, headersOf } from "./headers.ts";
import { healthOf } from "./health.ts";
import { examineImage, SVG, type Visit } from "./image.ts";
import { originalsOf } from "./originals.ts";
import type { Sample } from "./sample.ts";
import { sniff } from "./sniff.ts";

/**
 * @param samples an original of each bucket, by the bucket's name, if one is known
 * @param now milliseconds since 1970
 */
export async function examineSite(
  project: Project,
  base: string,
  samples: ReadonlyMap<string, Sample>,
  now: number,
): Promise<Finding[]> {
  const absent = await askWhetherThere(base);
  const isGone = absent && (absent.status === undefined || absent.status === 500);
  if (isGone) return [{ about: base, ...diagnoseAbsence(base, absent, project.local) }];
  const findings: Finding[] = [];
  if (absent === undefined) {
    findings.push(
      well(base, "deployed", "Vitrine is there, and its configuration has no mistakes"),
    );
    findings.push(...(await healthOf(project, base)));
  }
  const planned = await visitsOf(project, base, samples, now);
  const skipped = planned.flatMap((one) => ("check" in one ? [one] : []));
  const visits = planned.flatMap((one) => ("check" in one ? [] : [one])).slice(0, MOST_VISITS);
  findings.push(...skipped);
  if (planned.length === 0) findings.push(found(base, "no-object-known", {}));
  const tried = new Set<string>();
  const seen: Finding[] = [];
  for (const visit of visits) {
    const { name } = visit.route.bucket;
    const visited = await examineVisit(project, visit, !tried.has(name));
    seen.push(...visited.map((finding) => ({ ...finding, bucket: name })));
    tried.add(name);
  }
  if (absent !== undefined) {
    // On a domain with other apps, perhaps only /healthz belongs to another one.
    const shows = seen.some(({ check, severity }) => check === "image" && severity === "ok");
    if (!shows) return [{ about: base, ...diagnoseAbsence(base, absent, project.local) }];
    findings.push(found(base, "health-elsewhere", {}));
  }
  return [...findings, ...seen];
}

/** Why no Vitrine is there. */
export function diagnoseAbsence(
  url: string,
  { status, reason }: NoHealth,
  local: boolean,
): Diagnosis {
  if (status === 500) return diagnoseStatus(500, `${url}/healthz`, local);
  return diagnose("deployed", { url, reason }, local);
}

const MOST_VISITS = 8;
const TERM_S = 600;

/** For each route that leads to a sample: the image at its first preset, or why it cannot be asked for. */
async function visitsOf(
  project: Project,
  base: string,
  samples: ReadonlyMap<string, Sample>,
  now: number,
): Promise<(Visit | Finding)[]> {
  const visits: (Visit | Finding)[] = [];
  for (const route of project.config.routes) {
    const { bucket, signing } = route;
    const sample = samples.get(bucket.name);
    const [name = ""] = variantsOf(project, route);
    const variant = project.config.variants.get(name);
    if (sample === undefined || variant === undefined) continue;
    const key = sample.key.slice(bucket.prefix.length);
    const path = pathOf(project, route, name, key);
    if (path === undefined) continue;
    const expires = Math.floor(now / 1000) + Math.min(TERM_S, signing?.maxAge ?? TERM_S);
    const grant = { preset: variant.preset, key, expires };
    const query = signing === undefined ? "" : await queryFor(project, route, grant);
    const encoded = encodePath(key);
    visits.push(
      isFault(query)
        ? note(base + path, "image", `not requested: ${query.fault}`)
        : { route, name, variant, base, path, key: encoded, query, original: sample.bytes },
    );
  }
  return visits;
}

/** @param tricks whether to try to get an original out as well */
async function examineVisit(
  { config, local }: Project,
  visit: Visit,
  tricks: boolean,
): Promise<readonly Finding[]> {
  const { route, base, path, query, variant, original } = visit;
  const about = base + path;
  const { findings, first } = await examineImage(visit, local);
  if (first === undefined) return findings;
  const expected = {
    negotiated: variant.format === "auto" && !route.svg,
    signed: route.signing !== undefined,
    maxAge: config.answers.max_age,
  };
  // An SVG has no rendition but the original (R8).
  const isTried = tricks && sniff(first.bytes) !== SVG;
  const allows = (name: string) => config.variants.has(name);
  const right = { ...visit, source: route.bucket.base, allows };
  return [
    ...findings,
    ...headersOf(about, first, expected),
    ...(await conditionsOf(about, query, first)),
    ...(isTried ? await originalsOf(about, right, original, first) : []),
  ];
}
