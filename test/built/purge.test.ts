// POST /purge of the built bundle, in the real Workers runtime.

import { afterAll, beforeAll, expect, test } from "vitest";
import { BUILT, ROOT } from "../support/built.ts";
import { PURGE_TOKEN, SECRETS, VARS } from "../support/env.ts";
import { bridgeEvent } from "../support/events.ts";
import { createHarness } from "../support/harness.ts";
import { network } from "../support/stand.ts";

const server = createHarness({
  root: ROOT,
  workers: [
    {
      configPath: "test/support/wrangler.toml",
      prebuiltWorkerDir: BUILT,
      secrets: { ...SECRETS, PURGE_TOKEN },
      vars: VARS,
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

test("each of the events that arrive together is answered (W15)", async () => {
  const keys = Array.from({ length: 20 }, (_, at) => `photos/${at} a+b.jpg`);
  const answers = await Promise.all(
    keys.map(async (key) => {
      const answer = await server.fetch("/purge", {
        method: "POST",
        headers: { authorization: `Basic ${btoa(`user:${PURGE_TOKEN}`)}` },
        body: JSON.stringify(bridgeEvent("acme-media", `published/${key}`)),
      });
      return { status: answer.status, report: await answer.json() };
    }),
  );
  for (const [at, { status, report }] of answers.entries()) {
    const purged = [`media/${keys[at]}`];
    expect([status, report]).toMatchObject([200, { ok: true, purged }]);
  }
});
