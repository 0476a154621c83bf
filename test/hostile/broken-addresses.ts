// Bugs that break the properties of public URLs.

import type { Bug } from "./bug.ts";

const SIG = "[\\w-]{42}[AEIMQUYcgkosw048]";
const TEXT = '["vitrine-url-1", kid, expires, version, route, preset, key]';

export const BROKEN_ADDRESSES = {
  "a path is not decoded": {
    breaks: "spellings",
    file: "url/grammar.ts",
    from: "return decodeURIComponent(pathname);",
    to: "return decodeURIComponent(pathname) && pathname;",
  },
  "keys are normalised": {
    breaks: "spellings",
    file: "worker/request/resolve-request.ts",
    from: "key: route.bucket.prefix + object",
    to: "key: route.bucket.prefix + object.normalize()",
  },
  "signatures are compared by == in any case": {
    breaks: "signatures",
    file: "worker/request/url-signature.ts",
    from: 'const isRight = await crypto.subtle.verify("HMAC", hmac, bytesOf(sig), utf8(text));',
    to: `const signed = await crypto.subtle.sign("HMAC", hmac, utf8(text));
      const isRight = Buffer.from(signed).toString("base64url").toLowerCase() == sig.toLowerCase();`,
  },
  "the unused bits of a signature are free": {
    breaks: "signatures",
    seed: 11,
    file: "worker/request/url-signature.ts",
    from: SIG,
    to: "[\\w-]{43}",
  },
  "a signature has two alphabets": {
    breaks: "signatures",
    file: "worker/request/url-signature.ts",
    from: SIG,
    to: "[\\w+/-]{42}[AEIMQUYcgkosw048]",
  },
  "what is no base64 is decoded": {
    breaks: "signatures",
    file: "worker/request/url-signature.ts",
    from: SIG,
    to: ".*",
  },
  "the expiry is not signed": {
    breaks: "signatures",
    file: "url/grant.ts",
    from: TEXT,
    to: TEXT.replace("expires", "0"),
  },
  "a signature is not asked for with HEAD": {
    breaks: "signatures",
    file: "worker/index.ts",
    from: "const granted = await checkGrant(",
    to: `const granted = method === "HEAD" ? undefined : await checkGrant(`,
  },
  "a signature is not asked for with a condition": {
    breaks: "signatures",
    file: "worker/index.ts",
    from: "const granted = await checkGrant(",
    to: `const granted = headers.has("if-none-match") ? undefined : await checkGrant(`,
  },
  "the route is not signed": {
    breaks: "signatures",
    file: "url/grant.ts",
    from: TEXT,
    to: TEXT.replace("route", '"route"'),
  },
  "the preset is not signed": {
    breaks: "signatures",
    file: "url/grant.ts",
    from: TEXT,
    to: TEXT.replace("preset", '"card"'),
  },
  "the key is not signed": {
    breaks: "signatures",
    file: "url/grant.ts",
    from: TEXT,
    to: TEXT.replace("key]", '"key"]'),
  },
  "the version is not signed": {
    breaks: "signatures",
    file: "url/grant.ts",
    from: TEXT,
    to: TEXT.replace("version", '""'),
  },
  "the descriptor is signed": {
    breaks: "signatures",
    file: "worker/index.ts",
    from: "await checkGrant(resolved,",
    to: "await checkGrant({ ...resolved, variant: { ...resolved.variant, preset: resolved.name } },",
  },
  "a signed path has many spellings": {
    breaks: "signatures",
    file: "worker/request/url-signature.ts",
    from: "if (encodePath(decodeURIComponent(pathname)) !== pathname) {",
    to: "if (encodePath(pathname) === undefined) {",
  },
  "an image is kept for as long as ever": {
    breaks: "ends",
    file: "worker/answer/answer.ts",
    from: "limitedCaching(seconds, terms, now)}",
    to: '"public, max-age=" + seconds}',
  },
  "an image is kept for a part of a second longer": {
    breaks: "ends",
    file: "worker/answer/answer.ts",
    from: "Math.floor(granted.expires - now / 1000)",
    to: "Math.ceil(granted.expires - now / 1000)",
  },
  "every variant is its preset's first": {
    breaks: "spellings",
    file: "worker/request/resolve-request.ts",
    from: "if (reason === undefined) return",
    to: `if (reason === undefined) Object.assign(variant, variants.get(variant.preset));
  if (reason === undefined) return`,
  },
  "a 404 is kept for as long as ever": {
    breaks: "ends",
    seed: 2,
    file: "worker/answer/answer.ts",
    from: "limitedCaching(BRIEF_S, terms, now)",
    to: "limitedCaching(BRIEF_S, {}, now)",
  },
  "a URL lasts a second longer": {
    breaks: "ends",
    file: "worker/request/url-signature.ts",
    from: "if (expires * 1000 <= now) {",
    to: "if (expires * 1000 < now - 1000) {",
  },
  "a URL may be signed for ever": {
    breaks: "ends",
    file: "worker/request/url-signature.ts",
    from: "if (expires * 1000 > now + maxAge * 1000) {",
    to: "if (expires > now) {",
  },
  "encodeURI builds the path": {
    breaks: "inverses",
    file: "url/grammar.ts",
    from: 'return encodeKey(path).replaceAll("%40", "@");',
    to: "return encodeURI(path);",
  },
  "a path is decoded twice": {
    breaks: "inverses",
    file: "url/grammar.ts",
    from: "return decodeURIComponent(pathname);",
    to: "return decodeURIComponent(decodeURIComponent(pathname));",
  },
  "a slash is found in a segment": {
    breaks: "inverses",
    file: "url/grammar.ts",
    from: 'part === REST ? "." : "[^/]"',
    to: '"[^/]"',
  },
  "a version makes another source": {
    breaks: "ends",
    file: "worker/origin/object-url.ts",
    from: "?x-vitrine=",
    to: "?v=1&x-vitrine=",
  },
} as const satisfies Record<string, Bug>;
