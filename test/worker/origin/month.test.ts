// A month of a Worker without a stored key of S3: credentials of an hour, an STS that fails, a key of the issuer
// that is rotated, and a role that is taken away.

import { beforeEach, describe, expect, test, vi } from "vitest";
import { EC_KEY, OTHER_EC_KEY, ROLE } from "../../support/issuer.ts";
import { startWorkerWithRole } from "../../support/worker-with-role.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const BEGAN = Date.parse("2026-11-01T00:00:00Z");

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"], now: BEGAN });
  return () => void vi.useRealTimers();
});

const pass = (ms: number) => void vi.setSystemTime(Date.now() + ms);
const between = (start: number, ms: number) => Date.now() >= start && Date.now() < start + ms;

async function startWithIsolate(ahead = 0) {
  const world = await startWorkerWithRole(ahead);
  const isolate = world.isolate();
  world.deployed.push(isolate);
  return { ...world, getStatus: () => world.getStatus(isolate) };
}

/** Starts a world whose sessions are revoked while they are fresh. */
async function startRevoked() {
  const world = await startWithIsolate();
  expect(await world.getStatus()).toBe(200);
  pass(10 * MINUTE);
  world.sts.revoke(ROLE);
  return world;
}

test("in a month with credentials of an hour, no request fails, and STS is asked twice an hour (K9)", async () => {
  const world = await startWithIsolate();
  const statuses = new Set<number>();

  // A visit may come while credentials are fresh, while they are to be renewed, and after they have expired.
  const pauses = [24 * MINUTE, 24 * MINUTE, 250 * MINUTE];
  for (let times = 0; Date.now() < BEGAN + 30 * DAY; times++) {
    statuses.add(await world.getStatus());
    pass(pauses[times % pauses.length] ?? 0);
  }

  expect(statuses).toEqual(new Set([200]));
  expect(world.sts.calls.length).toBeLessThanOrEqual(30 * 24 * 2);
  expect(world.sts.calls.every(({ status }) => status === 200)).toBe(true);
  expect(world.sts.issuerRequests.length).toBeLessThanOrEqual(2 * 31);
  expect(world.lines).toEqual([]);

  world.expectSilence();
}, 120_000);

test("an outage of STS of 20 minutes each 6 hours fails no request (K10)", async () => {
  const world = await startWithIsolate();
  const faults = ["ServiceUnavailable", "reset", "garbage", "Throttling"] as const;

  for (const [at, fault] of faults.entries()) {
    // Each outage begins at another time of the hour that credentials last.
    const start = BEGAN + at * 6 * HOUR + HOUR + at * 15 * MINUTE;
    while (Date.now() < BEGAN + (at + 1) * 6 * HOUR) {
      if (between(start, 20 * MINUTE)) world.sts.faults.add(fault);
      else world.sts.faults.clear();
      expect(await world.getStatus()).toBe(200);
      pass(4 * MINUTE);
    }
  }

  const events = new Set(world.lines.map(({ event }) => event));
  expect(events).toEqual(new Set(["role-failed"]));

  world.expectSilence();
}, 60_000);

describe("the key of the issuer is rotated", () => {
  /** The steps of docs/keyless.md: how long each lasts, and the secrets from then on. */
  const STEPS: readonly (readonly [days: number, secrets: object])[] = [
    [1.1, { OIDC_SIGNING_KEY: EC_KEY }],
    [1.1, { OIDC_SIGNING_KEY: EC_KEY, OIDC_SIGNING_KEY_NEXT: OTHER_EC_KEY }],
    [0.05, { OIDC_SIGNING_KEY: OTHER_EC_KEY, OIDC_SIGNING_KEY_NEXT: OTHER_EC_KEY }],
    [1.5, { OIDC_SIGNING_KEY: OTHER_EC_KEY }],
  ];

  const SWAP: typeof STEPS = [
    [0.3, { OIDC_SIGNING_KEY: EC_KEY }],
    [0.3, { OIDC_SIGNING_KEY: EC_KEY, OIDC_SIGNING_KEY_NEXT: OTHER_EC_KEY }],
    [1.6, { OIDC_SIGNING_KEY: OTHER_EC_KEY, OIDC_SIGNING_KEY_NEXT: EC_KEY }],
    [0.5, { OIDC_SIGNING_KEY: OTHER_EC_KEY }],
  ];

  test.each([
    ["with a day's wait", STEPS],
    ["by a swap", SWAP],
  ])(
    "%s: no request fails, with isolates of two versions side by side",
    async (_how, steps) => {
      const world = await startWorkerWithRole();
      let older = world.isolate(steps[0]?.[1]);

      for (const [days, secrets] of steps) {
        const until = Date.now() + days * DAY;
        const newer = world.isolate(secrets);
        world.deployed.splice(0, 2, older, newer);

        const sideBySide = Date.now() + 30 * MINUTE;
        while (Date.now() < until) {
          const isSideBySide = Date.now() < sideBySide;
          if (isSideBySide) expect(await world.getStatus(older)).toBe(200);
          else world.deployed.splice(0, 2, newer);

          expect(await world.getStatus(newer)).toBe(200);
          expect(await world.getStatus(world.isolate(secrets))).toBe(200);
          pass((isSideBySide ? 10 : 42) * MINUTE);
        }

        older = newer;
      }

      expect(world.lines).toEqual([]);

      world.expectSilence();
    },
    60_000,
  );
});

describe("the role is taken away", () => {
  test("its trust policy changes: one line a minute, and then one refusal a minute (K8)", async () => {
    const world = await startWithIsolate();
    expect(await world.getStatus()).toBe(200);

    world.sts.roles.delete(ROLE);
    const statuses: number[] = [];

    for (let minutes = 0; minutes < 70; minutes++) {
      statuses.push(await world.getStatus(), await world.getStatus());
      pass(MINUTE);
    }

    const [first] = world.lines;
    expect(first).toMatchObject({ event: "role-failed", role: ROLE, origin: "AccessDenied" });
    expect(statuses.indexOf(502)).toBeGreaterThan(2 * 55);

    const refusals = world.lines.filter(({ event }) => event === "role-refused");
    expect(refusals[0]).toMatchObject({ origin: "AccessDenied", bucket: "media", answered: 502 });

    const refused = statuses.filter((status) => status === 502).length;
    expect(refusals).toHaveLength(refused / 2);

    world.expectSilence();
  });
});

test("its sessions are revoked: after ten denials it takes the role again (K9)", async () => {
  const world = await startRevoked();
  const statuses: number[] = [];
  for (let times = 0; times < 13; times++) statuses.push(await world.getStatus());

  expect(statuses).toEqual([...Array<number>(11).fill(404), 200, 200]);

  // A role that may not list the bucket is denied what is missing, too: that is no reason to ask all the time.
  world.sts.revoke(ROLE);
  for (let times = 0; times < 40; times++) await world.getStatus();

  pass(5 * MINUTE - 1);
  await world.getStatus();
  expect(world.sts.calls).toHaveLength(2);

  pass(1);
  await world.getStatus();
  expect(world.sts.calls).toHaveLength(3);
});

test("S3's clock and STS's may be four minutes from the Worker's (K6)", async () => {
  for (const ahead of [-4 * MINUTE, 4 * MINUTE]) {
    const world = await startWithIsolate(ahead);
    for (let times = 0; times < 40; times++) {
      expect(await world.getStatus()).toBe(200);
      pass(11 * MINUTE);
    }
    expect(world.sts.calls.length).toBeLessThanOrEqual(16);
  }
});
