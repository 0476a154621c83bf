// Checks the token of a request to /purge: a bearer token, or the password of HTTP Basic, as SNS sends it.

import { isSameText } from "../base/same-text.ts";

/** Returns whether the header `authorization` has the token. */
export async function hasToken(authorization: string, token: string): Promise<boolean> {
  const [, scheme = "", given = ""] = /^(bearer|basic) +(.*)$/is.exec(authorization) ?? [];
  return isSameText(scheme.toLowerCase() === "basic" ? passwordIn(given) : given, token);
}

/** What follows the first colon; "" if there is none. The name before it may be any. */
function passwordIn(encoded: string): string {
  try {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    const [, password = ""] = /^[^:]*:(.*)$/s.exec(new TextDecoder().decode(bytes)) ?? [];
    return password;
  } catch {
    return ""; // not base64
  }
}
