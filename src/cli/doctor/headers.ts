// Checks the headers that a visitor gets, HEAD, and conditional requests.

import { PROTECTION } from "../../worker/answer/answer.ts";
import type { Body } from "../net/body.ts";
import { ACCEPTS, askSite, type NoAnswer } from "./ask-site.ts";
import { type Diagnosis, diagnose, note, well } from "./finding.ts";
import type { Visit } from "./image.ts";

/** @param maxAge seconds; `max_age` in wrangler.toml */
export function headersOf({ headers }: Body, { route, variant }: Visit, maxAge: number) {
  const diagnoses: Diagnosis[] = [];
  const varies = /\baccept\b/i.test(headers.get("vary") ?? "");
  if (variant.format === "auto" && !route.svg && !varies) {
    diagnoses.push(diagnose("vary-missing", {}));
  }
  const control = headers.get("cache-control") ?? "none";
  const isRight =
    route.signing === undefined
      ? control === `public, max-age=${maxAge}`
      : /^public, max-age=\d+, must-revalidate/.test(control);
  diagnoses.push(
    isRight
      ? well("cache", `cache-control: ${control}${varies ? "; vary: accept" : ""}`)
      : diagnose("cache-control-changed", { control, maxAge }),
  );
  const leaked = [...headers.keys()].filter((name) => name.startsWith("x-amz-")).join(", ");
  if (leaked !== "") diagnoses.push(diagnose("s3-headers-shown", { names: leaked }));
  const changed = Object.entries(PROTECTION).filter(([name, value]) => headers.get(name) !== value);
  diagnoses.push(
    changed.length === 0
      ? well("headers", "nosniff, a policy that allows nothing, and no header of S3")
      : diagnose("headers", { names: changed.map(([name]) => name).join(", ") }),
  );
  return diagnoses;
}

/** HEAD, and the request of a browser that has the image already. */
export async function conditionsOf(url: string, first: Body): Promise<Diagnosis[]> {
  const headers = { accept: ACCEPTS[0][1] };
  const head = await askSite(url, { method: "HEAD", headers });
  const type = first.headers.get("content-type");
  const isSame =
    "status" in head && head.status === 200 && head.headers.get("content-type") === type;
  const heads = isSame
    ? well("headers", "HEAD gets the same headers as GET, and no body")
    : diagnose("head-refused", { answer: inShort(head) });
  const etag = first.headers.get("etag");
  if (etag === null) {
    const why = "the original has none, or something in front removes it";
    return [heads, note("cache", `there is no etag, so browsers download the image again: ${why}`)];
  }
  const again = await askSite(url, { headers: { ...headers, "if-none-match": etag } });
  const isUnchanged = "status" in again && again.status === 304;
  return [
    heads,
    isUnchanged
      ? well("cache", "304 for browsers that have the image already")
      : diagnose("cache", { answer: inShort(again) }),
  ];
}

function inShort(answer: Body | NoAnswer): string | number {
  return "status" in answer ? answer.status : answer.reason;
}
