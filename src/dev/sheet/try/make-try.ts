// Makes a picture with other options than its preset's: signed as the Worker signs, asked of the edge of
// the local run, and let through by the Worker's own guard. So no byte of an original comes out here.

import { isRefusal } from "../../../worker/base/refusal.ts";
import { enginesFor } from "../../../worker/config/engine-limits.ts";
import { makeRendition } from "../../../worker/edge/rendition.ts";
import { makePicture } from "../../../worker/images/make.ts";
import { type Open, openS3 } from "../../../worker/images/source.ts";
import { originUrl } from "../../../worker/origin/object-url.ts";
import { chooseFormat } from "../../../worker/request/format.ts";
import { type Answer, says, wordsOf } from "./answer.ts";
import { askSlots } from "./ask-slots.ts";
import type { Try } from "./read-try.ts";

/** How long a picture may take: ms. Longer than a visitor would wait, since this machine may be busy. */
const PATIENCE_MS = 60_000;

/** What the browsers read that the sheet is for. */
const READABLE = { avif: true, webp: true };

/** Makes one picture. `globalThis.fetch` must lead to the edge. */
export async function makeTry({ route, key, variant }: Try): Promise<Answer> {
  const { bucket, svg } = route;
  const asked = chooseFormat(variant, READABLE, svg);
  const url = originUrl(bucket.base, key);
  const deadline = Date.now() + PATIENCE_MS;
  const [engine] = enginesFor(bucket.engines, variant, svg);
  const { images, prefix } = bucket;
  const made = await askSlots(bucket, url, (headers, sign) => {
    if (engine !== "binding" || !images) return makeRendition(url, headers, asked, deadline);
    const open: Open = (one) => openS3(originUrl(bucket.base, one), sign, deadline);
    return makePicture({ images, key, prefix, deadline, open }, asked);
  });
  if (isRefusal(made)) return says(502, `the edge made no such picture: ${wordsOf(made)}`);
  const body = new Uint8Array(await new Response(made.body).arrayBuffer());
  return { status: 200, type: made.type, body };
}
