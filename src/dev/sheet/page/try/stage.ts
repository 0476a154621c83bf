// Two pictures on top of each other. A slider says where the left one ends and the right one begins.

import { el } from "../dom.ts";

type Shown = { readonly image: HTMLImageElement; readonly label: HTMLElement };

/** The slider is a range input over the whole stage: for the keyboard, a pointer and a finger alike. */
export function stageOf(left: Shown, right: Shown): HTMLElement {
  const slider = el("input", {
    ...{ type: "range", min: 0, max: 100, value: 50, class: "slider" },
    "aria-label": "Where the left picture ends and the right one begins",
  });
  const line = el("span", { class: "line" });
  const move = () => {
    const at = Number(slider.value);
    right.image.style.clipPath = `inset(0 0 0 ${at}%)`;
    line.style.left = `${at}%`;
    slider.setAttribute("aria-valuetext", `${at} % left, ${100 - at} % right`);
  };
  slider.addEventListener("input", move);
  move();
  right.label.classList.add("of-right");
  // As many CSS pixels as the picture has, if there is room.
  for (const { image } of [left, right]) {
    image.addEventListener("load", () => {
      stage.style.width = `${image.naturalWidth}px`;
    });
  }
  const stage = el(
    "div",
    { class: "stage" },
    ...[left.image, right.image, left.label, right.label, line, slider],
  );
  return stage;
}
