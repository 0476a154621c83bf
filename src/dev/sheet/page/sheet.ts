// What the contact sheet needs a browser for: it measures the pictures, copies code, filters, puts and deletes
// pictures, and loads the page again when something changed.

import { bytesOf, savingOf, timeOf } from "../words.ts";
import { isTrying, openTry } from "./try.ts";

const element = <T extends HTMLElement>(
  selector: string,
  type: new () => T,
  root: ParentNode = document,
): T => {
  const found = root.querySelector(selector);
  if (found instanceof type) return found;
  throw new Error(`The page has no ${selector}`);
};

/** Says a sentence at the lower edge of the page, also to screen readers. */
function say(text: string): void {
  element("#said", HTMLElement).textContent = text;
}

// Pictures

const timings = new Map<string, PerformanceResourceTiming>();
const waiting = new Map<string, (timing: PerformanceResourceTiming) => void>();
new PerformanceObserver((list) => {
  for (const entry of list.getEntries()) {
    if (!(entry instanceof PerformanceResourceTiming)) continue;
    timings.set(entry.name, entry);
    waiting.get(entry.name)?.(entry);
  }
}).observe({ type: "resource", buffered: true });

/** How a URL was loaded. The browser reports this a little later than it shows the image. */
async function timingOf(url: string): Promise<PerformanceResourceTiming> {
  return timings.get(url) ?? new Promise((settle) => waiting.set(url, settle));
}

/** Fills in what the browser got for an image. */
async function measure(image: HTMLImageElement): Promise<void> {
  const figure = image.closest("figure");
  const article = image.closest("article");
  if (figure === null || article === null) return;
  const url = image.currentSrc;
  const { serverTiming, encodedBodySize, duration, transferSize } = await timingOf(url);
  // With a descriptor, an <img> has CSS pixels. Without one it has the pixels of the image.
  const alone = new Image();
  alone.src = url;
  await alone.decode();
  const told = (name: string) => serverTiming.find((one) => one.name === name);
  const original = Number(article.dataset["bytes"]);
  const format = (told("type")?.description ?? "").replace("image/", "");
  const chosen = [...figure.querySelectorAll("li")].find(
    (one) => new URL(one.dataset["url"] ?? "", location.href).href === url,
  );
  for (const one of figure.querySelectorAll("li")) one.ariaCurrent = one === chosen ? "true" : null;
  const link = document.createElement("a");
  link.href = url;
  link.textContent = chosen?.dataset["variant"] ?? "preset";
  const facts = {
    Format: format.toUpperCase(),
    Pixels: `${alone.naturalWidth} × ${alone.naturalHeight}`,
    Bytes: `${bytesOf(encodedBodySize)} of ${bytesOf(original)}`,
    Saved: savingOf(encodedBodySize, original),
    Time:
      transferSize === 0 ? "from this browser’s cache" : timeOf(duration, told("edge")?.duration),
    Variant: link,
  };
  for (const [name, value] of Object.entries(facts)) {
    figure.querySelector(`[data-fact="${name}"]`)?.replaceChildren(value);
  }
  Object.assign(figure.dataset, { state: "shown", format, bytes: encodedBodySize });
  figure.dataset["reads"] = told("reads")?.description ?? "";
  if (figure.querySelector("[data-calls][open]")) await showCalls(figure);
  drawTotal();
}

function fail(image: HTMLImageElement): void {
  const figure = image.closest("figure");
  const fact = figure?.querySelector("[data-fact]");
  if (!figure || !fact) return;
  figure.dataset["state"] = "failed";
  fact.textContent = "The picture could not be shown. The log of npx vitrine dev says why.";
}

/** Sums up what is loaded. */
function drawTotal(): void {
  const figures = [...document.querySelectorAll<HTMLElement>("figure[data-state=shown]")];
  const bytes = figures.reduce((sum, one) => sum + Number(one.dataset["bytes"]), 0);
  const originals = figures.reduce(
    (sum, one) => sum + Number(one.closest("article")?.dataset["bytes"]),
    0,
  );
  element("#total", HTMLElement).textContent =
    `${figures.length} renditions so far: ${bytesOf(bytes)} in place of ${bytesOf(originals)}. Saved: ${savingOf(bytes, originals)}.`;
}

/** Shows what the edge was asked for the candidate that the browser chose. */
async function showCalls(figure: HTMLElement): Promise<void> {
  const image = element("img", HTMLImageElement, figure);
  const { reads } = figure.dataset;
  if (reads === undefined) return;
  const query = new URLSearchParams({ of: new URL(image.currentSrc).pathname, reads });
  const answer = await fetch(`/.vitrine/calls?${query}`);
  if (answer.ok) element(".calls", HTMLElement, figure).innerHTML = await answer.text(); // escaped there
}

