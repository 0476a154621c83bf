// What the doctor has seen, before anything is judged, and what visitors were seen to get of a bucket. Pure.
//
// At 3 a.m. a wrong impact decides what an operator does. So an impact says what a visitor was seen to get, and never what
// follows from a fault: a dead key may be hidden by the store, by Workers Cache or by the other slot.

import type { BucketHealth } from "../../worker/operator.ts";
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
import type { OwnIssuerSeen } from "./observe-own-issuer.ts";
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
  /** What AWS reads of the Worker's own issuer. Undefined: the Worker is none, or was not asked. */
  readonly ownIssuer: OwnIssuerSeen | undefined;
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

/** What /healthz reports of a bucket. @param name in wrangler.toml */
export function healthOfBucket(site: SiteSeen | undefined, name: string): BucketHealth | undefined {
  const report = reportOf(site);
  return report?.buckets.find(({ bucket }) => bucket === name);
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

  // A subdomain may have a zone of its own, whose name is longer.
  const [closest] = matches.toSorted((a, b) => b.name.length - a.name.length);
  return closest;
}

/** Adds to a remedy that the settings of a zone would explain more than an answer of the edge does. */
export function withTokenAdvice({ zones }: Observations, remedy: string): string {
  if (zones?.kind !== "no-token") return remedy;

  return `${remedy}. With a CLOUDFLARE_SETUP_TOKEN in the environment, the doctor reads which setting of the zone is missing`;
}

/** Says what visitors were seen to get. @param bucket its name in wrangler.toml; undefined: of any bucket */
export function visitorsOf({ site }: Observations, bucket: string | undefined): VisitorsSeen {
  if (site === undefined) {
    return { kind: "unknown", text: "visitors were not looked at: add --url" };
  }

  let pictures = site.pictures;
  if (bucket !== undefined) {
    pictures = pictures.filter(({ buckets }) => buckets.includes(bucket));
  }

  const failing = pictures.find(isFailing);
  if (failing !== undefined) {
    const text = `${visitorOf(failing)} got ${outcomeOf(failing)} at ${failing.path}`;
    return { kind: "failing", text };
  }

  const shownPictures = pictures.filter(isShown);
  const newest = shownPictures.find(isNew) ?? shownPictures[0];
  if (newest === undefined) {
    return { kind: "unknown", text: "visitors were not looked at: no picture was requested" };
  }

  const text = `a visitor got the picture ${newest.path}: ${outcomeOf(newest)}`;
  return { kind: "shown", isNew: isNew(newest), text };
}

/** Returns whether a visitor gets no picture. A signature or a token of this machine says nothing of visitors. */
function isFailing(picture: PictureSeen): boolean {
  if (isShown(picture)) return false;

  return !isRefusedSignature(picture) && !isRefusedToken(picture);
}

/** Adds to each problem what visitors were seen to get, unless its impact is another one. */
export function addImpacts(observations: Observations, findings: readonly Finding[]): Finding[] {
  return findings.map((finding) => {
    const { severity, impact, bucket } = finding;
    const isProblem = severity === "error" || severity === "warning";
    if (!isProblem || impact !== undefined) return finding;

    const visitors = visitorsOf(observations, bucket);
    return { ...finding, impact: visitors.text };
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
  const last = answers.at(-1);
  if (!hasToken || last === undefined) return false;

  return !isNoAnswer(last.result) && last.result.status === 404;
}

const VISITORS = {
  avif: "a visitor",
  webp: "a visitor whose browser reads no AVIF",
  none: "a visitor whose browser reads no AVIF and no WebP",
} as const;

/** The kind of visitor that got no image. Browsers are asked in turn, until one of them gets none. */
function visitorOf({ answers }: PictureSeen): string {
  const last = answers.at(-1);
  return VISITORS[last?.browser ?? "avif"];
}

/** `200 (stored)`, `404`, or why no answer came: of the browser that got no image, else of the first. */
export function outcomeOf({ answers, event }: PictureSeen): string {
  const failing = answers.find(({ result }) => !isPicture(result));
  const decisive = failing ?? answers[0];
  if (decisive === undefined) return "nothing";

  const { result } = decisive;
  if (isNoAnswer(result)) return `no answer (${result.reason})`;

  const { status, headers } = result;
  const details: string[] = [];
  if (event !== undefined) details.push(event);
  if (headers.has("cf-mitigated")) details.push("a challenge, which browsers may pass");
  if (failing !== undefined && status === 200) details.push("no image");

  const cache = cacheStatus(headers);
  if (cache !== undefined) details.push(cache);

  if (details.length === 0) return `${status}`;
  return `${status} (${details.join(", ")})`;
}

function firstCacheStatus({ answers }: PictureSeen): string | undefined {
  const [first] = answers;
  if (first === undefined || isNoAnswer(first.result)) return undefined;

  return cacheStatus(first.result.headers);
}
