// Makes a picture with other options than its preset's, as the Worker makes it, by the engine of the local run,
// and lets it through by the Worker's own guard. So no byte of an original comes out here.

import { isRefusal } from "../../../worker/base/refusal.ts";
import { openObject } from "../../../worker/origin/open-object.ts";
import { renderBy } from "../../../worker/renditions.ts";
import { acceptedFormatsOf } from "../../../worker/request/format.ts";
import { type Answer, NO_CONTEXT, says, wordsOf } from "./answer.ts";
import type { Try } from "./read-try.ts";

/** How long a picture may take: ms. Longer than a visitor would wait, since this machine may be busy. */
const TIMEOUT_MS = 60_000;

/** What the browsers read that the sheet is for. */
const READABLE = { avif: true, webp: true };

/** Makes one picture. `globalThis.fetch` must lead to the edge and to S3. */
export async function makeTry({ route, key, variant }: Try): Promise<Answer> {
  const { bucket, svg } = route;
  const formats = acceptedFormatsOf(variant, READABLE, svg);
  const scope = { context: NO_CONTEXT, deadline: Date.now() + TIMEOUT_MS };
  const options = { part: "head", deadline: scope.deadline } as const;
  const object = await openObject(bucket, key, options, scope.context);
  const rendition = { bucket, key, version: undefined, variant, formats, isStorable: false };
  const result = isRefusal(object) ? object : await renderBy(rendition, object, [], scope);
  if (isRefusal(result)) return says(502, `no such picture was made: ${wordsOf(result)}`);
  const { body, type } = result.rendition;
  return { status: 200, type, body: new Uint8Array(await new Response(body).arrayBuffer()) };
}
