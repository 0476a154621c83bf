// Asks S3 itself, from this machine, and tells also what kept it from answering.

import { readSaid } from "../probe.ts";
import type { Said } from "../verdict.ts";

export type S3Answer = Said & {
  /** The body of an answer that is no part of an object. */
  readonly text: string;
  /** Why no answer came: the code of Node.js, as `ENOTFOUND`; `timeout`; or `unknown`. */
  readonly failure?: string;
};

const PATIENCE_MS = 10_000;

/**
 * Sends one request, and follows no redirect. An object's bytes are not read.
 * @param now milliseconds since 1970, as signed
 */
export async function askS3(
  url: string,
  { method = "GET", headers }: { readonly method?: "GET" | "PUT"; readonly headers: Headers },
  now: number,
): Promise<S3Answer> {
  const signal = AbortSignal.timeout(PATIENCE_MS);
  try {
    const answer = await fetch(url, { method, headers, redirect: "manual", signal });
    const xml = /\bxml\b/.test(answer.headers.get("content-type") ?? "");
    const text = xml || !answer.ok ? await answer.text() : "";
    if (!xml && answer.ok) await answer.body?.cancel();
    return { ...readSaid(answer, text, now), text };
  } catch (error) {
    return { text: "", failure: signal.aborted ? "timeout" : codeOf(error) };
  }
}

/** Of the error, or of the one that it was caused by. */
function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "unknown";
  if ("code" in error && typeof error.code === "string") return error.code;
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner === undefined ? "unknown" : codeOf(inner);
}
