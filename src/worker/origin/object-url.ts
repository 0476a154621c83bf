// The URL of an object: exactly the text that is signed and sent (A2). Pure.

import { encodeKey } from "../../url/grammar.ts";

/** @param version becomes a parameter: S3 ignores it, and for the edge it is another source (C1) */
export function originUrl(base: string, key: string, version?: string): string {
  return base + encodeKey(key) + (version ? `?v=${version}` : "");
}
