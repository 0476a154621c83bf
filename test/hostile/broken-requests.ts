// Bugs that break the properties of requests and of browser headers.

import type { Bug } from "./bug.ts";

export const BROKEN_REQUESTS = {
  "a malformed % is thrown": {
    breaks: "answers",
    file: "url/grammar.ts",
    from: "return undefined;\n  }\n}\n\n/**\n * UTF-8",
    to: 'throw new URIError("malformed");\n  }\n}\n\n/**\n * UTF-8',
  },
  "an answer without a type is thrown": {
    breaks: "answers",
    file: "worker/edge/judge.ts",
    from: `headers.get("content-type") ?? ""`,
    to: `headers.get("content-type")`,
  },
  "an edge that breaks off is thrown": {
    breaks: "answers",
    file: "worker/base/send.ts",
    from: `(error) => ({ event: "edge-failed", reason:`,
    to: `(error) => Promise.reject(error) ?? ({ event: "edge-failed", reason:`,
  },
  "startsWith stands for segments": {
    breaks: "bounds",
    seed: 195,
    file: "url/key.ts",
    from: 'if (segment === "." || segment === "..") return',
    to: 'if (key.startsWith("../")) return',
  },
  "the prefix is forgotten": {
    breaks: "bounds",
    file: "worker/request/resolve-request.ts",
    from: "key: route.bucket.prefix + object",
    to: "key: object",
  },
  "a width is free": {
    breaks: "bounds",
    file: "worker/request/resolve-request.ts",
    from: "const variant = variants.get(name);",
    to: `const base = variants.get(name.replace(/@.*/s, ""));
  const width = Number(/@(\\d+)w$/.exec(name)?.[1]);
  const free = base && width > 0 && { ...base, image: { ...base.image, width } };
  const variant = variants.get(name) ?? (free || undefined);`,
  },
  "a fourth header is signed": {
    breaks: "bounds",
    file: "worker/origin/sigv4.ts",
    from: '"x-amz-content-sha256": "UNSIGNED-PAYLOAD" }',
    to: '"x-amz-content-sha256": "UNSIGNED-PAYLOAD", accept: "image/avif" }',
  },
  "a signature is used for another URL": {
    breaks: "bounds",
    file: "worker/origin/sign-request.ts",
    from: `kept.get(url);
  if (known?.in === used) return known.headers;
  return used.sign(url).then((headers) => {
    kept.set(url,`,
    to: `kept.get(url.slice(0, 50));
  if (known?.in === used) return known.headers;
  return used.sign(url).then((headers) => {
    kept.set(url.slice(0, 50),`,
  },
  "a key is sent as it is": {
    breaks: "bounds",
    file: "worker/origin/object-url.ts",
    from: "return base + encodeKey(key) +",
    to: "return base + key +",
  },
  "parentheses are left as they are": {
    breaks: "bounds",
    seed: 25,
    file: "url/grammar.ts",
    from: "/%2F|[!'()*]/g",
    to: "/%2F/g",
  },
  "redirects are followed": {
    breaks: "bounds",
    file: "worker/base/send.ts",
    from: `redirect: "manual"`,
    to: `redirect: "follow"`,
  },
  "there is no guard": {
    breaks: "originals",
    file: "worker/edge/judge.ts",
    from: `status === 200 && /^internal=(?:ok|ram)\\b/.test(headers.get("cf-resized") ?? "")`,
    to: "status === 200",
  },
  "too large for AVIF is passed on": {
    breaks: "originals",
    seed: 3,
    file: "worker/edge/judge.ts",
    from: "/too large for avif/i.test(text)",
    to: "/never/.test(text)",
  },
  "smaller originals are passed on": {
    breaks: "originals",
    file: "worker/edge/judge.ts",
    from: "/original is smaller/i.test(text)",
    to: "/never/.test(text)",
  },
  "any word for the original is proof": {
    breaks: "originals",
    file: "worker/edge/judge.ts",
    from: 'if (original === "unknown" || came === "unknown") return',
    to: "if (original === undefined) return",
  },
  "what is said of another object is proof": {
    breaks: "originals",
    seed: 7,
    file: "worker/edge/guard.ts",
    from: 'tag !== undefined && tag === asked.tag ? asked.original : "unknown"',
    to: "asked.original",
  },
  "a bare name is another type": {
    breaks: "originals",
    seed: 125,
    file: "worker/edge/judge.ts",
    from: "return known ?",
    to: "return known && name.startsWith(known) ? name : known ?",
  },
  "a failing origin is asked on and on": {
    breaks: "patience",
    file: "worker/edge/try-twice.ts",
    from: "return make({",
    to: "return (await make(asked)) && make({",
  },
  "a failing origin is asked what its object is": {
    breaks: "patience",
    seed: 80,
    file: "worker/edge/try-twice.ts",
    from: 'original: "unknown" }',
    to: "}",
  },
  "what moves is not asked after": {
    breaks: "originals",
    seed: 11,
    file: "worker/edge/rendition.ts",
    from: "if (!asked.still) {",
    to: "if (deadline < 0) {",
  },
  "@1x is another variant": {
    breaks: "bounds",
    file: "url/grammar.ts",
    from: "x === 1 ? plain : { ...plain, dpr: x }",
    to: "{ ...plain, dpr: x }",
  },
  "a wildcard names AVIF": {
    breaks: "formats",
    file: "worker/request/format.ts",
    from: 'type === "image/avif" ?',
    to: 'type === "image/avif" || type === "*/*" ?',
  },
  "a quality of 0 is not heeded": {
    breaks: "formats",
    file: "worker/request/format.ts",
    from: "QVALUE.test(quality) && Number(quality) > 0",
    to: "QVALUE.test(quality)",
  },
  "what stands in quotes is read": {
    breaks: "formats",
    file: "worker/request/format.ts",
    from: "accept?.match(ENTRY) ?? []",
    to: 'accept?.split(",") ?? []',
  },
  "an Accept header is remembered by its beginning": {
    breaks: "formats",
    file: "worker/request/format.ts",
    from: "recent.get(key);\n  if (known !== undefined) return known;\n  const readable = readAccept(key);\n  recent.set(key,",
    to: "recent.get(key.slice(0, 9));\n  if (known) return known;\n  const readable = readAccept(key);\n  recent.set(key.slice(0, 9),",
  },
  "WebP is sent to everyone": {
    breaks: "formats",
    file: "worker/edge/allowed-type.ts",
    from: `if (type === "image/webp" && variant.format === "auto" && !readable.webp) return false;`,
    to: `if (type === "image/webp") return true;`,
  },
  "an unknown preset is the first": {
    breaks: "free",
    file: "worker/request/resolve-request.ts",
    from: "const variant = variants.get(name);",
    to: "const variant = variants.get(name) ?? [...variants.values()][0];",
  },
  "visitors are counted first": {
    breaks: "free",
    file: "worker/index.ts",
    from: `const subject = subjectOf(order);
  if`,
    to: `if (route) await checkLimit(config.limiter, headers, route.path, Infinity);
  const subject = subjectOf(order);
  if`,
  },
  "a backslash may stand in a key": {
    breaks: "free",
    file: "url/key.ts",
    from: 'if (key.includes("\\\\")) return "a backslash";',
    to: "",
  },
  "a key may be of any length": {
    breaks: "free",
    file: "url/key.ts",
    from: "&& new TextEncoder().encode(key).length > MOST_BYTES)",
    to: "&& key.length > MOST_BYTES)",
  },
  "every route shows every preset": {
    breaks: "free",
    file: "worker/request/resolve-request.ts",
    from: "route.presets?.has(variant.preset) === false",
    to: "false",
  },
  "nobody is counted": {
    breaks: "free",
    file: "worker/request/rate-limit.ts",
    from: "if (limiter === undefined) return undefined;",
    to: "if (limiter !== null) return undefined;",
  },
  "who was counted is shown all the same": {
    breaks: "free",
    file: "worker/index.ts",
    from: "if (limited) return { refusal: limited, subject, terms };",
    to: "",
  },
  "a loop is not seen": {
    breaks: "free",
    seed: 13,
    file: "worker/index.ts",
    from: "/image-resizing/i",
    to: "/image-resizing$/",
  },
  "a fallback is a 200": {
    breaks: "fallbacks",
    file: "worker/answer/fallback.ts",
    from: "new Response(rendition.body, { status, headers })",
    to: "new Response(rendition.body, { headers })",
  },
  "a fallback has the edge's tag": {
    breaks: "fallbacks",
    file: "worker/answer/fallback.ts",
    from: "imageHeaders(new Headers(),",
    to: "imageHeaders(rendition.headers,",
  },
  "a fallback is kept as an image is": {
    breaks: "fallbacks",
    seed: 4,
    file: "worker/answer/fallback.ts",
    from: 'headers["cache-control"] = isKept ? shortly(maxAge, terms, now) : "no-store";',
    to: "",
  },
  "a fallback is kept beyond its signature": {
    breaks: "ends",
    file: "worker/answer/fallback.ts",
    from: "shortly(maxAge, terms, now)",
    to: '"public, max-age=" + maxAge',
  },
  "a fallback that fails is tried again": {
    breaks: "fallbacks",
    file: "worker/answer/fallback.ts",
    from: "const { made: rendition, cache } = await obtain();",
    to: `let { made: rendition, cache } = await obtain();
  for (let times = 0; isRefusal(rendition) && times < 9; times++) rendition = (await obtain()).made;`,
  },
  "there is a fallback when the quota is spent": {
    breaks: "fallbacks",
    seed: 22,
    file: "worker/answer/fallback.ts",
    from: "502: 10 }",
    to: "502: 10, 503: 10 }",
  },
  "there is a fallback where no key can be": {
    breaks: "free",
    file: "worker/index.ts",
    from: `if ("refusal" in order) return { refusal: order.refusal, subject, terms: { cors } };`,
    to: `if ("refusal" in order) {
    const { refusal } = order;
    if (refusal.event !== "impossible-key" || !order.variant) return { refusal, subject, terms: { cors } };
    const from = order.route.fallback;
    const other = { ...from, variant: order.variant, reads: readsOf(order.variant, readableBy(null), order.route.svg) };
    const visit = { env, context, deadline: began + 9000, keep: config.answers.keep };
    const ready = from && { bucket: from.bucket.name, obtain: () => obtain(other, visit) };
    const shown = ready && (await showFallback(refusal, ready, { cors }, false));
    return { refusal, subject: { ...subject, fallback: shown?.event }, terms: { cors }, instead: shown?.answer };
  }`,
  },
  "a version of the fallback is another object": {
    breaks: "bounds",
    seed: 31,
    file: "worker/index.ts",
    from: "return isItself ? undefined : { ...wanted, bucket, key, version: undefined };",
    to: "return isItself && !wanted.version ? undefined : { ...wanted, bucket, key, version: undefined };",
  },
  "a fallback is outside of the prefix": {
    breaks: "bounds",
    file: "worker/config/routes.ts",
    from: "other.bucket.prefix + other.template",
    to: "other.template",
  },
  "what is not signed is immutable": {
    breaks: "answers",
    file: "worker/answer/answer.ts",
    from: "if (granted === undefined) return `",
    to: "if (granted === undefined) return `immutable, ",
  },
  "the log has a signature that is wrong": {
    breaks: "silence",
    seed: 4,
    file: "worker/index.ts",
    from: "if (isRefusal(granted)) return { refusal: granted, subject, terms: { cors } };",
    to: "if (isRefusal(granted)) return { refusal: { ...granted, text: url.slice(-43) }, subject, terms: { cors } };",
  },
  "the edge's headers are passed on": {
    breaks: "silence",
    file: "worker/answer/answer.ts",
    from: ' = {\n    "content-type": shown.type,',
    to: ' = {\n    ...Object.fromEntries(edge),\n    "content-type": shown.type,',
  },
  "the log has the whole key id": {
    breaks: "silence",
    file: "worker/config/slot.ts",
    from: "accessKeyId.slice(8).slice(-4)",
    to: "accessKeyId",
  },
  "origins are compared by startsWith": {
    breaks: "pages",
    file: "worker/request/embedding.ts",
    from: "!origins.has(page)",
    to: "![...origins].some((known) => page.startsWith(known))",
  },
  "a referer holds the origin somewhere": {
    breaks: "pages",
    file: "worker/request/embedding.ts",
    from: "[origin, originOf(referer)]",
    to: '[origin, referer.includes("https://app.example") ? "https://app.example" : originOf(referer)]',
  },
  "who says same-origin is believed": {
    breaks: "pages",
    file: "worker/request/embedding.ts",
    from: "const foreign = ",
    to: 'const foreign = headers.get("sec-fetch-site") === "same-origin" ? undefined : ',
  },
  "pages are not looked at for HEAD": {
    breaks: "pages",
    file: "worker/index.ts",
    from: "if (foreign) return",
    to: `if (foreign && method !== "HEAD") return`,
  },
  "caches are not told that formats differ": {
    breaks: "formats",
    file: "worker/answer/answer.ts",
    from: 'if (shown.negotiated) headers["vary"] =',
    to: 'if (shown.type === "") headers["vary"] =',
  },
  "the token of /healthz is logged": {
    breaks: "silence",
    file: "worker/health.ts",
    from: 'reason: "not the HEALTH_TOKEN"',
    to: 'reason: "not " + healthToken',
  },
  "the log has S3's signature": {
    breaks: "silence",
    file: "worker/base/send.ts",
    from: "reason: `the request failed:",
    to: `origin: String(new Headers(init.headers).get("authorization")).slice(-64), reason: \`the request failed:`,
  },
  "who hides is believed": {
    breaks: "pages",
    file: "worker/request/embedding.ts",
    from: "return hides && [",
    to: "return !hides && [",
  },
  "caches are not told that origins differ": {
    breaks: "pages",
    file: "worker/answer/preflight.ts",
    from: `return { vary: "origin",`,
    to: "return {",
  },
} as const satisfies Record<string, Bug>;
