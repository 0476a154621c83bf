// Checks the headers that a visitor gets, HEAD, and conditional requests.

import { PROTECTION } from "../../worker/answer/answer.ts";
import { ACCEPTS, type Answer, askSite, type NoAnswer } from "./ask-site.ts";
import { type Finding, found, note, well } from "./finding.ts";

/** What the Worker sends, by its configuration. */
export type Expected = {
  /** Whether the format depends on the browser. */
  readonly negotiated: boolean;
  readonly signed: boolean;
  /** Seconds; max_age in wrangler.toml. */
  readonly maxAge: number;
};

/** Whether the headers are as the Worker sends them. */
export function headersOf(about: string, { headers }: Answer, expected: Expected): Finding[] {
  const { negotiated, signed, maxAge } = expected;
  const varies = /\baccept\b/i.test(headers.get("vary") ?? "");
  const control = headers.get("cache-control") ?? "none";
  const isRight = signed
    ? /^public, max-age=\d+, must-revalidate/.test(control)
    : control === `public, max-age=${maxAge}`;
  const changed = Object.entries(PROTECTION).filter(([name, value]) => headers.get(name) !== value);
  const leaked = [...headers.keys()].filter((name) => name.startsWith("x-amz-"));
  const names = changed.map(([name]) => name).join(", ");
  return [
    ...(negotiated && !varies ? [found(about, "vary-missing", {})] : []),
    isRight
      ? well(about, "cache", `cache-control: ${control}${varies ? "; vary: accept" : ""}`)
      : found(about, "cache-control-changed", { control, maxAge }),
    ...(leaked.length > 0 ? [found(about, "s3-headers-shown", { names: leaked.join(", ") })] : []),
    changed.length === 0
      ? well(about, "headers", "nosniff, a policy that allows nothing, and no header of S3")
      : found(about, "headers", { names }),
  ];
}

/** HEAD, and the request of a browser that has the image already. */
export async function conditionsOf(
  about: string,
  query: string,
  first: Answer,
): Promise<Finding[]> {
  const headers = { accept: ACCEPTS[0][1] };
  const head = await askSite(about + query, { method: "HEAD", headers });
  const type = first.headers.get("content-type");
  const isSame =
    "status" in head && head.status === 200 && head.headers.get("content-type") === type;
  const heads = isSame
    ? well(about, "headers", "HEAD gets the same headers as GET, and no body")
    : found(about, "head-refused", { answer: inShort(head) });
  const etag = first.headers.get("etag");
  if (etag === null) {
    const again =
      "there is no etag, so browsers download the image again: the original has none, or something in front removes it";
    return [heads, note(about, "cache", again)];
  }
  const again = await askSite(about + query, { headers: { ...headers, "if-none-match": etag } });
  const isUnchanged = "status" in again && again.status === 304;
  return [
    heads,
    isUnchanged
      ? well(about, "cache", "304 for browsers that have the image already")
      : found(about, "cache", { answer: inShort(again) }),
  ];
}

function inShort(answer: Answer | NoAnswer): string | number {
  return "status" in answer ? answer.status : answer.reason;
}