for (const image of document.querySelectorAll<HTMLImageElement>("figure img")) {
  image.addEventListener("load", () => void measure(image).catch(() => fail(image)));
  image.addEventListener("error", () => fail(image));
  if (image.complete && image.currentSrc !== "") {
    if (image.naturalWidth > 0) void measure(image).catch(() => fail(image));
    else fail(image);
  }
}
for (const details of document.querySelectorAll<HTMLDetailsElement>("[data-calls]")) {
  details.addEventListener("toggle", () => {
    const figure = details.closest("figure");
    if (details.open && figure !== null) void showCalls(figure);
  });
}

// Buttons

document.addEventListener("click", async ({ target }) => {
  if (!(target instanceof HTMLButtonElement)) return;
  const figure = target.closest("figure");
  const { key } = target.closest("article")?.dataset ?? {};
  if ("copy" in target.dataset) await copy(target);
  if ("try" in target.dataset && figure !== null && key !== undefined) {
    await openTry(target, element("img", HTMLImageElement, figure));
  }
  if ("remove" in target.dataset && key !== undefined) {
    await fetch(`/.vitrine/objects/${encodeURIComponent(key)}`, { method: "DELETE" });
    location.reload();
  }
});

async function copy(button: HTMLButtonElement): Promise<void> {
  try {
    await navigator.clipboard.writeText(button.previousElementSibling?.textContent ?? "");
    button.textContent = "Copied";
  } catch {
    button.textContent = "Select the code and copy it"; // the browser refused
  }
}

// The filter, which holds after the page is loaded again

const filter = element("#filter", HTMLInputElement);
filter.value = sessionStorage.getItem("filter") ?? "";
filter.addEventListener("input", applyFilter);
applyFilter();

function applyFilter(): void {
  const text = filter.value.trim().toLowerCase();
  sessionStorage.setItem("filter", filter.value);
  for (const section of document.querySelectorAll<HTMLElement>("main section")) {
    const articles = [...section.querySelectorAll("article")];
    for (const one of articles) one.hidden = !one.dataset["key"]?.toLowerCase().includes(text);
    section.hidden = articles.every((one) => one.hidden);
    const details = section.querySelector<HTMLDetailsElement>(":scope > details");
    if (details && text !== "" && !section.hidden) details.open = true;
  }
}

// Pictures of one's own

let isBusy = false;
const files = document.querySelector<HTMLInputElement>("#files");
files?.addEventListener("change", () => void putAll([...(files.files ?? [])]));
document.addEventListener("dragover", (event) => {
  event.preventDefault();
  document.body.classList.add("dragging");
});
document.addEventListener("dragleave", ({ relatedTarget }) => {
  if (relatedTarget === null) document.body.classList.remove("dragging");
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  document.body.classList.remove("dragging");
  void putAll([...(event.dataTransfer?.files ?? [])]);
});

async function putAll(all: readonly File[]): Promise<void> {
  if (all.length === 0) return say("That was no file. Save the picture first, then drop the file.");
  isBusy = true;
  const faults: string[] = [];
  for (const [at, file] of all.entries()) {
    say(`Adding ${file.name} to the local bucket: ${at + 1} of ${all.length} …`);
    const url = `/.vitrine/objects/${encodeURIComponent(file.name)}`;
    const request = { method: "PUT", headers: { "content-type": file.type }, body: file };
    const fault = await fetch(url, request).then(
      async (answer) => (answer.ok ? "" : answer.text()),
      (error) => `npx vitrine dev does not answer: ${error}`,
    );
    if (fault !== "") faults.push(`${file.name}: ${fault.trim()}`);
  }
  const done = `${all.length - faults.length} of ${all.length} added to the local bucket.`;
  sessionStorage.setItem("said", [done, ...faults].join("\n"));
  location.reload();
}

say(sessionStorage.getItem("said") ?? "");
sessionStorage.removeItem("said");

// Changes: of the configuration, of the objects, of the local run

/** How often to ask whether something changed: ms. */
const EVERY_MS = 1_000;
/** While wrangler takes up a change, it may hold an answer back: ms. */
const TIMEOUT_MS = 10_000;
let isLost = false;

async function look(): Promise<void> {
  try {
    const answer = await fetch("/.vitrine/tag", { signal: AbortSignal.timeout(TIMEOUT_MS) });
    const tag = await answer.text();
    if (isBusy || isTrying()) return;
    if (answer.ok && tag !== document.documentElement.dataset["tag"]) return location.reload();
    if (isLost) say("");
    isLost = false;
  } catch {
    isLost = true;
    say("The local run does not answer. This page goes on when it does.");
  }
}

async function follow(): Promise<void> {
  if (document.visibilityState === "visible" && !isBusy && !isTrying()) await look();
  setTimeout(follow, EVERY_MS);
}
void follow();
