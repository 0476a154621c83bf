// Which wrangler the program takes.

import { expect, test } from "vitest";
import { oldFault } from "../../../src/cli/wrangler/packages.ts";

test.each(["4.60.0", "4.163.9", "3.114.0"])("wrangler %s is too old", (installed) => {
  expect(oldFault(installed)?.fault).toMatch(
    new RegExp(`^wrangler ${installed} is too old: .* npm install --save-dev wrangler@\\^4\\.`),
  );
});

test.each(["4.164.0", "4.164.0-beta.1", "4.200.1", "5.0.0"])(
  "wrangler %s is taken",
  (installed) => {
    expect(oldFault(installed)).toBeUndefined();
  },
);
