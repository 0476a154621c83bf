// Each line of the log leads to its page of the operator's site of the documents, if there is one.

import { expect, test } from "vitest";
import { readConfig } from "../../../src/worker/config/config.ts";
import { isRefusal } from "../../../src/worker/http/refusal.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { ENV } from "../../support/env.ts";
import { get, lines } from "../../support/run-worker.ts";

const DOCS_URL = "https://docs.example.com";

test("a line of the log names its page of the site, else the file", async () => {
  await get("/nothing", {}, { ...ENV, DOCS_URL });
  await get("/nothing", {}, { ...ENV });

  const [withSite, withoutSite] = lines();
  expect(withSite).toMatchObject({ see: `${DOCS_URL}/docs/errors#no-such-route` });
  expect(withoutSite).not.toHaveProperty("see"); // run-worker.ts sees that it is the file
});

const NO_ORIGIN = [
  "http://docs.example.com",
  "https://user:password@docs.example.com",
  "https://docs.example.com/",
  "https://docs.example.com?a",
  "https://docs.example.com#a",
  "docs.example.com",
  "",
  7,
];

test("what is no address of a site is a mistake", () => {
  for (const url of NO_ORIGIN) {
    const config = readConfig({ ...ENV, DOCS_URL: url });
    const mistakes = isRefusal(config) && "mistakes" in config ? config.mistakes : [];
    expect([url, mistakes.map(({ path }) => path)]).toEqual([url, ["DOCS_URL"]]);
  }
});

test("the commands point to the site that the shell names, and to no other text", async () => {
  const { out } = await vitrine(["--help"], { env: { DOCS_URL } });
  expect(out).toContain(`Documentation: ${DOCS_URL}/docs/\n`);

  const wrong = await vitrine(["--help"], { env: { DOCS_URL: "docs.example.com" } });
  expect(wrong).toMatchObject({ code: 3, out: "" });
  expect(wrong.err).toContain('DOCS_URL "docs.example.com" is not an origin');
  expect((await vitrine(["--help"])).out).toContain("Documentation: docs/README.md");
});
