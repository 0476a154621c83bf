// What the edge is asked for the variant that the browser chose, and what the preset costs.

import type { Call } from "../data.ts";
import { el } from "./dom.ts";
import { snippetOf } from "./snippet.ts";
import { counted } from "./words.ts";

/** @param unique the unique transformations of the preset for one object */
export function askedDetails(variants: readonly string[], unique: number) {
  const calls = el("div", { class: "calls" }, el("p", {}, "The picture is not loaded yet."));
  const cost = `The preset has ${counted(variants.length, "variant")}: ${variants.join(", ")}. An object in all of them costs ${counted(unique, "unique transformation")}, whatever the formats.`;
  const details = el(
    "details",
    { class: "code" },
    el("summary", {}, "What the edge is asked"),
    calls,
    el("p", { class: "cost" }, cost),
  );
  return { details, calls };
}

/** The calls for a variant. */
export function callsOf(variant: string, calls: readonly Call[] | undefined): HTMLElement[] {
  if (calls === undefined) {
    return [el("p", {}, "Not known: this copy is from before. Reload the page without its cache.")];
  }
  return calls.flatMap((call) => {
    const isOfBinding = "binding" in call;
    const when = call.when === undefined ? "" : `, ${call.when}`;
    return [
      el(
        "p",
        {},
        isOfBinding ? "The Images binding" : el("code", {}, "cf.image"),
        ` for ${variant} in this browser${when}:`,
      ),
      snippetOf(isOfBinding ? call.binding : JSON.stringify(call.image, undefined, 2)),
    ];
  });
}
