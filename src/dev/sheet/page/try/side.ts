// One of the two pictures that are compared: its format, its quality, and what came of them.

import { tryVariant } from "../../try/try-preset.ts";
import { el } from "../dom.ts";
import { bytesOf, savingOf } from "../words.ts";
import { askTry, type Made } from "./ask.ts";
import { linesOf } from "./lines.ts";
import { newestOf } from "./newest.ts";
import type { Target } from "./target.ts";

/** The formats that `auto` chooses from. */
const FORMATS = { avif: "AVIF", webp: "WebP", jpeg: "JPEG", png: "PNG" } as const;

export type Format = keyof typeof FORMATS;

type Asked = { readonly format: string; readonly quality: string };

export type Side = {
  readonly controls: HTMLElement;
  readonly image: HTMLImageElement;
  /** A short name of the picture: `AVIF 80`. */
  readonly label: HTMLElement;
  /** The last picture that was made; undefined: there is none. */
  readonly made: () => Made | undefined;
  /** Asks for the first picture. */
  readonly begin: () => void;
};

/**
 * @param list the id of the list with the names of qualities
 * @param changed is called after each picture
 */
export function createSide(
  where: "Left" | "Right",
  { picture, name, preset, variant, path, src }: Target,
  start: { readonly format: Format; readonly quality: string | number },
  list: string,
  changed: () => void,
): Side {
  const options = Object.entries(FORMATS).map(([value, text]) =>
    el("option", { value, selected: value === start.format }, text),
  );
  const format = el("select", {}, ...options);
  const quality = el("input", { value: start.quality, list, autocomplete: "off", size: 12 });
  const result = el("p", { class: "result", role: "status" });
  const lines = el("div");
  const image = el("img", { src, alt: "", draggable: "false" }); // that of the sheet keeps the place
  const label = el("span", { class: "label" });
  let made: Made | undefined;
  /** What was asked for last; undefined: nothing that can be made. */
  let wanted: Asked | undefined;

  const finish = (found: Made | undefined, ...words: (Node | string)[]) => {
    made = found;
    result.replaceChildren(...words);
    changed();
  };
  const fail = (fault: string) => finish(undefined, el("span", { class: "fault" }, fault));

  const make = newestOf(async (asked: Asked) => {
    const found = await askTry(path, { ...asked });
    const isShown = "url" in found && (await show(image, found.url));
    if (asked !== wanted) return;
    if ("fault" in found) return fail(found.fault);
    if (!isShown) return fail("This browser cannot show it.");
    const type = found.type.replace("image/", "");
    const instead = type === asked.format ? "" : `, in place of ${nameOf(asked.format)}`;
    label.textContent = `${nameOf(type)} ${asked.quality}`;
    const saved = savingOf(found.bytes, picture.bytes);
    finish(found, `${nameOf(type)}${instead}: ${bytesOf(found.bytes)}. Saved: ${saved}.`);
  });

  const read = () => {
    const text = quality.value.trim();
    const options = { quality: /^\d+$/.test(text) ? Number(text) : text, format: format.value };
    const isWrong = "fault" in tryVariant(name, preset, variant, { quality: options.quality });
    quality.setAttribute("aria-invalid", `${isWrong}`);
    lines.replaceChildren(...(isWrong ? [] : [linesOf(name, preset, options)]));
    const tried = tryVariant(name, preset, variant, options);
    wanted = undefined;
    if ("fault" in tried) return fail(tried.fault);
    result.textContent = "The edge makes it …";
    const asked = { format: options.format, quality: text };
    wanted = asked;
    make(asked);
  };
  for (const control of [format, quality]) control.addEventListener("input", read);

  const controls = el(
    "fieldset",
    { class: "side" },
    el("legend", {}, where),
    el("label", {}, "Format ", format),
    el("label", {}, "Quality ", quality),
    result,
    lines,
  );
  return { controls, image, label, made: () => made, begin: read };
}

/** Shows a picture. Returns whether the browser can. */
async function show(image: HTMLImageElement, url: string): Promise<boolean> {
  image.src = url;
  return image.decode().then(
    () => true,
    () => false,
  );
}

/** `WebP`, of `webp`. */
function nameOf(type: string): string {
  return Object.entries(FORMATS).find(([format]) => format === type)?.[1] ?? type;
}
