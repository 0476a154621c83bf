// Renders a picture with other options than its preset's, as the Worker does, by the engine of the local run. The Worker's
// own guard checks the result, so no byte of an original reaches the page.

import { presetsOf } from "../../cli/app-file/generate.ts";
import { type CommandFault, isFault } from "../../cli/command.ts";
import { type RenditionId, renditionIdsOf } from "../../worker/cache/rendition-url.ts";
import {
  type Preset,
  presetSchema,
  type Variant,
  variantsOfPreset,
} from "../../worker/config/preset.ts";
import { detailsOf, isRefusal } from "../../worker/http/refusal.ts";
import { NO_CONTEXT, type RequestScope } from "../../worker/http/send.ts";
import { openObject, readHeader } from "../../worker/origin/open-object.ts";
import { describeSource } from "../../worker/origin/sides.ts";
import { render } from "../../worker/renditions.ts";
import { acceptedFormatsOf } from "../../worker/request/accept.ts";
import { type ResolvedRequest, resolveRequest } from "../../worker/request/resolve-request.ts";
import { createTransformRequest } from "../../worker/request/transform-request.ts";
import type { LocalConfig } from "./sheet-objects.ts";

export type Answer = {
  readonly status: 200 | 400 | 404 | 502 | 503;
  readonly type: string;
  readonly body: Uint8Array | string;
  /** The lines of wrangler.toml for a preset with these options. */
  readonly lines?: string;
  /** The headers `Set-Cookie`. */
  readonly cookies?: readonly string[];
};

/** A picture of the local run, the variant to make of it, and the lines for its preset. */
type Try = ResolvedRequest & Pick<LocalConfig, "config"> & { readonly lines: string };

/** Options in place of the preset's own. The schema of presets checks them. */
type Change = {
  readonly quality?: string | number;
  readonly format?: string;
  readonly gravity?: { readonly x: string | number; readonly y: string | number };
};

/** How long a picture may take: ms. Longer than a visitor would wait, since this machine may be busy. */
const TIMEOUT_MS = 60_000;
/** O7 */
const NO_AVIF =
  "the edge makes no AVIF with a side over 1,200 px: with format auto, browsers get WebP here";
const PARAMETERS = ["of", "format", "quality", "x", "y"];

export function refuse(status: 400 | 404 | 502 | 503, reason: string): Answer {
  return { status, type: "text/plain", body: `${reason}\n` };
}

/** Renders one picture. `globalThis.fetch` must lead to the edge and to S3. */
export async function renderTry({ config, lines, ...request }: Try): Promise<Answer> {
  const { route, variant } = request;
  const formats = acceptedFormatsOf(variant, { avif: true, webp: true }, route.svg);
  const ids = renditionIdsOf(request, { version: undefined, formats });
  const deadline = Date.now() + TIMEOUT_MS;
  const scope = { config, context: NO_CONTEXT, deadline, condition: null };
  const result = await render(ids, scope);
  if (result.kind === "not-modified") throw new Error("a try is made without a condition");
  if (result.kind === "refusal") {
    const { event } = result.refusal;
    const { reason } = detailsOf(result.refusal);
    return refuse(502, `no such picture was made: ${event}${reason ? `, ${reason}` : ""}`);
  }
  const { body, type } = result.rendition;
  const bytes = new Uint8Array(await new Response(body).arrayBuffer());
  const note = await noteOfQuality(ids[0], scope);
  return { status: 200, type, body: bytes, lines: [lines, note].filter(Boolean).join("\n") };
}

/** Returns a comment for the lines where the Worker asks for a lower quality than the preset's. */
async function noteOfQuality(
  { bucket, key, variant, formats }: RenditionId,
  scope: RequestScope,
): Promise<string> {
  const object = await openObject(bucket, key, { ...scope, part: "head" });
  if (isRefusal(object)) return "";

  const header = await readHeader(bucket, key, object, scope);
  const { image } = createTransformRequest(variant, formats, describeSource(object, header));
  if (image.quality === variant.image.quality) return "";
  return `# this original has few bytes, so it is asked for with quality ${image.quality}`;
}

/**
 * Parses the query of a try.
 * @param query `of`, the path of a public URL without its signature, then the options: `format`, `quality`, and the
 *   focal point `x` and `y`
 */
export function parseTry(
  { config, vars }: LocalConfig,
  query: URLSearchParams,
): Try | CommandFault {
  const names = [...query.keys()];
  if (new Set(names).size < names.length || names.some((name) => !PARAMETERS.includes(name))) {
    return { fault: `a try has each of ${PARAMETERS.join(", ")} at most once` };
  }
  const request = resolveRequest(config, query.get("of") ?? "");
  if (request.kind === "unresolved") return { fault: `of is no path: ${request.refusal.event}` };
  const { route, variant } = request;
  const preset = presetsOf(vars).get(variant.preset);
  if (preset === undefined) return { fault: `there is no preset ${variant.preset}` };
  const [format, quality, x, y] = PARAMETERS.slice(1).map((name) => query.get(name) ?? undefined);
  if ((x === undefined) !== (y === undefined)) return { fault: "x and y come together" };
  if (route.svg && format !== undefined) {
    return { fault: "this route has svg = true: the Worker asks the edge for no format there" }; // R8
  }
  const change = {
    ...(quality !== undefined && { quality: parseNumber(quality) }),
    ...(format !== undefined && { format }),
    ...(x !== undefined &&
      y !== undefined && { gravity: { x: parseNumber(x), y: parseNumber(y) } }),
  };

  const tried = changeVariant(request, preset, change);
  if (isFault(tried)) return tried;

  const lines = configLines(variant.preset, preset, change);
  return { ...request, config: { ...config, store: undefined }, variant: tried, lines };
}

/** `80` → 80, `0.25` → 0.25; any other text stays text, which the schema refuses or knows. */
function parseNumber(text: string): number | string {
  return /^\d{1,4}(?:\.\d{1,6})?$/.test(text) ? Number(text) : text;
}

/** Returns a variant of a preset with other options, or why there can be no such picture. */
function changeVariant(
  { variant, variantName }: ResolvedRequest,
  preset: Preset,
  change: Change,
): Variant | CommandFault {
  const { preset: presetName } = variant;
  const original = new Map(variantsOfPreset(presetName, preset)).get(variantName);
  if (original === undefined) return { fault: `${presetName} has no variant ${variantName}` };
  if (change.format === "avif" && !original.avif) return { fault: NO_AVIF };

  const { dpr, ...image } = original.image;
  const options = { ...image, ...(dpr !== undefined && { dpr: [dpr] }) };
  const faults: string[] = [];
  const report = (path: string, message: string) => faults.push(`${path}: ${message}`);
  const changed = { ...options, format: original.format, ...change };
  const checked = presetSchema(changed, presetName, report);

  const result = checked && variantsOfPreset(presetName, checked).at(-1)?.[1];
  return result ?? { fault: faults.join("; ") };
}

/** The lines to copy, with a comment in place of a format that the preset as a whole cannot have (O7). */
function configLines(name: string, preset: Preset, change: Change): string {
  const isValid = presetSchema({ ...preset, ...change }, name, () => {}) !== undefined;
  const lines = Object.entries(change).map(([option, value]) => {
    if (option === "format" && !isValid) return "# no format: a size of it is over 1,200 px";
    if (typeof value !== "object") return `${option} = ${JSON.stringify(value)}`;
    return `${option} = { x = ${value.x}, y = ${value.y} }`;
  });
  return lines.join("\n");
}
