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
const axes = [...dialog.querySelectorAll<HTMLInputElement>("#focal input")];
const leftSide = createSide("left");
const rightSide = createSide("right");

/** The path of the picture that is tried, how many bytes its original has, and whether its focal point was moved. */
let path = "";
let originalBytes = 0;
let isFocalPointMoved = false;

export const isTrying = (): boolean => dialog.open;

/** One of the two pictures that are compared. */
function createSide(name: "left" | "right") {
  const box = find(`#${name}`, HTMLElement, dialog);
  const image = find(`img.${name}`, HTMLImageElement, stage);
  const format = find("select", HTMLSelectElement, box);
  const quality = find("input", HTMLInputElement, box);
  const label = find(`span.${name}`, HTMLElement, stage);
  const result = find(".result", HTMLElement, box);
  const code = find("code", HTMLElement, box);
  const copy = find("[data-copy]", HTMLButtonElement, box);
  const abort = new AbortController();
  const side = { image, format, quality, label, result, code, copy, abort };
  for (const control of [format, quality]) control.addEventListener("change", () => update(side));
  image.addEventListener("load", () => {
    stage.style.width = `${image.naturalWidth}px`; // as many CSS pixels as it has, if there is room
  });
  return side;
}

/** Requests the picture of a side, and shows it unless a newer request was sent meanwhile. */
async function update(side: ReturnType<typeof createSide>): Promise<void> {
  const { image, format, quality, label, result, code, copy } = side;
  const [x = "", y = ""] = axes.map(({ value }) => value);
  const chosen = { quality: quality.value.trim(), format: format.value };
  const options = { ...chosen, ...(isFocalPointMoved && { x, y }) };
  side.abort.abort();
  side.abort = new AbortController();
  const { signal } = side.abort;
  code.textContent = "";
  copy.textContent = "Copy";
  result.textContent = "The edge makes it …";

  const tried = await fetchTry(`${new URLSearchParams({ of: path, ...options })}`, signal);
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
  label.textContent = `${type.replace("image/", "").toUpperCase()} ${options.quality}`;
  code.textContent = lines;
  result.textContent = `${formatBytes(bytes)}. Saved: ${formatSaving(bytes, originalBytes)}.`;
}

type Fault = { kind: "fault"; fault: string };
type TriedPicture = { kind: "picture"; url: string; type: string; bytes: number; lines: string };

/** The picture becomes a `blob:` URL: it is requested once, and its bytes are counted. */
async function fetchTry(search: string, signal: AbortSignal): Promise<TriedPicture | Fault> {
  try {
    const answer = await fetch(`/.vitrine/try?${search}`, { signal });
    if (!answer.ok) return { kind: "fault", fault: (await answer.text()).trim() };

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
  // Until a lazy image has loaded, nobody knows which candidate the browser chooses.
  image.loading = "eager";
  await image.decode().catch(() => {}); // the dialog says why
  const { quality = "", crops, x = "", y = "" } = button.dataset;
  const { format = "avif" } = image.closest("figure")?.dataset ?? {};
  path = new URL(image.currentSrc || image.src).pathname;
  originalBytes = Number(image.closest("article")?.dataset["bytes"]);
  isFocalPointMoved = false;
  find("h2", HTMLElement, dialog).textContent = image.alt;
  find("#focal", HTMLElement).hidden = crops === undefined;
  for (const [index, axis] of axes.entries()) axis.value = [x, y][index] ?? "";
  for (const side of [leftSide, rightSide]) {
    side.image.src = image.currentSrc; // until the try has come
    side.label.textContent = "";
    side.quality.value = quality;
    side.format.value = side === leftSide ? format : (RIGHT_FORMATS[format] ?? "webp");
    void update(side);
  }
  dialog.showModal();
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
