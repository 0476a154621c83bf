// What the page says at its lower edge: what changed, and the mistakes in the configuration.

import { byId, el } from "./dom.ts";

/** Says a sentence, also to screen readers. */
export function say(...sentences: readonly string[]): void {
  byId("said").textContent = sentences.join(" ");
}

/** Shows the mistakes; with none, nothing. */
export function showMistakes(mistakes: readonly string[], isDrawn: boolean): void {
  const panel = byId("mistakes");
  panel.hidden = mistakes.length === 0;
  const below = isDrawn ? " The pictures are those from before. New ones may fail until then." : "";
  panel.replaceChildren(
    el("h2", { id: "mistakes-title" }, "The configuration has mistakes"),
    el(
      "ul",
      { tabindex: 0, "aria-labelledby": "mistakes-title" },
      ...mistakes.map((mistake) => el("li", {}, el("code", {}, mistake))),
    ),
    el(
      "p",
      {},
      "Correct the file and save it. This page goes on by itself. ",
      el("code", {}, "npx vitrine check"),
      ` says the same, for all environments.${below}`,
    ),
  );
}
