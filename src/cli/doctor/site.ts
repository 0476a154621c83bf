// What is deployed at a URL.

import { encodePath } from "../../url/grammar.ts";
import { isFault } from "../command.ts";
import { askWhetherThere, type NoHealth } from "../net/ask-health.ts";
import type { Operator } from "../project/operator.ts";
import { pathOf, queryFor, variantsOf } from "../url/index.ts";
import { type Cause, type Finding, found, well } from "./finding.ts";
import { healthOf } from "./health.ts";
import type { Sample } from "./sample.ts";
import { statusCause } from "./status-causes.ts";
import { examineVisit, type Visit } from "./visit.ts";

/**
 * Examines what is deployed at a URL.
 * @param samples an original of each bucket, by the bucket's name, where one is known
 * @param now milliseconds since 1970
 */
export async function examineSite(
  operator: Operator,
  base: string,
  samples: ReadonlyMap<string, Sample>,
  now: number,
): Promise<Finding[]> {
  const absent = await askWhetherThere(base);
  const findings: Finding[] = [];
  if (absent === undefined) {
    findings.push(well(base, "deployed", "Vitrine is there, and its configuration is good"));
    findings.push(...(await healthOf(operator, base)));
  } else if (absent.status === undefined || absent.status === 500) {
    return [found(base, notThere(base, absent, operator.local))];
  }
  const { visits, skipped } = await visitsOf(operator, base, samples, now);
  findings.push(...skipped);
  if (visits.length + skipped.length === 0) {
    findings.push({
      about: base,
      check: "image",
      severity: "warning",
      what: "no image was asked for, since no object is known",
      why: "what visitors get was not seen",
      remedy: "npx vitrine doctor --url … --key photos/fig.jpg, with one that is there",
    });
  }
  const tried = new Set<string>();
  const seen: Finding[] = [];
  for (const visit of visits) {
    const { name } = visit.route.bucket;
    const visited = await examineVisit(operator, visit, !tried.has(name));
    seen.push(...visited.map((finding) => ({ ...finding, bucket: name })));
    tried.add(name);
  }
  if (absent !== undefined) {
    // On a domain that it shares, perhaps /healthz alone is another's.
    const shows = seen.some(({ check, severity }) => check === "image" && severity === "ok");
    const cause = notThere(base, absent, operator.local);
    if (!shows) return [found(base, cause)];
    findings.push(found(base, { ...cause, ...ELSEWHERE }));
  }
  findings.push(...seen);
  return findings;
}

/** Why no Vitrine is there. */
export function notThere(base: string, { status, reason }: NoHealth, local: boolean): Cause {
  if (status === 500) return statusCause(500, `${base}/healthz`, local);
  return {
    check: "deployed",
    what: `no Vitrine is at ${base}: of /healthz, ${reason}`,
    why: "visitors see no image",
    remedy: local
      ? "start it: npm start, which says at which http:// URL it is; give that one, without a path"
      : 'put that domain under routes in wrangler.toml, as { pattern = "images.example.com", custom_domain = true }, and npx wrangler deploy; a rule of the zone may stand in front of it',
  };
}

const ELSEWHERE = {
  severity: "warning",
  what: "its images are there, and its /healthz is not",
  why: "which slot serves, and what the edge says, cannot be told; nor can vitrine rotate look",
  remedy: "let /healthz of that host lead to the Worker, too: a route in wrangler.toml",
} as const;

const MOST_VISITS = 8;
const TERM_S = 600;

/** One of each route that leads to a sample, at its first preset. */
async function visitsOf(
  operator: Operator,
  base: string,
  samples: ReadonlyMap<string, Sample>,
  now: number,
): Promise<{ visits: Visit[]; skipped: Finding[] }> {
  const visits: Visit[] = [];
  const skipped: Finding[] = [];
  for (const route of operator.config.routes) {
    const sample = samples.get(route.bucket.name);
    const [name = ""] = variantsOf(operator, route);
    const variant = operator.config.variants.get(name);
    if (sample === undefined || variant === undefined) continue;
    const key = sample.key.slice(route.bucket.prefix.length);
    const path = pathOf(operator, route, name, key);
    if (path === undefined) continue;
    const { preset } = variant;
    const expires = Math.floor(now / 1000) + Math.min(TERM_S, route.signing?.maxAge ?? TERM_S);
    const query =
      route.signing === undefined ? "" : await queryFor(operator, route, { preset, key, expires });
    if (isFault(query)) {
      const about = `${base}${path}`;
      skipped.push({
        about,
        check: "image",
        severity: "note",
        what: `not asked for: ${query.fault}`,
      });
      continue;
    }
    visits.push({
      route,
      name,
      variant,
      base,
      path,
      key: encodePath(key),
      query,
      original: sample.bytes,
    });
  }
  return { visits: visits.slice(0, MOST_VISITS), skipped };
}
