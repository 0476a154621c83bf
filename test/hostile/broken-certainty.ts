// Bugs that break the property that what is not certain is not kept.

import type { Bug } from "./bug.ts";

export const BROKEN_CERTAINTY = {
  "a guess is kept": {
    breaks: "certain",
    file: "worker/origin/probe.ts",
    from: "firm: false, certain: false",
    to: "firm: false, certain: true",
  },
  "S3's older word is kept": {
    breaks: "certain",
    file: "worker/origin/probe.ts",
    from: "firm: true, certain: false",
    to: "firm: true, certain: true",
  },
  "a word on one denial explains all": {
    breaks: "certain",
    seed: 1,
    file: "worker/origin/bucket-state.ts",
    from: "state.slots[slot.name].findings?.[denial]",
    to: "Object.values(state.slots[slot.name].findings ?? {})[0]",
  },
  "the fallback in place of a guess is kept": {
    breaks: "certain",
    file: "worker/answer/fallback.ts",
    from: "status === 502 || isCertain(refusal)",
    to: "true",
  },
  "a signature that may be right soon is refused for a while": {
    breaks: "certain",
    file: "worker/request/url-signature.ts",
    from: "reason, certain: false",
    to: "reason, certain: true",
  },
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
} as const satisfies Record<string, Bug>;
