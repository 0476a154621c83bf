// Which source URLs the edge accepts (E5, E6).

import type { Fault } from "./faults.ts";
import { isAllowed } from "./sources.ts";
import type { Switches } from "./switches.ts";

/**
 * Returns why the edge refuses a source URL, or undefined if it accepts it. For a redirect, only the
 * first URL is checked.
 * @param zone the host of the zone, whose own images are always allowed
 */
export function urlFault(
  url: string,
  zone: string,
  switches: Pick<Switches, "sources" | "sourcePaths" | "plain">,
): Fault | undefined {
  if (/[^\x21-\x7e]/.test(url)) return { code: 9419, status: 403 };
  if (!URL.canParse(url)) return { code: 9406, status: 403 };
  const source = new URL(url);
  if (source.protocol !== "https:" && !switches.plain.includes(source.host))
    return { code: 9406, status: 403 };
  return isAllowed(url, zone, switches) ? undefined : { code: 9401, status: 403 };
}
