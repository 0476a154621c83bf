// Why the Images binding refused a call, for the author of a test. The error that the Worker sees has the code alone, as
// in production. Pure.

import type { Fault } from "../edge/faults.ts";
import type { Explanation } from "../edge/refusal.ts";

/** A failure of the binding. One that is about the form itself has its explanation. */
export type BindingFault = Fault & { readonly explanation?: Explanation };

/** The reasons of the codes that are not about the form (B1, B3, B4, B6, L1, L2). */
const REASONS: Readonly<Record<number, Explanation>> = {
  9412: { reason: "an image is an SVG, or no image: see its first bytes", rule: "B4" },
  9413: {
    reason: "an image, before or after a step, has more pixels or a longer side than limits allows",
    rule: "L1",
  },
  9420: { reason: "an image is a JPEG XL, which the binding does not read", rule: "B4" },
  9422: { reason: "the switch quota allows no more unique transformations", rule: "L2" },
  9430: { reason: "the switch bindingAllowed is false", rule: "B3" },
  9432: {
    reason: "the form is broken: the binding of this package does not post such a one",
    rule: "B3",
  },
  9516: { reason: "an image cannot be decoded: it is broken, or cut off", rule: "R3" },
  9520: { reason: "an image is a TIFF, or an AVIF, which needs the switch avifInput", rule: "B4" },
};

/**
 * Finds the reason of a failure of the binding.
 * @param isBySwitch whether the switch `failure` made the failure, which any code may be
 */
export function explainBindingFault(
  { code, explanation }: BindingFault,
  isBySwitch: boolean,
): Explanation {
  if (isBySwitch) return { reason: "the switch `failure`", rule: "R3" };
  if (explanation) return explanation;

  return REASONS[code] ?? { reason: "an image, or the network: see the code" };
}
