// The button of a picture, and the dialog that it opens, in which a developer tries formats, placeholders
// and focal points.

import type { Client, PresetTable } from "../../../../client/index.ts";
import { presetSchema } from "../../../../worker/config/preset.ts";
import type { Picture } from "../../data.ts";
import { el } from "../dom.ts";
import { askFact } from "./ask.ts";
import { comparePanel } from "./compare.ts";
import { focalPanel } from "./focal.ts";
import { placeholderPanel } from "./placeholder.ts";
import type { Target } from "./target.ts";

/** One picture on the sheet. */
export type Shown = {
  readonly client: Client<PresetTable, string>;
  readonly picture: Picture;
  readonly preset: string;
  readonly image: HTMLImageElement;
};

const PANELS = [
  ["Compare", comparePanel],
  ["Placeholder", placeholderPanel],
  ["Focal point", focalPanel],
] as const;

/** Returns the button, or nothing for an SVG: the edge makes nothing of it (R8). */
export function tryButton(shown: Shown): HTMLElement[] {
  const { picture, preset } = shown;
  if (picture.format === "svg") return [];
  const label = `Try ${picture.key} as ${preset}`;
  const button = el("button", { type: "button", "aria-label": label }, "Try");
  button.addEventListener("click", () => {
    const target = targetOf(shown);
    if (target !== undefined) openTry(target, button);
  });
  return [button];
}

function targetOf({ client, picture, preset: name, image }: Shown): Target | undefined {
  const preset = presetSchema(client.site.presets[name], name, () => {});
  if (preset === undefined) return undefined;
  // Before the browser has chosen one, the preset's own.
  const src = image.currentSrc || image.src;
  const { origin, pathname: path } = new URL(src);
  const variant = client.parseUrl(origin + path)?.variant ?? name;
  return { client, picture, name, preset, variant, path, src, fact: askFact(path) };
}

function openTry(target: Target, opener: HTMLButtonElement): void {
  const { picture, variant } = target;
  const title = el("h2", { id: "try-title" }, el("code", {}, picture.key), ` as ${variant}`);
  const close = el("button", { type: "button" }, "Close");
  const about = el("p", { class: "about" });
  const panel = el("div", { class: "panel" }, comparePanel(target));
  const tabs = PANELS.map(([name, make], at) => {
    const isFirst = at === 0;
    const radio = el("input", { type: "radio", name: "try", checked: isFirst, autofocus: isFirst });
    radio.addEventListener("change", () => {
      panel.replaceChildren(make(target));
      dialog.scrollTop = 0;
    });
    return el("label", { class: "button" }, radio, name);
  });
  const dialog = el(
    "dialog",
    { class: "try", "aria-labelledby": title.id },
    el("header", {}, title, close),
    el("fieldset", { class: "tabs" }, el("legend", {}, "Try"), ...tabs),
    about,
    panel,
  );
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    dialog.remove();
    // The browser gives the focus back to the button, unless the sheet was drawn anew meanwhile.
    if (!opener.isConnected) buttonLike(opener)?.focus();
  });
  document.body.append(dialog);
  dialog.showModal();
  void target.fact.then((fact) => {
    if ("animated" in fact) about.textContent = motionOf(target);
  });
}

/** The button that took the place of another. */
function buttonLike({ ariaLabel }: HTMLButtonElement): HTMLButtonElement | undefined {
  return [...document.querySelectorAll("button")].find((one) => one.ariaLabel === ariaLabel);
}

/** What becomes of an original that moves (O8). */
function motionOf({ name, preset }: Target): string {
  return preset.anim
    ? "This original moves. Only WebP keeps its frames: AVIF, JPEG and PNG show the first one."
    : `This original moves, and ${name} shows its first frame. With anim = true it moves, as WebP.`;
}
