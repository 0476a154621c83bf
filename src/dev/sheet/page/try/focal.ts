// Chooses a focal point on the whole picture, and shows what the preset then crops.

import { doesCrop } from "../../try/try-preset.ts";
import { el } from "../dom.ts";
import { askTry, type Fault, type Made } from "./ask.ts";
import { linesOf, type Point } from "./lines.ts";
import { newestOf } from "./newest.ts";
import type { Target } from "./target.ts";

const NO_CROP =
  "shows the whole picture, so a focal point changes nothing. It matters for a preset with width, height, " +
  'and fit = "cover" or "crop".';

const WHOLE = "The whole picture";

/** The points that names of gravity stand for (O4). Any other name looks at the picture. */
const NAMED: Readonly<Record<string, Point>> = {
  left: { x: 0, y: 0.5 },
  right: { x: 1, y: 0.5 },
  top: { x: 0.5, y: 0 },
  bottom: { x: 0.5, y: 1 },
};

export function focalPanel(target: Target): HTMLElement {
  const { name, preset, path, src, picture } = target;
  if (!doesCrop(preset)) return el("p", {}, el("code", {}, name), ` ${NO_CROP}`);
  const whole = el("img", { alt: WHOLE, draggable: "false" });
  const marker = el("span", { class: "marker" });
  const area = el("div", { class: "whole" }, whole, marker);
  area.style.aspectRatio = `${picture.width} / ${picture.height}`; // keeps the place
  whole.addEventListener("load", () => {
    area.style.aspectRatio = "auto"; // the preset may rotate or trim
  });
  const crop = el("img", { src, alt: "What the preset shows" });
  const [wholeFault, cropFault] = [faultLine(), faultLine()];
  const lines = el("div");
  const show = (image: HTMLImageElement, fault: HTMLElement, made: Made | Fault) => {
    fault.textContent = "fault" in made ? made.fault : "";
    if ("url" in made) image.src = made.url;
  };
  const make = newestOf(async ({ x, y }: Point) =>
    show(crop, cropFault, await askTry(path, { x: `${x}`, y: `${y}` })),
  );
  const { gravity = "center" } = preset;
  const start = typeof gravity === "string" ? NAMED[gravity] : gravity;
  const across = axisOf("From the left", start?.x, changed);
  const down = axisOf("From the top", start?.y, changed);

  function changed(): void {
    const point = { x: across.value(), y: down.value() };
    marker.style.left = `${100 * point.x}%`;
    marker.style.top = `${100 * point.y}%`;
    lines.replaceChildren(linesOf(name, preset, { gravity: point }));
    make(point);
  }
  area.addEventListener("click", ({ clientX, clientY }) => {
    const { left, top, width, height } = whole.getBoundingClientRect();
    across.set((clientX - left) / width);
    down.set((clientY - top) / height);
    changed();
  });
  void askTry(path, { whole: "yes" }).then((made) => show(whole, wholeFault, made));
  changed();
  const controls = [across.control, down.control];
  return el(
    "div",
    { class: "focal" },
    el(
      "div",
      {},
      el("h3", {}, WHOLE),
      area,
      wholeFault,
      el("p", { class: "hint" }, "Click where the eye should go, or move the sliders."),
      el("fieldset", { class: "side" }, el("legend", {}, "Focal point"), ...controls),
    ),
    el(
      "div",
      {},
      el("h3", {}, name),
      crop,
      cropFault,
      lines,
      el("p", { class: "hint" }, `It holds for every picture of ${name}.`),
    ),
  );
}

/** A line for why there is no picture. */
function faultLine(): HTMLElement {
  return el("p", { class: "fault result", role: "status" });
}

/** A number between 0 and 1, in steps of 0.01, with its label. */
function axisOf(label: string, start = 0.5, changed: () => void) {
  const input = el("input", { type: "range", min: 0, max: 1, step: 0.01, value: start });
  const output = el("output", {}, input.value);
  const tell = () => {
    output.textContent = input.value;
  };
  input.addEventListener("input", () => {
    tell();
    changed();
  });
  return {
    control: el("label", {}, label, input, output),
    value: () => Number(input.value),
    set: (value: number) => {
      input.value = `${value}`; // the input rounds it, and keeps it in its range
      tell();
    },
  };
}
