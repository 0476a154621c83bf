// What a visitor gets: the image, in the format that his browser reads, with the right headers, and never
// the original.

import type { Variant } from "../../worker/config/preset.ts";
import type { BoundRoute } from "../../worker/config/routes.ts";
import { mayYield } from "../../worker/edge/allowed-type.ts";
import { chooseFormat, readAccept } from "../../worker/request/format.ts";
import type { Operator } from "../project/operator.ts";
import { ACCEPTS, type Answer, isSame, visit } from "./ask-site.ts";
import { type Cause, type Finding, found, well } from "./finding.ts";
import { conditionsOf, headersOf } from "./headers.ts";
import { originalsOf } from "./originals.ts";
import { sniff } from "./sniff.ts";
import { statusCause } from "./status-causes.ts";

/** A picture to ask for. */
export type Visit = {
  readonly route: BoundRoute;
  /** As in the URL. */
  readonly name: string;
  readonly variant: Variant;
  readonly base: string;
  readonly path: string;
  /** The part of the path that is the object's, encoded. */
  readonly key: string;
  readonly query: string;
  /** Undefined where it cannot be read from here. */
  readonly original: Uint8Array | undefined;
};

const SVG = "image/svg+xml";

/**
 * Asks for a picture as browsers of three kinds do, and in other ways.
 * @param tricks whether to try to get an original out as well
 */
export async function examineVisit(
  operator: Operator,
  asked: Visit,
  tricks: boolean,
): Promise<Finding[]> {
  const { route, base, path, query, variant, name } = asked;
  const about = base + path;
  const findings: Finding[] = [];
  const types: string[] = [];
  let first: Answer | undefined;
  for (const [reads, accept] of ACCEPTS) {
    const answer = await visit(about + query, { headers: { accept } });
    if (typeof answer === "string") return [found(about, noAnswer(answer))];
    if (answer.status !== 200)
      return [...findings, found(about, statusCause(answer.status, path, operator.local))];
    const type = (answer.headers.get("content-type") ?? "").replace(/;.*/s, "");
    // A clean SVG is passed on as it is (R8).
    const passed = type === SVG && route.svg;
    if (!passed && isSame(answer.bytes, asked.original)) return [...findings, found(about, LEAK)];
    const chosen = chooseFormat(variant, readAccept(accept), route.svg);
    if (sniff(answer.bytes) !== type || !(passed || mayYield(chosen, type))) {
      return [...findings, found(about, wrongFormat(reads, type, sniff(answer.bytes)))];
    }
    types.push(`${type.replace("image/", "")} for ${reads}`);
    first ??= answer;
  }
  if (first === undefined) return findings;
  findings.push(
    well(
      about,
      "image",
      `${name}: ${first.bytes.length.toLocaleString("en")} bytes; the edge transforms`,
    ),
  );
  findings.push(well(about, "formats", types.join(", ")));
  const negotiated = variant.format === "auto" && !route.svg;
  findings.push(...headersOf(operator, about, first, negotiated, route.signing !== undefined));
  findings.push(...(await conditionsOf(about, query, first)));
  // Of an SVG there is nothing but the original (R8).
  if (tricks && sniff(first.bytes) !== SVG)
    findings.push(...(await originalsOf(operator, about, asked, first)));
  return findings;
}

function noAnswer(reason: string): Cause {
  return {
    check: "image",
    what: `no answer: ${reason}`,
    why: "visitors see no image",
    remedy: "see that the domain leads to Cloudflare, and that this machine has a network",
  };
}

const LEAK: Cause = {
  check: "originals",
  what: "the answer is the original, byte for byte",
  why: "originals are to stay in the bucket",
  remedy:
    "see which Worker is at that URL: npx wrangler deployments list. This one's guard lets none through",
};

function wrongFormat(reads: string, type: string, real: string | undefined): Cause {
  return {
    check: "formats",
    what: `who reads ${reads} gets ${type || "no type"}${real === type ? "" : `, and it is ${real ?? "no image"}`}`,
    why: "browsers show a broken image, or get more bytes than they need",
    remedy:
      "something keeps one format for all: a cache rule of the zone that ignores the Worker's vary, or cache.enabled in wrangler.toml: turn it off for this host",
  };
}
