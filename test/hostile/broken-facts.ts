// Bugs that break the properties of facts.

import type { Bug } from "./bug.ts";

const FILE = "worker/edge/facts.ts";
const SPLIT = "worker/request/resolve-request.ts";

export const BROKEN_FACTS = {
  "every route has facts": {
    ...{ breaks: "facts", file: SPLIT },
    ...{ from: "if (!facts) return { facts, target };", to: "" },
  },
  "any query that begins so asks for facts": {
    ...{ breaks: "facts", file: SPLIT, from: "?facts$/)", to: "?facts/i)" },
  },
  "facts need no signature": {
    ...{ breaks: "facts", file: "worker/index.ts" },
    from: "await checkGrant(resolved, picture, Date.now())",
    to: "facts ? undefined : await checkGrant(resolved, picture, Date.now())",
  },
  "facts have a fallback": {
    ...{ breaks: "facts", file: "worker/index.ts" },
    ...{ from: ' || shown.formats === "facts"', to: "" },
  },
  "what the edge tells is passed on": {
    ...{ breaks: "originals", seed: 5, file: "worker/edge/render-at-edge.ts" },
    from: "if (facts) return factsRendition(facts);",
    to: "if (facts) return factsRendition({ ...facts, ...JSON.parse(text) });",
  },
  "a side may be anything": {
    ...{
      breaks: "facts",
      file: FILE,
      from: "return Number.isInteger(value) &&",
      to: "return true ||",
    },
  },
  "a side may be of any size": {
    ...{ breaks: "facts", seed: 23, file: FILE, from: "100_000", to: "1e99" },
  },
  "a type may be anything": {
    ...{ breaks: "facts", file: FILE },
    from: `namedType(\`\${original["format"]}\`) : "unknown"`,
    to: `\`image/\${original["format"]}\` : "unknown"`,
    also: {
      file: FILE,
      from: "const known = type ===",
      to: "const known = type !== type ? type : true ||  type ===",
    },
  },
  "what cannot be read is told as nothing": {
    ...{ breaks: "facts", file: FILE, from: "if (!size || !stored) return undefined;", to: "" },
  },
  "what the edge tells of the original is upright": {
    ...{ breaks: "facts", file: FILE },
    ...{ from: "return isReported ? reported : other;", to: "return reported;" },
  },
  "facts are kept as the picture": {
    ...{ breaks: "same", file: "worker/cache/fetch-cached.ts" },
    from: "new Request(renditionUrl(key), { headers })",
    to: `Object.assign(new Request(renditionUrl(key), { headers }), {
      cf: { cacheKey: renditionUrl(key).replace(/as=[^&]*/, "as=own") },
    })`,
  },
} as const satisfies Record<string, Bug>;
