// What /healthz tells of a role to a caller with the token.

import { beforeEach, expect, test, vi } from "vitest";
import { HEALTH_TOKEN } from "../../support/env.ts";
import { EC_KEY, ISSUER, KEYLESS, ROLE } from "../../support/issuer.ts";
import { startWorkerWithRole } from "../../support/worker-with-role.ts";

const { media } = KEYLESS.BUCKETS;
const BUCKETS = { media: { ...media, canary: "key.jpg" } };

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-26T12:00:00Z") });
  return () => void vi.useRealTimers();
});

/** A Worker with a token for /healthz, and how to ask it for its report. */
async function start(change: object = {}) {
  const world = await startWorkerWithRole();
  const isolate = world.isolate({ BUCKETS, HEALTH_TOKEN, ...change });
  world.deployed.push(isolate);

  const headers = { authorization: `Bearer ${HEALTH_TOKEN}` };
  const report = async () => {
    const answer = await world.serve(isolate, `${ISSUER}/healthz`, { headers });
    const body = await answer.text();
    expect(body).not.toMatch(/ASIA|secret-|token\/|eyJ|BEGIN/);
    const { ok, buckets } = JSON.parse(body);
    expect(answer.status).toBe(ok ? 200 : 503);
    return { ok, ...buckets[0] };
  };

  return { ...world, isolate, report };
}

test("a role that works has until when its credentials are good, and no part of them", async () => {
  const { report } = await start();
  const role = { role: ROLE, state: "ok", missing: 404, expires: "2026-11-26T13:00:00.000Z" };
  expect(await report()).toEqual({
    ok: true,
    bucket: "media",
    slots: [],
    edge: "on",
    role: { ...role, clock: expect.any(Number) },
  });
});

test("a role that STS refuses has STS's code and what to do, and takes no line from the log", async () => {
  const { report, sts, lines, getStatus, isolate } = await start();
  sts.roles.clear();
  const reason = "STS answers 403: see docs/keyless.md";
  const role = { role: ROLE, state: "AccessDenied", reason };
  const bucketFields = { bucket: "media", slots: [], edge: "AccessDenied" };

  expect(await report()).toEqual({ ok: false, ...bucketFields, role });
  expect(await getStatus(isolate)).toBe(502);
  expect(lines).toMatchObject([{ event: "role-refused", origin: "AccessDenied", reason }]);
});

test("while old credentials serve, it says that there are no new ones", async () => {
  const { report, sts, getStatus, isolate } = await start();
  await getStatus(isolate);
  vi.setSystemTime("2026-11-26T12:40:00Z");
  sts.faults.add("ServiceUnavailable");

  await getStatus(isolate);
  const { ok, role } = await report();
  expect(ok).toBe(true);
  expect(role.state).toBe("ok");
  expect(role.renewal).toBe("ServiceUnavailable");
});

test("a key of the issuer that cannot be used is named", async () => {
  const keys = { OIDC_SIGNING_KEY: "no key", OIDC_SIGNING_KEY_NEXT: EC_KEY };
  const { report } = await start(keys);
  const { ok, role } = await report();
  expect(ok).toBe(true);
  expect(role.state).toBe("ok");
  expect(role.mistakes).toEqual([expect.stringMatching(/^OIDC_SIGNING_KEY: is not PRIVATE KEY/)]);
});
