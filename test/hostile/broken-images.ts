// Bugs of the engine "binding", and of what opens its buckets.

import type { Bug } from "./bug.ts";

/** Without this edit, what is no picture is refused once more. */
const UNREAD = {
  file: "worker/images/output.ts",
  from: "WITHOUT[type]?.(bytes)",
  to: "WITHOUT[type]?.(bytes) ?? bytes",
} as const;

export const BROKEN_IMAGES = {
  "neither the output's type nor its length is compared": {
    ...{ breaks: "originals", engine: "binding" },
    file: "worker/images/output.ts",
    from: "if (type !== format) return",
    to: "if (false) return",
    also: {
      file: "worker/images/output.ts",
      from: "if (type === original.type && bytes.length === original.length) {",
      to: "if (false) {",
    },
  },
  "a picture of the original's length is passed": {
    ...{ breaks: "originals", engine: "binding" },
    file: "worker/images/output.ts",
    from: "if (type === original.type && bytes.length === original.length) {",
    to: "if (false) {",
  },
  "the binding's word on the type is believed": {
    ...{ breaks: "originals", engine: "r2" },
    file: "worker/images/output.ts",
    from: "const type = sniff(bytes);",
    to: "const type = format;",
    also: UNREAD,
  },
  "the metadata of a JPEG is kept": {
    ...{ breaks: "originals", engine: "binding" },
    file: "worker/images/output.ts",
    from: '"image/jpeg": withoutMetadata,',
    to: '"image/jpeg": (bytes) => bytes,',
  },
  "comments of a JPEG are kept": {
    ...{ breaks: "originals", engine: "binding" },
    file: "worker/images/without-metadata.ts",
    from: "...[SCAN, 0xdb,",
    to: "...[0xfe, SCAN, 0xdb,",
  },
  "what stands between the scans of a JPEG is kept": {
    ...{ breaks: "originals", engine: "binding" },
    file: "worker/images/without-metadata.ts",
    from: "endOfScan(jpeg, end) : end",
    to: "jpeg.lastIndexOf(0xff) : end",
  },
  "the metadata of a PNG is kept": {
    ...{ breaks: "originals", engine: "binding" },
    file: "worker/images/without-chunks.ts",
    from: "if (PNG.test(type))",
    to: "if (true)",
  },
  "the metadata of a WebP is kept": {
    ...{ breaks: "originals", engine: "binding" },
    file: "worker/images/without-chunks.ts",
    from: "if (WEBP.test(typeAt(webp, at)))",
    to: "if (true)",
  },
  "the metadata of an AVIF is not seen": {
    ...{ breaks: "originals", engine: "binding" },
    file: "worker/images/without-chunks.ts",
    from: "AVIF_METADATA.test(latin1(box))",
    to: "false",
  },
  "an SVG passes, and no length is compared": {
    ...{ breaks: "originals", engine: "binding" },
    file: "worker/origin/sniff.ts",
    from: "[/^GIF8[79]a/,",
    to: '[/^<svg/, "image/png"], [/^GIF8[79]a/,',
    also: UNREAD,
  },
  "the length is not checked": {
    ...{ breaks: "lengths", engine: "binding" },
    file: "worker/images/overlays.ts",
    from: "length > MAX_BYTES",
    to: "length < 0",
  },
  "the bytes are not counted": {
    ...{ breaks: "lengths", engine: "binding" },
    file: "worker/origin/read-body.ts",
    from: "(received > length || (done && received < length))",
    to: "false",
  },
  "a content-encoding is not seen": {
    ...{ breaks: "lengths", engine: "binding" },
    file: "worker/origin/open-object.ts",
    from: 'headers.has("content-encoding")',
    to: "false",
  },
  "a part of an object is taken": {
    ...{ breaks: "lengths", engine: "binding" },
    file: "worker/origin/open-object.ts",
    from: 'status === 206 && part === "head"',
    to: "status === 206",
  },
  "a redirect is followed": {
    ...{ breaks: "bounds", engine: "binding" },
    file: "worker/base/send.ts",
    from: 'redirect: "manual"',
    to: 'redirect: "follow"',
  },
  "an overlay is outside of the prefix": {
    ...{ breaks: "bounds", engine: "binding" },
    file: "worker/images/overlays.ts",
    from: "bucket.prefix + key, options, context);\n    if",
    to: "key, options, context);\n    if",
  },
  "the cache may answer for S3": {
    ...{ breaks: "bounds", engine: "binding" },
    file: "worker/origin/open-object.ts",
    from: 'cache: "no-store"',
    to: 'cache: "default"',
  },
  "the density is forgotten": {
    ...{ breaks: "spellings", engine: "r2" },
    file: "worker/images/options.ts",
    from: "shapeOf(image, image.dpr ?? 1)",
    to: "shapeOf(image, 1)",
  },
  "all pictures may move": {
    ...{ breaks: "bounds", engine: "binding" },
    file: "worker/images/options.ts",
    from: "anim: anim && !still,",
    to: "anim: true,",
  },
  "a WebP may move": {
    ...{ breaks: "bounds", seed: 50, engine: "binding" },
    file: "worker/request/format.ts",
    from: 'original === "image/gif"',
    to: 'original !== "image/jpeg"',
  },
  "a session's token is not sent": {
    ...{ breaks: "bounds", engine: "session" },
    file: "worker/origin/sigv4.ts",
    from: '...UNSIGNED, "x-amz-date": signer.datetime, ...token };',
    to: '...UNSIGNED, "x-amz-date": signer.datetime };',
  },
  "the log has the token of a role": {
    ...{ breaks: "silence", engine: "role" },
    file: "worker/origin/session.ts",
    from: "code && !token.includes(code) ? code",
    to: "token ? token.slice(0, 300)",
  },
  "a broken object is kept as no image": {
    ...{ breaks: "certain", seed: 9, engine: "binding" },
    file: "worker/origin/read-body.ts",
    from: `return { event: "origin-failed", reason: \`the object broke off: \${error}\`, passing: true };`,
    to: `return { event: "source-unreadable", certain: true };`,
  },
  "what R2 fails at is missing": {
    ...{ breaks: "certain", engine: "r2" },
    file: "worker/origin/open-object.ts",
    from: `return { event: "origin-failed", reason: \`R2 failed: \${error}\`, passing: true };`,
    to: 'return { event: "object-missing", certain: true };',
  },
} as const satisfies Record<string, Bug>;
