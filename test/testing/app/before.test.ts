// An app's test as it was before createVitrine: it builds all that is around the Worker. The same with it: after.test.ts.

import { scheduler } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { createSigner } from "../../../src/client/sign.ts";
import { openSite } from "../../../src/client/site.ts";
import {
  createCache,
  createEdge,
  createR2,
  createS3,
  deployedEnv,
} from "../../../src/emulator/index.ts";
import worker, { Renditions } from "../../../src/worker/index.ts";
import { file } from "../../support/emulators.ts";
import { expectPromises } from "./promises.ts";
import { APP_VARS } from "./vars.ts";

test("without createVitrine, an app's test builds it all itself", async () => {
  const clock = { now: Date.now() };
  const now = () => clock.now;
  vi.useFakeTimers({ toFake: ["Date"], now: clock.now });

  const credentials = { accessKeyId: "an-id", secretAccessKey: "a-secret-of-this-test" };
  const { media } = APP_VARS.BUCKETS;
  const s3 = createS3({ ...media, credentials, now });
  for (const key of ["photos/fig.jpg", "private/fig.jpg"]) {
    s3.objects.set(key, { body: file("made/key.jpg"), type: "image/jpeg" });
  }
  const sources = ["acme-media.s3.eu-west-1.amazonaws.com"];
  const edge = createEdge({ zone: "images.example", sources, fetch: s3.fetch, now });
  vi.stubGlobal("fetch", edge.fetch);
  for (const level of ["warn", "error"] as const) vi.spyOn(console, level).mockReturnValue();
  vi.stubGlobal("scheduler", scheduler);

  const [route] = APP_VARS.ROUTES;
  const site = openSite({ baseUrl: "https://images.example", route, presets: APP_VARS.PRESETS });
  const URL_SIGNING_KEYS = JSON.stringify({ k: "a-key-that-signs-in-this-test-alone" });
  const env = deployedEnv({
    ...APP_VARS,
    AWS_ACCESS_KEY_ID: credentials.accessKeyId,
    AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
    URL_SIGNING_KEYS,
    PURGE_TOKEN: "a-token-that-purges-in-this-test-alone",
    RENDITIONS: createR2({}, { now }),
  });
  const cache = createCache({ now });
  const pending: Promise<unknown>[] = [];
  const context = {
    waitUntil: (work: Promise<unknown>) => void pending.push(work),
    exports: { Renditions: cache.entrypoint((run: ExecutionContext) => new Renditions(run, env)) },
  };
  const settle = async () => {
    await cache.settled();
    await Promise.all(pending.splice(0));
  };
  const fetchWhole = async (request: Request) => {
    const answer = await worker.fetch(request, env, context);
    const whole = new Response(await answer.arrayBuffer(), answer);
    await settle();
    return whole;
  };
  await expectPromises({
    fetch: (path) => fetchWhole(new Request(`https://images.example${path}`)),
    signedPath: async () => {
      const sign = createSigner(site, URL_SIGNING_KEYS);
      const query = await sign("private/fig.jpg", "card", {
        expires: Math.floor(clock.now / 1000) + 3600,
      });
      return `/private/card/fig.jpg${query}`;
    },
    breakS3: () => void s3.faults.add("InternalError"),
    repairS3: () => void s3.faults.clear(),
    replace: async () => {
      s3.objects.set("photos/fig.jpg", { body: file("made/rotated-gps.jpg"), type: "image/jpeg" });
      const headers = { authorization: "Bearer a-token-that-purges-in-this-test-alone" };
      const body = JSON.stringify({ objects: ["media/photos/fig.jpg"] });
      await fetchWhole(
        new Request("https://images.example/purge", { method: "POST", headers, body }),
      );
    },
    advance: async (days) => {
      clock.now += days * 86_400_000;
      vi.setSystemTime(clock.now);
    },
  });
  expect(edge.refusals).toEqual([]);
  vi.useRealTimers();
});
