// React's own <img>, with the attributes that imgProps returns.

import { renderToString } from "react-dom/server";
import { expect, test, vi } from "vitest";
import { candidatesIn, elements, heroOf, shownBy } from "./page.ts";
import { Fig } from "./react/Fig.tsx";

test("React renders what imgProps returns, without a warning", () => {
  const warned = [vi.spyOn(console, "error"), vi.spyOn(console, "warn")];
  const [img] = elements(renderToString(<Fig />), "img");
  const { srcset, src, ...others } = img ?? {};
  expect([candidatesIn(srcset), shownBy(src)]).toEqual([
    heroOf("photos/fig.jpg"),
    "hero photos/fig.jpg",
  ]);
  expect(others).toEqual({ alt: "A fig", loading: "lazy", decoding: "async", sizes: "50vw" });
  for (const spy of warned) expect(spy).not.toHaveBeenCalled();
});
