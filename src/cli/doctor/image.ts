// Checks what visitors get: the picture of each route as three kinds of browser get it, its headers, and Workers
// Cache. What the Worker tells its operator about a refused picture is its event, which docs/errors.md explains.

import { type Answers, lifetimesOf } from "../../worker/config/answers.ts";
import { mayShow } from "../../worker/edge/guard.ts";
import { acceptedFormatsOf } from "../../worker/request/accept.ts";
import { browserFormatsOf } from "../../worker/request/transform-request.ts";
import { SHORT_S } from "../../worker/response/answer.ts";
import { isOfVitrine } from "../http/ask-health.ts";
import { cacheStatus } from "../http/ask-picture.ts";
import { type Body, isNoAnswer } from "../http/body.ts";
import { sniffImageType } from "../picture/sniff.ts";
import { LOCALLY } from "./engine.ts";
import {
  type Check,
  error,
  type Finding,
  note,
  ok,
  RUN_AGAIN,
  type Subject,
  warning,
} from "./finding.ts";
import {
  isRefusedSignature,
  isRefusedToken,
  type Observations,
  outcomeOf,
  reportOf,
  tokenAdvice,
} from "./observations.ts";
import { type BrowserAnswer, isPicture, type PictureSeen, type SiteSeen } from "./observe-site.ts";
import { offsetText } from "./s3-reply.ts";

const SVG = "image/svg+xml";
const LET_PASS =
  "make sure that no rule, snippet or other Worker is in front of this Worker (Security → Events in the dashboard)";
const FIND_WORKER = "find out which Workers answer on that domain: npx wrangler deployments list";
const WAIT = `wait a minute, ${RUN_AGAIN}`;

/** Whether the picture of each route is shown. @param earlier the findings that may be the cause */
export function checkImages(seen: Observations, earlier: readonly Finding[]): Finding[] {
  const { site } = seen;
  if (site === undefined || isElsewhere(site)) return [];

  const findings = site.skipped.map(({ route, bucket, reason }) => {
    const subject = { about: `${site.baseUrl}: the route ${route.path}`, bucket };
    return note("image", subject, `not requested: ${reason}`);
  });
  for (const picture of site.pictures) findings.push(...checkPicture(seen, site, picture, earlier));
  if (findings.length > 0) return findings;

  return [
    warning(
      "image",
      { about: site.baseUrl },
      {
        seen: "no image was requested, because no object is known",
        impact: "the doctor did not see what visitors get",
        remedy:
          "name an object that exists, such as photos/fig.jpg, or write one into wrangler.toml as the canary of its bucket",
      },
    ),
  ];
}

/** Returns whether the Worker answers nothing, or 500 to everything: another check says so. */
function isElsewhere({ absence, pictures }: SiteSeen): boolean {
  return absence !== undefined && pictures.length === 0;
}

function checkPicture(
  seen: Observations,
  { baseUrl }: SiteSeen,
  picture: PictureSeen,
  earlier: readonly Finding[],
): Finding[] {
  const bucket = picture.buckets[0];
  const subject = { about: baseUrl + picture.path, ...(bucket !== undefined && { bucket }) };
  const refused = picture.answers.find(({ result }) => !isPicture(result));
  if (refused !== undefined) return [explainNoPicture(seen, subject, picture, refused, earlier)];

  const bodies = picture.answers.flatMap(({ result }) => (isNoAnswer(result) ? [] : [result]));
  const [first] = bodies;
  if (first === undefined) return [];

  // Where an original comes out, something else than the Worker answers.
  const original = checkOriginal(subject, picture, bodies);
  if (original.severity === "error") return [original];

  const size = first.bytes.length.toLocaleString("en");
  return [
    ok("image", subject, `${picture.variantName}: ${size} bytes`),
    original,
    checkFormats(subject, picture),
    checkBrowserCache(subject, picture, first, seen.project.config.answers),
  ];
}

