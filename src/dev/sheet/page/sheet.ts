// The contact sheet: every picture of the local bucket at every preset. It builds its URLs with
// vitrine/client, as an app does.

import type { Picture, SheetData } from "../data.ts";
import { drawArticle, drawTotal } from "./article.ts";
import { changesOf } from "./changes.ts";
import { byId, el } from "./dom.ts";
import { acceptFiles } from "./drop.ts";
import { follow } from "./follow.ts";
import { drawAgain, keep, setChildren } from "./keep.ts";
import { say, showMistakes } from "./news.ts";
import { endLostTry } from "./try/open-try.ts";

const GROUPS = {
  own: "Your own",
  pictures: "Pictures",
  hard: "Keys that are hard to spell",
} as const satisfies Record<Picture["group"], string>;

/** The sheet as it is drawn. */
let shown: SheetData | undefined;
let hadMistakes = false;

const look = follow({
  draw: ({ mistakes, sheet }, isBack) => {
    const changes = shown && sheet ? changesOf(shown, sheet) : [];
    const isRepaired = hadMistakes && mistakes.length === 0;
    if (sheet !== undefined) {
      drawAgain(() => draw(sheet));
      endLostTry(sheet);
    }
    showMistakes(mistakes, (shown ?? sheet) !== undefined);
    byId("sheet").setAttribute("aria-busy", "false");
    if (mistakes.length > 0) say("The configuration has mistakes.");
    else if (sheet === undefined) say("The local run takes up the change.");
    else if (isBack) say("The local run answers again.", ...changes);
    else if (isRepaired) say("The configuration is right again.", ...changes);
    else if (shown !== undefined)
      say(...(changes.length > 0 ? changes : ["The configuration changed."]));
    hadMistakes = mistakes.length > 0 || (hadMistakes && sheet === undefined);
    shown = sheet ?? shown;
  },
  lost: () => say("The local run does not answer. The page goes on when it does."),
});

function draw(sheet: SheetData): void {
  byId("drop").hidden = !sheet.open;
  byId("free").textContent = sheet.free.toLocaleString("en");
  const groups = Object.entries(GROUPS).flatMap(([group, title]) => {
    const pictures = sheet.pictures.filter((picture) => picture.group === group);
    return pictures.length > 0 ? [drawGroup(title, pictures, sheet, group === "hard")] : [];
  });
  const none = ".dev.vars names an S3 of your own. The contact sheet does not list its objects.";
  const empty = sheet.pictures.length === 0 ? [keep("none", none, () => el("p", {}, none))] : [];
  setChildren(byId("sheet"), [...groups, ...empty]);
  drawRefused(sheet.refused);
  drawTotal();
}

function drawGroup(
  title: string,
  pictures: readonly Picture[],
  sheet: SheetData,
  isFolded: boolean,
): HTMLElement {
  const name = `group ${title}`;
  const heading = keep(`${name} heading`, pictures.length, () => {
    const text = el("h2", {}, title, " ", el("span", { class: "count" }, `${pictures.length}`));
    return isFolded ? el("summary", {}, text) : text;
  });
  const articles = pictures.map((picture) => drawArticle(picture, sheet, look));
  if (!isFolded) {
    const section = keep(name, "", () => el("section"));
    setChildren(section, [heading, ...articles]);
    return section;
  }
  const details = keep(`${name} details`, "", () => el("details", { class: "group" }));
  setChildren(details, [heading, ...articles]);
  return keep(name, "", () => el("section", {}, details));
}

function drawRefused(paths: readonly string[]): void {
  const footer = byId("refused");
  footer.hidden = paths.length === 0;
  const list = keep("refused", paths, () =>
    el(
      "div",
      {},
      el("h2", {}, "Refused"),
      el(
        "p",
        {},
        "These objects are damaged, or they are not images. Open one and read its line in the log.",
      ),
      el("ul", {}, ...paths.map((path) => el("li", {}, el("a", { href: path }, decodeURI(path))))),
    ),
  );
  setChildren(footer, [list]);
}

acceptFiles(look);
