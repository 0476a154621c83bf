// Bugs that break the properties of what is kept for all visitors.

import type { Bug } from "./bug.ts";

const ASK = "new Request(renditionUrl(wanted), { headers })";

/** Asks with a key of its own in place of the URL (W3), which `change` makes of the URL. */
const keyed = (change: string) =>
  `Object.assign(new Request(renditionUrl(wanted), { headers }), {
    cf: { cacheKey: renditionUrl(wanted)${change} },
  })`;

const SHOW =
  "return show(request, order, facts, terms, max_age, { env, context, deadline, keep });";

/** The gateway changes what it asks the cached entrypoint. */
const asking = (changed: string) =>
  `const loopback = context.exports?.Renditions;
  const exports = { Renditions: loopback && { fetch: (asked) => loopback.fetch(${changed}) } };
  return show(request, order, facts, terms, max_age, { env, context: { ...context, exports }, deadline, keep });`;

/** The gateway adds something of its request to the key. */
const keyedBy = (part: string) =>
  asking(`Object.assign(asked, { cf: { cacheKey: asked.url + (${part}) } })`);

const ASK_KEPT = "worker/cache/ask-kept.ts";
const ANSWER = "worker/cache/kept-answer.ts";
const OPTIONS = "{ ...variant.image, format: variant.format }";
const FAILED = `}, \${NO_LONGER}\` : "no-store"`;
const REVALIDATED = `, stale-while-revalidate=\${stale}`;
const INSTEAD = `, stale-if-error=\${stale_if_error}`;
const WINDOWS = REVALIDATED + INSTEAD;

