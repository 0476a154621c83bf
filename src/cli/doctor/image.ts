// Checks what visitors get: the picture of each route as three kinds of browser get it, its headers, and Workers
// Cache. What the Worker tells its operator about a refused picture is its event, which docs/errors.md explains.

import { type Answers, lifetimesOf } from "../../worker/config/answers.ts";
import type { Bucket } from "../../worker/config/bucket.ts";
import { mayShow } from "../../worker/edge/guard.ts";
import { acceptedFormatsOf } from "../../worker/request/accept.ts";
import { browserFormatsOf } from "../../worker/request/transform-request.ts";
import { SHORT_S } from "../../worker/response/answer.ts";
import { page } from "../command.ts";
import { isOfVitrine } from "../http/ask-health.ts";
import { cacheStatus } from "../http/ask-picture.ts";
import { type Body, isNoAnswer } from "../http/body.ts";
import { sniffImageType } from "../picture/sniff.ts";
import { commandFor, settingsFor } from "../wrangler/config-file.ts";
import { localRemedy } from "./engine.ts";
import { type Check, error, type Finding, note, ok, type Subject, warning } from "./finding.ts";
import {
  healthOfBucket,
  isRefusedSignature,
  isRefusedToken,
  type Observations,
  outcomeOf,
  withTokenAdvice,
} from "./observations.ts";
import { type BrowserAnswer, isPicture, type PictureSeen, type SiteSeen } from "./observe-site.ts";
import { offsetText } from "./s3-reply.ts";

const SVG = "image/svg+xml";

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

  const { file } = seen.project.envConfig;
  const finding = warning(
    "image",
    { about: site.baseUrl },
    {
      seen: "no image was requested, because no object is known",
      impact: "the doctor did not see what visitors get",
      remedy: `name an object that exists, such as photos/fig.jpg, or write one into ${file} as the canary of its bucket`,
    },
  );
  return [finding];
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
  const subject = subjectOf(picture, baseUrl);
  const refused = picture.answers.find(({ result }) => !isPicture(result));
  if (refused !== undefined) return [explainNoPicture(seen, subject, picture, refused, earlier)];

  const bodies: Body[] = [];
  for (const { result } of picture.answers) {
    if (!isNoAnswer(result)) bodies.push(result);
  }
  const [first] = bodies;
  if (first === undefined) return [];

  // Where an original comes out, something else than the Worker answers.
  const original = checkOriginal(seen, subject, picture, bodies);
  if (original.severity === "error") return [original];

  const size = first.bytes.length.toLocaleString("en");
  return [
    ok("image", subject, `${picture.variantName}: ${size} bytes`),
    original,
    checkFormats(subject, picture),
    checkBrowserCache(seen, subject, picture, first),
  ];
}

function subjectOf({ path, buckets }: PictureSeen, baseUrl: string): Subject {
  const [bucket] = buckets;
  return { about: baseUrl + path, ...(bucket !== undefined && { bucket }) };
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
  if (isRefusedToken(picture)) return explainToken(seen, subject, picture);

  if (isNoAnswer(result)) {
    return error("image", subject, {
      seen: `no answer: ${result.reason}`,
      remedy: "check that the domain leads to Cloudflare, and that this machine is online",
    });
  }

  const outcome = `${picture.path} answers ${outcomeOf(picture)}`;
  const isOfCache = isOlderRefusal(result.headers) || isRefutedByWorker(seen, picture);
  const cause = earlier.find((finding) => isCause(finding, picture));
  if (cause !== undefined) {
    const remedy = isOfCache
      ? `fix that first: ${cause.seen}. Then run the doctor again. A refusal is kept for a minute`
      : `fix that first: ${cause.seen}. Then run the doctor again`;
    return error("image", subject, { seen: outcome, remedy });
  }

  if (isOfCache) {
    return warning("image", subject, {
      seen: `${outcome}: Workers Cache keeps such an answer for a minute, so it may be over already`,
      remedy: "wait a minute, then run the doctor again",
    });
  }

  const { isLocalRun, envConfig } = seen.project;
  const remedy = remedyOfRefusal(seen, picture, result);
  return error("image", subject, {
    seen: outcome,
    remedy: isLocalRun ? localRemedy(envConfig, remedy) : remedy,
  });
}

