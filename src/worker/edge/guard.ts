// Lets only bytes pass that the edge made. Everything else is refused.

import type { Refusal } from "../base/refusal.ts";
import type { Reply } from "../base/send.ts";
import type { Asked } from "../request/format.ts";
import { mayYield } from "./allowed-type.ts";
import { type Failure, failureFor } from "./codes.ts";
import { judge, originalEtag, typeOf } from "./judge.ts";

/** The type of the bytes that may be passed on. */
export type Passed = { readonly type: string };

type Seen = Pick<Reply, "status" | "headers" | "text">;

/**
 * Passes an answer only if the edge made its bytes, and their type is one that the variant may yield.
 */
export function guard(reply: Seen, asked: Asked): Passed | Refusal {
  const { status, headers } = reply;
  const type = typeOf(headers);
  // What the edge said of another object is no proof: this one may have taken its place (C1).
  const tag = originalEtag(headers);
  const original = tag !== undefined && tag === asked.tag ? asked.original : "unknown";
  const { result, warning } = judge(reply, original);
  if (result !== "made")
    return warning ? { event: warning, status, type } : readFailure(reply, asked);
  if (type === "image/svg+xml") {
    if (asked.svg) return { type };
    return { event: "source-unreadable", status, type, certain: isOfObject(asked.variant) };
  }
  // Only a GIF may move: an animation of another type that was not transformed looks like one that was (O8).
  const mayMove = asked.still || asked.original !== "unknown";
  return mayMove && mayYield(asked, type) ? { type } : { event: "wrong-type", status, type };
}

/** What an answer means that the edge did not make, and whether it is certain of the object. */
export function readFailure(
  { status, headers, text }: Seen,
  { variant }: Pick<Asked, "variant">,
): Failure {
  const resized = headers.get("cf-resized") ?? "";
  const code = /\berr=(\d{4})\b/.exec(resized) ?? /^ERROR (\d{4})\b/.exec(text); // R3
  const failure = { ...failureFor(status, code?.[1], text), type: typeOf(headers) };
  const isWord = failure.event === "object-missing" || failure.event === "source-unreadable";
  return isWord ? { ...failure, certain: isOfObject(variant) } : failure;
}

/** The edge does not say whether it means the object or an overlay (O12). */
function isOfObject({ image }: Asked["variant"]): boolean {
  return !image.draw;
}
