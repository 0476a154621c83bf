// One object on the sheet, with its renditions.

import { createClient } from "../../../client/index.ts";
import type { Picture, SheetData } from "../data.ts";
import { byId, el } from "./dom.ts";
import { figureOf } from "./figure.ts";
import { keep, setChildren } from "./keep.ts";
import { bytesOf, counted, savingOf } from "./words.ts";

/** The bytes of each loaded rendition and of its original, by its figure. */
const loaded = new Map<HTMLElement, { bytes: number; original: number }>();

/** @param look draws what changed */
export function drawArticle(
  picture: Picture,
  sheet: SheetData,
  look: () => Promise<void>,
): HTMLElement {
  const { renditions, costs, ...object } = picture;
  const name = `object ${object.key}`;
  const header = keep(`${name} header`, [object, costs], () => headerOf(picture, look));
  const figures = renditions.flatMap((rendition) => {
    // Without the query: a signature changes with the time.
    const { query: _, ...shown } = rendition;
    const { preset } = shown;
    const route = sheet.routes[rendition.route];
    const clientName = sheet.clients[rendition.route] ?? "images";
    const asked = sheet.asked[rendition.route]?.[preset] ?? {};
    if (route === undefined) return [];
    const cost = costs.presets[preset];
    const shows = [object, shown, route, clientName, sheet.presets[preset], asked, cost];
    return keep(`${name} ${preset}`, shows, () => {
      const { presets } = sheet;
      const client = createClient({ baseUrl: location.origin, route, presets });
      const figure = figureOf(client, clientName, picture, rendition, asked, ({ bytes }) => {
        loaded.set(figure, { bytes, original: object.bytes });
        drawTotal();
      });
      return figure;
    });
  });
  const article = keep(name, "", () => el("article"));
  setChildren(article, [header, ...figures]);
  return article;
}

function headerOf({ key, group, costs, ...picture }: Picture, look: () => Promise<void>) {
  const { format, width, height, bytes } = picture;
  const each = Object.entries(costs.presets).map(([preset, count]) => `${preset} ${count}`);
  const sum = Object.values(costs.presets).reduce((all, count) => all + count, 0);
  const same = sum > costs.all ? ". Equal options count once" : "";
  return el(
    "header",
    {},
    el("h3", { class: "key" }, key),
    el("p", { class: "about" }, `${format.toUpperCase()}, ${width} × ${height}, ${bytesOf(bytes)}`),
    el(
      "p",
      { class: "about" },
      each.length > 0
        ? `${counted(costs.all, "unique transformation")}: ${each.join(", ")}${same}`
        : "No route leads to this object.",
    ),
    ...(group === "own" ? [forgetButton(key, look)] : []),
  );
}

function forgetButton(key: string, look: () => Promise<void>): HTMLElement {
  const label = `Remove ${key} from this page`;
  const button = el("button", { type: "button", "aria-label": label }, "Remove");
  button.addEventListener("click", async () => {
    await fetch(`/.vitrine/objects/${encodeURIComponent(key)}`, { method: "DELETE" });
    await look();
  });
  return button;
}

/** Sums up what is loaded and still shown. */
export function drawTotal(): void {
  for (const figure of loaded.keys()) if (!figure.isConnected) loaded.delete(figure);
  const all = [...loaded.values()];
  const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
  const originals = all.reduce((sum, one) => sum + one.original, 0);
  const saved = savingOf(bytes, originals);
  byId("total").textContent =
    all.length === 0
      ? ""
      : `${all.length} renditions so far: ${bytesOf(bytes)} in place of ${bytesOf(originals)}. Saved: ${saved}.`;
}
