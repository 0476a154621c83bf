// What the edge decides about a request before it fetches anything. No I/O.

import { type Fault, isFault } from "./faults.ts";
import { type Options, readOptions } from "./read-options.ts";
import { isAllowed } from "./sources.ts";
import type { Switches } from "./switches.ts";
import { unplayable } from "./unplayable.ts";
import { urlFault } from "./url-fault.ts";

/** Where a request arrives: the host of the zone, and its switches. */
type Zone = { readonly zone: string; readonly switches: Switches };

/** Returns whether `cf.image` does anything with a source. If not, the original comes back. */
export function transforms(url: string, { zone, switches }: Zone): boolean {
  if (!switches.transformations) return false; // R2
  if (switches.urlTransformations === "off-for-workers-too") return false; // E12
  if (switches.foreignSources === "untransformed" && !isAllowed(url, zone, switches)) return false; // E5
  const isElsewhere = zone.endsWith(".workers.dev") && URL.parse(url)?.host !== zone;
  return !(isElsewhere && switches.workersDev === "original"); // R2
}

const ADVICE = 'With the switch unplayable: "left-out" it ignores them (docs/emulator.md)';

/**
 * Reads the options of a request, or says why the edge refuses it.
 * @param takesAuto whether `format: "auto"` is accepted (O6)
 */
export function accept(
  url: string,
  headers: Headers,
  asked: unknown,
  takesAuto: boolean,
  { zone, switches }: Zone,
): Options | Fault {
  if (switches.trouble !== undefined) return switches.trouble;
  if (/image-resizing/.test(headers.get("via") ?? "")) return { code: 9403, status: 508 }; // E8
  const unfit = urlFault(url, zone, switches);
  if (unfit !== undefined) return unfit;
  const options = readOptions(asked, takesAuto);
  if (isFault(options)) return options;
  const image = options.auto ? { ...options.image, ...byAccept(headers) } : options.image;
  const missing = switches.unplayable === "refused" ? unplayable(image) : [];
  if (missing.length > 0)
    throw new Error(`the strict edge cannot play ${missing.join(", ")}. ${ADVICE}`);
  return { ...options, image };
}

/** What "auto" chooses: by the first visitor's `Accept`, then for all visitors (O6). */
function byAccept(headers: Headers): { format?: "avif" | "webp" } {
  const accept = headers.get("accept") ?? "";
  if (accept.includes("image/avif")) return { format: "avif" };
  return accept.includes("image/webp") ? { format: "webp" } : {};
}
