// What the contact sheet needs a browser for: it measures the pictures, copies code, filters, puts and deletes
// pictures, and loads the page again when something changed.

import { formatBytes, formatSaving } from "../format-bytes.ts";
import { isSigningIn } from "./sign-in.ts";
import { find, isTrying, openTry } from "./try-dialog.ts";

/** Shows a message at the lower edge of the page, also to screen readers. */
function showMessage(text: string): void {
  find("#message", HTMLElement).textContent = text;
}

/** How a URL was loaded. The browser reports this a little later than it shows the image. */
function timingOf(url: string): Promise<PerformanceResourceTiming> {
  return new Promise((settle) => {
    new PerformanceObserver((list, observer) => {
      const [entry] = list.getEntriesByName(url);
      if (!(entry instanceof PerformanceResourceTiming)) return;
      observer.disconnect();
      settle(entry);
    }).observe({ type: "resource", buffered: true });
  });
}

/** Fills in the facts of the image that the browser loaded. */
async function measure(image: HTMLImageElement, figure: HTMLElement): Promise<void> {
  const url = image.currentSrc;
  const { serverTiming, encodedBodySize: bytes } = await timingOf(url);
  // With a descriptor, an <img> has CSS pixels. Without one it has the pixels of the image.
  const alone = new Image();
  alone.src = url;
  await alone.decode();
  const type = serverTiming.find(({ name }) => name === "type")?.description ?? "";
  const format = type.replace("image/", "");
  for (const link of figure.querySelectorAll("a")) link.ariaCurrent = `${link.href === url}`;
  const original = originalBytes(figure);
  const facts = {
    Format: format.toUpperCase(),
    Pixels: `${alone.naturalWidth} × ${alone.naturalHeight}`,
    Bytes: `${formatBytes(bytes)} of ${formatBytes(original)}`,
    Saved: formatSaving(bytes, original),
  };
  for (const [name, value] of Object.entries(facts)) {
    find(`[data-fact="${name}"]`, HTMLElement, figure).textContent = value;
  }
  Object.assign(figure.dataset, { state: "shown", format, bytes });
  drawTotal();
}

function originalBytes(figure: HTMLElement): number {
  return Number(figure.closest("article")?.dataset["bytes"]);
}

/** Sums up what is loaded. */
function drawTotal(): void {
  const figures = [...document.querySelectorAll<HTMLElement>("figure[data-state=shown]")];
  const bytes = figures.reduce((sum, figure) => sum + Number(figure.dataset["bytes"]), 0);
  const originals = figures.reduce((sum, figure) => sum + originalBytes(figure), 0);
  find("#total", HTMLElement).textContent =
    `${figures.length} renditions so far: ${formatBytes(bytes)} in place of ${formatBytes(originals)}. Saved: ${formatSaving(bytes, originals)}.`;
}

for (const figure of document.querySelectorAll<HTMLElement>("figure:not([data-bearer])")) {
  const image = find("img", HTMLImageElement, figure);
  const fail = () => {
    figure.dataset["state"] = "failed";
    const owner = figure.querySelector("[data-owner]")?.textContent;
    const reason = owner ?? "The log of npx vitrine dev says why.";
    find("[data-fact]", HTMLElement, figure).textContent = reason;
  };
  const load = () => void measure(image, figure).catch(fail);
  image.addEventListener("load", load);
  image.addEventListener("error", fail);
  if (image.complete && image.currentSrc !== "") image.naturalWidth > 0 ? load() : fail();
}

document.addEventListener("click", async ({ target: button }) => {
  if (!(button instanceof HTMLButtonElement)) return;
  const figure = button.closest("figure");
  const { key = "" } = button.closest("article")?.dataset ?? {};

  if (button.dataset["copy"] !== undefined) {
    const code = button.previousElementSibling?.textContent ?? "";
    button.textContent = await navigator.clipboard.writeText(code).then(
      () => "Copied",
      () => "Select the code and copy it", // the browser refused
    );
  }

  if (button.dataset["try"] !== undefined && figure) {
    await openTry(button, find("img", HTMLImageElement, figure));
  }

  if (button.dataset["remove"] !== undefined) {
    const url = `/.vitrine/objects/${encodeURIComponent(key)}`;
    isBusy = true; // a reload now would end the request before it is sent
    const request = { method: "DELETE" };
    const answer = await fetch(url, request).catch((error) => new Response(error, { status: 502 }));
    if (!answer.ok) sessionStorage.setItem("message", await answer.text());
    location.reload();
  }
});

