// Bugs, each of which breaks a property: one that nothing can break proves nothing.

import type { PropertyName } from "./properties.ts";

type Bug = {
  readonly breaks: PropertyName;
  /** Below src/. */
  readonly file: string;
  /** What stands there once, and what the bug makes of it. */
  readonly from: string;
  readonly to: string;
};

const SIG = "[\\w-]{42}[AEIMQUYcgkosw048]";
const LOOKUP = "const variant = config.variants.get(found.variant);";
const TEXT = '["vitrine-url-1", kid, expires, version, route, preset, key]';

export const BROKEN = {
  "a malformed % is thrown": {
    breaks: "answers",
    file: "public-url.ts",
    from: 'return { event: "impossible-key", reason: "the path is not percent-encoded UTF-8" };',
    to: 'throw new URIError("malformed");',
  },
  "an answer without a type is thrown": {
    breaks: "answers",
    file: "guard.ts",
    from: 'return (headers.get("content-type") ?? "")',
    to: 'return headers.get("content-type")',
  },
  "an edge that breaks off is thrown": {
    breaks: "answers",
    file: "edge.ts",
    from: 'return { event: "edge-failed", reason:',
    to: 'throw error ?? { event: "edge-failed", reason:',
  },
  "startsWith stands for segments": {
    breaks: "bounds",
    file: "key.ts",
    from: 'if (segment === "." || segment === "..") return',
    to: 'if (key.startsWith("../")) return',
  },
  "the prefix is forgotten": {
    breaks: "bounds",
    file: "index.ts",
    from: "const key = bucket.prefix + found.key;",
    to: "const key = found.key;",
  },
  "a width is free": {
    breaks: "bounds",
    file: "index.ts",
    from: LOOKUP,
    to: `const base = config.variants.get(found.variant.replace(/@.*/s, ""));
      const width = Number(/@(\\d+)w$/.exec(found.variant)?.[1]);
      const free = base && width > 0 && { ...base, image: { ...base.image, width } };
      const variant = config.variants.get(found.variant) ?? (free || undefined);`,
  },
  "a fourth header is signed": {
    breaks: "bounds",
    file: "sign.ts",
    from: '"x-amz-content-sha256": "UNSIGNED-PAYLOAD" }',
    to: '"x-amz-content-sha256": "UNSIGNED-PAYLOAD", accept: "image/avif" }',
  },
  "a key is sent as it is": {
    breaks: "bounds",
    file: "origin.ts",
    from: "return base + encoded +",
    to: "return base + key +",
  },
  "parentheses are left as they are": {
    breaks: "bounds",
    file: "origin.ts",
    from: "/%2F|[!'()*]/g",
    to: "/%2F/g",
  },
  "redirects are followed": {
    breaks: "bounds",
    file: "edge.ts",
    from: 'redirect: "manual"',
    to: 'redirect: "follow"',
  },
  "there is no guard": {
    breaks: "originals",
    file: "guard.ts",
    from: 'return status === 200 && /^internal=(?:ok|ram)\\b/.test(headers.get("cf-resized") ?? "");',
    to: "return status === 200;",
  },
  "too large for AVIF is passed on": {
    breaks: "originals",
    file: "guard.ts",
    from: "if (/too large for avif/i.test(warning))",
    to: "if (/never/.test(warning))",
  },
  "smaller originals are passed on": {
    breaks: "originals",
    file: "guard.ts",
    from: "if (/original is smaller/i.test(warning) && original === type)",
    to: "if (/never/.test(warning))",
  },
  "what moves is not asked after": {
    breaks: "originals",
    file: "print.ts",
    from: "if (!asked.still) {",
    to: "if (timeout < 0) {",
  },
  "a path is not decoded": {
    breaks: "spellings",
    file: "public-url.ts",
    from: "return decodeURIComponent(pathname);",
    to: "return decodeURIComponent(pathname) && pathname;",
  },
  "any v makes another source": {
    breaks: "spellings",
    file: "index.ts",
    from: "terms.granted?.version)",
    to: 'terms.granted?.version ?? url.searchParams.get("v")?.replace(/\\W/g, "_"))',
  },
  "keys are normalised": {
    breaks: "spellings",
    file: "index.ts",
    from: "const key = bucket.prefix + found.key;",
    to: "const key = bucket.prefix + found.key.normalize();",
  },
  "@1x is another variant": {
    breaks: "bounds",
    file: "preset.ts",
    from: "x === 1 ? plain : { ...plain, dpr: x }",
    to: "{ ...plain, dpr: x }",
  },
  "signatures are compared by == in any case": {
    breaks: "signatures",
    file: "signature.ts",
    from: 'const right = await crypto.subtle.verify("HMAC", await importKey(key), bytesOf(sig), utf8(text));',
    to: `const made = await signGrant({ ...wanted, expires, version }, key);
      const right = text && made.slice(-43).toLowerCase() == sig.toLowerCase();`,
  },
  "the unused bits of a signature are free": {
    breaks: "signatures",
    file: "signature.ts",
    from: SIG,
    to: "[\\w-]{43}",
  },
  "a signature has two alphabets": {
    breaks: "signatures",
    file: "signature.ts",
    from: SIG,
    to: "[\\w+/-]{42}[AEIMQUYcgkosw048]",
  },
  "what is no base64 is decoded": {
    breaks: "signatures",
    file: "signature.ts",
    from: SIG,
    to: ".*",
  },
  "the expiry is not signed": {
    breaks: "signatures",
    file: "signature.ts",
    from: TEXT,
    to: TEXT.replace("expires", "0"),
  },
  "the preset is not signed": {
    breaks: "signatures",
    file: "signature.ts",
    from: TEXT,
    to: TEXT.replace("preset", '"card"'),
  },
  "the key is not signed": {
    breaks: "signatures",
    file: "signature.ts",
    from: TEXT,
    to: TEXT.replace("key]", '"key"]'),
  },
  "the version is not signed": {
    breaks: "signatures",
    file: "signature.ts",
    from: TEXT,
    to: TEXT.replace("version", '""'),
  },
  "the descriptor is signed": {
    breaks: "signatures",
    file: "index.ts",
    from: "const { preset } = variant;",
    to: "const preset = found.variant;",
  },
  "a signed path has many spellings": {
    breaks: "signatures",
    file: "signature.ts",
    from: "if (encodePath(decodeURIComponent(pathname)) !== pathname) {",
    to: "if (encodePath(pathname) === undefined) {",
  },
  "an image is kept for as long as ever": {
    breaks: "ends",
    file: "answer.ts",
    from: "const seconds = Math.min(versioned ? YEAR : maxAge, secondsLeft(terms, now));",
    to: "const seconds = versioned ? YEAR : maxAge;",
  },
  "a 404 is kept for as long as ever": {
    breaks: "ends",
    file: "answer.ts",
    from: "Math.min(MISSING_SECONDS, secondsLeft(terms, now))",
    to: "MISSING_SECONDS",
  },
  "a URL lasts a second longer": {
    breaks: "ends",
    file: "signature.ts",
    from: "if (expires * 1000 <= now) {",
    to: "if (expires * 1000 < now) {",
  },
  "a URL may be signed for ever": {
    breaks: "ends",
    file: "signature.ts",
    from: "if (expires * 1000 > now + maxAge * 1000) {",
    to: "if (expires > now) {",
  },
  "encodeURI builds the path": {
    breaks: "inverses",
    file: "public-url.ts",
    from: 'return originUrl("", path).replaceAll("%40", "@");',
    to: "return encodeURI(path);",
  },
  "a path is decoded twice": {
    breaks: "inverses",
    file: "public-url.ts",
    from: "return decodeURIComponent(pathname);",
    to: "return decodeURIComponent(decodeURIComponent(pathname));",
  },
  "a slash is found in a segment": {
    breaks: "inverses",
    file: "public-url.ts",
    from: 'part.name === REST ? "(.+)" : "([^/]+)"',
    to: '"([^/]+)"',
  },
  "a wildcard names AVIF": {
    breaks: "formats",
    file: "format.ts",
    from: 'type === "image/avif" ?',
    to: 'type === "image/avif" || type === "*/*" ?',
  },
  "a quality of 0 is not heeded": {
    breaks: "formats",
    file: "format.ts",
    from: "QVALUE.test(quality) && Number(quality) > 0",
    to: "QVALUE.test(quality)",
  },
  "what stands in quotes is read": {
    breaks: "formats",
    file: "format.ts",
    from: "accept?.match(ENTRY) ?? []",
    to: 'accept?.split(",") ?? []',
  },
  "WebP is sent to everyone": {
    breaks: "formats",
    file: "format.ts",
    from: 'if (type === "image/webp" && variant.format === "auto" && !readable.webp) return false;',
    to: 'if (type === "image/webp") return true;',
  },
  "an unknown preset is the first": {
    breaks: "free",
    file: "index.ts",
    from: LOOKUP,
    to: "const variant = config.variants.get(found.variant) ?? [...config.variants.values()][0];",
  },
  "visitors are counted first": {
    breaks: "free",
    file: "index.ts",
    from: LOOKUP,
    to: `await checkLimit(config.limiter, headers, found.route.path);\n  ${LOOKUP}`,
  },
  "a backslash may stand in a key": {
    breaks: "free",
    file: "key.ts",
    from: 'if (key.includes("\\\\")) return "a backslash";',
    to: "",
  },
  "a key may be of any length": {
    breaks: "free",
    file: "key.ts",
    from: "if (new TextEncoder().encode(key).length > MOST_BYTES)",
    to: "if (key.length > MOST_BYTES)",
  },
  "the edge's headers are passed on": {
    breaks: "silence",
    file: "answer.ts",
    from: 'const headers = new Headers({\n    "content-type": shown.type,',
    to: 'const headers = new Headers({\n    ...Object.fromEntries(edge),\n    "content-type": shown.type,',
  },
  "the log has the whole key id": {
    breaks: "silence",
    file: "slot.ts",
    from: "accessKeyId.slice(8).slice(-4)",
    to: "accessKeyId",
  },
  "origins are compared by startsWith": {
    breaks: "pages",
    file: "embed.ts",
    from: "origin === own.origin || origins.has(origin)",
    to: "origin === own.origin || [...origins].some((known) => origin.startsWith(known))",
  },
  "a referer holds the origin somewhere": {
    breaks: "pages",
    file: "embed.ts",
    from: "if (!isKnown(page))",
    to: 'if (!referer.includes("https://app.example") && !isKnown(page))',
  },
  "who says same-origin is believed": {
    breaks: "pages",
    file: "embed.ts",
    from: "if (referer !== null) {",
    to: 'if (referer !== null && headers.get("sec-fetch-site") !== "same-origin") {',
  },
} as const satisfies Record<string, Bug>;

export type BrokenName = keyof typeof BROKEN;

export function isBrokenName(name: string): name is BrokenName {
  return Object.hasOwn(BROKEN, name);
}
