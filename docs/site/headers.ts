// The headers of the site, in the file that Cloudflare's static assets read. The content security policy lets nothing run
// but the site's own files and the inline scripts of VitePress, each by its hash.

import { createHash } from "node:crypto";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const INLINE_SCRIPT = /<script(?![^>]* src=)(?![^>]*application\/)[^>]*>(?<code>.*?)<\/script>/gs;

/** Writes `_headers` for the pages of a built site. */
export function writeHeaders(folder: string): void {
  const hashes = new Set<string>();
  for (const file of readdirSync(folder, { recursive: true, encoding: "utf8" })) {
    if (!file.endsWith(".html")) continue;
    const html = readFileSync(join(folder, file), "utf8");
    for (const hash of hashesOf(html)) hashes.add(hash);
  }

  const policy = [
    "default-src 'none'",
    `script-src 'self' ${[...hashes].join(" ")}`,
    "style-src 'self' 'unsafe-inline'", // the colours of code are in attributes
    "img-src 'self' data:", // the icons of the theme
    "connect-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ];
  const headers = `/*
  Content-Security-Policy: ${policy.join("; ")}
  X-Content-Type-Options: nosniff
  Referrer-Policy: strict-origin-when-cross-origin
/assets/*
  Cache-Control: public, max-age=31536000, immutable
`;
  writeFileSync(join(folder, "_headers"), headers);
}

function hashesOf(html: string): string[] {
  const scripts = Array.from(html.matchAll(INLINE_SCRIPT), ([, code = ""]) => code);
  return scripts.map((code) => `'sha256-${createHash("sha256").update(code).digest("base64")}'`);
}