/** Why a browser gets no picture. The first paragraph that fits decides. */
function explainNoPicture(
  seen: Observations,
  subject: Subject,
  picture: PictureSeen,
  { result }: BrowserAnswer,
  earlier: readonly Finding[],
): Finding {
  if (isRefusedSignature(picture)) return explainSignature(seen, subject, picture);
  if (isRefusedToken(picture)) return explainToken(subject, picture);

  if (isNoAnswer(result)) {
    return error("image", subject, {
      seen: `no answer: ${result.reason}`,
      remedy: "check that the domain leads to Cloudflare, and that this machine is online",
    });
  }

  const { status, headers } = result;
  const text = `${picture.path} answers ${outcomeOf(picture)}`;
  const cause = earlier.find((finding) => isCause(finding, picture));
  const isOfCache = isOlderRefusal(headers) || isRefutedByWorker(seen, picture);
  if (cause !== undefined) {
    const wait = isOfCache ? ". A refusal is kept for a minute" : "";
    const remedy = `fix that first: ${cause.seen}. Then run the doctor again${wait}`;
    return error("image", subject, { seen: text, remedy });
  }
  if (isOfCache) {
    const cachedText = `${text}: Workers Cache keeps such an answer for a minute, so it may be over already`;
    return warning("image", subject, { seen: cachedText, remedy: WAIT });
  }

  const local = seen.project.isLocalRun ? LOCALLY : "";
  const remedy = local + remedyOfRefusal(seen, picture, status, headers);
  return error("image", subject, { seen: text, remedy });
}

/** Returns whether a refusal comes out of a cache, where it has become older: then its minute is not whole any more. */
function isOlderRefusal(headers: Headers): boolean {
  const control = headers.get("cache-control") ?? "";
  const age = /^public, max-age=(?<age>\d+)/.exec(control)?.groups?.["age"];
  return age !== undefined && Number(age) < SHORT_S;
}

/** Returns whether S3 gives the Worker the canary now, of which a cache still has an older refusal. */
function isRefutedByWorker({ site, buckets }: Observations, picture: PictureSeen): boolean {
  const { event, sampleKey } = picture;
  const isOfObject = event === "object-denied" || event === "object-missing";
  if (!isOfObject) return false;

  return buckets.some(({ bucket }) => {
    const isCanary = picture.buckets.includes(bucket.name) && bucket.canary === sampleKey;
    const health = reportOf(site)?.buckets.find(({ bucket: name }) => name === bucket.name);
    return isCanary && health?.edge === "on" && health.slots.some(({ state }) => state === "ok");
  });
}

/** Findings that never keep a picture from being shown. */
const HARMLESS: readonly Check[] = ["public", "side-door", "originals", "list", "keys", "store"];
/** Findings about what the Images binding does not need. */
const OF_EDGE: readonly Check[] = ["sources", "transformations"];

function isCause(finding: Finding, picture: PictureSeen): boolean {
  const { buckets } = picture;
  const { severity, bucket, check, isOfMachine } = finding;
  // A key of this machine explains nothing that visitors see.
  if (isOfMachine) return false;

  if (OF_EDGE.includes(check) && !isOfEdge(picture)) return false;

  const isOfPicture = bucket === undefined || buckets.includes(bucket);
  // The deployed configuration is another one than that which was checked here.
  if (check === "deployed" && severity === "warning") return true;
  return severity === "error" && isOfPicture && !HARMLESS.includes(check);
}

/** Returns whether the image edge makes the picture. */
function isOfEdge({ route, buckets }: PictureSeen): boolean {
  return route.buckets.some(({ name, engine }) => engine === "cf" && buckets.includes(name));
}

/** Events that a setting of the zone may explain. Undefined: the Worker names none to this machine. */
const ZONE_EVENTS: readonly (string | undefined)[] = [
  "edge-refused",
  "edge-contradicts",
  "not-transformed",
  undefined,
];

/** What to do where nothing else was found. */
function remedyOfRefusal(
  seen: Observations,
  picture: PictureSeen,
  status: number,
  headers: Headers,
): string {
  const { event } = picture;
  const log = "run npx wrangler tail, then ask again: the log names the reason";
  if (!isOfVitrine(headers)) return LET_PASS;
  if (status === 429) return WAIT;
  if (status === 415) {
    return "name another object, or replace that one by an image: then npx vitrine purge";
  }

  const page = event === undefined ? "docs/errors.md explains it" : `see docs/errors.md#${event}`;
  const isOfUrl = event === "no-such-route" || event === "no-such-variant";
  if (isOfUrl || (event === undefined && status === 404)) {
    return `npx vitrine deploy if wrangler.toml has changed. Else npx vitrine explain, with that URL, or ${log}, and ${page}`;
  }
  const isOfZone = status === 502 && isOfEdge(picture) && ZONE_EVENTS.includes(event);
  return `${log}, and ${page}${isOfZone ? tokenAdvice(seen) : ""}`;
}

