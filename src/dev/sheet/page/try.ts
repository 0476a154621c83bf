// The dialog of a picture: two formats or qualities with a slider between them, and the focal point. The server makes
// each picture, and says which lines of wrangler.toml it comes to.

import { bytesOf, savingOf } from "../words.ts";

/** What the other side begins with. */
const OTHER: Readonly<Record<string, string>> = { avif: "webp", webp: "jpeg" };

const dialog = query("#try", HTMLDialogElement);
const stage = within(".stage", HTMLElement);
const [left, right] = ["Left", "Right"].map((_, at) => sideAt(at));
const whole = within(".whole img", HTMLImageElement);
const axes = [...dialog.querySelectorAll<HTMLInputElement>("#focal input")];

/** The path of the picture that is tried, and the bytes of its original. */
let path = "";
let original = 0;
/** The focal point, once it is moved. */
let point: readonly string[] | undefined;

export function isTrying(): boolean {
  return dialog.open;
}

function query<T extends Element>(
  selector: string,
  type: new () => T,
  root: ParentNode = document,
) {
  const found = root.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`The page has no ${selector}`);
}

function within<T extends Element>(selector: string, type: new () => T): T {
  return query(selector, type, dialog);
}

/** One of the two pictures that are compared. */
function sideAt(at: number) {
  const box = dialog.querySelectorAll(".side")[at] ?? dialog;
  const image = dialog.querySelectorAll<HTMLImageElement>(".stage img")[at] ?? new Image();
  const label = dialog.querySelectorAll(".label")[at] ?? dialog;
  const format = query("select", HTMLSelectElement, box);
  const quality = query("input", HTMLInputElement, box);
  const side = { box, image, label, format, quality, bytes: 0, asked: "" };
  for (const control of [format, quality]) {
    control.addEventListener("change", () => void make(side));
  }
  image.addEventListener("load", () => {
    stage.style.width = `${image.naturalWidth}px`; // as many CSS pixels as the picture has, if there is room
  });
  return side;
}

type Side = ReturnType<typeof sideAt>;

/** Asks for the picture of a side, and shows it unless another one was asked for meanwhile. */
async function make(side: Side): Promise<void> {
  const { box, image, label, format, quality } = side;
  const [x = "", y = ""] = point ?? [];
  const options = { of: path, quality: quality.value.trim(), format: format.value };
  const asked = `${new URLSearchParams({ ...options, ...(point && { x, y }) })}`;
  Object.assign(side, { asked, bytes: 0 });
  const result = query(".result", HTMLElement, box);
  result.textContent = "The edge makes it …";
  const made = await ask(asked);
  if (side.asked !== asked) return;
  result.classList.toggle("fault", "fault" in made);
  quality.ariaInvalid = "fault" in made && made.fault.includes("quality") ? "true" : null;
  if ("fault" in made) {
    result.textContent = made.fault;
  } else {
    image.src = made.url;
    side.bytes = made.bytes;
    const name = made.type.replace("image/", "").toUpperCase();
    label.textContent = `${name} ${options.quality}`;
    result.textContent = `${name}: ${bytesOf(made.bytes)}. Saved: ${savingOf(made.bytes, original)}.`;
    query("code", HTMLElement, box).textContent = made.lines;
    query("[data-copy]", HTMLElement, box).textContent = "Copy";
  }
  within("#difference", HTMLElement).textContent = difference(left?.bytes ?? 0, right?.bytes ?? 0);
}

function difference(one: number, other: number): string {
  if (one === 0 || other === 0) return "";
  if (one === other) return "Both have the same number of bytes.";
  const percent = Math.round(100 * Math.abs(other / one - 1));
  const apart = `${bytesOf(Math.abs(other - one))} (${percent}\u00a0%)`;
  return `The right picture has ${apart} ${other > one ? "more" : "less"} than the left one.`;
}

type Made = { url: string; type: string; bytes: number; lines: string };

/** The picture becomes a `data:` URL: it is asked for once, and its bytes are counted. */
async function ask(search: string): Promise<Made | { fault: string }> {
  try {
    const answer = await fetch(`/.vitrine/try?${search}`);
    if (!answer.ok) return { fault: (await answer.text()).trim() };
    const lines = decodeURIComponent(answer.headers.get("x-lines") ?? "");
    const blob = await answer.blob();
    const reader = new FileReader();
    await new Promise((settle) => {
      reader.onloadend = settle;
      reader.readAsDataURL(blob);
    });
    return { url: `${reader.result}`, type: blob.type, bytes: blob.size, lines };
  } catch (error) {
    return { fault: `npx vitrine dev does not answer: ${error}` };
  }
}

/** Opens the dialog for an image of the sheet. */
export async function openTry(button: HTMLButtonElement, image: HTMLImageElement): Promise<void> {
  if (image.currentSrc === "" || !image.complete) {
    // Until a lazy image has loaded, nobody knows which candidate the browser chooses.
    image.loading = "eager";
    button.ariaBusy = "true";
    await image.decode().catch(() => {}); // the dialog says why
    button.ariaBusy = null;
  }
  const { quality = "", crops, x = "", y = "" } = button.dataset;
  const { format = "" } = image.closest("figure")?.dataset ?? {};
  path = new URL(image.currentSrc || image.src).pathname;
  original = Number(image.closest("article")?.dataset["bytes"]);
  point = undefined;
  within("h2", HTMLElement).textContent = image.alt;
  within("#focal", HTMLElement).hidden = crops !== "true";
  for (const [at, side] of [left, right].entries()) {
    if (side === undefined) continue;
    side.image.src = image.currentSrc; // keeps the place
    side.label.textContent = "";
    side.quality.value = quality;
    side.format.value = at === 0 ? format || "avif" : (OTHER[format] ?? "webp");
    if (side.format.value === "") side.format.value = "avif";
    void make(side);
  }
  for (const [at, axis] of axes.entries()) axis.value = [x, y][at] ?? "";
  mark();
  dialog.showModal();
  if (crops !== "true") return;
  const made = await ask(`${new URLSearchParams({ of: path, whole: "yes" })}`);
  if ("url" in made) whole.src = made.url;
}

within("[data-close]", HTMLButtonElement).addEventListener("click", () => dialog.close());

const slider = within(".slider", HTMLInputElement);
slider.addEventListener("input", divide);
divide();

/** Shows where the left picture ends and the right one begins. */
function divide(): void {
  const at = Number(slider.value);
  if (right) right.image.style.clipPath = `inset(0 0 0 ${at}%)`;
  within(".line", HTMLElement).style.left = `${at}%`;
  slider.setAttribute("aria-valuetext", `${at} % left, ${100 - at} % right`);
}

function mark(): void {
  const [x, y] = axes.map(({ value }) => `${100 * Number(value)}%`);
  Object.assign(within(".marker", HTMLElement).style, { left: x, top: y });
}

function move(): void {
  mark();
  point = axes.map(({ value }) => value);
  for (const side of [left, right]) if (side) void make(side);
}

for (const axis of axes) {
  axis.addEventListener("input", mark);
  axis.addEventListener("change", move);
}
whole.addEventListener("click", ({ offsetX, offsetY }) => {
  const at = [offsetX / whole.width, offsetY / whole.height];
  for (const [index, axis] of axes.entries()) axis.value = `${at[index]}`; // the input rounds it
  move();
});
