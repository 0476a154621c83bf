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

/** Finds the reason of a failure in the request. */
export function findReason(
  { code, status }: Fault,
  { url, image, headers }: { url: string; image: unknown; headers: Headers },
): Explanation {
  if (code === 9408) return denialReason(image, headers);
  if (code === 9401 && status === 400) return invalidOptionReason(image);
  const host = URL.parse(url)?.host ?? "the host";
  const refusedByOrigin = { reason: "the origin refused: s3.answers has the code of S3" };
  const reasons: Readonly<Record<number, Explanation>> = {
    9401: { reason: `${host} is neither the zone nor allowed by sources`, rule: "E5" },
    9403: {
      reason: "the edge has asked the Worker that asks it now: a loop, or a second edge",
      rule: "E8",
    },
    9404: refusedByOrigin,
    9406: { reason: `the URL is not https, and httpHosts does not list ${host}`, rule: "E6" },
    9412: { reason: "the object is no image that the edge can make this of", rule: "R8" },
    9419: { reason: "the URL has a space, or a character that is not ASCII", rule: "E6" },
    9422: { reason: "the switch quota allows no more unique transformations", rule: "L2" },
    9509: refusedByOrigin,
    9519: refusedByOrigin,
  };
  return (
    reasons[code] ?? { reason: "the switch `failure`, the network, or the object: see the code" }
  );
}

function invalidOptionReason(image: unknown): Explanation {
  const invalid = isRecord(image) ? findInvalidOption(image) : undefined;
  if (invalid === undefined) return { reason: "cf.image is not an object" };

  return optionReason(invalid);
}

/** The reason of an option whose value the edge or the binding refuses. */
export function optionReason({ name, value, expected, rule }: InvalidOption): Explanation {
  return { reason: `${name} is ${valueText(value)}: it takes ${expected}`, rule };
}

function valueText(value: unknown): string {
  const text = typeof value === "number" ? `${value}` : JSON.stringify(value);
  return text === undefined ? typeof value : text.slice(0, 200);
}

/** Why the origin denied access: the first of the usual mistakes that was made. */
function denialReason(image: unknown, headers: Headers): Explanation {
  const originAuth: unknown = Object(image)["origin-auth"];
  if (originAuth === undefined) {
    const message = 'cf.image has no "origin-auth": the edge dropped the signature';
    const similar = Object.keys(Object(image)).find((name) => /^origin.?auth/i.test(name));
    if (similar === undefined) return { reason: message, rule: "E2" };
    return { reason: `${message}. It ignores "${similar}"`, rule: "O14" };
  }
  if (originAuth !== "share-publicly") {
    const message = `"origin-auth" is ${valueText(originAuth)}, and not "share-publicly"`;
    return { reason: `${message}: the edge dropped the signature`, rule: "E2" };
  }
  const authorization = headers.get("authorization");
  if (authorization === null) return { reason: "the request has no authorization", rule: "A1" };
  const [, signed = ""] = /SignedHeaders=([^,\s]*)/.exec(authorization) ?? [];
  const lost = signed
    .split(";")
    .filter((name) => name !== "host" && !SHARED_HEADERS.includes(name));
  if (signed !== "" && lost.length > 0) {
    const message = `the signature covers ${lost.join(", ")}, which the edge drops or replaces`;
    return { reason: message, rule: lost.includes("accept") ? "E3" : "E1" };
  }
  if (headers.has("x-amz-security-token")) {
    return { reason: "the edge drops x-amz-security-token", rule: "E1" };
  }
  return { reason: "the origin refused the signature: s3.answers has the code of S3", rule: "A7" };
}
