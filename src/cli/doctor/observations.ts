// What the doctor has seen, before anything is judged, and what visitors were seen to get of a bucket. Pure.
//
// At 3 a.m. a wrong impact decides what an operator does. So an impact says what a visitor was seen to get, and never what
// follows from a fault: a dead key may be hidden by the store, by Workers Cache or by the other slot.

import type { EventsSeen } from "../config/observe-events.ts";
import type { Project, ProjectSite } from "../config/project.ts";
import type { Health } from "../http/ask-health.ts";
import { cacheStatus } from "../http/ask-picture.ts";
import { isNoAnswer } from "../http/body.ts";
import type { KeyOwner } from "../objects/find-key-owner.ts";
import type { ZoneSettings, ZonesSeen } from "../zone/zone-state.ts";
import type { Finding } from "./finding.ts";
import type { BucketSeen } from "./observe-bucket.ts";
import type { IssuerSeen } from "./observe-issuers.ts";
import { isPicture, isShown, type PictureSeen, type SiteSeen } from "./observe-site.ts";

export type Observations = {
  readonly project: Project | ProjectSite;
  readonly buckets: readonly BucketSeen[];
  /** Undefined without `--url`. */
  readonly site: SiteSeen | undefined;
  /** By the id of a key at hand: the environment whose bucket it opens, if S3 denies it the bucket of this one. */
  readonly keyOwners: ReadonlyMap<string, KeyOwner>;
  /** The issuers whose tokens open a route. */
  readonly issuers: readonly IssuerSeen[];
  /** Undefined without `--url`, or without a queue. */
  readonly events: EventsSeen | undefined;
  /** The zones of the Worker's hosts. Undefined: the local run has none. */
  readonly zones: ZonesSeen | undefined;
};

/** What visitors were seen to get of a bucket. */
export type VisitorsSeen =
  /** `isNew`: S3 was asked for this very picture, so what S3 needs is right. */
  | { readonly kind: "shown"; readonly isNew: boolean; readonly text: string }
  | { readonly kind: "failing"; readonly text: string }
  | { readonly kind: "unknown"; readonly text: string };

/** The report of /healthz; undefined: there is none. */
export function reportOf(site: SiteSeen | undefined): Health | undefined {
  const health = site?.health;
  if (health === undefined || isNoAnswer(health)) return undefined;
  return health;
}

/** The settings of the zone that has the host of `--url`; undefined: they were not read. */
export function zoneOfSite({
  site,
  zones,
}: Pick<Observations, "site" | "zones">): ZoneSettings | undefined {
  if (site === undefined || zones?.kind !== "zones") return undefined;

  const { hostname } = new URL(site.baseUrl);
  const settings = zones.zones.filter((zone) => zone.kind === "zone");
  const matches = settings.filter(({ name }) => `.${hostname}`.endsWith(`.${name}`));
  // A subdomain may have a zone of its own.
  return matches.toSorted((a, b) => b.name.length - a.name.length)[0];
}

/** What a remedy says where the settings of a zone would explain more than an answer of the edge does. */
export function tokenAdvice({ zones }: Observations): string {
  if (zones?.kind !== "no-token") return "";
  return ". With a CLOUDFLARE_SETUP_TOKEN in the environment, the doctor reads which setting of the zone is missing";
}

/** Says what visitors were seen to get. @param bucket its name in wrangler.toml; undefined: of any bucket */
export function visitorsOf({ site }: Observations, bucket: string | undefined): VisitorsSeen {
  if (site === undefined) {
    const text = "visitors were not looked at: add --url";
    return { kind: "unknown", text };
  }

  const pictures = site.pictures.filter(
    ({ buckets }) => bucket === undefined || buckets.includes(bucket),
  );
  const failing = pictures.find(
    (picture) => !isShown(picture) && !isRefusedSignature(picture) && !isRefusedToken(picture),
  );
  if (failing !== undefined) {
    const text = `${visitorOf(failing)} got ${outcomeOf(failing)} at ${failing.path}`;
    return { kind: "failing", text };
  }

  const visible = pictures.filter(isShown);
  const newest = visible.find(isNew) ?? visible[0];
  if (newest === undefined) {
    return { kind: "unknown", text: "visitors were not looked at: no picture was requested" };
  }
  const text = `a visitor got the picture ${newest.path}: ${outcomeOf(newest)}`;
  return { kind: "shown", isNew: isNew(newest), text };
}

/** Adds to each problem what visitors were seen to get, unless its impact is another one. */
export function addImpacts(seen: Observations, findings: readonly Finding[]): Finding[] {
  return findings.map((finding) => {
    const { severity, impact } = finding;
    const isProblem = severity === "error" || severity === "warning";
    if (!isProblem || impact !== undefined) return finding;
    return { ...finding, impact: visitorsOf(seen, finding.bucket).text };
  });
}

/** The words of `server-timing` for a picture that was made for this request. */
const MADE_NOW: readonly (string | undefined)[] = ["miss", "direct"];

function isNew(picture: PictureSeen): boolean {
  return MADE_NOW.includes(firstCacheStatus(picture));
}

/**
 * Returns whether the Worker refuses the signature, or may do so: it names the reason only to HEALTH_TOKEN. Then nothing is
 * known of visitors, who have URLs of their own.
 */
export function isRefusedSignature({ event, access, answers }: PictureSeen): boolean {
  if (access.query === "") return false;
  if (event !== undefined) return event === "signature-wrong" || event === "url-expired";
  return answers.some(({ result }) => result.status === 404 || result.status === 410);
}

/** Returns whether the Worker may refuse the token: to whom has one, it names no reason. */
export function isRefusedToken({ access, answers }: PictureSeen): boolean {
  const hasToken = access.headers["authorization"] !== undefined;
  const last = answers.at(-1)?.result;
  return hasToken && last !== undefined && !isNoAnswer(last) && last.status === 404;
}

const VISITORS = {
  avif: "a visitor",
  webp: "a visitor whose browser reads no AVIF",
  none: "a visitor whose browser reads no AVIF and no WebP",
} as const;

/** The kind of visitor that got no image. Their browsers are asked in this order. */
function visitorOf({ answers }: PictureSeen): string {
  const last = answers.at(-1);
  return VISITORS[last?.browser ?? "avif"];
}

/** `200 (stored)`, `404`, or why no answer came: of the browser that got no image, else of the first. */
export function outcomeOf({ answers, event }: PictureSeen): string {
  const failing = answers.find(({ result }) => !isPicture(result));
  const { result } = failing ?? answers[0] ?? {};
  if (result === undefined) return "nothing";
  if (isNoAnswer(result)) return `no answer (${result.reason})`;

  const challenge = result.headers.has("cf-mitigated")
    ? "a challenge, which browsers may pass"
    : undefined;
  const page = failing && result.status === 200 ? "no image" : undefined;
  const details = [event, challenge, page, cacheStatus(result.headers)].filter(
    (detail) => detail !== undefined,
  );
  const suffix = details.length === 0 ? "" : ` (${details.join(", ")})`;
  return `${result.status}${suffix}`;
}

function firstCacheStatus({ answers }: PictureSeen): string | undefined {
  const [first] = answers;
  if (first === undefined || isNoAnswer(first.result)) return undefined;
  return cacheStatus(first.result.headers);
}
