// Bugs that break the properties of the store.

import type { Bug } from "./bug.ts";

const KEEP = "worker/keep.ts";
const RENDITIONS = "worker/renditions.ts";
const STORE = "worker/store/rendition-store.ts";

export const BROKEN_STORED = {
  "what is stored is shown, whatever S3 has": {
    ...{ breaks: "stored", file: RENDITIONS },
    ...{ from: "if (etag && stored?.etag === etag)", to: "if (stored)" },
  },
  "what opens the bucket is not in the name": {
    ...{ breaks: "stored", file: STORE, from: "digest(renditionName(key))" },
    to: 'digest(renditionName(key).replace(/^1\\/[^/]*/, ""))',
  },
  "a denial deletes": {
    ...{ breaks: "stored", file: RENDITIONS },
    ...{ from: "if (isGone(object))", to: "if (/^object-/.test(object.event))" },
  },
  "a 404 without its code deletes": {
    ...{ breaks: "stored", file: "worker/origin/verdict.ts" },
    ...{ from: '&& refusal.origin !== "404"', to: "" },
  },
  "a denial is an outage": {
    ...{ breaks: "stored", file: RENDITIONS },
    ...{ from: "if (!isOutage(object)", to: "if (isGone(object)" },
  },
  "metadata of another rendition are believed": {
    ...{ breaks: "stored", seed: 2, file: STORE, from: "of !== name ||", to: "" },
  },
  "first bytes of what is stored are not compared": {
    ...{ breaks: "stored", file: STORE, from: "|| sniff(bytes) !== type", to: "" },
  },
  "S3 is not asked after a put": {
    ...{ breaks: "stored", file: KEEP },
    ...{ from: "await checkAgain(key, object, context, isPut ? place : undefined);", to: "" },
  },
  "what an outage shows is immutable under a version": {
    ...{ breaks: "stored", file: "worker/answer/answer.ts" },
    ...{ from: "granted.version && !isOutage", to: "granted.version" },
  },
  "a refusal is stored": {
    ...{ breaks: "bytes", file: RENDITIONS },
    from: "if (isRefusal(made)) return made;",
    to: `if (isRefusal(made)) {
    const customMetadata = { type: made.type ?? "image/jpeg" };
    await place?.store.put(place.name, JSON.stringify(made), { customMetadata });
    return made;
  }`,
  },
  "half a picture is stored": {
    ...{ breaks: "bytes", file: KEEP },
    ...{ from: "(rendition.length && Number(length) !== bytes.length)", to: "false" },
  },
  "another format is stored in place of the one that was asked for": {
    ...{ breaks: "bytes", file: KEEP, from: "isRight && object.etag", to: "object.etag" },
  },
  "what S3 does not name is stored": {
    ...{ breaks: "bytes", file: KEEP, from: "isRight && object.etag", to: "isRight" },
  },
} as const satisfies Record<string, Bug>;
