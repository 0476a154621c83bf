// What to run if a package is not installed.

import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { missingFault } from "../../../src/cli/project/peer.ts";

const folder = mkdtempSync(join(tmpdir(), "vitrine-peer-"));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

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
