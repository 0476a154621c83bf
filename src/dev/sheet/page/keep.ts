// Draws again without losing the reader's place: what shows the same stays the same element, with its image,
// its focus and its open details.

type Kept = { readonly shows: string; readonly element: HTMLElement };

/** What is drawn, by name. */
const drawn = new Map<string, Kept>();

/**
 * Returns the element that was drawn under this name, if it shows the same and did not fail. Else it makes
 * a new one, with the same details open.
 * @param shows all that makes a difference to it
 */
export function keep(name: string, shows: unknown, make: () => HTMLElement): HTMLElement {
  const now = JSON.stringify(shows);
  const before = drawn.get(name);
  if (before?.shows === now && before.element.dataset["state"] !== "failed") return before.element;
  const element = make();
  element.dataset["name"] = name;
  for (const [at, details] of element.querySelectorAll("details").entries()) {
    details.open = before?.element.querySelectorAll("details")[at]?.open ?? details.open;
  }
  drawn.set(name, { shows: now, element });
  return element;
}

/** Replaces the children of an element. One that stays is not moved: it would lose its focus. */
export function setChildren(parent: HTMLElement, children: readonly HTMLElement[]): void {
  for (const child of [...parent.children]) {
    if (!children.some((one) => one === child)) child.remove();
  }
  for (const [at, child] of children.entries()) {
    const there = parent.children[at] ?? null;
    if (there !== child) parent.insertBefore(child, there);
  }
}

/** Draws, and gives the focus to what replaced the focused element. The browser itself keeps the place. */
export function drawAgain(draw: () => void): void {
  const focused = document.activeElement;
  const name = focused?.closest<HTMLElement>("[data-name]")?.dataset["name"];
  const at = focused === null ? 0 : alike(name, focused).indexOf(focused);
  draw();
  if (focused !== null && name !== undefined && !focused.isConnected) {
    const inPlace = alike(name, focused)[at] ?? drawn.get(name)?.element.querySelector("summary");
    const heir = inPlace?.isConnected ? inPlace : document.querySelector("main");
    if (heir instanceof HTMLElement) heir.focus({ preventScroll: true });
  }
  for (const [one, { element }] of drawn) if (!element.isConnected) drawn.delete(one);
}

/** The elements of the same kind in what is drawn under a name. */
function alike(name: string | undefined, { tagName }: Element): Element[] {
  const root = name === undefined ? undefined : drawn.get(name)?.element;
  return [...(root?.querySelectorAll(tagName) ?? [])];
}
