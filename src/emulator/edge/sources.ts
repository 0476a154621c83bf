// Whether the zone's list of Sources allows an image (E5). Pure.

import type { Switches } from "./switches.ts";

/**
 * Returns whether the zone may transform a source. No entry allows what is no URL.
 * @param zone the host of the zone, whose own images are always allowed
 */
export function isAllowed(
  url: string,
  zone: string,
  { sources, sourcePaths }: Pick<Switches, "sources" | "sourcePaths">,
): boolean {
  const source = URL.parse(url);
  return source !== null && [zone, ...sources].some((entry) => allows(entry, source, sourcePaths));
}

/**
 * Returns whether an entry allows a source. An entry is a host, or `*.host` for a host and its subdomains,
 * and may have a path with which the source's path must begin.
 * @param paths whether `/a/b` stands for whole segments only, or also allows `/a/bc`
 */
function allows(entry: string, source: URL, paths: Switches["sourcePaths"]): boolean {
  const [, host = "", path = "/"] = /^([^/]*)(\/.*)?$/s.exec(entry) ?? [];
  const whole = host.startsWith("*.") ? host.slice(2) : host;
  const isHost = source.host === whole || (whole !== host && source.host.endsWith(`.${whole}`));
  // Compared as sent, encoded. How the edge compares them is not documented.
  const { pathname } = source;
  if (paths === "characters") return isHost && pathname.startsWith(path);
  return isHost && `${pathname}/`.startsWith(path.endsWith("/") ? path : `${path}/`);
}