export const BROKEN_KEPT = {
  "the cached entrypoint knows no long key": {
    ...{ breaks: "answers", seed: 462, file: "worker/cache/rendition-url.ts" },
    ...{ from: "([^?]+)", to: "([^?]{1,200})" },
  },
  "the format is not in the key": {
    ...{ breaks: "same", file: ASK_KEPT, from: ASK },
    to: keyed('.replace(/as=[^&]*/, "")'),
  },
  "Vary stands for the format in the key": {
    ...{ breaks: "same", file: ASK_KEPT, from: ASK },
    to: keyed('.replace(/as=[^&]*/, "")'),
    also: {
      file: ANSWER,
      from: '"cache-tag": tags.join(","),\n      ...(standsIn',
      to: 'vary: "accept", "cache-tag": tags.join(","),\n      ...(standsIn',
    },
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
    ...{ breaks: "same", seed: 29, file: "worker/cache/rendition-url.ts", from: OPTIONS },
    to: "variant.image",
  },
  "the preset's name stands for its options": {
    ...{ breaks: "same", file: ASK_KEPT, from: ASK },
    to: keyed(".replace(/image=[^&]*/, wanted.variant.preset)"),
  },
  "the SVG rule is not in the key": {
    ...{ breaks: "same", seed: 66, file: ASK_KEPT, from: ASK },
    to: keyed('.replace("as=svg", "as=plain")'),
  },
  "the version is not in the key": {
    ...{ breaks: "same", seed: 92, file: ASK_KEPT, from: ASK },
    to: keyed('.replace(/&v=.*/, "")'),
  },
  "the bucket is not in the key": {
    ...{ breaks: "same", seed: 9, file: ASK_KEPT, from: ASK },
    to: keyed('.replace("acme-media-2", "acme-media")'),
  },
  "the endpoint is not in the key": {
    ...{ breaks: "same", seed: 5, file: ASK_KEPT, from: ASK },
    to: keyed('.replace(wanted.bucket.base.replace("://", "/"), wanted.bucket.bucket)'),
  },
  "the prefix is not in the key": {
    ...{ breaks: "same", file: ASK_KEPT, from: ASK },
    to: keyed(".replace(wanted.bucket.prefix, '')"),
  },
  "the word of the credentials is not in the key": {
    ...{ breaks: "same", seed: 24, file: "worker/cache/rendition-url.ts" },
    ...{ from: `\`\${access}/`, to: "`" },
  },
  "a key stands in the URL as it is": {
    ...{ breaks: "same", file: "worker/cache/rendition-url.ts" },
    ...{ from: "placeOf(bucket) + encodeKey(key)", to: "placeOf(bucket) + key" },
  },
  "keys are compared without regard to case": {
    ...{ breaks: "same", file: ASK_KEPT, from: ASK, to: keyed(".toLowerCase()") },
  },
  "keys are normalised for the cache": {
    ...{ breaks: "same", seed: 225, file: ASK_KEPT, from: ASK },
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
  "the signing key is in the key": {
    ...{ breaks: "once", file: "worker/index.ts", from: SHOW },
    to: keyedBy('/kid=\\w+/.exec(url)?.[0] ?? ""'),
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
  "the query of the visitor is in the key": {
    ...{ breaks: "once", file: "worker/index.ts", from: SHOW },
    to: keyedBy("route.signing ? 0 : new URL(url).search"),
  },
  "the method is in the key": {
    ...{ breaks: "once", file: "worker/index.ts", from: SHOW, to: keyedBy("method") },
  },
  "the route is in the key": {
    ...{ breaks: "once", file: "worker/index.ts", from: SHOW, to: keyedBy("route.path") },
  },
  "max_age is in the key": {
    ...{ breaks: "once", file: "worker/index.ts", from: SHOW, to: keyedBy("max_age") },
  },
  "the time that is left is in the key": {
    ...{ breaks: "once", file: ASK_KEPT, from: ASK, to: keyed(" + headers[TIME_LEFT]") },
  },
  "a guess is kept for all visitors": {
    ...{ breaks: "short", seed: 112, file: ANSWER },
    from: "isCertain(refusal) ? isMissing || isUnreadable : isUnreadable && !hasOlder",
    to: "isMissing || isUnreadable",
  },
  "a failure is kept for all visitors": {
    ...{ breaks: "short", file: ANSWER, from: FAILED },
    to: FAILED.replace('"no-store"', '"public, max-age=60"'),
  },
  "what is no image is kept for long": {
    ...{ breaks: "short", seed: 4, file: ANSWER },
    from: `isKept ? \`public, max-age=\${SHORT_S}`,
    to: `isKept ? \`public, max-age=\${isMissing ? SHORT_S : 3000}`,
  },
  "a missing object may take the place of an outage": {
    ...{ breaks: "short", file: ANSWER, from: FAILED, to: FAILED.replace(/, .*}/, "") },
  },
  "a 404 does not say for how long": {
    ...{ breaks: "short", file: ANSWER },
    from: `"cache-control": isKept ? \`public, max-age=\${SHORT_S}, \${NO_LONGER}\` : "no-store",`,
    to: '...(!isKept && { "cache-control": "no-store" }),',
  },
  "a stand-in may take the place of an outage": {
    ...{ breaks: "short", file: ANSWER, from: `(keep, SHORT_S)}, \${NO_LONGER}` },
    to: "(keep, SHORT_S)}",
  },
  "a stand-in is kept as an image is": {
    ...{ breaks: "short", file: ANSWER, from: "const caching = standsIn\n" },
    to: "const caching = keep < 0\n",
  },
  "stale-if-error is missing": {
    ...{ breaks: "outages", file: ANSWER, from: WINDOWS },
    to: REVALIDATED,
  },
  "an outage hides what is kept": {
    ...{ breaks: "outages", file: ANSWER, from: WINDOWS, to: ", must-revalidate" },
  },
  "nothing is shown while it is made anew": {
    ...{ breaks: "outages", file: ANSWER, from: WINDOWS },
    to: INSTEAD,
  },
  "what cannot be made is a 404": {
    ...{ breaks: "outages", file: ANSWER, from: "!isKept ? 502", to: "!isKept ? 404" },
  },
  "a tag is of the key as it is": {
    ...{ breaks: "purged", file: "worker/cache/tags.ts" },
    ...{ from: "digest(originUrl(base, key))", to: "digest(base + key)" },
  },
  "a tag is of one version": {
    ...{ breaks: "purged", file: "worker/renditions.ts", from: "objectTag(bucket, key)," },
    to: 'objectTag(bucket, key + (wanted.version ? "?v=" + wanted.version : "")),',
  },
  "a tag is of the bucket's name": {
    ...{ breaks: "purged", file: "worker/cache/tags.ts" },
    ...{ from: "await digest(bucket.base)", to: "await digest(new URL(bucket.base).host)" },
  },
  "a bucket has no tag": {
    ...{ breaks: "purged", file: "worker/renditions.ts" },
    ...{ from: "objectTag(bucket, key), bucketTag(bucket)]", to: "objectTag(bucket, key)]" },
  },
  "tags are joined by spaces": {
    ...{ breaks: "purged", file: ANSWER },
    from: '"cache-tag": tags.join(","),\n      ...(standsIn',
    to: '"cache-tag": tags.join(" "),\n      ...(standsIn',
  },
  "a missing object has no tag": {
    ...{ breaks: "purged", file: ANSWER, from: "...(isKept && {", to: "...(status === 1 && {" },
    also: {
      file: ANSWER,
      from: "const isMissing =",
      to: "const { status = 0 } = refusal;\n  const isMissing =",
    },
  },
  "a purge drops everything": {
    ...{ breaks: "purged", file: "worker/index.ts" },
    ...{ from: "cache.purge(options)", to: "cache.purge({ purgeEverything: true })" },
  },
  "a purge is not passed on": {
    ...{ breaks: "purged", file: "worker/index.ts" },
    ...{ from: "cache.purge(options)", to: "{ success: true, errors: [] }" },
  },
  "headers of the cache reach the visitor": {
    ...{ breaks: "hidden", file: "worker/answer/answer.ts" },
    from: ' = {\n    "content-type": shown.type,',
    to: ' = {\n    ...Object.fromEntries(edge),\n    "content-type": shown.type,',
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
} as const satisfies Record<string, Bug>;
