// Cookies as a server in any language would sign them: by hand, not by the code that the Worker has.

import { createHmac } from "node:crypto";
import { SECRETS } from "./env.ts";

export const SIGNING_KEYS: Readonly<Record<string, string>> = JSON.parse(SECRETS.URL_SIGNING_KEYS);

export type Signed = {
  readonly host: string;
  readonly route: string;
  readonly prefix: string;
  /** Seconds since 1970. */
  readonly expires: number;
  readonly kid: string;
  readonly secret: string;
};

/** @returns the value of the cookie: without a change, for photos/ of /album/:preset/* */
export function cookieValue(change: Partial<Signed> & Pick<Signed, "expires">): string {
  const usual = {
    host: "images.example",
    route: "/album/:preset/*",
    prefix: "photos/",
    kid: "new",
  };

  const { host, route, prefix, kid, expires, secret } = {
    ...usual,
    secret: SIGNING_KEYS[change.kid ?? "new"] ?? "",
    ...change,
  };
  const lines = ["vitrine-cookie-1", kid, expires, host, route, prefix];
  const sig = createHmac("sha256", secret).update(lines.join("\n")).digest("base64url");

  return `${expires}.${kid}.${Buffer.from(prefix).toString("base64url")}.${sig}`;
}

/** A text with each of its characters left out, doubled, and changed in each bit. @param first where it begins */
export function changesOf(text: string, first: number): Set<string> {
  const changed = new Set<string>();
  for (let at = first; at < text.length; at++) {
    const [before, after] = [text.slice(0, at), text.slice(at + 1)];
    changed.add(before + after).add(`${before}${text[at]}${text[at]}${after}`);
    for (let bit = 0; bit < 7; bit++) {
      changed.add(before + String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)) + after);
    }
  }

  changed.delete(text);
  return changed;
}
