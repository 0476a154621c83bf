// What each code of the image edge leads to where S3 gives the object: Cloudflare's table of codes, row by row.
// A new code is one row here.

export type EdgeCode = {
  readonly code: string;
  /** The status of the edge's answer. The binding gives none. */
  readonly status: number;
  /** What the Worker logs. S3 has just given the object, so a denial by S3 contradicts it. */
  readonly event: keyof typeof REFUSALS;
  /** Whether it may be over at once, so that the Worker asks again. */
  readonly isTransient?: true;
  /** Whether the cached entrypoint may be the reason (W13), so that the gateway asks the edge by itself. */
  readonly mayBeOfLoopback?: true;
  /** What the doctor finds, where the event does not say it. */
  readonly cause?: "sources" | "loop" | "busy" | "object-missing";
  /** Absent: the binding does not have the code, or not with this meaning. */
  readonly engine?: "both";
};

type Outcome = {
  /** The status that a visitor gets. */
  readonly answered: number;
  /** How often all is tried, from S3 on. */
  readonly passes: number;
  /** Whether Workers Cache and browsers keep it for a minute, also in place of an older picture. */
  readonly isKept: boolean;
};

const once = (answered: number): Outcome => ({ answered, passes: 1, isKept: false });

export const REFUSALS = {
  "edge-contradicts": { ...once(502), passes: 2 },
  "edge-failed": once(502),
  "edge-refused": once(502),
  "loop-detected": once(508),
  "origin-failed": once(502),
  "quota-spent": once(503),
  "source-unreadable": { ...once(415), isKept: true },
  "timed-out": once(504),
} as const satisfies Record<string, Outcome>;

/** Returns how often the Worker opens the object, and asks the edge. */
export function callsOf({ event, isTransient, mayBeOfLoopback }: EdgeCode) {
  const opened = mayBeOfLoopback ? 2 : REFUSALS[event].passes;
  return { opened, calls: isTransient ? 2 : opened };
}

const unreadable = { event: "source-unreadable" } as const;
const refused = { event: "edge-refused", mayBeOfLoopback: true, engine: "both" } as const;
const contradicted = { event: "edge-contradicts" } as const;
const failed = { event: "edge-failed", isTransient: true } as const;
const late = { event: "timed-out" } as const;
const originFailed = { event: "origin-failed" } as const;

export const EDGE_CODES: readonly EdgeCode[] = [
  { code: "9401", status: 400, ...refused },
  { code: "9401", status: 403, event: "edge-refused", mayBeOfLoopback: true, cause: "sources" },
  { code: "9402", status: 413, ...unreadable, engine: "both" },
  { code: "9402", status: 502, ...originFailed },
  { code: "9403", status: 508, event: "loop-detected", cause: "loop" },
  { code: "9404", status: 404, ...contradicted, cause: "object-missing" },
  { code: "9406", status: 403, event: "edge-refused", mayBeOfLoopback: true },
  { code: "9407", status: 523, ...originFailed },
  { code: "9408", status: 401, ...contradicted },
  { code: "9408", status: 403, ...contradicted },
  { code: "9408", status: 404, ...contradicted, cause: "object-missing" },
  { code: "9408", status: 408, ...late },
  { code: "9408", status: 418, ...originFailed },
  { code: "9412", status: 415, ...unreadable, engine: "both" },
  { code: "9413", status: 403, ...unreadable, engine: "both" },
  { code: "9416", status: 422, ...originFailed, isTransient: true, engine: "both" },
  { code: "9419", status: 403, event: "edge-refused", mayBeOfLoopback: true },
  { code: "9420", status: 400, ...contradicted },
  { code: "9420", status: 415, ...unreadable, engine: "both" },
  { code: "9421", status: 400, ...contradicted },
  { code: "9422", status: 429, event: "quota-spent", engine: "both" },
  { code: "9423", status: 403, event: "quota-spent", engine: "both" },
  { code: "9424", status: 400, ...refused },
  { code: "9425", status: 403, ...refused },
  { code: "9426", status: 403, ...refused },
  { code: "9427", status: 403, ...refused },
  { code: "9429", status: 403, ...refused },
  { code: "9430", status: 403, ...refused },
  { code: "9431", status: 404, ...refused },
  { code: "9432", status: 400, ...refused },
  { code: "9504", status: 522, ...late },
  { code: "9504", status: 524, ...late },
  { code: "9505", status: 502, ...originFailed, isTransient: true },
  { code: "9509", status: 502, ...originFailed, isTransient: true, cause: "busy" },
  { code: "9510", status: 523, ...originFailed, isTransient: true },
  { code: "9516", status: 422, ...failed, engine: "both" },
  { code: "9516", status: 500, ...failed },
  { code: "9518", status: 502, ...failed },
  { code: "9519", status: 502, ...contradicted },
  { code: "9520", status: 415, ...unreadable, engine: "both" },
  { code: "9522", status: 503, ...failed, engine: "both" },
  { code: "9522", status: 504, ...failed },
  { code: "9523", status: 422, ...failed, engine: "both" },
  { code: "9523", status: 500, ...failed },
  { code: "9527", status: 503, ...failed, engine: "both" },
  { code: "9528", status: 502, ...failed, engine: "both" },
  { code: "9529", status: 504, ...late, engine: "both" },
];
