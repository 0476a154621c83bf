import { ask, drop } from "./edge.ts";
import { isRefusal } from "./refusal.ts";

/** What S3 said when it was asked itself. */
export type Said = {
  /** HTTP status; absent where no answer came. */
  readonly status?: number;
  /** S3's error code, as `SignatureDoesNotMatch`. */
  readonly code?: string | undefined;
  /** The region that the bucket is in, where it was asked for in another one (A5). */
  readonly region?: string | undefined;
  /** Seconds by which S3's clock is ahead of the Worker's. */
  readonly ahead?: number | undefined;
};

/** Whose fault it is that a request was denied, with S3's code and what to do about it. */
export type Verdict =
  | {
      readonly fault: /** S3 gives the object: the slot works. */
        | "none"
        /** S3 knows the slot, and denies the object. */
        | "object"
        /** No slot can be right here. */
        | "setup"
        /** S3 gives the object to the Worker, and not to the edge. */
        | "edge"
        | "unknown";
      readonly origin?: string | undefined;
      readonly reason?: string;
      /** True where S3 was asked before this denial: since then the slot may have died. */
      readonly before?: boolean;
    }
  | { readonly fault: "slot"; readonly origin: string };

/** What is said of a denied object where S3 does not say it (A6). */
const DENIED = "missing, or not allowed by the key's policy";

/** What S3's codes mean (A5, A6, A7, A9). */
const FAULTS = new Map<string, readonly ["object" | "slot" | "setup", reason?: string]>([
  ["AccessDenied", ["object", DENIED]],
  ["InvalidObjectState", ["object", "in an archive: restore it"]],
  ["NoSuchBucket", ["setup", "check bucket"]],
  ["NoSuchKey", ["object"]],
  ["AuthorizationHeaderMalformed", ["slot"]],
  ["ExpiredToken", ["slot"]],
  ["InvalidAccessKeyId", ["slot"]],
  ["InvalidSecurity", ["slot"]],
  ["InvalidToken", ["slot"]],
  ["SignatureDoesNotMatch", ["slot"]],
]);

const PATIENCE_S = 5;

/**
 * Asks S3 itself, not the edge, for the first byte of an object, to learn what it says: its words do
 * not come through the edge (R3). The object's bytes are not read.
 * @param headers those that sign the request
 * @param now milliseconds since 1970
 */
export async function askOrigin(url: string, headers: Headers, now: number): Promise<Said> {
  const ranged = new Headers(headers);
  ranged.set("range", "bytes=0-0");
  const answer = await ask(url, { headers: ranged, cache: "no-store" }, PATIENCE_S);
  if (isRefusal(answer)) return {};
  drop(answer.body);
  const told = (name: string) => new RegExp(`<${name}>([\\w-]{1,64})</${name}>`).exec(answer.text);
  const date = Date.parse(answer.headers.get("date") ?? "");
  return {
    status: answer.status,
    code: told("Code")?.[1],
    region: told("Region")?.[1] ?? answer.headers.get("x-amz-bucket-region") ?? undefined,
    // A date has no fractions of a second: on average half of one was cut off.
    ahead: Number.isNaN(date) ? undefined : Math.round((date + 500 - now) / 1000),
  };
}

/**
 * What follows from S3's words.
 * @param configured the region that was asked for
 */
export function verdictOf(said: Said, configured: string): Verdict {
  const { status, code: origin, region = configured, ahead } = said;
  if (status === undefined) return { fault: "unknown", reason: "S3 itself does not answer" };
  // 416: the object is empty, and has no first byte.
  if (status === 200 || status === 206 || status === 416) return { fault: "none" };
  if (origin === "RequestTimeTooSkewed") {
    const reason = `S3's clock is ${ahead} s ahead of the Worker's: set the one that is wrong`;
    return { fault: "setup", origin, reason };
  }
  const [fault, reason] = FAULTS.get(origin ?? "") ?? [];
  if (region !== configured && (fault === undefined || origin === "AuthorizationHeaderMalformed")) {
    const wrong = `the bucket is in ${region}: set region to it, also where endpoint names one`;
    return { fault: "setup", origin, reason: wrong };
  }
  if (fault === "slot" || status === 401) return { fault: "slot", origin: origin ?? `${status}` };
  if (fault !== undefined) return { fault, origin, ...(reason && { reason }) };
  if (status === 404) return { fault: "object", origin: origin ?? `${status}` };
  if (status >= 300 && status < 400) {
    return { fault: "setup", origin, reason: "S3 redirects: check endpoint and region" };
  }
  return { fault: "unknown", origin, reason: `S3 itself answers ${status}` };
}

/** What is said where the edge is denied what S3 gives. */
export const EDGE_ALONE: Verdict = {
  fault: "edge",
  reason: "S3 gives it to the Worker, and not to the edge; or an overlay is denied",
};

/**
 * What S3 just said of a slot over one object, as it holds for another.
 * @param status what the other one was denied with
 * @param before whether S3 was asked before that
 */
export function forOthers(verdict: Verdict, status: number | undefined, before: boolean): Verdict {
  if (verdict.fault !== "none" && verdict.fault !== "object") return verdict;
  const denied = status === 401 || status === 403;
  return denied ? { fault: "object", reason: DENIED, before } : EDGE_ALONE;
}
