// Asks S3 itself, from this machine, and tells also what kept it from answering.

import { readSaid } from "../probe.ts";
import type { Said } from "../verdict.ts";

export type S3Answer = Said & {
  /** The body of an answer that is no object. */
  readonly text: string;
  /** Why no answer came, or no whole one: the code of Node.js, as `ENOTFOUND`; `timeout`; or words. */
  readonly failure?: string;
};

/** How long an answer may take, if nobody says. */
export const PATIENCE_S = 10;

/**
 * Sends one request, and follows no redirect. An object's bytes are not read.
 * @param now milliseconds since 1970, as signed
 * @param patience seconds that the answer may take
 */
export async function askS3(
  url: string,
  { method = "GET", headers }: { readonly method?: "GET" | "PUT"; readonly headers: Headers },
  now: number,
  patience = PATIENCE_S,
): Promise<S3Answer> {
  const { bytes: _bytes, ...answer } = await send(url, { method, headers }, now, patience, false);
  return answer;
}

/**
 * Fetches an object whole, or the part that the headers ask for. There are bytes where S3 gave all of it.
 * @param patience seconds that all of it may take
 */
export function fetchObject(
  url: string,
  headers: Headers,
  now: number,
  patience: number,
): Promise<S3Answer & { readonly bytes?: Uint8Array }> {
  return send(url, { headers }, now, patience, true);
}

async function send(
  url: string,
  init: RequestInit,
  now: number,
  patience: number,
  reads: boolean,
): Promise<S3Answer & { bytes?: Uint8Array }> {
  const signal = AbortSignal.timeout(patience * 1000);
  let said: Said = {};
  try {
    const answer = await fetch(url, { ...init, redirect: "manual", signal });
    const isObject =
      answer.ok && (reads || !/\bxml\b/.test(answer.headers.get("content-type") ?? ""));
    said = readSaid(answer, "", now);
    if (isObject && !reads) {
      await answer.body?.cancel();
      return { ...said, text: "" };
    }
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (isObject) return { ...said, text: "", bytes };
    const text = new TextDecoder().decode(bytes);
    return { ...readSaid(answer, text, now), text };
  } catch (error) {
    return { ...said, text: "", failure: signal.aborted ? "timeout" : codeOf(error) };
  }
}

/** What Node.js calls a failure of the network: of the error, or of what caused it; else in words. */
export function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return `${error}`;
  if ("code" in error && typeof error.code === "string") return error.code;
  const inner: unknown = error instanceof AggregateError ? error.errors[0] : error.cause;
  return inner instanceof Error ? codeOf(inner) : error.message;
}
