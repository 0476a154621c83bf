// The ThumbHashes of vitrine facts are those of another implementation: fixtures/vectors/thumbhash/README.md.

import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { facts, put } from "../../support/cli/facts.ts";

const VECTORS = join(import.meta.dirname, "../../../fixtures/vectors/thumbhash");

test("the ThumbHash of each of 100 pictures is that of another implementation", async () => {
  const known: Record<string, string> = JSON.parse(
    readFileSync(join(VECTORS, "vectors.json"), "utf8"),
  );
  const pictures = readdirSync(VECTORS).filter((name) => name.endsWith(".png"));
  expect(pictures).toHaveLength(100);
  for (const name of pictures) put(name, readFileSync(join(VECTORS, name)));
  const { code, out } = await facts();
  expect(code).toBe(0);
  const told: Record<string, { thumbhash: string }> = JSON.parse(out);
  const own = Object.entries(told).map(([name, { thumbhash }]) => [name, thumbhash]);
  expect(Object.fromEntries(own)).toEqual(known);
});
