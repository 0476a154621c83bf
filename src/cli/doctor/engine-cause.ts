// Says why the engine of a bucket makes nothing of the canary, by the code that /healthz reports, and what to do. What a
// code of the edge means stands in src/worker/edge/codes.ts. Pure.

import { failureFor } from "../../worker/edge/codes.ts";
import { page } from "../command.ts";
import { type ConfigFile, commandFor } from "../wrangler/config-file.ts";
import type { Check } from "./finding.ts";
import { settingsWithoutParameter } from "./objects.ts";

/** What the engine says of the canary, as /healthz reports it. */
type EngineAnswer = {
  /** `9401`, `off`, `unreachable`, or an event of the log where S3 gives it none. */
  readonly code: string;
  /** Of the edge's answer. */
  readonly status: number;
  readonly isBinding: boolean;
};

/** What the remedies name. */
type EngineContext = {
  readonly envConfig: ConfigFile;
  /** The bucket among the zone's Sources: domain, then path. */
  readonly sourceEntry: string;
  /** Whether Sources is known to have it. */
  readonly isSourceAllowed: boolean;
};

/** Why the engine makes nothing of the canary. */
export type EngineCause = {
  readonly check: Check;
  readonly text: string;
  readonly remedy: string;
  /** The remedy may change wrangler.toml. */
  readonly needsDeploy: boolean;
  /** In the log, and in docs/errors.md. */
  readonly event: string;
};

/** Explains what the engine says of the canary. */
export function explainEngineAnswer(answer: EngineAnswer, context: EngineContext): EngineCause {
  const { code, status, isBinding } = answer;
  const failure = failureFor(status, code, "");
  const isWord = !/^\d/.test(code);
  const event = isWord ? eventOfWord(code) : failure.event;
  const meaning = meaningOf(answer, event, failure.reason);
  const repair = repairOf(answer, event, context);

  // S3 gives the canary to the Worker, and not to the edge: the Worker logs that the edge contradicts S3.
  const loggedEvent = event === "origin-denied" ? "edge-contradicts" : event;
  const engine = isBinding ? "the Images binding" : "the edge";
  const engineCheck = isBinding ? "binding" : "edge";
  return {
    check: repair.check ?? engineCheck,
    text: `${engine} answers ${code}: ${meaning}`,
    remedy: `${repair.remedy}. See ${page(`docs/errors.md#${loggedEvent}`)}`,
    needsDeploy: repair.needsDeploy === true,
    event: loggedEvent,
  };
}

/** Returns the event by which a word of /healthz is explained. Most of its words are events already. */
function eventOfWord(code: string): string {
  return EVENT_OF_WORD.get(code) ?? code;
}

const EVENT_OF_WORD: ReadonlyMap<string, string> = new Map([
  ["off", "not-transformed"],
  ["unreachable", "timed-out"],
  // To a key that may not list, S3 denies an object that is missing (A6).
  ["object-denied", "object-missing"],
  ["edge-contradicts", "origin-denied"],
  ["wrong-type", "source-unreadable"],
]);

/** Returns whether the origin is not among the zone's Sources (E5, E11). */
function isRefusedSource({ code, status }: EngineAnswer): boolean {
  return code === "9401" && status === 403;
}

/** @param reason of the code, as the Worker's log has it */
function meaningOf(answer: EngineAnswer, event: string, reason: string | undefined): string {
  if (isRefusedSource(answer)) return "the bucket is not among the zone's Sources";
  if (reason !== undefined) return reason;
  return MEANINGS.get(event) ?? "it fails";
}

/** What an event means here, unless the code of the edge has a reason of its own. */
const MEANINGS: ReadonlyMap<string, string> = new Map([
  ["not-transformed", "it returns originals, which the Worker refuses"],
  ["quota-spent", "no unique transformation is left this month"],
  ["object-missing", "S3 does not have the canary"],
  ["source-unreadable", "the canary is no image that it can read"],
  ["origin-denied", "S3 does not give it the canary"],
  ["origin-failed", "S3 fails, or is busy"],
  ["timed-out", "no answer came in time"],
  ["edge-refused", "it refuses the request"],
]);

type Repair = {
  /** By default `edge` or `binding`. */
  readonly check?: Check;
  readonly remedy: string;
  readonly needsDeploy?: true;
};

