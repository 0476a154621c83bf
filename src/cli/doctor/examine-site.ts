// Checks what is deployed at a URL: Vitrine itself, its health, and an image of each route.

import { encodePath } from "../../url/grammar.ts";
import { isFault } from "../command.ts";
import type { Project } from "../config/project.ts";
import { askWhetherThere, type NoHealth } from "../http/ask-health.ts";
import { pathOf, queryFor, variantsOf } from "../urls/public-url.ts";
import type { Visit } from "./ask-site.ts";
import { diagnoseStatus } from "./diagnose-site.ts";
import { examineDoors } from "./examine-doors.ts";
import { examineFallbacks } from "./examine-fallbacks.ts";
import { examineVisit } from "./examine-image.ts";
import { examineKept } from "./examine-kept.ts";
import type { Sample } from "./examine-objects.ts";
import { type Diagnosis, diagnose, type Finding, findingsOn, note, well } from "./finding.ts";
import { healthOf, withDeployFirst } from "./health.ts";

const MOST_VISITS = 8;
const TERM_S = 600;

/**
 * @param samples an original of each bucket, by the bucket's name, if one is known
 * @param now milliseconds since 1970
 * @param clock how far the site's clock is ahead of that: s
 */
export async function examineSite(
  project: Project,
  base: string,
  samples: ReadonlyMap<string, Sample>,
  now: number,
  clock: number | undefined,
): Promise<readonly Finding[]> {
  const absent = await askWhetherThere(base);
  const gone = absent && findingsOn(base, [diagnoseAbsence(base, absent, project.local)]);
  if (gone && (absent?.status === undefined || absent.status === 500)) return gone;
  const findings: Finding[] = [];
  if (absent === undefined) {
    const there = well("deployed", "Vitrine is there, and its configuration has no mistakes");
    findings.push({ about: base, ...there }, ...(await healthOf(project, base, clock)));
  }
  const { visits, skipped } = await planVisits(project, base, samples, now);
  findings.push(...skipped);
  if (visits.length + skipped.length === 0) {
    findings.push({ about: base, ...diagnose("no-object-known", {}) });
  }
  const tried = new Set<string>();
  const seen: Finding[] = [];
  let shows: Visit | undefined;
  for (const visit of visits.slice(0, MOST_VISITS)) {
    const bucket = visit.route.bucket.name;
    const diagnoses = await examineVisit(project, visit, !tried.has(bucket));
    seen.push(...diagnoses.map((one) => ({ about: base + visit.path, ...one, bucket })));
    tried.add(bucket);
    if (diagnoses.some(isImage)) shows ??= visit;
  }
  if (gone !== undefined) {
    // On a domain with other apps, perhaps only /healthz belongs to another one.
    if (shows === undefined) return gone;
    findings.push({ about: base, ...diagnose("health-elsewhere", {}) });
  }
  const differs = findings.find(({ cause }) => cause === "deployed-differs");
  const fallbacks = (await examineFallbacks(project, base, now)).map((finding) =>
    differs === undefined ? finding : withDeployFirst(finding, differs),
  );
  const kept = shows === undefined ? [] : [await examineKept(project, shows)];
  // The local run has no zone.
  const doors = project.local
    ? []
    : await examineDoors(project, base, samples, shows !== undefined);
  return [...findings, ...seen, ...fallbacks, ...kept, ...doors];
}

function isImage({ check, severity }: Diagnosis): boolean {
  return check === "image" && severity === "ok";
}

/** Why no Vitrine is there. */
export function diagnoseAbsence(url: string, absent: NoHealth, local: boolean): Diagnosis {
  const { status, reason } = absent;
  if (status === 500) return diagnoseStatus(500, `${url}/healthz`, local);
  return diagnose("deployed", { url, reason }, local);
}

/** For each route that leads to a sample: the image at its first preset, or why it cannot be asked for. */
async function planVisits(
  project: Project,
  base: string,
  samples: ReadonlyMap<string, Sample>,
  now: number,
): Promise<{ readonly visits: readonly Visit[]; readonly skipped: readonly Finding[] }> {
  const visits: Visit[] = [];
  const skipped: Finding[] = [];
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
    if (isFault(query)) {
      skipped.push({ about: base + path, ...note("image", `not requested: ${query.fault}`) });
    } else {
      const known = { key: encodePath(key), query, original: sample.bytes };
      visits.push({ route, name, variant, base, path, ...known });
    }
  }
  return { visits, skipped };
}
