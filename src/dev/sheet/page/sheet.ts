// What the contact sheet needs a browser for: it measures the pictures, copies code, filters, puts and deletes
// pictures, and loads the page again when something changed.

import { measurePictures } from "./measure.ts";
import { isSigningIn } from "./sign-in.ts";
import { find, isTrying, openTry } from "./try-dialog.ts";

/** Whether a request is on its way that a reload would end. */
let isBusy = false;

/** Whether the next load of the page shows what was added. */
let hasAdded = false;

measurePictures();

/** Shows a message at the lower edge of the page, also to screen readers. */
function showMessage(text: string): void {
  find("#message", HTMLElement).textContent = text;
}

/** Sends a request. If the local run does not answer, the answer says so. */
async function send(url: string, request: RequestInit): Promise<Response> {
  try {
    return await fetch(url, request);
  } catch (error) {
    return new Response(`${error}`, { status: 502 });
  }
}

// The buttons of a picture.
document.addEventListener("click", async ({ target: button }) => {
  if (!(button instanceof HTMLButtonElement)) return;

  if (button.dataset["copy"] !== undefined) await copyCode(button);

  const figure = button.closest("figure");
  if (button.dataset["try"] !== undefined && figure) {
    await openTry(button, find("img", HTMLImageElement, figure));
  }

  if (button.dataset["remove"] !== undefined) await removeObject(button);
});

/** Copies the code in front of a button. */
async function copyCode(button: HTMLButtonElement): Promise<void> {
  const code = button.previousElementSibling?.textContent ?? "";
  try {
    await navigator.clipboard.writeText(code);
    button.textContent = "Copied";
  } catch {
    // The browser refuses that.
    button.textContent = "Select the code and copy it";
  }
}

async function removeObject(button: HTMLButtonElement): Promise<void> {
  isBusy = true;
  const key = button.closest("article")?.dataset["key"] ?? "";
  const url = `/.vitrine/objects/${encodeURIComponent(key)}`;
  const answer = await send(url, { method: "DELETE" });
  if (!answer.ok) sessionStorage.setItem("message", await answer.text());
  location.reload();
}

// The filter stays when the page is loaded again.
const filter = find("#filter", HTMLInputElement);
filter.value = sessionStorage.getItem("filter") ?? "";
filter.addEventListener("input", applyFilter);
applyFilter();

function applyFilter(): void {
  sessionStorage.setItem("filter", filter.value);

  const text = filter.value.trim();
  const articles = document.querySelectorAll("article");
  let matches = 0;
  for (const article of articles) {
    const key = article.dataset["key"] ?? "";
    const isMatch = key.toLowerCase().includes(text.toLowerCase());
    article.hidden = !isMatch;
    if (isMatch) matches += 1;
  }

  // A page without objects has another heading.
  if (articles.length === 0) return;
  find("main > h2", HTMLElement).textContent = headingText(matches, articles.length, text);
}

function headingText(matches: number, objects: number, filterText: string): string {
  if (matches === 0) return `0 of ${objects} objects: no key has “${filterText}” in it`;
  if (matches < objects) return `${matches} of ${objects} objects`;
  return `${objects} objects`;
}

// What is open stays open when the page is loaded again.
const openedNames: readonly string[] = JSON.parse(sessionStorage.getItem("opened") ?? "[]");
const opened = new Set(openedNames);
for (const details of document.querySelectorAll("details")) {
  const name = detailsName(details);
  details.open = opened.has(name);
  details.addEventListener("toggle", () => {
    if (details.open) opened.add(name);
    else opened.delete(name);
    sessionStorage.setItem("opened", JSON.stringify([...opened]));
  });
}

/** `photos/fig.jpg, as card: Code` */
function detailsName(details: HTMLDetailsElement): string {
  const picture = details.closest("figure")?.querySelector("img")?.alt ?? "";
  const summary = details.querySelector("summary")?.textContent;
  return `${picture}: ${summary}`;
}

// When the page is loaded again, it stays where it is, or shows what was added.
addEventListener("beforeunload", () => {
  history.scrollRestoration = hasAdded ? "manual" : "auto";
});

// Files are added by a button, or dropped on the page.
const files = document.querySelector<HTMLInputElement>("#files");
files?.addEventListener("change", () => putAll([...(files.files ?? [])]));
document.addEventListener("dragover", (event) => event.preventDefault());
document.addEventListener("drop", (event) => {
  event.preventDefault();
  // Where nothing can be added, the page has no button for it.
  if (files === null) return;

  const dropped = event.dataTransfer?.files ?? [];
  void putAll([...dropped]);
});

async function putAll(all: readonly File[]): Promise<void> {
  isBusy = true;
  const notes: string[] = [];
  const added: string[] = [];

  for (const [index, file] of all.entries()) {
    showMessage(`Adding ${file.name} to the local bucket: ${index + 1} of ${all.length} …`);
    const url = `/.vitrine/objects/${encodeURIComponent(file.name)}`;
    const headers = { "content-type": file.type };
    const answer = await send(url, { method: "PUT", headers, body: file });
    if (answer.ok) added.push(`own/${file.name}`);

    // Why it was not added, or what visitors get in its place.
    const note = (await answer.text()).trim();
    if (note !== "") notes.push(`${file.name}: ${note}`);
  }

  const summary = `${added.length} of ${all.length} added to the local bucket.`;
  sessionStorage.setItem("message", [summary, ...notes].join("\n"));
  sessionStorage.setItem("added", JSON.stringify(added));
  hasAdded = added.length > 0;
  location.reload();
}

/** Scrolls to the first picture that was added, and ends a filter that hides it. */
function showAdded(): void {
  const keys: readonly string[] = JSON.parse(sessionStorage.getItem("added") ?? "[]");
  const added = new Set(keys);
  sessionStorage.removeItem("added");

  const articles = [...document.querySelectorAll("article")];
  const addedArticles = articles.filter(({ dataset }) => added.has(dataset["key"] ?? ""));
  if (addedArticles.length === 0) return;

  const isEachHidden = addedArticles.every(({ hidden }) => hidden);
  if (isEachHidden) {
    filter.value = "";
    applyFilter();
  }

  const firstVisible = addedArticles.find(({ hidden }) => !hidden);
  firstVisible?.scrollIntoView();
}
showAdded();

// The page before this one has left a message.
showMessage(sessionStorage.getItem("message") ?? "");
sessionStorage.removeItem("message");

/** How often to ask whether something changed: ms. */
const EVERY_MS = 1_000;

/** How long an answer may take: ms. During a reload, wrangler may delay it. */
const TIMEOUT_MS = 10_000;

let isLost = false;

/** Loads the page again when its tag has changed, and nobody is at work in it. */
async function follow(): Promise<void> {
  try {
    const tag = await fetchTag();
    const isNew = tag !== undefined && tag !== document.documentElement.dataset["tag"];
    if (isNew && canReload()) return location.reload();

    if (isLost) showMessage("");
    isLost = false;
  } catch {
    isLost = true;
    showMessage("The local run does not answer. This page goes on when it does.");
  }

  setTimeout(follow, EVERY_MS);
}

/** @returns undefined if nobody needs the tag now, or the local run has none */
async function fetchTag(): Promise<string | undefined> {
  if (!canReload()) return undefined;

  const answer = await fetch("/.vitrine/tag", { signal: AbortSignal.timeout(TIMEOUT_MS) });
  return answer.ok ? answer.text() : undefined;
}

function canReload(): boolean {
  const isVisible = document.visibilityState === "visible";
  return isVisible && !isBusy && !isTrying() && !isSigningIn();
}

void follow();
