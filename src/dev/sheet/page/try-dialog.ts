// The dialog of a picture: two formats or qualities with a slider between them, and the focal point. The server renders
// each picture, and sends the lines of wrangler.toml for it.

import { formatBytes, formatSaving } from "../format-bytes.ts";

/** The format of the right side at first, by that of the left side. */
const RIGHT_FORMATS: Readonly<Record<string, string>> = { avif: "webp", webp: "jpeg" };

export function find<T extends Element>(
  selector: string,
  type: new () => T,
  root: ParentNode = document,
): T {
  const element = root.querySelector(selector);
  if (element instanceof type) return element;
  throw new Error(`The page has no ${selector}`);
}

const dialog = find("#try", HTMLDialogElement);
const stage = find(".stage", HTMLElement, dialog);
const slider = find(".slider", HTMLInputElement, dialog);
/** The focal point: from the left, and from the top. */
const axes = [...dialog.querySelectorAll<HTMLInputElement>("#focal input")];
const leftSide = createSide("left");
const rightSide = createSide("right");

/** The path of the picture that is tried. */
let path = "";
/** How many bytes its original has. */
let originalBytes = 0;
let isFocalPointMoved = false;

export const isTrying = (): boolean => dialog.open;

/** One of the two pictures that are compared. */
type Side = {
  readonly image: HTMLImageElement;
  readonly format: HTMLSelectElement;
  readonly quality: HTMLInputElement;
  readonly label: HTMLElement;
  readonly result: HTMLElement;
  readonly code: HTMLElement;
  readonly copy: HTMLButtonElement;
  /** Ends the request for the picture. */
  abort: AbortController;
};

function createSide(name: "left" | "right"): Side {
  const box = find(`#${name}`, HTMLElement, dialog);
  const side: Side = {
    image: find(`img.${name}`, HTMLImageElement, stage),
    format: find("select", HTMLSelectElement, box),
    quality: find("input", HTMLInputElement, box),
    label: find(`span.${name}`, HTMLElement, stage),
    result: find(".result", HTMLElement, box),
    code: find("code", HTMLElement, box),
    copy: find("[data-copy]", HTMLButtonElement, box),
    abort: new AbortController(),
  };

  const { image, format, quality } = side;
  for (const control of [format, quality]) {
    control.addEventListener("change", () => update(side));
  }

  // The picture has as many CSS pixels as it has pixels, if there is room.
  image.addEventListener("load", () => {
    stage.style.width = `${image.naturalWidth}px`;
  });
  return side;
}

/** Requests the picture of a side, and shows it unless a newer request was sent meanwhile. */
async function update(side: Side): Promise<void> {
  const { image, format, quality, label, result, code, copy } = side;
  side.abort.abort();
  side.abort = new AbortController();
  const { signal } = side.abort;

  code.textContent = "";
  copy.textContent = "Copy";
  result.textContent = "The edge makes it …";

  const qualityText = quality.value.trim();
  const query = new URLSearchParams({ of: path, quality: qualityText, format: format.value });
  if (isFocalPointMoved) {
    const [x = "", y = ""] = axes.map(({ value }) => value);
    query.set("x", x);
    query.set("y", y);
  }
  const tried = await fetchTry(query, signal);
  if (signal.aborted) return;

  if (tried.kind === "fault") {
    const { fault } = tried;
    result.classList.toggle("fault", fault !== "");
    quality.ariaInvalid = `${fault.includes("quality")}`;
    result.textContent = fault;
    return;
  }

  const { url, type, bytes, lines } = tried;
  result.classList.remove("fault");
  quality.ariaInvalid = "false";
  image.src = url;
  label.textContent = `${type.replace("image/", "").toUpperCase()} ${qualityText}`;
  code.textContent = lines;
  result.textContent = `${formatBytes(bytes)}. Saved: ${formatSaving(bytes, originalBytes)}.`;
}

type Fault = { kind: "fault"; fault: string };
type TriedPicture = { kind: "picture"; url: string; type: string; bytes: number; lines: string };

/** The picture becomes a `blob:` URL: it is requested once, and its bytes are counted. */
async function fetchTry(
  query: URLSearchParams,
  signal: AbortSignal,
): Promise<TriedPicture | Fault> {
  try {
    const answer = await fetch(`/.vitrine/try?${query}`, { signal });
    if (!answer.ok) {
      const text = await answer.text();
      return { kind: "fault", fault: text.trim() };
    }

    const lines = decodeURIComponent(answer.headers.get("x-lines") ?? "");
    const blob = await answer.blob();
    const url = URL.createObjectURL(blob);
    return { kind: "picture", url, type: blob.type, bytes: blob.size, lines };
  } catch (error) {
    return { kind: "fault", fault: `npx vitrine dev does not answer: ${error}` };
  }
}

/** Opens the dialog for an image of the sheet. */
export async function openTry(button: HTMLElement, image: HTMLImageElement): Promise<void> {
  // Until a lazy image has loaded, nobody knows which candidate the browser chooses. If it fails, the dialog says why.
  image.loading = "eager";
  await image.decode().catch(() => {});

  path = new URL(image.currentSrc || image.src).pathname;
  originalBytes = Number(image.closest("article")?.dataset["bytes"]);
  isFocalPointMoved = false;

  const { quality = "", crops, x = "", y = "" } = button.dataset;
  find("h2", HTMLElement, dialog).textContent = image.alt;
  find("#focal", HTMLElement).hidden = crops === undefined;
  for (const [index, axis] of axes.entries()) axis.value = [x, y][index] ?? "";

  const leftFormat = image.closest("figure")?.dataset["format"] ?? "avif";
  const rightFormat = RIGHT_FORMATS[leftFormat] ?? "webp";
  showSide(leftSide, image, leftFormat, quality);
  showSide(rightSide, image, rightFormat, quality);
  dialog.showModal();
}

/** Shows the image of the sheet until the picture of the side has come. */
function showSide(side: Side, image: HTMLImageElement, format: string, quality: string): void {
  side.image.src = image.currentSrc;
  side.label.textContent = "";
  side.quality.value = quality;
  side.format.value = format;
  void update(side);
}

find("[data-close]", HTMLButtonElement).addEventListener("click", () => dialog.close());
dialog.addEventListener("close", () => {
  for (const side of [leftSide, rightSide]) side.abort.abort();
});

/** Shows where the left picture ends and the right one begins. */
function divide(): void {
  rightSide.image.style.clipPath = `inset(0 0 0 ${slider.value}%)`;
  find(".line", HTMLElement, stage).style.left = `${slider.value}%`;
}
slider.addEventListener("input", divide);
divide();

for (const axis of axes) {
  axis.addEventListener("change", () => {
    isFocalPointMoved = true;
    for (const side of [leftSide, rightSide]) void update(side);
  });
}
