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
  /** What the doctor finds, where the event does not say it. */
  readonly cause?: "sources" | "loop" | "busy" | "object-missing";
  /** Absent: only the edge has the code. */
  readonly engine?: "both" | "binding";
};

/** What a visitor gets, and how often the Worker asks S3 and the edge, without a second try. */
export const REFUSALS = {
  "edge-contradicts": { answered: 502, calls: 2 }, // the cached entrypoint may be the reason (W13)
  "edge-failed": { answered: 502, calls: 1 },
  "edge-refused": { answered: 502, calls: 2 },
  "origin-failed": { answered: 502, calls: 1 },
  "quota-spent": { answered: 503, calls: 1 },
  "source-unreadable": { answered: 415, calls: 1 },
  "timed-out": { answered: 504, calls: 1 },
} as const;

export const EDGE_CODES: readonly EdgeCode[] = [
  { code: "9401", status: 400, event: "edge-refused", engine: "both" },
  { code: "9401", status: 403, event: "edge-refused", cause: "sources" },
  { code: "9402", status: 413, event: "source-unreadable", engine: "both" },
  { code: "9402", status: 502, event: "origin-failed" },
  { code: "9403", status: 508, event: "edge-refused", cause: "loop" },
  { code: "9404", status: 404, event: "edge-contradicts", cause: "object-missing" },
  { code: "9406", status: 403, event: "edge-refused" },
  { code: "9407", status: 523, event: "origin-failed" },
  { code: "9408", status: 401, event: "edge-contradicts" },
  { code: "9408", status: 403, event: "edge-contradicts" },
  { code: "9408", status: 404, event: "edge-contradicts", cause: "object-missing" },
  { code: "9408", status: 408, event: "timed-out" },
  { code: "9408", status: 418, event: "origin-failed" },
  { code: "9412", status: 415, event: "source-unreadable", engine: "both" },
  { code: "9413", status: 403, event: "source-unreadable", engine: "both" },
  { code: "9416", status: 422, event: "source-unreadable" },
  { code: "9419", status: 403, event: "edge-refused" },
  { code: "9420", status: 400, event: "edge-contradicts" },
  { code: "9420", status: 415, event: "edge-contradicts" },
  { code: "9421", status: 400, event: "edge-contradicts" },
  { code: "9422", status: 429, event: "quota-spent", engine: "both" },
  { code: "9423", status: 403, event: "edge-refused", engine: "both" },
  { code: "9430", status: 403, event: "edge-refused", engine: "binding" },
  { code: "9432", status: 400, event: "edge-refused", engine: "binding" },
  { code: "9504", status: 522, event: "timed-out" },
  { code: "9504", status: 524, event: "timed-out" },
  { code: "9505", status: 502, event: "origin-failed", isTransient: true },
  { code: "9509", status: 502, event: "origin-failed", isTransient: true, cause: "busy" },
  { code: "9510", status: 523, event: "origin-failed", isTransient: true },
  { code: "9516", status: 422, event: "source-unreadable", engine: "both" },
  { code: "9516", status: 500, event: "edge-failed" },
  { code: "9518", status: 502, event: "edge-failed", isTransient: true },
  { code: "9519", status: 502, event: "edge-contradicts" },
  { code: "9520", status: 415, event: "source-unreadable", engine: "both" },
  { code: "9522", status: 503, event: "edge-failed", isTransient: true, engine: "both" },
  { code: "9522", status: 504, event: "edge-failed", isTransient: true },
  { code: "9523", status: 422, event: "source-unreadable" },
  { code: "9523", status: 500, event: "edge-failed", engine: "both" },
  { code: "9527", status: 503, event: "edge-failed", isTransient: true, engine: "both" },
  { code: "9528", status: 502, event: "edge-failed", isTransient: true, engine: "both" },
  { code: "9529", status: 504, event: "timed-out", engine: "both" },
];
