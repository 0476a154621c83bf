import type { Refusal } from "../base/refusal.ts";
import { type Asked, mayYield } from "../request/format.ts";
import type { EdgeAnswer } from "./ask-edge.ts";
import { type Failure, refusalOf } from "./codes.ts";

/** True if the edge says that it made what it answers. The rest of the header is opaque (R1). */
export function isMade({ status, headers }: Pick<EdgeAnswer, "status" | "headers">): boolean {
  return status === 200 && /^internal=(?:ok|ram)\b/.test(headers.get("cf-resized") ?? "");
}

/** The type of the bytes that may be passed on. */
export type Passed = { readonly type: string };

/**
 * Lets an answer pass only if the edge says that it transformed the image (R1), does not warn that
 * it did not after all (R6), and gives it a type that the variant may yield. All else is refused:
 * with transformations off, the edge hands back the full original with 200 (R2).
 */
export function guard(
  answer: Pick<EdgeAnswer, "status" | "headers" | "text">,
  asked: Asked,
): Passed | Refusal {
  const { status, headers } = answer;
  if (!isMade(answer)) return failureOf(answer);
  const type = typeOf(headers);
  if (type === "image/svg+xml") {
    return asked.svg ? { type } : { event: "source-unreadable", status, type };
  }
  // After these warnings the bytes are the original's, or may be (O7, R6).
  const warning = headers.get("warning") ?? "";
  if (/too large for avif/i.test(warning)) return { event: "too-large-for-avif", status, type };
  const { original = type } = asked;
  if (/original is smaller/i.test(warning) && original === type) {
    return { event: "original-is-smaller", status, type };
  }

  return mayYield(asked, type) ? { type } : { event: "wrong-type", status, type };
}

/** What an answer means that the edge does not say it made. */
export function failureOf({
  status,
  headers,
  text,
}: Pick<EdgeAnswer, "status" | "headers" | "text">): Failure {
  const resized = headers.get("cf-resized") ?? "";
  const code = /\berr=(\d{4})\b/.exec(resized) ?? /^ERROR (\d{4})\b/.exec(text); // R3
  return { ...refusalOf(status, code?.[1], text), type: typeOf(headers) };
}

function typeOf(headers: Headers): string {
  return (headers.get("content-type") ?? "").replace(/;.*/s, "").trim().toLowerCase();
}