// The filter and what is open stay when the page is loaded again.
const filter = find("#filter", HTMLInputElement);
filter.value = sessionStorage.getItem("filter") ?? "";
filter.addEventListener("input", applyFilter);
applyFilter();

function applyFilter(): void {
  const text = filter.value.trim().toLowerCase();
  sessionStorage.setItem("filter", filter.value);
  const articles = [...document.querySelectorAll("article")];
  for (const article of articles) {
    article.hidden = !article.dataset["key"]?.toLowerCase().includes(text);
  }
  const matches = articles.filter(({ hidden }) => !hidden).length;
  const count = matches < articles.length ? `${matches} of ${articles.length}` : matches;
  const reason = matches === 0 ? `: no key has “${filter.value.trim()}” in it` : "";
  if (articles.length > 0) {
    find("main > h2", HTMLElement).textContent = `${count} objects${reason}`;
  }
}

const opened = new Set<string>(JSON.parse(sessionStorage.getItem("opened") ?? "[]"));
for (const details of document.querySelectorAll("details")) {
  const { alt = "" } = details.closest("figure")?.querySelector("img") ?? {};
  const name = `${alt}: ${details.querySelector("summary")?.textContent}`;
  details.open = opened.has(name);
  details.addEventListener("toggle", () => {
    opened[details.open ? "add" : "delete"](name);
    sessionStorage.setItem("opened", JSON.stringify([...opened]));
  });
}

let isBusy = false;
let hasAdded = false;
// When the page is loaded again, it stays where it is, or shows what was added.
addEventListener("beforeunload", () => {
  history.scrollRestoration = hasAdded ? "manual" : "auto";
});
const files = document.querySelector<HTMLInputElement>("#files");
files?.addEventListener("change", () => putAll([...(files.files ?? [])]));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  void putAll([...(event.dataTransfer?.files ?? [])]);
});

async function putAll(all: readonly File[]): Promise<void> {
  isBusy = true;
  const notes: string[] = [];
  const added: string[] = [];
  for (const [index, file] of all.entries()) {
    showMessage(`Adding ${file.name} to the local bucket: ${index + 1} of ${all.length} …`);
    const url = `/.vitrine/objects/${encodeURIComponent(file.name)}`;
    const request = { method: "PUT", headers: { "content-type": file.type }, body: file };
    const answer = await fetch(url, request).catch((error) => new Response(error, { status: 502 }));
    if (answer.ok) added.push(`own/${file.name}`);

    // Why it was not added, or what visitors get in its place.
    const note = (await answer.text()).trim();
    if (note !== "") notes.push(`${file.name}: ${note}`);
  }
  const done = `${added.length} of ${all.length} added to the local bucket.`;
  sessionStorage.setItem("message", [done, ...notes].join("\n"));
  sessionStorage.setItem("added", JSON.stringify(added));
  hasAdded = added.length > 0;
  location.reload();
}

/** Scrolls to the first picture that was added, and ends a filter that hides it. */
function showAdded(): void {
  const added = new Set<string>(JSON.parse(sessionStorage.getItem("added") ?? "[]"));
  sessionStorage.removeItem("added");
  const isAdded = ({ dataset }: HTMLElement) => added.has(dataset["key"] ?? "");
  const articles = [...document.querySelectorAll("article")].filter(isAdded);
  if (articles.length === 0) return;

  if (articles.every(({ hidden }) => hidden)) {
    filter.value = "";
    applyFilter();
  }
  articles.find(({ hidden }) => !hidden)?.scrollIntoView();
}
showAdded();
showMessage(sessionStorage.getItem("message") ?? "");
sessionStorage.removeItem("message");

/** How often to ask whether something changed: ms. */
const EVERY_MS = 1_000;
/** During a reload wrangler may delay an answer: ms. */
const TIMEOUT_MS = 10_000;
let isLost = false;

async function follow(): Promise<void> {
  const canReload = () =>
    document.visibilityState === "visible" && !isBusy && !isTrying() && !isSigningIn();
  try {
    const signal = AbortSignal.timeout(TIMEOUT_MS);
    const answer = canReload() ? await fetch("/.vitrine/tag", { signal }) : undefined;
    const tag = answer?.ok ? await answer.text() : undefined;
    if (canReload() && tag !== undefined && tag !== document.documentElement.dataset["tag"]) {
      return location.reload();
    }
    if (isLost) showMessage("");
    isLost = false;
  } catch {
    isLost = true;
    showMessage("The local run does not answer. This page goes on when it does.");
  }
  setTimeout(follow, EVERY_MS);
}
void follow();
