// Checks an image as three kinds of browsers get it: its format, its headers, HEAD, and conditional
// requests; and that it is not the original.

import { PROTECTION } from "../../worker/answer/answer.ts";
import { mayYield } from "../../worker/edge/guard.ts";
import {
  acceptedFormatsOf,
  createTransformRequest,
  readAccept,
} from "../../worker/request/format.ts";
import type { Project } from "../config/project.ts";
import { isOutOfCache } from "../http/ask-picture.ts";
import type { Body } from "../http/body.ts";
import { sniff } from "../picture/sniff.ts";
import { ACCEPTS, askSite, isSame, type NoAnswer, type Visit } from "./ask-site.ts";
import { diagnoseStatus } from "./diagnose-site.ts";
import { type Diagnosis, diagnose, note, well } from "./finding.ts";
import { originalsOf } from "./originals.ts";

const SVG = "image/svg+xml";

/** @param tricks whether to try to get an original out as well */
export async function examineVisit(
  { config, local }: Project,
  visit: Visit,
  tricks: boolean,
): Promise<readonly Diagnosis[]> {
  const { diagnoses, first } = await examineImage(visit, local);
  if (first === undefined) return diagnoses;
  // An SVG has no rendition but the original (R8).
  const isTried = tricks && sniff(first.bytes) !== SVG;
  const allows = (name: string) => config.variants.has(name);
  return [
    ...diagnoses,
    ...headersOf(first, visit, config.answers.max_age),
    ...(await conditionsOf(visit.base + visit.path + visit.query, first)),
    ...(isTried ? [await originalsOf(visit, allows, first)] : []),
  ];
}

/** @returns what is found, and what the first browser gets if nothing is wrong */
async function examineImage(
  { route, base, path, query, variant, name, original }: Visit,
  local: boolean,
): Promise<{ readonly diagnoses: readonly Diagnosis[]; readonly first?: Body | undefined }> {
  const wrong = (diagnosis: Diagnosis) => ({ diagnoses: [diagnosis] });
  const types: string[] = [];
  let first: Body | undefined;
  for (const [reads, accept] of ACCEPTS) {
    const answer = await askSite(base + path + query, { headers: { accept } });
    if ("reason" in answer) return wrong(diagnose("site-silent", answer));
    if (answer.status !== 200) return wrong(diagnoseStatus(answer.status, path, local));
    const type = (answer.headers.get("content-type") ?? "").replace(/;.*/s, "");
    // A clean SVG is passed on as it is (R8).
    const passed = type === SVG && route.svg;
    if (!passed && isSame(answer.bytes, original)) return wrong(diagnose("originals", {}));
    const formats = acceptedFormatsOf(variant, readAccept(accept), route.svg);
    const chosen = createTransformRequest(variant, formats);
    const real = sniff(answer.bytes);
    if (real !== type || !(passed || mayYield(chosen, type))) {
      const but = real === type ? "" : `, but the bytes are ${real ?? "no image"}`;
      return wrong(diagnose("formats", { reads, type: (type || "no type") + but }));
    }
    types.push(`${type.replace("image/", "")} for ${reads}`);
    first ??= answer;
  }
  const size = first?.bytes.length.toLocaleString("en");
  // What was kept would come also if the edge transformed nothing now (W8).
  const isKept = first !== undefined && isOutOfCache(first.headers);
  const how = isKept ? "out of Workers Cache, or the store" : "it is transformed";
  const image = well("image", `${name}: ${size} bytes; ${how}`);
  return { diagnoses: [image, well("formats", types.join(", "))], first };
}

/** @param maxAge seconds; `max_age` in wrangler.toml */
function headersOf({ headers }: Body, { route, variant }: Visit, maxAge: number) {
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
async function conditionsOf(url: string, first: Body): Promise<Diagnosis[]> {
  const headers = { accept: ACCEPTS[0][1] };
  const head = await askSite(url, { method: "HEAD", headers });
  const type = first.headers.get("content-type");
  const isLike =
    "status" in head && head.status === 200 && head.headers.get("content-type") === type;
  const heads = isLike
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
