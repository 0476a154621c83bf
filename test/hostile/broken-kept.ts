// Bugs that break the properties of what is kept for all visitors.

import type { Bug } from "./bug.ts";

const ASK = "new Request(renditionUrl(key), { headers })";

/** Asks with a key of its own in place of the URL (W3), which `change` makes of the URL. */
const keyed = (change: string) =>
  `Object.assign(${ASK}, { cf: { cacheKey: renditionUrl(key)${change} } })`;

const SHOW = "return show(request, resolved, facts, terms, max_age, scope);";

/** The gateway changes what it asks the cached entrypoint. */
const asking = (changed: string) =>
  `const loopback = context.exports?.Renditions;
  const exports = { Renditions: loopback && { fetch: (asked) => loopback.fetch(${changed}) } };
  return show(request, resolved, facts, terms, max_age, { ...scope, context: { ...context, exports } });`;

/** The gateway adds something of its request to the key. */
const keyedBy = (part: string) =>
  asking(`Object.assign(asked, { cf: { cacheKey: asked.url + (${part}) } })`);

const ASK_CACHED = "worker/cache/fetch-cached.ts";
const ANSWER = "worker/cache/cached-answer.ts";
const TAGS = "objectTag(key.bucket, key.key), bucketTag(key.bucket)]";
const OPTIONS = "{ ...variant.image, format: variant.format }";
const CACHED = '"cache-control": isCached ? SHORT : "no-store"';
const STALELY = `stale-while-revalidate=\${stale}, stale-if-error=\${stale_if_error}\``;

