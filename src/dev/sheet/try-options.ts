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
type Try = ResolvedRequest &
  Pick<LocalConfig, "config"> & {
    readonly lines: readonly string[];
  };

/** Options in place of the preset's own. The schema of presets checks them. */
type Change = {
  readonly quality?: string | number;
  readonly format?: string;
  readonly gravity?: { readonly x: string | number; readonly y: string | number };
};

/** How long a picture may take: ms. Longer than a visitor would wait, since this machine may be busy. */
const TIMEOUT_MS = 60_000;

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

  switch (result.kind) {
    case "not-modified":
      throw new Error("a try is made without a condition");

    case "refusal": {
      const { event } = result.refusal;
      const { reason } = detailsOf(result.refusal);
      if (!reason) return refuse(502, `no such picture was made: ${event}`);
      return refuse(502, `no such picture was made: ${event}, ${reason}`);
    }

    default: {
      const { body, type } = result.rendition;
      const bytes = new Uint8Array(await new Response(body).arrayBuffer());
      const note = await qualityNote(ids[0], scope);
      const allLines = note === undefined ? lines : [...lines, note];
      return { status: 200, type, body: bytes, lines: allLines.join("\n") };
    }
  }
}

/** Returns a comment for the lines if the Worker asks for a lower quality than the preset's. */
async function qualityNote(
  { bucket, key, variant, formats }: RenditionId,
  scope: RequestScope,
): Promise<string | undefined> {
  const object = await openObject(bucket, key, { ...scope, part: "head" });
  if (isRefusal(object)) return undefined;

  const header = await readHeader(bucket, key, object, scope);
  const source = describeSource(object, header);
  const { image } = createTransformRequest(variant, formats, source);
  if (image.quality === variant.image.quality) return undefined;

  return `# this original has few bytes, so it is asked for with quality ${image.quality}`;
}

/** The path of a public URL without its signature, and the options. `x` and `y` are the focal point. */
const PARAMETERS = ["of", "format", "quality", "x", "y"];

/** Parses the query of a try: PARAMETERS. */
export function parseTry(
  { config, vars }: LocalConfig,
  query: URLSearchParams,
): Try | CommandFault {
  const names = [...query.keys()];
  const isRepeated = new Set(names).size < names.length;
  if (isRepeated || names.some((name) => !PARAMETERS.includes(name))) {
    return { fault: `a try has each of ${PARAMETERS.join(", ")} at most once` };
  }

  const request = resolveRequest(config, query.get("of") ?? "");
  if (request.kind === "unresolved") return { fault: `of is no path: ${request.refusal.event}` };

  const { route, variant } = request;
  const preset = presetsOf(vars).get(variant.preset);
  if (preset === undefined) return { fault: `there is no preset ${variant.preset}` };

  if (query.has("x") !== query.has("y")) return { fault: "x and y come together" };

  // The edge never turns an SVG into another format (R8).
  if (route.svg && query.has("format")) {
    return { fault: "this route has svg = true: the Worker asks the edge for no format there" };
  }

  const change = readChange(query);
  const changedVariant = changeVariant(request, preset, change);
  if (isFault(changedVariant)) return changedVariant;

  // A try is not stored.
  const lines = configLines(variant.preset, preset, change);
  const tryConfig = { ...config, store: undefined };
  return { ...request, config: tryConfig, variant: changedVariant, lines };
}

function readChange(query: URLSearchParams): Change {
  const quality = query.get("quality");
  const format = query.get("format");
  const x = query.get("x");
  const y = query.get("y");

  return {
    ...(quality !== null && { quality: parseNumber(quality) }),
    ...(format !== null && { format }),
    ...(x !== null && y !== null && { gravity: { x: parseNumber(x), y: parseNumber(y) } }),
  };
}

/** `80` → 80, `0.25` → 0.25; any other text stays text, which the schema refuses or knows. */
function parseNumber(text: string): number | string {
  const isNumber = /^\d{1,4}(?:\.\d{1,6})?$/.test(text);
  return isNumber ? Number(text) : text;
}

/** Returns a variant of a preset with other options, or why there can be no such picture. */
function changeVariant(
  { variant, variantName }: ResolvedRequest,
  preset: Preset,
  change: Change,
): Variant | CommandFault {
  const { preset: presetName } = variant;
  const variants = new Map(variantsOfPreset(presetName, preset));
  const original = variants.get(variantName);
  if (original === undefined) return { fault: `${presetName} has no variant ${variantName}` };

  // No AVIF has a side over 1,200 px (O7).
  if (change.format === "avif" && !original.avif) {
    return {
      fault:
        "the edge makes no AVIF with a side over 1,200 px: with format auto, browsers get WebP here",
    };
  }

  // A preset that has this variant alone is checked: another size of the preset may not go with the change.
  const { dpr, ...image } = original.image;
  const options = {
    ...image,
    ...(dpr !== undefined && { dpr: [dpr] }),
    format: original.format,
    ...change,
  };
  const faults: string[] = [];
  const report = (path: string, message: string) => faults.push(`${path}: ${message}`);
  const checked = presetSchema(options, presetName, report);
  if (checked === undefined) return { fault: faults.join("; ") };

  // The preset comes first, and then its size with the `dpr`, if it has one.
  const last = variantsOfPreset(presetName, checked).at(-1);
  if (last === undefined) return { fault: faults.join("; ") };

  const [, changedVariant] = last;
  return changedVariant;
}

/** The lines to copy, with a comment in place of a format that the preset as a whole cannot have (O7). */
function configLines(name: string, preset: Preset, change: Change): readonly string[] {
  const { quality, format, gravity } = change;
  const lines: string[] = [];

  if (quality !== undefined) lines.push(`quality = ${JSON.stringify(quality)}`);

  if (format !== undefined) {
    const isValid = presetSchema({ ...preset, ...change }, name, () => {}) !== undefined;
    if (isValid) lines.push(`format = ${JSON.stringify(format)}`);
    else lines.push("# no format: a size of it is over 1,200 px");
  }

  if (gravity !== undefined) lines.push(`gravity = { x = ${gravity.x}, y = ${gravity.y} }`);
  return lines;
}
