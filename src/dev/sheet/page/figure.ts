// One rendition on the sheet: the image, the facts about it, and the code to paste.

import { dimensionsOf } from "../../../client/dimensions.ts";
import type { Client, PresetShape, PresetTable } from "../../../client/index.ts";
import type { EdgeTable, Picture, RenditionRef } from "../data.ts";
import { askedDetails, callsOf } from "./asked.ts";
import { codeOf } from "./code.ts";
import { el } from "./dom.ts";
import { type Measured, measure } from "./measure.ts";
import { tryButton } from "./try/open-try.ts";
import { bytesOf, savingOf, timeOf } from "./words.ts";

/** The width that figure.css gives an image whose preset has widths, but at most its own width. */
function sizesOf(most: number): string {
  return `(min-width: 72rem) min(46rem, ${most}px), min(${most}px, calc(100vw - 4rem))`;
}

/**
 * @param name the name of the client in the code to paste
 * @param asked what the edge is asked for each variant of the preset
 * @param loaded is told the facts about the loaded image
 */
export function figureOf(
  client: Client<PresetTable, string>,
  name: string,
  picture: Picture,
  rendition: RenditionRef,
  asked: EdgeTable[string],
  loaded: (measured: Measured) => void,
): HTMLElement {
  const { preset, query, signed } = rendition;
  const shape: PresetShape = client.site.presets[preset] ?? {};
  const { key, width, height } = picture;
  const original = { width, height };
  const most = dimensionsOf(shape, original).width ?? shape.width ?? 0;
  const sizes = shape.widths ? sizesOf(most) : "";
  const alt = `${key}, as ${preset}`;
  const facts = el("dl", { class: "facts" });
  const image = el("img", client.imgProps(key, preset, { alt, original, sizes, query }));
  const call = { client: name, key, preset, hasSizes: shape.widths !== undefined, signed };
  const { details, calls } = askedDetails(Object.keys(asked), picture.costs.presets[preset] ?? 0);
  if (shape.widths) image.style.maxWidth = `min(100%, ${most}px)`;
  const figure = el(
    "figure",
    { class: shape.widths ? "rendition fluid" : "rendition" },
    el("div", { class: "mat" }, image),
    el(
      "figcaption",
      {},
      el("h3", {}, preset),
      facts,
      ...tryButton({ client, picture, preset, image }),
      codeOf(client, call, original),
      details,
    ),
  );
  image.addEventListener("load", () => {
    measure(image).then(
      (measured) => {
        const variant = client.parseUrl(measured.url)?.variant ?? preset;
        calls.replaceChildren(
          ...callsOf(variant, measured.reads && asked[variant]?.[measured.reads]),
        );
        facts.replaceChildren(...factsOf(measured, picture, candidatesOf(image), variant));
        figure.dataset["state"] = "shown";
        loaded(measured);
      },
      (error: unknown) => fail(`${error}`),
    );
  });
  image.addEventListener("error", () =>
    fail("The image could not be shown. The log of npx vitrine dev says why."),
  );
  function fail(reason: string): void {
    figure.dataset["state"] = "failed";
    facts.replaceChildren(el("dt", {}, "Failed"), el("dd", {}, reason));
  }
  return figure;
}

function factsOf(
  measured: Measured,
  { bytes }: Picture,
  candidates: HTMLElement,
  variant: string,
): HTMLElement[] {
  const { type, width, height, took, edge, cached } = measured;
  const format = type.replace("image/", "").toUpperCase();
  const rows: [string, Node | string][] = [
    ["Format", el("span", { class: "format", "data-format": format }, format)],
    ["Pixels", `${width} × ${height}`],
    ["Bytes", `${bytesOf(measured.bytes)} of ${bytesOf(bytes)}`],
    ["Saved", savingOf(measured.bytes, bytes)],
    ["Time", cached ? "from this browser's cache" : timeOf(took, edge)],
    ["Variant", el("a", { href: measured.url }, el("code", {}, variant))],
    ["srcset", candidates],
  ];
  return rows.flatMap(([term, value]) => [el("dt", {}, term), el("dd", {}, value)]);
}

/** The candidates of an image, with the one that the browser chose. */
function candidatesOf({ srcset, currentSrc }: HTMLImageElement): HTMLElement {
  const items = srcset.split(", ").map((candidate) => {
    const [url = "", as = ""] = candidate.split(" ");
    return el("li", { "aria-current": url === currentSrc }, el("code", {}, as));
  });
  return el("ul", { class: "candidates" }, ...items);
}
