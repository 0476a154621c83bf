// What the built Worker asks when a browser asks it.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/built.ts";

/** S3 and the edge: each object is there, and each rendition is this picture. */
export const EDGE = `const bytes = Uint8Array.from(atob("${readFileSync(join(ROOT, "fixtures/objects/made/key.jpg"), "base64")}"), (one) => one.charCodeAt(0));
const headers = { "content-type": "image/jpeg", etag: '"9bb58f26192e4ba00f01e2e7b136bbd8"' };
const part = { "content-length": "1024", "content-range": "bytes 0-1023/2500000" };
const rendered = { "cf-resized": "internal=ok/m q=0 n=17+85 c=0+0 v=2026.11.0 l=" + bytes.length };
export default {
  fetch(request) {
    if (!request.headers.has("range")) return new Response(bytes, { headers: { ...headers, ...rendered } });
    return new Response(bytes.slice(0, 1024), { status: 206, headers: { ...headers, ...part } });
  },
};`;
