// What to run if a package is not installed.

import { rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { missingFault } from "../../../src/cli/wrangler/packages.ts";
import { makeTemporary } from "../../support/temporary.ts";

const folder = makeTemporary("vitrine-peer-");

const LISTED = "wrangler is not installed, but package.json lists it. Run: npm ci";
const UNKNOWN = "wrangler is not installed. Run: npm install --save-dev wrangler";

test.each([
  ['{ "devDependencies": { "wrangler": "^4.0.0" } }', LISTED],
  ['{ "dependencies": { "wrangler": "*" } }', LISTED],
  ['{ "devDependencies": { "sharp": "*" } }', UNKNOWN],
  ["{", UNKNOWN],
  [undefined, UNKNOWN],
])("with a package.json of %s", (text, fault) => {
  const manifest = join(folder, "package.json");
  rmSync(manifest, { force: true });
  if (text !== undefined) writeFileSync(manifest, text);
  expect(missingFault("wrangler", manifest)).toEqual({ fault });
});
