// docs/configuration.md has every option of a preset, and no other.

import { expect, test } from "vitest";
import { RANGES } from "../support/ranges.ts";
import { readPage } from "./pages.ts";

test("docs/configuration.md has every option of a preset in its tables, and no other", () => {
  const page = readPage("docs/configuration.md");
  const [, section = ""] = /^## `\[vars\.PRESETS.*?$(.*?)^### Overlays/ms.exec(page) ?? [];
  const cells = [...section.matchAll(/^\| (`.*?) +\|/gm)].map(([, cell = ""]) => cell);
  const named = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  // They are in the sentence above the tables.
  for (const option of ["width", "height"]) expect(section).toContain(`\`${option}\``);
  expect([...named, "width", "height"].sort()).toEqual(Object.keys(RANGES).sort());
});
