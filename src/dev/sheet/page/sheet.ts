// The contact sheet: every picture of the local bucket at every preset. It builds its URLs with
// vitrine/client, as an app does.

import { createClient } from "../../../client/index.ts";
import type { NoSheet, Picture, SheetData } from "../data.ts";
import { byId, el } from "./dom.ts";
import { acceptFiles } from "./drop.ts";
import { figureOf } from "./figure.ts";
import { bytesOf, savingOf } from "./words.ts";

const GROUPS = {
  own: "Your own",
  pictures: "Pictures",
  hard: "Keys that are hard to spell",
} as const satisfies Record<Picture["group"], string>;

/** The bytes of each loaded rendition and of its original, by URL. */
const loaded = new Map<string, { bytes: number; original: number }>();

async function draw(): Promise<void> {
  const main = byId("sheet");
  const answer = await fetch("/.vitrine/sheet.json");
  const told: SheetData | NoSheet = await answer.json();
  if ("mistakes" in told) {
    main.replaceChildren(
      el("h2", {}, "Fix these mistakes first"),
      el("ul", {}, ...told.mistakes.map((mistake) => el("li", {}, mistake))),
    );
  } else {
    byId("drop").hidden = !told.open;
    const groups = Object.entries(GROUPS).map(([group, title]) => {
      const pictures = told.pictures.filter((picture) => picture.group === group);
      return groupOf(title, pictures, told, group === "hard");
    });
    main.replaceChildren(...groups.filter((group) => group !== undefined));
    if (told.pictures.length === 0) {
      main.append(
        el(
          "p",
          {},
          ".dev.vars names an S3 of your own. The contact sheet does not list its objects.",
        ),
      );
    }
    drawRefused(told.refused);
  }
  main.setAttribute("aria-busy", "false");
}

function groupOf(
  title: string,
  pictures: readonly Picture[],
  { routes, clients: names, presets }: SheetData,
  folded: boolean,
): HTMLElement | undefined {
  if (pictures.length === 0) return undefined;
  const clients = routes.map((route) => createClient({ baseUrl: location.origin, route, presets }));
  const articles = pictures.map((picture) => {
    const { key, bytes, format, width, height, renditions } = picture;
    const figures = renditions.flatMap((rendition) => {
      const client = clients[rendition.route];
      if (client === undefined) return [];
      const name = names[rendition.route] ?? "images";
      return figureOf(client, name, picture, rendition, (measured) => {
        loaded.set(measured.url, { bytes: measured.bytes, original: bytes });
        drawTotal();
      });
    });
    const about = `${format.toUpperCase()}, ${width} × ${height}, ${bytesOf(bytes)}`;
    return el(
      "article",
      {},
      el(
        "header",
        {},
        el("h3", { class: "key" }, key),
        el("p", { class: "about" }, about),
        ...(picture.group === "own" ? [forgetButton(key)] : []),
      ),
      ...figures,
    );
  });
  const heading = el("h2", {}, title, " ", el("span", { class: "count" }, `${pictures.length}`));
  if (!folded) return el("section", {}, heading, ...articles);
  return el(
    "section",
    {},
    el("details", { class: "group" }, el("summary", {}, heading), ...articles),
  );
}

function forgetButton(key: string): HTMLElement {
  const button = el(
    "button",
    { type: "button", "aria-label": `Remove ${key} from this page` },
    "Remove",
  );
  button.addEventListener("click", async () => {
    await fetch(`/.vitrine/objects/${encodeURIComponent(key)}`, { method: "DELETE" });
    await draw();
  });
  return button;
}

function drawTotal(): void {
  const all = [...loaded.values()];
  const bytes = all.reduce((sum, one) => sum + one.bytes, 0);
  const originals = all.reduce((sum, one) => sum + one.original, 0);
  const saved = savingOf(bytes, originals);
  byId("total").textContent =
    `${all.length} renditions so far: ${bytesOf(bytes)} in place of ${bytesOf(originals)}. Saved: ${saved}.`;
}

function drawRefused(paths: readonly string[]): void {
  const footer = byId("refused");
  footer.hidden = paths.length === 0;
  footer.replaceChildren(
    el("h2", {}, "Refused"),
    el(
      "p",
      {},
      "These objects are damaged, or they are not images. Open one and read its line in the log.",
    ),
    el("ul", {}, ...paths.map((path) => el("li", {}, el("a", { href: path }, decodeURI(path))))),
  );
}

acceptFiles(draw);
await draw();