/** The Worker refuses the signature that this machine made. Visitors have their own URLs. */
function explainSignature(
  { project }: Observations,
  subject: Subject,
  { event, clockAhead, path }: PictureSeen,
): Finding {
  const source = project.secrets.get("URL_SIGNING_KEYS")?.source ?? "this machine";
  const impact =
    "visitors have URLs that the app signs: those were not looked at, and may be right";
  const isSkewed = clockAhead !== undefined && Math.abs(clockAhead) > 60;
  if (event === "url-expired" || isSkewed) {
    return warning("signing", subject, {
      seen: `the Worker refuses the signature (${event}): this machine's clock is ${offsetText(clockAhead)} of the site's`,
      impact,
      remedy: `set this machine's clock: timedatectl set-ntp true. Then run the doctor again`,
    });
  }
  if (event === undefined) {
    return warning("signing", subject, {
      seen: `${path} is refused: the signing keys at hand (${source}) are not the Worker's, or S3 does not give the object. Without the Worker's HEALTH_TOKEN, which of both is not known`,
      impact,
      remedy: "put the Worker's HEALTH_TOKEN at hand, then run the doctor again",
    });
  }
  return warning("signing", subject, {
    seen: `the Worker refuses the signature of ${path}: the signing keys at hand (${source}) are not the Worker's`,
    impact,
    remedy: `take the Worker's URL_SIGNING_KEYS to ${source}, then run the doctor again. If the app has the keys of ${source}, and its visitors see no pictures, put them on the Worker, beside the old ones: docs/signing.md`,
  });
}

/** The Worker answers 404 to a token that opens the URL by wrangler.toml, and by the issuer's keys. */
function explainToken(subject: Subject, { path }: PictureSeen): Finding {
  return warning("token", subject, {
    seen: `${path} is 404 with a token that opens it by wrangler.toml: the Worker has another configuration, or S3 does not give the object`,
    impact: "visitors have tokens of their own: those were not looked at",
    remedy:
      "npx vitrine deploy if wrangler.toml has changed. Else run npx wrangler tail, then ask again: the log names the reason",
  });
}

/** Whether the answers are something else than the original. A clean SVG is passed on as it is (R8). */
function checkOriginal(
  subject: Subject,
  { original, route }: PictureSeen,
  bodies: readonly Body[],
): Finding {
  const leak = bodies.find(({ bytes }) => isSame(bytes, original));
  const isPassedOn = leak !== undefined && route.svg && typeOf(leak) === SVG;
  if (leak !== undefined && !isPassedOn) {
    return error("originals", subject, {
      seen: "the answer is the original, byte for byte",
      impact: "originals must stay in the bucket, and every size costs money",
      remedy: FIND_WORKER,
    });
  }
  if (original === undefined) {
    const text = "whether it is the original is unknown: no key at hand may read that";
    return note("originals", subject, text);
  }
  return ok("originals", subject, "no browser gets the original");
}

function isSame(bytes: Uint8Array, original: Uint8Array | undefined): boolean {
  return original !== undefined && Buffer.compare(bytes, original) === 0;
}

function typeOf({ headers }: Pick<Body, "headers">): string {
  const [type = ""] = (headers.get("content-type") ?? "").split(";", 1);
  return type;
}

/** Whether each browser gets a format that it reads, and that is what it is called. */
function checkFormats(subject: Subject, picture: PictureSeen): Finding {
  const { answers, variant, route } = picture;
  const types: string[] = [];
  for (const { browser, readable, result } of answers) {
    if (isNoAnswer(result)) continue;

    const type = typeOf(result);
    const formats = acceptedFormatsOf(variant, readable, route.svg);
    const isPassedOn = type === SVG && route.svg;
    const isRight = isPassedOn || mayShow(variant, browserFormatsOf(formats), type);
    const actualType = sniffImageType(result.bytes);
    types.push(type);
    if (actualType === type && isRight) continue;

    return error("formats", subject, {
      seen: `a browser whose best format is ${browser} gets ${type || "no type"}, and the bytes are ${actualType ?? "no image"}`,
      impact: "browsers show a broken image, or download more bytes than they need",
      remedy:
        "turn off what ignores the vary header: a cache rule of the zone, or something else in front of the Worker",
    });
  }
  return ok("formats", subject, `each browser gets one that it reads: ${types.join(", ")}`);
}

