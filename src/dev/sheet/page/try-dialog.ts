// The dialog of a picture: two formats or qualities with a slider between them, and the focal point. The server makes
// each picture, and says which lines of wrangler.toml it comes to.

import { bytesOf, savingOf } from "../format-bytes.ts";

/** What the other side begins with. */
const OTHER: Readonly<Record<string, string>> = { avif: "webp", webp: "jpeg" };

export function find<T extends Element>(
  selector: string,
  type: new () => T,
  root: ParentNode = document,
): T {
  const found = root.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`The page has no ${selector}`);
}

const dialog = find("#try", HTMLDialogElement);
const stage = find(".stage", HTMLElement, dialog);
const slider = find(".slider", HTMLInputElement, dialog);
const axes = [...dialog.querySelectorAll<HTMLInputElement>("#focal input")];
const left = sideOf("left");
const right = sideOf("right");

/** The path of the picture that is tried, and the bytes of its original. */
let path = "";
let original = 0;
let isMoved = false;

export const isTrying = (): boolean => dialog.open;

/** One of the two pictures that are compared. */
function sideOf(name: "left" | "right") {
  const box = find(`#${name}`, HTMLElement, dialog);
  const image = find(`img.${name}`, HTMLImageElement, stage);
  const format = find("select", HTMLSelectElement, box);
  const quality = find("input", HTMLInputElement, box);
  const label = find(`span.${name}`, HTMLElement, stage);
  const result = find(".result", HTMLElement, box);
  const code = find("code", HTMLElement, box);
  const copy = find("[data-copy]", HTMLButtonElement, box);
  const making = new AbortController();
  const side = { image, format, quality, label, result, code, copy, making };
  for (const control of [format, quality]) control.addEventListener("change", () => make(side));
  image.addEventListener("load", () => {
    stage.style.width = `${image.naturalWidth}px`; // as many CSS pixels as it has, if there is room
  });
  return side;
}

/** Asks for the picture of a side, and shows it unless another one was asked for meanwhile. */
async function make(side: ReturnType<typeof sideOf>): Promise<void> {
  const { image, format, quality, label, result, code, copy } = side;
  const [x = "", y = ""] = axes.map(({ value }) => value);
  const options = { quality: quality.value.trim(), format: format.value, ...(isMoved && { x, y }) };
  side.making.abort();
  side.making = new AbortController();
  const { signal } = side.making;
  code.textContent = "";
  copy.textContent = "Copy";
  result.textContent = "The edge makes it …";
  const made = await ask(`${new URLSearchParams({ of: path, ...options })}`, signal);
  if (signal.aborted) return;
  const fault = "fault" in made ? made.fault : "";
  result.classList.toggle("fault", fault !== "");
  quality.ariaInvalid = `${fault.includes("quality")}`;
  result.textContent = fault;
  if ("url" in made) {
    const { url, type, bytes, lines } = made;
    image.src = url;
    label.textContent = `${type.replace("image/", "").toUpperCase()} ${options.quality}`;
    code.textContent = lines;
    result.textContent = `${bytesOf(bytes)}. Saved: ${savingOf(bytes, original)}.`;
  }
}

type Made = { url: string; type: string; bytes: number; lines: string };

/** The picture becomes a `blob:` URL: it is asked for once, and its bytes are counted. */
async function ask(search: string, signal: AbortSignal): Promise<Made | { fault: string }> {
  try {
    const answer = await fetch(`/.vitrine/try?${search}`, { signal });
    if (!answer.ok) return { fault: (await answer.text()).trim() };
    const lines = decodeURIComponent(answer.headers.get("x-lines") ?? "");
    const blob = await answer.blob();
    return { url: URL.createObjectURL(blob), type: blob.type, bytes: blob.size, lines };
  } catch (error) {
    return { fault: `npx vitrine dev does not answer: ${error}` };
  }
}

/** Opens the dialog for an image of the sheet. */
export async function openTry(button: HTMLElement, image: HTMLImageElement): Promise<void> {
  // Until a lazy image has loaded, nobody knows which candidate the browser chooses.
  image.loading = "eager";
  await image.decode().catch(() => {}); // the dialog says why
  const { quality = "", crops, x = "", y = "" } = button.dataset;
  const { format = "avif" } = image.closest("figure")?.dataset ?? {};
  path = new URL(image.currentSrc || image.src).pathname;
  original = Number(image.closest("article")?.dataset["bytes"]);
  isMoved = false;
  find("h2", HTMLElement, dialog).textContent = image.alt;
  find("#focal", HTMLElement).hidden = crops === undefined;
  for (const [at, axis] of axes.entries()) axis.value = [x, y][at] ?? "";
  for (const side of [left, right]) {
    side.image.src = image.currentSrc; // keeps the place
    side.label.textContent = "";
    side.quality.value = quality;
    side.format.value = side === left ? format : (OTHER[format] ?? "webp");
    void make(side);
  }
  dialog.showModal();
}

find("[data-close]", HTMLButtonElement).addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  for (const side of [left, right]) side.making.abort();
});

/** Shows where the left picture ends and the right one begins. */
function divide(): void {
  right.image.style.clipPath = `inset(0 0 0 ${slider.value}%)`;
  find(".line", HTMLElement, stage).style.left = `${slider.value}%`;
}
slider.addEventListener("input", divide);
divide();

for (const axis of axes) {
  axis.addEventListener("change", () => {
    isMoved = true;
    for (const side of [left, right]) void make(side);
  });
}
