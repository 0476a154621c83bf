// The facts of a picture, which a route with `facts` shows: its size, and the size and type of its
// original. They are written anew: nothing else that the edge tells gets out.

import { isTable, json } from "../base/json.ts";
import { isRefusal, type Refusal } from "../base/refusal.ts";
import type { Variant } from "../config/preset.ts";
import type { SignedHeaders } from "../origin/sigv4.ts";
import type { Asked, OriginalType } from "../request/format.ts";
import { askEdge } from "./ask-edge.ts";
import { readFailure } from "./guard.ts";
import { judge, namedType, typeOf } from "./judge.ts";
import { factsOptions } from "./original.ts";
import { passedHeaders } from "./passed-headers.ts";
import type { Rendition } from "./rendition.ts";
import { type Size, uprightSize } from "./upright-size.ts";

/** The answer, as JSON. */
type Facts = Size & {
  /** Each only if it is certain. The size is upright. */
  readonly original: Partial<Size> & { readonly type?: Exclude<OriginalType, "unknown"> };
};

/** More than any side that the edge reads or makes (L1): px. */
const LONGEST_SIDE = 100_000;

/**
 * Has the edge tell the facts of a rendition (R9), with the options of the rendition itself.
 * @param headers those that sign the origin request
 * @param deadline until when the whole answer may take: ms since 1970
 */
export async function makeFacts(
  url: string,
  headers: SignedHeaders,
  asked: Asked,
  deadline: number,
): Promise<Rendition | Refusal> {
  const reply = await askEdge(url, headers, factsOptions(asked), deadline);
  if (isRefusal(reply)) return reply;
  if (judge(reply).result === "not-made") return readFailure(reply, asked);
  const told = json(reply.text);
  const { status } = reply;
  if (!isTable(told)) return { event: "wrong-type", status, type: typeOf(reply.headers) };
  const facts = readTold(told, asked.variant.image);
  if (facts) return renditionOf(facts, reply.headers);
  return { event: "edge-failed", status, reason: "the edge tells no size" };
}

/** Reads what the edge tells. @returns undefined if a size is missing or cannot be one */
export function readTold(told: unknown, image: Variant["image"]): Facts | undefined {
  const size = sizeIn(told);
  const original = isTable(told) ? told["original"] : undefined;
  const stored = sizeIn(original);
  if (!size || !stored) return undefined;
  const type = typeIn(original, "format");
  return {
    ...size,
    original: { ...uprightSize(stored, size, image, type ?? "unknown"), ...(type && { type }) },
  };
}

/** Reads facts that were written before. @returns undefined if this code cannot have written them */
export function readFacts(text: string): Facts | undefined {
  const facts = json(text);
  const size = sizeIn(facts);
  const original = isTable(facts) ? facts["original"] : undefined;
  if (!size || !isTable(original)) return undefined;
  const upright = sizeIn(original);
  const type = typeIn(original, "type");
  const isSized = "width" in original || "height" in original;
  if ((isSized && !upright) || ("type" in original && type !== original["type"])) return undefined;
  return { ...size, original: { ...upright, ...(type && { type }) } };
}

/** Facts in place of a rendition. @param from the headers of the answer that told them */
export function renditionOf(facts: Facts, from: Headers): Rendition {
  const text = JSON.stringify(facts);
  const headers = new Headers({
    ...passedHeaders(from, false),
    "content-length": `${text.length}`,
  });
  const { body } = new Response(text);
  return { status: 200, headers, body, text, type: "application/json", standsIn: false };
}

function sizeIn(value: unknown): Size | undefined {
  const { width, height } = isTable(value) ? value : {};
  return isSide(width) && isSide(height) ? { width, height } : undefined;
}

function isSide(value: unknown): value is number {
  return Number.isInteger(value) && Number(value) >= 1 && Number(value) <= LONGEST_SIDE;
}

function typeIn(value: unknown, name: string): Exclude<OriginalType, "unknown"> | undefined {
  const text = isTable(value) ? value[name] : undefined;
  const type = typeof text === "string" ? namedType(text) : "unknown";
  return type === "unknown" ? undefined : type;
}
