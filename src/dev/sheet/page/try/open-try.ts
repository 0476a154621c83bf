// The button of a picture, and the dialog that it opens, in which a developer tries formats, placeholders
// and focal points.

import type { Client, PresetTable } from "../../../../client/index.ts";
import { presetSchema } from "../../../../worker/config/preset.ts";
import type { Picture, SheetData } from "../../data.ts";
import { byId, el } from "../dom.ts";
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

/** The dialog that is open. `end` leaves nothing in it but a reason. */
let opened: { readonly target: Target; readonly end: (reason: string) => void } | undefined;

/** Ends the try that is open, if its picture is gone from the sheet. */
export function endLostTry({ pictures, presets }: SheetData): void {
  if (opened === undefined) return;
  const { picture, name } = opened.target;
  const renditions = pictures.find(({ key }) => key === picture.key)?.renditions ?? [];
  if (renditions.some(({ preset }) => preset === name)) return;
  const isPreset = Object.hasOwn(presets, name);
  opened.end(
    isPreset
      ? "The sheet does not show this picture any more."
      : `There is no preset ${name} any more.`,
  );
}

/** Returns the button, or nothing for an SVG: the edge makes nothing of it (R8). */
export function tryButton(shown: Shown): HTMLElement[] {
  const { picture, preset } = shown;
  if (picture.format === "svg") return [];
  const label = `Try ${picture.key} as ${preset}`;
  const button = el("button", { type: "button", "aria-label": label }, "Try");
  button.addEventListener("click", async () => {
    if (shown.image.currentSrc === "") await loadNow(shown.image, button);
    const target = targetOf(shown);
    const canOpen = button.isConnected && document.querySelector("dialog") === null;
    if (canOpen && target !== undefined) openTry(target, button);
  });
  return [button];
}

/** Until a lazy image has loaded, nobody knows which candidate the browser chooses. */
async function loadNow(image: HTMLImageElement, button: HTMLButtonElement): Promise<void> {
  image.loading = "eager";
  button.ariaBusy = "true";
  await image.decode().catch(() => {}); // the dialog says why
  button.ariaBusy = null;
}

function targetOf({ client, picture, preset: name, image }: Shown): Target | undefined {
  const preset = presetSchema(client.site.presets[name], name, () => {});
  if (preset === undefined) return undefined;
  // The preset's own if the image could not be loaded.
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
  const parts = [el("fieldset", { class: "tabs" }, el("legend", {}, "Try"), ...tabs), about, panel];
  const dialog = el(
    "dialog",
    { class: "try", "aria-labelledby": title.id },
    el("header", {}, title, close),
    ...parts,
  );
  const news = byId("news");
  const end = (reason: string) => {
    for (const part of parts) part.remove();
    news.before(el("p", { class: "fault" }, reason));
    close.focus();
    opened = undefined;
  };
  close.addEventListener("click", () => dialog.close());
  dialog.addEventListener("close", () => {
    document.body.append(news);
    dialog.remove();
    opened = undefined;
    // The browser gives the focus back to the button, unless the sheet was drawn anew meanwhile.
    if (!opener.isConnected) (buttonLike(opener) ?? byId("sheet")).focus();
  });
  dialog.append(news); // behind the dialog nobody would see or hear it
  document.body.append(dialog);
  dialog.showModal();
  opened = { target, end };
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
