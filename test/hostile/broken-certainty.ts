// Bugs that break the property that what is not certain is not kept.

import type { Bug } from "./bug.ts";

export const BROKEN_CERTAINTY = {
  "a failure of the edge is kept": {
    breaks: "certain",
    file: "worker/answer/answer.ts",
    from: 'plain(502, "Not available")',
    to: 'plain(502, "Not available", kept)',
  },
  "a spent quota is kept": {
    breaks: "certain",
    file: "worker/answer/answer.ts",
    from: '{ "retry-after": QUOTA_RETRY_S }',
    to: '{ "retry-after": QUOTA_RETRY_S, ...kept }',
  },
  "a code that is not known means that the object is missing": {
    breaks: "certain",
    file: "worker/origin/verdict.ts",
    from: 'if (fault === "object") {',
    to: 'if (fault === "object" || fault === "unknown") {',
  },
  "what the edge says of a missing object is certain": {
    breaks: "certain",
    file: "worker/edge/guard.ts",
    from: "? contradicts(failure) : failure;",
    to: '? { ...failure, event: "object-missing", certain: true } : failure;',
  },
} as const satisfies Record<string, Bug>;
