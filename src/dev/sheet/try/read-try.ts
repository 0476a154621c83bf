// Reads the query of a try: which picture, and which options it has in place of the preset's. Pure.

import type { Config } from "../../../worker/config/config.ts";
import type { Preset, Variant } from "../../../worker/config/preset.ts";
import { type ResolvedRequest, resolveRequest } from "../../../worker/request/resolve-request.ts";
import { type Change, tryVariant } from "./try-preset.ts";

/** What is read from: the configuration of the local run. */
export type Source = {
  readonly config: Config;
  readonly presets: ReadonlyMap<string, Preset>;
};

/** A picture of the local run, and the variant to make of it. */
export type Try = Pick<ResolvedRequest, "route" | "key"> & { readonly variant: Variant };

type Fault = { readonly fault: string };

const NAMES = ["of", "format", "quality", "x", "y", "whole"];

/**
 * @param search `?of=` the path of a public URL, without its signature, then the other options
 * @returns why it is no try, in words for a developer
 */
export function readTry({ config, presets }: Source, search: string): Try | Fault {
  const query = new URLSearchParams(search);
  const odd = [...query.keys()].find((name) => !NAMES.includes(name));
  if (odd !== undefined) return { fault: `unknown: ${odd}. A try has ${NAMES.join(", ")}` };
  const twice = NAMES.find((name) => query.getAll(name).length > 1);
  if (twice !== undefined) return { fault: `${twice} is there twice` };

  const order = resolveRequest(config, query.get("of") ?? "");
  if ("refusal" in order) return { fault: `of is no path of a picture: ${order.refusal.event}` };
  const { route, key, name, variant } = order;
  const preset = presets.get(variant.preset);
  if (preset === undefined) return { fault: `there is no preset ${variant.preset}` };
  const change = readChange(query);
  if ("fault" in change) return change;
  if (route.svg && change.format !== undefined) {
    return { fault: "this route has svg = true: the Worker asks the edge for no format there" }; // R8
  }
  const tried = tryVariant(variant.preset, preset, name, change);
  return "fault" in tried ? tried : { route, key, variant: tried };
}

/** Reads the options as they are spelt. Their ranges are checked with the preset. */
function readChange(query: URLSearchParams): Change | Fault {
  const [format, quality, x, y, whole] = ["format", "quality", "x", "y", "whole"].map(
    (name) => query.get(name) ?? undefined,
  );
  const [across, down] = [x, y].map((text) => (text === undefined ? text : numberIn(text)));
  if (typeof across !== typeof down || typeof across === "string") {
    return { fault: "x and y are two numbers between 0 and 1" };
  }
  if (whole !== undefined && whole !== "yes") return { fault: "whole is yes, or is left out" };
  return {
    ...(format !== undefined && { format }),
    ...(quality !== undefined && { quality: numberIn(quality) }),
    ...(across !== undefined && typeof down === "number" && { gravity: { x: across, y: down } }),
    whole: whole === "yes",
  };
}

/** A plain decimal number; any other text stays text. */
function numberIn(text: string): number | string {
  return /^\d{1,4}(?:\.\d{1,6})?$/.test(text) ? Number(text) : text;
}
