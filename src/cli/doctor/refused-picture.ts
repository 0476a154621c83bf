// Says why a browser gets no picture, and what to do. A finding of another check is the best explanation. Else what the
// Worker tells its operator about a refused picture is its event, which docs/errors.md explains. Pure.

import type { Bucket } from "../../worker/config/bucket.ts";
import { SHORT_S } from "../../worker/response/answer.ts";
import { page } from "../command.ts";
import { isOfVitrine } from "../http/ask-health.ts";
import { type Body, isNoAnswer } from "../http/body.ts";
import { commandFor } from "../wrangler/config-file.ts";
import { localRemedy } from "./engine.ts";
import { type Check, error, type Finding, type Subject, warning } from "./finding.ts";
import {
  healthOfBucket,
  isRefusedSignature,
  isRefusedToken,
  type Observations,
  outcomeOf,
  withTokenAdvice,
} from "./observations.ts";
import type { BrowserAnswer, PictureSeen } from "./observe-site.ts";
import { offsetText } from "./s3-reply.ts";

/** Why a browser gets no picture. The first paragraph that fits decides. */
export function explainNoPicture(
  observations: Observations,
  subject: Subject,
  picture: PictureSeen,
  { result }: BrowserAnswer,
  earlier: readonly Finding[],
): Finding {
  if (isRefusedSignature(picture)) return explainSignature(observations, subject, picture);
  if (isRefusedToken(picture)) return explainToken(observations, subject, picture);

  if (isNoAnswer(result)) {
    return error("image", subject, {
      seen: `no answer: ${result.reason}`,
      remedy: "check that the domain leads to Cloudflare, and that this machine is online",
    });
  }

  const outcome = `${picture.path} answers ${outcomeOf(picture)}`;
  const isOfCache = isOlderRefusal(result.headers) || isRefutedByWorker(observations, picture);
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

  const { isLocalRun, envConfig } = observations.project;
  const remedy = remedyOfRefusal(observations, picture, result);
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
  observations: Observations,
  picture: PictureSeen,
  { status, headers }: Pick<Body, "status" | "headers">,
): string {
  const { event } = picture;
  const { envConfig } = observations.project;
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
  return isOfZone ? withTokenAdvice(observations, remedy) : remedy;
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

  const setClock = "set this machine's clock: timedatectl set-ntp true. Then run the doctor again";
  if (event === "url-expired" && clockAhead === undefined) {
    return warning("signing", subject, {
      seen: `the Worker refuses the signature (${event}), and the site does not tell its time: this machine's clock may be wrong`,
      impact,
      remedy: setClock,
    });
  }

  const isSkewed = clockAhead !== undefined && Math.abs(clockAhead) > MAX_SKEW_S;
  if (event === "url-expired" || isSkewed) {
    return warning("signing", subject, {
      seen: `the Worker refuses the signature (${event}): this machine's clock is ${offsetText(clockAhead)} of the site's`,
      impact,
      remedy: setClock,
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
