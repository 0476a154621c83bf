// Opens the objects that a variant draws on a picture: each with the checks and the limits of an original.

import { isDenied, isRefusal, type Refusal } from "../base/refusal.ts";
import type { Variant } from "../config/preset.ts";
import { verdictOf } from "../origin/verdict.ts";
import { overlayOf } from "./options.ts";
import type { Open, Opened } from "./source.ts";

/** An overlay, ready to be drawn. */
export type Drawn = ReturnType<typeof overlayOf> & { readonly overlay: Opened };

/**
 * @param prefix what the keys of overlays begin with
 * @returns the reason if one of them cannot be used: a picture without its watermark is not shown
 */
export async function openOverlays(
  { prefix, open }: { readonly prefix: string; readonly open: Open },
  { image: { draw = [] } }: Variant,
): Promise<readonly Drawn[] | Refusal> {
  const opening = draw.map(async (one): Promise<Drawn | Refusal> => {
    if (one.key === undefined) return { event: "edge-refused", reason: "the binding draws no URL" };
    const overlay = await open(prefix + one.key);
    return isRefusal(overlay) ? ofOverlay(overlay, one.key) : { ...overlayOf(one), overlay };
  });
  const opened = await Promise.all(opening);
  const drawn: Drawn[] = [];
  let refused: Refusal | undefined;
  for (const one of opened) {
    if (isRefusal(one)) refused ??= one;
    else drawn.push(one);
  }
  if (refused === undefined) return drawn;
  for (const { overlay } of drawn) overlay.drop();
  return refused;
}

/** What is wrong with an overlay is not wrong with the object. What S3 has against the slot stays so. */
function ofOverlay(refusal: Refusal, key: string): Refusal {
  const said = isDenied(refusal) ? refusal.said : undefined;
  const isOfSlot = said && verdictOf(said, said.region ?? "").fault !== "object";
  if (isOfSlot || ("passing" in refusal && refusal.passing)) return refusal;
  const { event } = refusal;
  if (event === "timed-out") return refusal;
  return { event: "origin-failed", reason: `the overlay ${key}: ${event}` };
}