function repairOf(answer: EngineAnswer, event: string, context: EngineContext): Repair {
  if (isRefusedSource(answer)) return repairOfSources(context);
  return repairOfCode(answer.code, context) ?? repairOfEvent(event, context);
}

function repairOfSources({ envConfig, sourceEntry }: EngineContext): Repair {
  const deploy = commandFor(envConfig, "npx vitrine deploy");
  return {
    check: "sources",
    remedy: `${deploy} --setup adds it. By hand: in Cloudflare's dashboard, Images → Transformations → the domain → Sources: add the origin ${sourceEntry} (domain, then path), exactly as it is spelt here. If it is listed: after the paid plan was bought, this was seen for three days`,
  };
}

/** @returns undefined if the code tells no more than its event */
function repairOfCode(code: string, { envConfig }: EngineContext): Repair | undefined {
  switch (code) {
    // The request has come through the edge already (E8, E13).
    case "9403":
      return {
        remedy: `look whether BUCKETS.*.endpoint in ${envConfig.file}, or an overlay, is the URL of Vitrine itself: it must be S3's. Else change or remove the transformation flow of the zone that matches the Worker's URLs`,
        needsDeploy: true,
      };

    case "9509":
      return {
        remedy: "wait a minute, then run the doctor again, and see the provider's status page",
      };

    // These do not say whether the canary is damaged, or the edge had an error.
    case "9516":
    case "9523":
      return {
        remedy: `wait a minute, then run the doctor again. If it is the same then, repair the canary, or set another canary in ${envConfig.file}`,
        needsDeploy: true,
      };

    default:
      return undefined;
  }
}

function repairOfEvent(event: string, context: EngineContext): Repair {
  const { envConfig } = context;
  const { file } = envConfig;

  switch (event) {
    case "not-transformed": {
      const deploy = commandFor(envConfig, "npx vitrine deploy");
      return {
        check: "transformations",
        remedy: `${deploy} --setup switches them on. By hand: in Cloudflare's dashboard, Images → Transformations: select the domain, then Enable. It must be this Worker's domain, with no other Worker in front`,
      };
    }

    // The free transformations of this month are spent (L2).
    case "quota-spent":
      return {
        check: "quota",
        remedy: `use a paid plan (in Cloudflare's dashboard, Images → Transformations), or fewer presets and descriptors: ${commandFor(envConfig, "npx vitrine check")} counts them`,
      };

    case "object-missing":
      return {
        remedy: `if canary, prefix or bucket in ${file} is misspelt, correct that. Else upload the canary, or set another one`,
        needsDeploy: true,
      };

    case "source-unreadable":
      return {
        remedy: `repair the canary, or set another canary in ${file}`,
        needsDeploy: true,
      };

    case "origin-denied":
      return { remedy: remedyOfDenial(context), needsDeploy: true };

    case "timed-out":
      return {
        remedy: `wait a minute, then run the doctor again. If it is the same then, use smaller originals, or a longer timeout in ANSWERS of ${file}`,
        needsDeploy: true,
      };

    case "edge-failed":
      return {
        remedy:
          "wait a minute, then run the doctor again, and see https://www.cloudflarestatus.com",
      };

    case "origin-failed":
      return {
        remedy: "wait a minute, then run the doctor again, and see the provider's status page",
      };

    case "edge-refused":
      return {
        remedy: `for the Images binding, switch Images on in Cloudflare's dashboard. For the edge, look the code up: https://developers.cloudflare.com/images/reference/troubleshooting/, and compare each preset with ${page("docs/configuration.md")}`,
      };

    default: {
      const tail = commandFor(envConfig, "npx wrangler tail");
      return { remedy: `run ${tail}, then ask again: the log names the reason` };
    }
  }
}

/** The Worker gets the object, and the edge does not (A15, E1, E5, E7). */
function remedyOfDenial({ envConfig, sourceEntry, isSourceAllowed }: EngineContext): string {
  const settings = settingsWithoutParameter(envConfig);
  if (isSourceAllowed) {
    return `make sure that no bucket policy limits addresses, and that the zone's caching level does not ignore query strings. If S3 refuses x-vitrine, set in BUCKETS.* ${settings}`;
  }
  return `make sure that Sources of the zone has ${sourceEntry}, that no bucket policy limits addresses, and that the zone's caching level does not ignore query strings. If S3 refuses x-vitrine, set in BUCKETS.* ${settings}`;
}