export const BROKEN_KEPT = {
  "the cached entrypoint knows no long key": {
    ...{ breaks: "answers", file: "worker/cache/rendition-url.ts" },
    ...{ from: "([^?]+)", to: "([^?]{1,120})" },
  },
  "the format is not in the key": {
    ...{ breaks: "same", file: ASK_CACHED, from: ASK },
    to: keyed('.replace(/as=[^&]*/, "")'),
  },
  "the quality is not in the key": {
    ...{ breaks: "same", file: "worker/cache/rendition-url.ts", from: OPTIONS },
    to: "{ ...variant.image, quality: undefined, format: variant.format }",
  },
  "only the size is in the key": {
    ...{ breaks: "same", file: "worker/cache/rendition-url.ts", from: OPTIONS },
    to: "{ width: variant.image.width, height: variant.image.height, dpr: variant.image.dpr }",
  },
  "the preset's own format is not in the key": {
    ...{ breaks: "same", seed: 1, file: "worker/cache/rendition-url.ts", from: OPTIONS },
    to: "variant.image",
  },
  "the preset's name stands for its options": {
    ...{ breaks: "same", file: ASK_CACHED, from: ASK },
    to: keyed(".replace(/image=[^&]*/, key.variant.preset)"),
  },
  "the SVG rule is not in the key": {
    ...{ breaks: "same", seed: 1, file: ASK_CACHED, from: ASK },
    to: keyed('.replace("as=svg", "as=plain")'),
  },
  "the bucket is not in the key": {
    ...{ breaks: "same", seed: 9, file: ASK_CACHED, from: ASK },
    to: keyed('.replace("acme-media-2", "acme-media")'),
  },
  "the endpoint is not in the key": {
    ...{ breaks: "same", seed: 1, file: ASK_CACHED, from: ASK },
    to: keyed('.replace(key.bucket.base.replace("://", "/"), key.bucket.bucket)'),
  },
  "the prefix is not in the key": {
    ...{ breaks: "same", seed: 6, file: ASK_CACHED, from: ASK },
    to: keyed(".replace(key.bucket.prefix, '')"),
  },
  "the word of the credentials is not in the key": {
    ...{ breaks: "same", seed: 24, file: "worker/cache/rendition-url.ts" },
    ...{ from: `\`\${access}/`, to: "`" },
  },
  "a key stands in the URL as it is": {
    ...{ breaks: "same", file: "worker/cache/rendition-url.ts" },
    ...{ from: "locationOf(bucket) + encodeKey(key)", to: "locationOf(bucket) + key" },
  },
  "keys are compared without regard to case": {
    ...{ breaks: "same", file: ASK_CACHED, from: ASK, to: keyed(".toLowerCase()") },
  },
  "keys are normalised for the cache": {
    ...{ breaks: "same", seed: 1, file: ASK_CACHED, from: ASK },
    to: keyed(".replace(/[^?]*/, (path) => decodeURIComponent(path).normalize())"),
  },
  "the cache is never asked": {
    ...{ breaks: "same", file: "worker/obtain.ts" },
    ...{ from: "keep === 0 ||", to: "keep !== 0 ||" },
  },
  "the expiry of a signed URL is in the key": {
    ...{ breaks: "once", file: "worker/index.ts", from: SHOW },
    to: keyedBy("terms.granted?.expires"),
  },
  "a header of the visitor is in the key": {
    ...{ breaks: "once", file: "worker/index.ts", from: SHOW },
    to: keyedBy('headers.get("user-agent")'),
  },
  "the whole Accept header is in the key": {
    ...{ breaks: "once", file: "worker/index.ts", from: SHOW },
    to: keyedBy('headers.get("accept")'),
  },
  "the public host is in the key": {
    ...{ breaks: "once", file: "worker/index.ts", from: SHOW, to: keyedBy("new URL(url).host") },
  },
  "the time that is left is in the key": {
    ...{ breaks: "once", file: ASK_CACHED, from: ASK, to: keyed(" + headers[TIME_LEFT]") },
  },
  "a purge drops everything": {
    ...{ breaks: "purged", file: "worker/index.ts" },
    ...{ from: "cache.purge(options)", to: "cache.purge({ purgeEverything: true })" },
  },
  "a purge is not passed on": {
    ...{ breaks: "purged", file: "worker/index.ts" },
    ...{ from: "cache.purge(options)", to: "{ success: true, errors: [] }" },
  },
  "headers of the visitor go to the cached entrypoint": {
    ...{ breaks: "hidden", file: "worker/index.ts", from: SHOW },
    to: asking(
      "new Request(asked, { headers: { ...Object.fromEntries(asked.headers), accept: 'x' } })",
    ),
  },
  "the public URL goes to the cached entrypoint": {
    ...{ breaks: "hidden", file: "worker/index.ts", from: SHOW },
    to: asking('new Request(asked.url + "&of=" + encodeURIComponent(url), asked)'),
  },
  "a new version is answered out of what was kept for an older one": {
    ...{ breaks: "fresh", file: ASK_CACHED, from: ASK },
    to: keyed('.replace(/&v=.*/, "")'),
  },
  "the ETag is not in the source URL": {
    ...{ breaks: "fresh", file: "worker/origin/object-url.ts" },
    ...{ from: `\`source \${validator}\``, to: '"source"' },
  },
  "a 304 is for another rendition": {
    ...{ breaks: "conditions", file: "worker/renditions.ts" },
    ...{ from: "[renditionName(key), validator, ...overlays]", to: "[validator, ...overlays]" },
  },
  "a 304 is for other bytes": {
    ...{ breaks: "conditions", file: "worker/renditions.ts" },
    ...{ from: "[renditionName(key), validator,", to: "[renditionName(key)," },
  },
  "the slot of one request is used for another bucket": {
    ...{ breaks: "slots", file: "worker/origin/open-object.ts" },
    from: "slotsInOrder(memory.state(), Date.now())",
    to: "(env.slots ??= slotsInOrder(memory.state(), Date.now()))",
    also: {
      file: "worker/origin/open-object.ts",
      from: "const METADATA =",
      to: "const env = {};\nconst METADATA =",
    },
  },
  "a failure is kept for all visitors": {
    ...{ breaks: "short", file: ANSWER, from: CACHED, to: '"cache-control": SHORT' },
    also: { file: ANSWER, from: "!isCached ? 502", to: "!isCached ? 404" },
  },
  "a 403 is kept for as long as an image": {
    ...{ breaks: "short", file: ANSWER, from: "public, max-age=60", to: "public, max-age=250" },
  },
  "stale-if-error and stale-while-revalidate are missing": {
    ...{ breaks: "outages", file: ANSWER, from: STALELY, to: "must-revalidate`" },
  },
  "what cannot be made is a 404": {
    ...{ breaks: "outages", file: ANSWER, from: "!isCached ? 502", to: "!isCached ? 404" },
  },
  "a bucket has no tag": {
    ...{ breaks: "purged", file: "worker/renditions.ts", from: TAGS },
    to: "objectTag(key.bucket, key.key)]",
  },
  "tags are joined by spaces": {
    ...{ breaks: "purged", file: ANSWER },
    ...{ from: 'tags.join(","),\n    ...(etag', to: 'tags.join(" "),\n    ...(etag' },
  },
  "a missing object has no tag": {
    ...{ breaks: "purged", file: ANSWER, from: "...(isCached && {", to: "...(event === '' && {" },
  },
  "headers of S3 reach the visitor": {
    ...{ breaks: "hidden", file: "worker/answer/answer.ts" },
    ...{ from: "...(etag && { etag }),", to: '...(etag && { etag, "last-modified": etag }),' },
  },
} as const satisfies Record<string, Bug>;
