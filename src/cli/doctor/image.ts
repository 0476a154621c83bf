// Checks that three kinds of browsers get the image, each in a format that it reads, and not the original.

import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { mayYield } from "../../worker/edge/allowed-type.ts";
import { chooseFormat, readAccept } from "../../worker/request/format.ts";
import { ACCEPTS, type Answer, askSite, isSame } from "./ask-site.ts";
import { diagnoseStatus } from "./diagnose-site.ts";
import { type Finding, found, well } from "./finding.ts";
import { sniff } from "./sniff.ts";

export const SVG = "image/svg+xml";

/** An image to ask for. */
export type Visit = {
  readonly route: BoundRoute;
  /** The variant, as in the URL. */
  readonly name: string;
  readonly variant: Variant;
  readonly base: string;
  readonly path: string;
  /** The object's part of the path, encoded. */
  readonly key: string;
  readonly query: string;
  /** Undefined if it cannot be read from here. */
  readonly original: Uint8Array | undefined;
};

/** @returns what is found, and what the first browser gets if nothing is wrong */
export async function examineImage(
  visit: Visit,
  local: boolean,
): Promise<{ readonly findings: readonly Finding[]; readonly first?: Answer }> {
  const { route, base, path, query, variant, name, original } = visit;
  const about = base + path;
  const wrong = (finding: Finding) => ({ findings: [finding] });
  const types: string[] = [];
  let first: Answer | undefined;
  for (const [reads, accept] of ACCEPTS) {
    const answer = await askSite(about + query, { headers: { accept } });
    if ("reason" in answer) return wrong(found(about, "site-silent", answer));
    if (answer.status !== 200) {
      return wrong({ about, ...diagnoseStatus(answer.status, path, local) });
    }
    const type = (answer.headers.get("content-type") ?? "").replace(/;.*/s, "");
    // A clean SVG is passed on as it is (R8).
    const passed = type === SVG && route.svg;
    if (!passed && isSame(answer.bytes, original)) {
      return wrong(found(about, "originals", {}));
    }
    const chosen = chooseFormat(variant, readAccept(accept), route.svg);
    const real = sniff(answer.bytes);
    if (real !== type || !(passed || mayYield(chosen, type))) {
      const but = real === type ? "" : `, but the bytes are ${real ?? "no image"}`;
      return wrong(found(about, "formats", { reads, type: (type || "no type") + but }));
    }
    types.push(`${type.replace("image/", "")} for ${reads}`);
    first ??= answer;
  }
  if (first === undefined) return { findings: [] };
  const size = first.bytes.length.toLocaleString("en");
  const findings = [
    well(about, "image", `${name}: ${size} bytes; the edge transforms`),
    well(about, "formats", types.join(", ")),
  ];
  return { findings, first };
}
