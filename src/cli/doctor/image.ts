// Checks what visitors get: the picture of each route as three kinds of browser get it, its headers, and Workers
// Cache.

import { type Answers, lifetimesOf } from "../../worker/config/answers.ts";
import { mayShow } from "../../worker/edge/guard.ts";
import { acceptedFormatsOf } from "../../worker/request/accept.ts";
import { browserFormatsOf } from "../../worker/request/transform-request.ts";
import { SHORT_S } from "../../worker/response/answer.ts";
import { page } from "../command.ts";
import { cacheStatus } from "../http/ask-picture.ts";
import { type Body, isNoAnswer } from "../http/body.ts";
import { sniffImageType } from "../picture/sniff.ts";
import { commandFor } from "../wrangler/config-file.ts";
import { settingsFor } from "../wrangler/settings.ts";
import { error, type Finding, note, ok, type Subject, warning } from "./finding.ts";
import type { Observations } from "./observations.ts";
import { type BrowserAnswer, isPicture, type PictureSeen, type SiteSeen } from "./observe-site.ts";
import { explainNoPicture } from "./refused-picture.ts";

const SVG = "image/svg+xml";

/** Whether the picture of each route is shown. @param earlier the findings that may be the cause */
export function checkImages(observations: Observations, earlier: readonly Finding[]): Finding[] {
  const { site } = observations;
  if (site === undefined || isElsewhere(site)) return [];

  const findings = site.skipped.map(({ route, bucket, reason }) => {
    const subject = { about: `${site.baseUrl}: the route ${route.path}`, bucket };
    return note("image", subject, `not requested: ${reason}`);
  });
  for (const picture of site.pictures)
    findings.push(...checkPicture(observations, site, picture, earlier));
  if (findings.length > 0) return findings;

  const { file } = observations.project.envConfig;
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
  observations: Observations,
  { baseUrl }: SiteSeen,
  picture: PictureSeen,
  earlier: readonly Finding[],
): Finding[] {
  const subject = subjectOf(picture, baseUrl);
  const refused = picture.answers.find(({ result }) => !isPicture(result));
  if (refused !== undefined)
    return [explainNoPicture(observations, subject, picture, refused, earlier)];

  const bodies: Body[] = [];
  for (const { result } of picture.answers) {
    if (!isNoAnswer(result)) bodies.push(result);
  }
  const [first] = bodies;
  if (first === undefined) return [];

  // Where an original comes out, something else than the Worker answers.
  const original = checkOriginal(observations, subject, picture, bodies);
  if (original.severity === "error") return [original];

  const size = first.bytes.length.toLocaleString("en");
  return [
    ok("image", subject, `${picture.variantName}: ${size} bytes`),
    original,
    checkFormats(subject, picture),
    checkBrowserCache(observations, subject, picture, first),
  ];
}

function subjectOf({ path, buckets }: PictureSeen, baseUrl: string): Subject {
  const [bucket] = buckets;
  return { about: baseUrl + path, ...(bucket !== undefined && { bucket }) };
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