/** Returns whether a refusal comes out of a cache, where it has become older: then its minute is not whole any more. */
function isOlderRefusal(headers: Headers): boolean {
  const control = headers.get("cache-control") ?? "";
  const match = /^public, max-age=(?<age>\d+)/.exec(control);
  const age = match?.groups?.["age"];
  return age !== undefined && Number(age) < SHORT_S;
}

/** Returns whether S3 gives the Worker the canary now, of which a cache still has an older refusal. */
function isRefutedByWorker({ site, buckets }: Observations, picture: PictureSeen): boolean {
  const { event } = picture;
  const isOfObject = event === "object-denied" || event === "object-missing";
  if (!isOfObject) return false;

  return buckets.some(({ bucket }) => {
    const health = healthOfBucket(site, bucket.name);
    if (health?.edge !== "on" || !isCanaryOf(bucket, picture)) return false;

    return health.slots.some(({ state }) => state === "ok");
  });
}

function isCanaryOf({ name, canary }: Bucket, { buckets, sampleKey }: PictureSeen): boolean {
  return buckets.includes(name) && canary === sampleKey;
}

/** Findings that never keep a picture from being shown. */
const HARMLESS: readonly Check[] = ["public", "side-door", "originals", "list", "keys", "store"];

/** Findings about what the Images binding does not need. */
const OF_EDGE: readonly Check[] = ["sources", "transformations"];

