// Asks the deployed Worker as a modern browser does, and follows no redirect.

import { ACCEPTS } from "../http/ask-picture.ts";
import { fetchText } from "../http/body.ts";

const TIMEOUT_S = 60;
/** All renditions are smaller. */
const MAX_BYTES = 100e6;

export function askSite(url: string, headers: Readonly<Record<string, string>> = {}) {
  const init = { headers: { accept: ACCEPTS.avif, ...headers } };
  return fetchText(url, init, TIMEOUT_S, MAX_BYTES);
}