/** Whether browsers may keep a picture for `max_age` (C5). */
function checkBrowserCache(
  subject: Subject,
  { route }: PictureSeen,
  { headers }: Body,
  { max_age: generalMaxAge }: Answers,
): Finding {
  const { maxAge } = route.policy;
  const control = headers.get("cache-control") ?? "none";
  const age = cacheControlOf(route).exec(control)?.groups?.["age"];
  const seconds = Number(age);

  // A signed URL or a token may end sooner. In an outage of S3, what is stored has a minute, also out of Workers Cache.
  const mayEndSooner = route.signing !== undefined || route.tokenRules !== undefined;
  const endsSooner = mayEndSooner && age !== undefined && seconds <= maxAge;
  const isOfOutage =
    ["stored", "hit", "stale"].includes(`${cacheStatus(headers)}`) && seconds === SHORT_S;

  // What may be of an older object is not kept for longer than [vars.ANSWERS] says, whatever its route says.
  const isUncertain = cacheStatus(headers) === "stale" || !headers.has("etag");
  const isOfOlder = isUncertain && seconds === Math.min(maxAge, generalMaxAge);

  const isRight = seconds === maxAge || endsSooner || isOfOutage || isOfOlder;
  if (isRight) return ok("cache", subject, control);

  return warning("cache", subject, {
    seen: `cache-control is ${control}, not of max_age = ${maxAge}`,
    impact: "browsers load an image again that they have, or keep one for too long",
    remedy:
      "npx vitrine deploy if max_age has changed. Else something in front changes it: set the zone's Browser Cache TTL to Respect Existing Headers, and look for a rule that sets cache-control (Rules → Transform Rules, Cache Rules)",
  });
}

/** What the header of a picture of a route looks like. Only the browser of a visitor with a token may keep one. */
function cacheControlOf({ signing, tokenRules }: PictureSeen["route"]): RegExp {
  if (tokenRules !== undefined) return /^private, max-age=(?<age>\d+), must-revalidate/;
  if (signing !== undefined) return /^public, max-age=(?<age>\d+), must-revalidate/;
  return /^public, max-age=(?<age>\d+)(?:, immutable)?$/;
}

/** If renditions are cached for less, a second request may come too late: s. */
const MIN_KEEP_S = 60;

/** Whether Cloudflare keeps renditions for all visitors (W11). */
export function checkWorkersCache({ site, project }: Observations): Finding[] {
  if (site?.cachedAgain === undefined) return [];

  const { picture, cache } = site.cachedAgain;
  const bucket = picture.buckets[0];
  const subject = {
    about: site.baseUrl + picture.path,
    ...(bucket !== undefined && { bucket }),
  };
  const { keep } = lifetimesOf(picture.route.policy, project.config.answers);
  if (keep < MIN_KEEP_S) {
    return [note("workers-cache", subject, `unknown: keep in wrangler.toml is ${keep} s`)];
  }

  switch (cache) {
    case "hit":
    case "stale":
      return [ok("workers-cache", subject, "it caches them worldwide")];

    case "direct":
    case "miss":
    case "stored":
      return [
        warning("workers-cache", subject, {
          seen: `an image that was shown before did not come out of Workers Cache: cache is "${cache}"`,
          impact: "visitors wait longer, because each rendition is made or read anew",
          remedy:
            "npx vitrine deploy, if [cache], [exports], keep or compatibility_date in wrangler.toml are new: npx vitrine check looks at them. Else see docs/errors.md#cache-unusable, or do without the cache: keep = 0 in [vars.ANSWERS]",
        }),
      ];

    default:
      return [note("workers-cache", subject, "whether renditions are cached is unknown")];
  }
}
