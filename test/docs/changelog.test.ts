// CHANGELOG.md has the form of Keep a Changelog, and its latest version is that of package.json.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { ROOT } from "../support/built.ts";
import { readPage } from "./pages.ts";

const { version } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
const PAGE = readPage("CHANGELOG.md");
const SECTIONS = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"];

const headings = (level: string) =>
  [...PAGE.matchAll(new RegExp(`^${level} (.*)$`, "gm"))].map(([, text = ""]) => text);

test("each version has its number and its date, the latest one first", () => {
  const versions = headings("##").filter((heading) => heading !== "[Unreleased]");
  const form = /^\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)$/;
  expect(versions.filter((heading) => !form.test(heading))).toEqual([]);
  const dates = versions.map((heading) => form.exec(heading)?.[2]);
  expect(dates).toEqual(dates.toSorted().reverse());
  expect(form.exec(versions[0] ?? "")?.[1]).toBe(version);
});

test("the sections are those of Keep a Changelog", () => {
  expect(headings("###")).not.toEqual([]);
  expect(headings("###").filter((heading) => !SECTIONS.includes(heading))).toEqual([]);
});
