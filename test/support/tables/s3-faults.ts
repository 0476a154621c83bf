// What each fault of S3 leads to: what S3 answers, what the edge makes of it, what the Worker logs and answers, and
// which check of the doctor finds it. A new fault is one row here.

import type { Check } from "../../../src/cli/doctor/finding.ts";
import type { S3Fault } from "../../../src/emulator/s3/s3.ts";

export type S3FaultRow = {
  /** The object that shows it. Left out: one that is there. */
  readonly key?: "nothing.jpg";
  /** S3's refusal. Left out: it sends the object, a part of it, or nothing. */
  readonly s3?: { readonly answer: string; readonly xml?: RegExp };
  readonly edge?: string;
  /** The Worker's answer, and what it logs. Left out: a picture. */
  readonly worker?: {
    readonly answered: number;
    readonly event: string;
    readonly reason?: RegExp;
    readonly edge?: string;
    /** How often it asks S3 and the edge. */
    readonly requests: readonly [s3: number, edge: number];
  };
  readonly check?: Check;
};

const DENIED = "9408/403";
const BUSY = "9509/502";
const ELSEWHERE = /the bucket is in eu-central-1: set region \(and endpoint\)/;
const slots = { answered: 502, event: "slots-refused", requests: [1, 0] } as const;
const originDenied = { answered: 502, event: "origin-denied", requests: [1, 0] } as const;
const region = { ...originDenied, reason: ELSEWHERE } as const;
const failed = { answered: 502, event: "origin-failed", requests: [2, 0] } as const;
const timedOut = { answered: 504, event: "timed-out" } as const;
const denied = { answered: 404, event: "object-denied", requests: [1, 0] } as const;

export const S3_FAULT_ROWS: Readonly<Record<S3Fault, S3FaultRow>> = {
  "no-list-bucket": {
    key: "nothing.jpg",
    s3: { answer: "403 AccessDenied" },
    edge: DENIED,
    worker: denied,
  },
  "revoked-key": {
    s3: { answer: "403 InvalidAccessKeyId" },
    edge: DENIED,
    worker: slots,
    check: "key-id",
  },
  "other-secret": {
    s3: {
      answer: "403 SignatureDoesNotMatch",
      xml: /<CanonicalRequest>GET\n\/photos\/fig.jpg\n/,
    },
    edge: DENIED,
    worker: slots,
    check: "secret",
  },
  // These credentials have no session that could expire.
  "expired-token": {},
  "clock-skew": {
    s3: { answer: "403 RequestTimeTooSkewed" },
    edge: DENIED,
    check: "clock",
    worker: { ...region, reason: /clock is (119\d|120\d) s ahead/ },
  },
  "elsewhere-400": {
    s3: { answer: "400 AuthorizationHeaderMalformed", xml: /<Region>eu-central-1</ },
    edge: "9519/502",
    worker: region,
    check: "region",
  },
  "elsewhere-301": {
    s3: { answer: "301 PermanentRedirect", xml: /<Endpoint>[^<]*eu-central-1/ },
    edge: "9420/400",
    worker: region,
    check: "region",
  },
  "elsewhere-307": {
    s3: { answer: "307 TemporaryRedirect", xml: /<Endpoint>[^<]*eu-central-1/ },
    edge: DENIED,
    worker: region,
    check: "region",
  },
  SlowDown: { s3: { answer: "503 SlowDown" }, edge: BUSY, worker: failed, check: "busy" },
  ServiceUnavailable: {
    s3: { answer: "503 ServiceUnavailable" },
    edge: BUSY,
    worker: failed,
    check: "busy",
  },
  InternalError: { s3: { answer: "500 InternalError" }, edge: BUSY, worker: failed, check: "busy" },
  archived: {
    s3: { answer: "403 InvalidObjectState" },
    edge: DENIED,
    worker: denied,
    check: "sample",
  },
  "ignores-range": {},
  "refuses-query": { check: "parameter" }, // only of a URL that has one
  reset: { edge: "9505/502", worker: failed, check: "reachable" },
  "cut-short": {
    edge: "9402/502",
    check: "sample",
    worker: { ...failed, edge: "9402", reason: /incomplete/, requests: [1, 1] },
  },
  stall: { edge: "9504/524", worker: { ...timedOut, requests: [1, 0] }, check: "reachable" },
  "stall-midway": { edge: "9504/524", worker: { ...timedOut, requests: [1, 1] }, check: "sample" },
};
