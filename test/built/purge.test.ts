// POST /purge of the built bundle, in the real Workers runtime: requests wait for a promise of another one.

import { afterAll, beforeAll, expect, test } from "vitest";
import { BUILT, ROOT } from "../support/built.ts";
import { createCloudflare, ZONE_ID } from "../support/cli/cloudflare.ts";
import { BASE, CLOUDFLARE_API_TOKEN, PURGE_TOKEN, SECRETS, VARS } from "../support/env.ts";
import { bridgeEvent } from "../support/events.ts";
import { createHarness } from "../support/harness.ts";
import { network } from "../support/stand.ts";

const server = createHarness({
  root: ROOT,
  workers: [
    {
      configPath: "test/support/wrangler.toml",
      prebuiltWorkerDir: BUILT,
      secrets: { ...SECRETS, PURGE_TOKEN, CLOUDFLARE_API_TOKEN },
      vars: { ...VARS, ZONE_ID },
    },
  ],
});

beforeAll(async () => {
  network.listen();
  await server.listen();
});
afterAll(async () => {
  await server.close();
  network.close();
});

test("events that arrive together share their calls, and each is answered (C3, W15)", async () => {
  const cloudflare = createCloudflare();
  network.use(...cloudflare.handlers);
  const keys = Array.from({ length: 20 }, (_, at) => `photos/${at} a+b.jpg`);
  const answers = await Promise.all(
    keys.map(async (key) => {
      const answer = await server.fetch("/purge", {
        method: "POST",
        headers: { authorization: `Basic ${btoa(`sns:${PURGE_TOKEN}`)}` },
        body: JSON.stringify(bridgeEvent("acme-media", `published/${key}`)),
      });
      return { status: answer.status, report: await answer.json() };
    }),
  );
  for (const [at, { status, report }] of answers.entries()) {
    const purged = [`media/${keys[at]}`];
    expect([status, report]).toMatchObject([200, { ok: true, purged, edge: "purged" }]);
  }
  expect(cloudflare.calls.length).toBeLessThan(5);
  const files = keys.map((key) =>
    `${BASE}published/${encodeURIComponent(key)}`.replace("%2F", "/"),
  );
  expect(cloudflare.purged.toSorted()).toEqual(files.toSorted());
});

test("a wrong token opens nothing", async () => {
  const init = { method: "POST", headers: { authorization: "Bearer x" }, body: "{}" };
  expect((await server.fetch("/purge", init)).status).toBe(401);
});
