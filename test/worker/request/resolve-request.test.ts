// From a URL's path to what it asks for, or to a refusal.

import { expect, test } from "vitest";
import { readConfig } from "../../../src/worker/config/config.ts";
import { resolveRequest } from "../../../src/worker/request/resolve-request.ts";
import { ENV } from "../../support/env.ts";

const config = readConfig(ENV);
const read = (pathname: string) =>
  "mistakes" in config ? expect.unreachable() : resolveRequest(config, pathname);

test("a URL names a route, a variant and an object", () => {
  const order = read("/images/card%402x/a%20b.jpg");
  expect(order).toMatchObject({ name: "card@2x", object: "a b.jpg", key: "published/a b.jpg" });
  expect(order.route?.path).toBe("/images/:preset/*");
  expect(order.variant).toMatchObject({ preset: "card", image: { dpr: 2 } });
});

test.each<[string, string, object, string | undefined]>([
  ["no route", "/x/card/a.jpg", { event: "no-such-route" }, undefined],
  ["malformed", "/images/card/%", { event: "impossible-key" }, undefined],
  ["no variant", "/images/huge/a.jpg", { event: "no-such-variant", variant: "huge" }, undefined],
  ["a preset of other routes", "/avatars/me/hero", { event: "no-such-variant" }, undefined],
  ["a key that cannot be", "/images/card/a//b.jpg", { event: "impossible-key" }, "card"],
])("%s: refused, with what the URL names", (_what, pathname, refusal, preset) => {
  const order = read(pathname);
  expect("refusal" in order && order.refusal).toMatchObject(refusal);
  expect(order.variant?.preset).toBe(preset);
});
