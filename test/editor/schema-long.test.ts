import { test } from "vitest";
import { compileVars, expectAgreement } from "./agreement.ts";

test("of 2,000 configurations, what the Worker refuses, an editor underlines, and nothing else", async () => {
  expectAgreement(await compileVars(), 2000);
});
