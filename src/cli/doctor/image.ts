// Checks that three kinds of browsers get the image, each in a format that it reads, and not the original.

import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { mayYield } from "../../worker/edge/allowed-type.ts";
import { chooseFormat, readAccept } from "../../worker/request/format.ts";
import type { Body } from "../net/body.ts";
import { ACCEPTS, askSite, isSame } from "./ask-site.ts";
import { diagnoseStatus } from "./diagnose-site.ts";
import { type Diagnosis, diagnose, well } from "./finding.ts";
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
  { route, base, path, query, variant, name, original }: Visit,
  local: boolean,
): Promise<{ readonly diagnoses: readonly Diagnosis[]; readonly first?: Body }> {
  const wrong = (diagnosis: Diagnosis) => ({ diagnoses: [diagnosis] });
  const types: string[] = [];
  let first: Body | undefined;
  for (const [reads, accept] of ACCEPTS) {
    const answer = await askSite(base + path + query, { headers: { accept } });
    if ("reason" in answer) return wrong(diagnose("site-silent", answer));
    if (answer.status !== 200) return wrong(diagnoseStatus(answer.status, path, local));
    const type = (answer.headers.get("content-type") ?? "").replace(/;.*/s, "");
    // A clean SVG is passed on as it is (R8).
    const passed = type === SVG && route.svg;
    if (!passed && isSame(answer.bytes, original)) return wrong(diagnose("originals", {}));
    const chosen = chooseFormat(variant, readAccept(accept), route.svg);
    const real = sniff(answer.bytes);
    if (real !== type || !(passed || mayYield(chosen, type))) {
      const but = real === type ? "" : `, but the bytes are ${real ?? "no image"}`;
      return wrong(diagnose("formats", { reads, type: (type || "no type") + but }));
    }
    types.push(`${type.replace("image/", "")} for ${reads}`);
    first ??= answer;
  }
  const size = first?.bytes.length.toLocaleString("en");
  const image = well("image", `${name}: ${size} bytes; the edge transforms`);
  return { diagnoses: [image, well("formats", types.join(", "))], ...(first && { first }) };
}
