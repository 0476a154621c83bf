// The probe Worker on the emulators: who may ask it for something, and what its origin does.

import { expect, it } from "vitest";
import { createEmulatedWorld } from "./emulated-world.ts";
import { TOKEN_HEADER } from "./operation.ts";
import { textOf } from "./probe.ts";
import { createOrigin, putObject } from "./sources.ts";

it.each([
  ["a GET", "/", { method: "GET" }],
  ["a POST without a token", "/", { method: "POST" }],
  ["a POST with another token", "/", { method: "POST", headers: { [TOKEN_HEADER]: "0" } }],
  ["a URL behind the origin's path", "/origin/https://example.com/fig.jpg", {}],
  ["an origin that no probe has made", "/origin/seen.jpg", {}],
  ["a way up", "/origin/..%2fsecret.jpg", {}],
])("is a 404 for %s", async (_case, path, init) => {
  const world = createEmulatedWorld();
  await putObject(world, "secret", "secret");
  const { status, size } = await world.fetchAsVisitor(path, init);
  expect({ status, size }).toEqual({ status: 404, size: 0 });
});

it("is an origin as a probe says, and writes down no value of a credential", async () => {
  const world = createEmulatedWorld();
  await putObject(world, "fig", "a picture", "image/jpeg");
  const origin = { key: "fig", headers: { "cache-control": "max-age=1" } };
  const { path, requests } = await createOrigin(world, origin);
  const headers = { authorization: "Bearer x" };
  const answer = await world.fetchAsVisitor(`${path}?a`, { headers });
  expect(textOf(answer)).toBe("a picture");
  expect(answer.headers).toMatchObject({
    "cache-control": "max-age=1",
    "content-type": "image/jpeg",
  });
  const all = await requests("");
  expect(all).toMatchObject([{ method: "GET", names: ["authorization"], via: null }]);
  expect(JSON.stringify(all)).not.toContain("Bearer");
});
