// Code to read and to copy.

import { el } from "./dom.ts";

/** A piece of code with a button that copies it. */
export function snippetOf(code: string): HTMLElement {
  const button = el("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(code);
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select the code and copy it"; // the browser refused
    }
  });
  // Focusable, because then the keyboard can scroll it.
  return el("div", { class: "snippet" }, el("pre", { tabindex: 0 }, el("code", {}, code)), button);
}
