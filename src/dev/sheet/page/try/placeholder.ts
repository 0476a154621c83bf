// Shows a picture's placeholder as a page shows it before the picture is there.

import { dimensionsOf } from "../../../../client/dimensions.ts";
import { thumbHash } from "../../../../client/placeholder.ts";
import type { Dimensions, Fact } from "../../../../client/types.ts";
import { el } from "../dom.ts";
import { snippetOf } from "../snippet.ts";
import type { Target } from "./target.ts";

const CHOICES = {
  ThumbHash: thumbHash,
  Colour: ({ color = "none" }) => color,
  Picture: () => "none",
} as const satisfies Record<string, (fact: Fact) => string>;

const ALPHA =
  "Some pixels of this original are transparent. So its pages have no placeholder: it would shine through.";

export function placeholderPanel(target: Target): HTMLElement {
  const panel = el("div", { class: "placeholder" }, el("p", { role: "status" }, "Reading it …"));
  void target.fact.then((fact) => {
    if ("fault" in fact) panel.replaceChildren(el("p", { class: "fault" }, fact.fault));
    else panel.replaceChildren(...partsOf(target, fact));
  });
  return panel;
}

function partsOf({ picture, preset, src }: Target, fact: Fact): HTMLElement[] {
  const { width, height } = dimensionsOf(preset, fact);
  const box = width && height ? { width, height } : fact; // a preset that trims fixes no side
  const line = `${JSON.stringify(picture.key)}: ${JSON.stringify(fact)}`;
  return [
    ...(fact.alpha ? [el("p", {}, ALPHA)] : placeholderOf(fact, box, src)),
    el("p", { class: "hint" }, "The fact of this picture"),
    snippetOf(line),
    el("p", { class: "hint" }, "For all pictures of this local run"),
    snippetOf(`npx vitrine facts --url ${location.origin} --out ../app/src/facts.ts`),
    el(
      "p",
      { class: "hint" },
      ...["In the app: ", el("code", {}, "original: facts[key], placeholder: thumbHash"), "."],
    ),
  ];
}

/** The box of the picture, and a switch for what it shows. */
function placeholderOf(fact: Fact, box: Dimensions, src: string) {
  const image = el("img", { src, alt: "" });
  const stage = el("div", { class: "stage" }, image);
  stage.style.width = `${box.width}px`;
  stage.style.maxWidth = `min(100%, 60dvh * ${box.width / box.height})`;
  stage.style.aspectRatio = `${box.width} / ${box.height}`;
  const choices = Object.entries(CHOICES).map(([name, backgroundOf], at) => {
    const radio = el("input", { type: "radio", name: "placeholder", checked: at === 0 });
    const show = () => {
      stage.style.background = backgroundOf(fact);
      image.style.visibility = name === "Picture" ? "visible" : "hidden";
    };
    if (at === 0) show();
    radio.addEventListener("change", show);
    return el("label", { class: "button" }, radio, name);
  });
  return [el("fieldset", { class: "tabs" }, el("legend", {}, "Show"), ...choices), stage];
}
