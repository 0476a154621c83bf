// Each engine makes what a preset asks for.

import { expect, test } from "vitest";
import { ENGINES, envOf } from "../../support/engines.ts";
import { get, lines, MODERN, stage } from "../../support/play.ts";

test.each(ENGINES)("engine %s makes a picture", async (engine) => {
  const answer = await get("/images/card/key.jpg", { headers: MODERN }, envOf(engine));
  expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/avif"]);
  expect(lines()).toEqual([]);
});