/** Returns whether an earlier finding is why there is no picture. */
function isCause(finding: Finding, picture: PictureSeen): boolean {
  const { severity, bucket, check, isOfMachine } = finding;

  // A key of this machine explains nothing that visitors see.
  if (isOfMachine) return false;

  if (OF_EDGE.includes(check) && !isOfEdge(picture)) return false;

  // The deployed configuration is another one than that which was checked here.
  if (check === "deployed" && severity === "warning") return true;

  const isOfPicture = bucket === undefined || picture.buckets.includes(bucket);
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

/** What to do where nothing else was found. The first paragraph that fits decides. */
function remedyOfRefusal(
  seen: Observations,
  picture: PictureSeen,
  { status, headers }: Pick<Body, "status" | "headers">,
): string {
  const { event } = picture;
  const { envConfig } = seen.project;
  if (!isOfVitrine(headers)) {
    return "make sure that no rule, snippet or other Worker is in front of this Worker (Security → Events in the dashboard)";
  }

  if (status === 429) return "wait a minute, then run the doctor again";

  if (status === 415) {
    const purge = commandFor(envConfig, "npx vitrine purge");
    return `name another object, or replace that one by an image: then ${purge}`;
  }

  const tail = commandFor(envConfig, "npx wrangler tail");
  const isOfUrl =
    event === "no-such-route" ||
    event === "no-such-variant" ||
    (event === undefined && status === 404);
  if (isOfUrl) {
    const deploy = commandFor(envConfig, "npx vitrine deploy");
    const explain = commandFor(envConfig, "npx vitrine explain");
    return `${deploy} if ${envConfig.file} has changed. Else ${explain}, with that URL, or run ${tail}, then ask again: the log names the reason, and ${errorsPage(event)}`;
  }

  const remedy = `run ${tail}, then ask again: the log names the reason, and ${errorsPage(event)}`;
  const isOfZone = status === 502 && isOfEdge(picture) && ZONE_EVENTS.includes(event);
  return isOfZone ? withTokenAdvice(seen, remedy) : remedy;
}

function errorsPage(event: string | undefined): string {
  if (event === undefined) return `${page("docs/errors.md")} explains it`;
  return `see ${page(`docs/errors.md#${event}`)}`;
}

/** From here, the difference of two clocks may be why a signature has expired: s. */
const MAX_SKEW_S = 60;

/** The Worker refuses the signature that this machine made. Visitors have their own URLs. */
function explainSignature(
  { project }: Observations,
  subject: Subject,
  { event, clockAhead, path }: PictureSeen,
): Finding {
  const signingKeys = project.secrets.get("URL_SIGNING_KEYS");
  const source = signingKeys?.source ?? "this machine";
  const impact =
    "visitors have URLs that the app signs: those were not looked at, and may be right";

  const isSkewed = clockAhead !== undefined && Math.abs(clockAhead) > MAX_SKEW_S;
  if (event === "url-expired" || isSkewed) {
    return warning("signing", subject, {
      seen: `the Worker refuses the signature (${event}): this machine's clock is ${offsetText(clockAhead)} of the site's`,
      impact,
      remedy: "set this machine's clock: timedatectl set-ntp true. Then run the doctor again",
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
    remedy: `take the Worker's URL_SIGNING_KEYS to ${source}, then run the doctor again. If the app has the keys of ${source}, and its visitors see no pictures, put them on the Worker, beside the old ones: ${page("docs/signing.md")}`,
  });
}

/** The Worker answers 404 to a token that opens the URL by wrangler.toml, and by the issuer's keys. */
function explainToken({ project }: Observations, subject: Subject, { path }: PictureSeen): Finding {
  const { envConfig } = project;
  const deploy = commandFor(envConfig, "npx vitrine deploy");
  const tail = commandFor(envConfig, "npx wrangler tail");
  return warning("token", subject, {
    seen: `${path} is 404 with a token that opens it by ${envConfig.file}: the Worker has another configuration, or S3 does not give the object`,
    impact: "visitors have tokens of their own: those were not looked at",
    remedy: `${deploy} if ${envConfig.file} has changed. Else run ${tail}, then ask again: the log names the reason`,
  });
}

/** Whether the answers are something else than the original. */
function checkOriginal(
  { project }: Observations,
  subject: Subject,
  { original, route }: PictureSeen,
  bodies: readonly Body[],
): Finding {
  if (original === undefined) {
    const text = "whether it is the original is unknown: no key at hand may read that";
    return note("originals", subject, text);
  }

  const leak = bodies.find(({ bytes }) => Buffer.compare(bytes, original) === 0);

  // A clean SVG is passed on as it is (R8).
  const isPassedOn = leak !== undefined && route.svg && typeOf(leak) === SVG;
  if (leak === undefined || isPassedOn) {
    return ok("originals", subject, "no browser gets the original");
  }

  const list = commandFor(project.envConfig, "npx wrangler deployments list");
  return error("originals", subject, {
    seen: "the answer is the original, byte for byte",
    impact: "originals must stay in the bucket, and every size costs money",
    remedy: `find out which Workers answer on that domain: ${list}`,
  });
}

/** @returns "" if the answer names none */
function typeOf({ headers }: Pick<Body, "headers">): string {
  const contentType = headers.get("content-type") ?? "";
  const [type = ""] = contentType.split(";", 1);
  return type;
}

/** Whether each browser gets a format that it reads, and that is what it is called. */
function checkFormats(subject: Subject, picture: PictureSeen): Finding {
  const types: string[] = [];
  for (const answer of picture.answers) {
    if (isNoAnswer(answer.result)) continue;

    const type = typeOf(answer.result);
    const actualType = sniffImageType(answer.result.bytes);
    types.push(type);
    if (actualType === type && isReadable(type, answer, picture)) continue;

    return error("formats", subject, {
      seen: `a browser whose best format is ${answer.browser} gets ${type || "no type"}, and the bytes are ${actualType ?? "no image"}`,
      impact: "browsers show a broken image, or download more bytes than they need",
      remedy:
        "turn off what ignores the vary header: a cache rule of the zone, or something else in front of the Worker",
    });
  }
  return ok("formats", subject, `each browser gets one that it reads: ${types.join(", ")}`);
}

/** Returns whether a browser reads a type, and the Worker may give it that. */
function isReadable(
  type: string,
  { readable }: BrowserAnswer,
  { variant, route }: PictureSeen,
): boolean {
  const isPassedOn = type === SVG && route.svg;
  if (isPassedOn) return true;

  const formats = acceptedFormatsOf(variant, readable, route.svg);
  return mayShow(variant, browserFormatsOf(formats), type);
}

/** Whether browsers may keep a picture for `max_age` (C5). */
function checkBrowserCache(
  { project }: Observations,
  subject: Subject,
  { route }: PictureSeen,
  { headers }: Body,
): Finding {
  const { maxAge } = route.policy;
  const control = headers.get("cache-control") ?? "none";
  if (isCachedAsConfigured(control, headers, route, project.config.answers)) {
    return ok("cache", subject, control);
  }

  const { envConfig } = project;
  const deploy = commandFor(envConfig, "npx vitrine deploy");
  const setting = settingsFor(envConfig, `max_age = ${maxAge}`);
  return warning("cache", subject, {
    seen: `cache-control is ${control}, not of ${setting}`,
    impact: "browsers load an image again that they have, or keep one for too long",
    remedy: `${deploy} if max_age has changed. Else something in front changes it: set the zone's Browser Cache TTL to Respect Existing Headers, and look for a rule that sets cache-control (Rules → Transform Rules, Cache Rules)`,
  });
}

function isCachedAsConfigured(
  control: string,
  headers: Headers,
  route: PictureSeen["route"],
  answers: Answers,
): boolean {
  const { maxAge } = route.policy;
  const match = cacheControlOf(route).exec(control);
  if (match === null) return false;

  const age = Number(match.groups?.["age"]);
  if (age === maxAge) return true;

  // A signed URL or a token may end sooner.
  const mayEndSooner = route.signing !== undefined || route.tokenRules !== undefined;
  if (mayEndSooner && age <= maxAge) return true;

  // In an outage of S3, what is stored has a minute, also out of Workers Cache.
  const cache = cacheStatus(headers);
  const isStored = cache === "stored" || cache === "hit" || cache === "stale";
  if (isStored && age === SHORT_S) return true;

  // What may be of an older object is not kept for longer than [vars.ANSWERS] says, whatever its route says.
  const isUncertain = cache === "stale" || !headers.has("etag");
  return isUncertain && age === Math.min(maxAge, answers.max_age);
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
  const { config, envConfig } = project;
  const subject = subjectOf(picture, site.baseUrl);
  const { keep } = lifetimesOf(picture.route.policy, config.answers);
  if (keep < MIN_KEEP_S) {
    const text = `unknown: keep in ${envConfig.file} is ${keep} s`;
    return [note("workers-cache", subject, text)];
  }

  switch (cache) {
    case "hit":
    case "stale":
      return [ok("workers-cache", subject, "it caches them worldwide")];

    case "direct":
    case "miss":
    case "stored": {
      const deploy = commandFor(envConfig, "npx vitrine deploy");
      const check = commandFor(envConfig, "npx vitrine check");
      const tables = settingsFor(envConfig, "[cache], [exports]");
      const noCache = settingsFor(envConfig, "keep = 0 in [vars.ANSWERS]");
      const finding = warning("workers-cache", subject, {
        seen: `an image that was shown before did not come out of Workers Cache: cache is "${cache}"`,
        impact: "visitors wait longer, because each rendition is made or read anew",
        remedy: `${deploy}, if ${tables}, keep or compatibility_date in ${envConfig.file} are new: ${check} looks at them. Else see ${page("docs/errors.md#cache-unusable")}, or do without the cache: ${noCache}`,
      });
      return [finding];
    }

    default:
      return [note("workers-cache", subject, "whether renditions are cached is unknown")];
  }
}
