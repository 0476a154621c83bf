// Why the edge refused a request, for the author of a test. The answer itself says no more than
// production does. Pure.

import { isRecord } from "../check.ts";
import type { Fault } from "./faults.ts";
import { SHARED_HEADERS } from "./fetch-original.ts";
import { findInvalidOption, type InvalidOption } from "./options.ts";

/**
 * A refusal of the edge or of its Images binding, and its reason.
 * @example
 * expect(edge.refusals).toEqual([]); // if it fails, it shows the reasons
 */
export type Refusal = {
  /** The source URL of the request. The binding has no URL: there it is the call, `IMAGES.output()` or `IMAGES.info()`. */
  readonly url: string;
  readonly fault: Fault;
  /** For example `quality is 101: it takes 1 to 100, …`. */
  readonly reason: string;
  /** The rule of docs/rules.md. */
  readonly rule?: string;
};

export type Explanation = Pick<Refusal, "reason" | "rule">;

/** What a request said. */
type FailedRequest = {
  readonly url: string;
  readonly image: unknown;
  readonly headers: Headers;
};

/** Finds the reason of a failure in the request. */
export function explainFault({ code, status }: Fault, request: FailedRequest): Explanation {
  const { url, image, headers } = request;
  const host = URL.parse(url)?.host ?? "the host";

  switch (code) {
    case 9401:
      if (status === 400) return explainInvalidImage(image);
      return { reason: `${host} is neither the zone nor allowed by sources`, rule: "E5" };
    case 9403:
      return {
        reason: "the edge has asked the Worker that asks it now: a loop, or a second edge",
        rule: "E8",
      };
    case 9404:
    case 9509:
    case 9519:
      return { reason: "the origin refused: s3.answers has the code of S3" };
    case 9406:
      return { reason: `the URL is not https, and httpHosts does not list ${host}`, rule: "E6" };
    case 9408:
      return explainDenial(image, headers);
    case 9412:
      return { reason: "the object is no image that the edge can make this of", rule: "R8" };
    case 9419:
      return { reason: "the URL has a space, or a character that is not ASCII", rule: "E6" };
    case 9422:
      return { reason: "the switch quota allows no more unique transformations", rule: "L2" };
    default:
      return { reason: "the switch `failure`, the network, or the object: see the code" };
  }
}

function explainInvalidImage(image: unknown): Explanation {
  const invalid = isRecord(image) ? findInvalidOption(image) : undefined;
  if (invalid === undefined) return { reason: "cf.image is not an object" };

  return explainOption(invalid);
}

/** The reason of an option whose value the edge or the binding refuses. */
export function explainOption({ name, value, expected, rule }: InvalidOption): Explanation {
  return { reason: `${name} is ${quote(value)}: it takes ${expected}`, rule };
}

/** The longest value that a reason repeats: characters. */
const MAX_QUOTED_CHARS = 200;

function quote(value: unknown): string {
  if (typeof value === "number") return `${value}`; // JSON has no NaN

  const text = JSON.stringify(value);
  return text === undefined ? typeof value : text.slice(0, MAX_QUOTED_CHARS);
}

/** Why the origin denied access: the first of the usual mistakes that was made. */
function explainDenial(image: unknown, headers: Headers): Explanation {
  const originAuth: unknown = Object(image)["origin-auth"];
  if (originAuth === undefined) return explainMissingAuth(image);
  if (originAuth !== "share-publicly") {
    return {
      reason: `"origin-auth" is ${quote(originAuth)}, and not "share-publicly": the edge dropped the signature`,
      rule: "E2",
    };
  }

  const authorization = headers.get("authorization");
  if (authorization === null) return { reason: "the request has no authorization", rule: "A1" };

  const lost = lostHeaders(authorization);
  if (lost.length > 0) {
    return {
      reason: `the signature covers ${lost.join(", ")}, which the edge drops or replaces`,
      rule: lost.includes("accept") ? "E3" : "E1",
    };
  }

  if (headers.has("x-amz-security-token")) {
    return { reason: "the edge drops x-amz-security-token", rule: "E1" };
  }
  return { reason: "the origin refused the signature: s3.answers has the code of S3", rule: "A7" };
}

function explainMissingAuth(image: unknown): Explanation {
  const reason = 'cf.image has no "origin-auth": the edge dropped the signature';
  const similar = Object.keys(Object(image)).find((name) => /^origin.?auth/i.test(name));
  if (similar === undefined) return { reason, rule: "E2" };

  return { reason: `${reason}. It ignores "${similar}"`, rule: "O14" };
}

/** The headers that a signature covers, and that do not reach the origin as they were signed (E1, E3). */
function lostHeaders(authorization: string): readonly string[] {
  const signed = /SignedHeaders=(?<names>[^,\s]+)/.exec(authorization)?.groups?.["names"];
  if (signed === undefined) return [];

  const names = signed.split(";");
  return names.filter((name) => name !== "host" && !SHARED_HEADERS.includes(name));
}
