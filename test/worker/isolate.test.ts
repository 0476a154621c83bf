// What an isolate knows: its configuration.

import { expect, test } from "vitest";
import { currentConfig } from "../../src/worker/config/config.ts";
import { ENV } from "../support/env.ts";

test("the configuration is read once per isolate", () => {
  const env = { ...ENV };
  const first = currentConfig(env);
  env.AWS_ACCESS_KEY_ID = "";
  expect(currentConfig(env)).toBe(first);
  expect(currentConfig({ ...env })).toMatchObject({ event: "configuration-broken" });
});
