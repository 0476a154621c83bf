// The code of a picture to paste into an app.

import type { Client, PresetTable } from "../../../client/index.ts";
import { type Call, callText, clientCommand, WHOLE_PAGE } from "./call-text.ts";
import { el } from "./dom.ts";
import { snippetOf } from "./snippet.ts";

/**
 * The command, the call, and HTML with the picture's own sides. A signature is left out of it: only a server
 * makes one.
 * @param original its size: px
 */
export function codeOf(
  client: Client<PresetTable, string>,
  call: Call,
  original: { readonly width: number; readonly height: number },
): HTMLElement {
  const { key, preset, hasSizes } = call;
  const sizes = hasSizes ? WHOLE_PAGE : "";
  const props = client.imgProps(key, preset, { alt: "…", original, sizes });
  const attributes = Object.entries(props).map(
    ([attribute, value]) => `  ${attribute}="${`${value}`.replaceAll("&", "&amp;")}"`,
  );
  return el(
    "details",
    { class: "code" },
    el("summary", {}, "Code"),
    el("p", { class: "hint" }, "Once, for the file that the code imports:"),
    snippetOf(clientCommand(location.origin)),
    snippetOf(callText(call)),
    el("p", { class: "hint" }, ...resultOf(call)),
    snippetOf(`${["<img", ...attributes].join("\n")}>`),
  );
}

function resultOf({ hasSizes, signed }: Call): string[] {
  return [
    "Or as HTML.",
    ...(hasSizes ? [" Put your own sizes."] : []),
    ...(signed ? [" The query that signs is left out."] : []),
  ];
}
