// Pages that list things of the code have all of them, and nothing else.

import { expect, test } from "vitest";
import { RANGES } from "../support/tables/ranges.ts";
import { anchorsOf, readPage } from "./pages.ts";

/** Every event of the log: the words with a dash in the types of its lines. */
const EVENTS = ["refusal", "notice"].flatMap((name) =>
  Array.from(readPage(`src/worker/base/${name}.ts`).matchAll(/"([a-z]+(?:-[a-z]+)+)"/g), (found) =>
    found.at(1),
  ),
);

const GENERAL = [
  ...["errors", "what-you-see", "all-pictures-are-502", "s3-is-down"],
  ...["what-a-visitor-gets", "the-log"],
];

test("docs/errors.md has one section for each event of the log", () => {
  const sections = anchorsOf(readPage("docs/errors.md")).filter(
    (anchor) => !GENERAL.includes(anchor),
  );
  expect(sections.toSorted()).toEqual([...new Set(EVENTS)].toSorted());
});

test("docs/configuration.md has every option of a preset in its tables, and no other", () => {
  const page = readPage("docs/configuration.md");
  const [, section = ""] = /^## `\[vars\.PRESETS.*?$(.*?)^### Overlays/ms.exec(page) ?? [];
  const cells = [...section.matchAll(/^\| (`.*?) +\|/gm)].map(([, cell = ""]) => cell);
  const named = cells.flatMap((cell) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name));
  // They are in the sentence above the tables.
  for (const option of ["width", "height"]) expect(section).toContain(`\`${option}\``);
  expect([...named, "width", "height"].sort()).toEqual(Object.keys(RANGES).sort());
});
