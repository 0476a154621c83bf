// /healthz of buckets whose renditions the Images binding makes.

import { expect, test } from "vitest";
import { type EngineName, type Env, envOf } from "../../support/engines.ts";
import { HEALTH_TOKEN, VARS } from "../../support/env.ts";
import { get, stage } from "../../support/play.ts";

const CANARY = "key.jpg";

async function health(env: Env) {
  const headers = { authorization: `Bearer ${HEALTH_TOKEN}` };
  const answer = await get("/healthz", { headers }, env);
  return { status: answer.status, ...Object(await answer.json()) };
}

function envWith(engine: EngineName, canary: object = { canary: CANARY }): Env {
  const { BUCKETS = VARS.BUCKETS } = envOf(engine);
  const { media } = BUCKETS as typeof VARS.BUCKETS;
  return envOf(engine, { HEALTH_TOKEN, BUCKETS: { media: { ...media, ...canary } } });
}

test.each<EngineName>(["binding", "R2", "binding, cf"])("%s that works", async (engine) => {
  const found = await health(envWith(engine));
  expect(found).toMatchObject({ status: 200, ok: true, buckets: [{ edge: "on" }] });
  if (engine === "R2") expect(found.buckets).toMatchObject([{ slots: [], r2: "ok" }]);
});

test.each<EngineName>(["binding", "R2", "binding, cf"])(
  "%s that the account lacks (B3)",
  async (engine) => {
    stage.edge.switches.bindingAllowed = false;
    expect(await health(envWith(engine))).toMatchObject({ ok: true, buckets: [{ edge: "9430" }] });
  },
);

test.each<EngineName>(["binding", "R2"])("%s without a canary", async (engine) => {
  const found = await health(envWith(engine, {}));
  expect(found).toMatchObject({ ok: true, buckets: [{ edge: "no canary" }] });
});

test("an R2 bucket whose canary is missing", async () => {
  const found = await health(envWith("R2", { canary: "nothing.jpg" }));
  expect(found).toMatchObject({ ok: true, buckets: [{ r2: "ok", edge: "object-missing" }] });
});

test("an R2 bucket that fails", async () => {
  const env = envWith("R2");
  const bucket = env["MEDIA_BUCKET"] as { faults: Set<string> };
  bucket.faults.add("throws");
  const found = await health(env);
  expect(found).toMatchObject({ status: 503, ok: false, buckets: [{ r2: "unreachable" }] });
});

test("/healthz tells that one of two engines does not work", async () => {
  stage.edge.switches.transformations = false;
  expect(await health(envWith("binding, cf"))).toMatchObject({ buckets: [{ edge: "off" }] });
});
