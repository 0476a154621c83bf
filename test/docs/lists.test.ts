// Pages that list things of the code have all of them, and nothing else.

import { expect, test } from "vitest";
import type { Notice } from "../../src/worker/base/notice.ts";
import type { Refusal } from "../../src/worker/base/refusal.ts";
import { RANGES } from "../support/tables/ranges.ts";
import { anchorsOf, readPage } from "./pages.ts";

type LogEvent = Refusal["event"] | Notice["event"];

/** Every event: a missing or unknown one is an error of types, in `npm run check`. */
const EVENTS = Object.keys({
  "cache-unusable": true,
  "configuration-broken": true,
  "edge-contradicts": true,
  "edge-failed": true,
  "edge-refused": true,
  "foreign-page": true,
  "health-denied": true,
  "impossible-key": true,
  "limiter-failed": true,
  "lines-left-out": true,
  "loop-detected": true,
  "method-not-allowed": true,
  "metrics-failed": true,
  "no-focus": true,
  "no-such-route": true,
  "no-such-variant": true,
  "not-transformed": true,
  "object-denied": true,
  "object-missing": true,
  "origin-denied": true,
  "origin-failed": true,
  "original-is-smaller": true,
  "purge-denied": true,
  "purge-failed": true,
  "quota-spent": true,
  "rate-limited": true,
  "rendition-failed": true,
  "role-failed": true,
  "role-refused": true,
  "signature-wrong": true,
  "slot-in-use": true,
  "slot-refused": true,
  "slots-refused": true,
  "source-unreadable": true,
  "store-failed": true,
  "timed-out": true,
  "too-large-for-avif": true,
  "url-expired": true,
  "wrong-type": true,
} satisfies Record<LogEvent, true>);

const GENERAL = [
  ...["errors", "what-you-see", "all-pictures-are-502", "s3-is-down"],
  ...["what-a-visitor-gets", "the-log"],
];

test("docs/errors.md has one section for each event of the log", () => {
  const sections = anchorsOf(readPage("docs/errors.md")).filter(
    (anchor) => !GENERAL.includes(anchor),
  );
  expect(sections.toSorted()).toEqual(EVENTS);
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
