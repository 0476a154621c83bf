// docs/rules.md has every switch of the strict edge, as `npx vitrine dev` says.

import { expect, test } from "vitest";
import { STRICT } from "../../src/emulator/edge/switches.ts";
import { readPage } from "./pages.ts";

test("docs/rules.md has every switch of the strict edge", () => {
  const page = readPage("docs/rules.md");
  const [above = ""] = page.split("\n## ");
  expect(Object.keys(STRICT).filter((name) => !above.includes(`\`${name}\``))).toEqual([]);
});
