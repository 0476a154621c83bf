// Which source URLs the edge accepts (E5, E6).

import type { Fault } from "./faults.ts";

/**
 * Returns why the edge refuses a source URL, or undefined if it accepts it. For a redirect, only the
 * first URL is checked.
 * @param hosts the hosts whose images the zone may transform
 * @param plain the hosts that may be asked without TLS
 */
export function urlFault(
  url: string,
  hosts: readonly string[],
  plain: readonly string[],
): Fault | undefined {
  if (/[^\x21-\x7e]/.test(url)) return "9419/403";
  if (!URL.canParse(url)) return "9406/403";
  const { protocol, host } = new URL(url);
  if (protocol !== "https:" && !plain.includes(host)) return "9406/403";
  return hosts.includes(host) ? undefined : "9401/403";
}
