// The keys of a bucket are rotated: every order of the steps that the runbook allows, with half-written slots in between
// (S1), and a key that is revoked while a request is under way.

import { expect, test } from "vitest";
import { CREDENTIALS, ENV, NEXT, NEXT_CREDENTIALS } from "../support/env.ts";
import { disableCacheInEachTest, get, lines, stage } from "../support/run-worker.ts";

disableCacheInEachTest(); // each request is to reach S3 and the edge

const { accessKeyId, secretAccessKey } = NEXT_CREDENTIALS;

type Step = {
  readonly name: string;
  /** The secrets that it changes. A step without this revokes the old key. */
  readonly change?: Readonly<Record<string, string | undefined>>;
  /** The steps that come before it. */
  readonly after: readonly string[];
};

const PUT_NEXT = ["put next id", "put next secret"];
const PUT_CURRENT = ["put current id", "put current secret"];
const REVOKE = "revoke old key";

const STEPS: readonly Step[] = [
  {
    name: "put next id",
    change: { AWS_ACCESS_KEY_ID_NEXT: accessKeyId },
    after: [],
  },
  {
    name: "put next secret",
    change: { AWS_SECRET_ACCESS_KEY_NEXT: secretAccessKey },
    after: [],
  },
  {
    name: "put current id",
    change: { AWS_ACCESS_KEY_ID: accessKeyId },
    after: PUT_NEXT,
  },
  {
    name: "put current secret",
    change: { AWS_SECRET_ACCESS_KEY: secretAccessKey },
    after: PUT_NEXT,
  },
  {
    name: "delete next id",
    change: { AWS_ACCESS_KEY_ID_NEXT: undefined },
    after: PUT_CURRENT,
  },
  {
    name: "delete next secret",
    change: { AWS_SECRET_ACCESS_KEY_NEXT: undefined },
    after: PUT_CURRENT,
  },
  {
    name: REVOKE,
    after: PUT_NEXT,
  },
];

/** Lists all orders that begin with the steps `done`, each step after those that come before it. */
function listOrders(done: readonly Step[]): (readonly Step[])[] {
  const names = new Set(done.map(({ name }) => name));
  const orders: (readonly Step[])[] = [];

  for (const step of STEPS) {
    const isAllowed = step.after.every((name) => names.has(name));
    if (names.has(step.name) || !isAllowed) continue;

    orders.push(...listOrders([...done, step]));
  }

  return orders.length === 0 ? [done] : orders;
}

/** Visits a picture and a missing object. @param context is named if the check fails */
async function expectServed(env: object, context: string): Promise<void> {
  const [missing, picture] = await Promise.all([
    get("/images/card/nothing.jpg", {}, env),
    get("/images/card/key.jpg", {}, env),
  ]);

  expect(missing?.status, context).toBe(404);
  expect(picture?.status, context).toBe(200);
}

function revokeOldKey(): void {
  stage.s3.keys.delete(CREDENTIALS.accessKeyId);
}

/** Takes a step. @param env of the deployed version. @returns that of the next one */
async function takeStep(
  env: object,
  step: Step,
  isRevoked: boolean,
  context: string,
): Promise<object> {
  // The deployed version has run for a while before the step.
  stage.s3.keys.set(CREDENTIALS.accessKeyId, CREDENTIALS.secretAccessKey);
  await expectServed(env, context);

  if (isRevoked) revokeOldKey();

  if (step.name === REVOKE) {
    stage.beforeEdgeRequest = revokeOldKey; // after S3 gave the object to the Worker
    await expectServed(env, `in ${context}`);

    stage.beforeEdgeRequest = () => {};
  }

  // For some seconds, both versions answer visitors.
  const next = { ...env, ...step.change };
  await expectServed(env, context);
  await expectServed(next, context);

  return next;
}

test("each order that the runbook allows fails no request, with half-written slots, too (S1, A6, A7)", async () => {
  stage.s3.faults.add("no-list-bucket");
  stage.s3.keys.set(accessKeyId, secretAccessKey);
  stage.edge.switches.cache = false;

  const orders = listOrders([]);
  expect(orders).toHaveLength(40);

  // Orders that begin with the same steps lead to one version: each step is tried once.
  const versions = new Map<string, object>();

  for (const steps of orders) {
    let env: object = { ...ENV };
    const done: string[] = [];

    for (const step of steps) {
      const context = `${step.name} after ${done.toSorted()}`;
      const isRevoked = done.includes(REVOKE);

      env = versions.get(context) ?? (await takeStep(env, step, isRevoked, context));
      versions.set(context, env);
      done.push(step.name);
    }
  }
});

test("the log says why the next key is in use where the current one cannot be used", async () => {
  stage.s3.keys.set(accessKeyId, secretAccessKey);
  const env = { ...ENV, ...NEXT, AWS_SECRET_ACCESS_KEY: "a b" };
  const { status } = await get("/images/card/key.jpg", {}, env);

  expect(status).toBe(200);
  expect(lines()).toMatchObject([
    {
      event: "slot-in-use",
      slot: "next",
      reason: expect.stringContaining("AWS_SECRET_ACCESS_KEY"),
    },
  ]);
});

test("20 requests at once with a dead current key are served, and the following one uses the other key at once", async () => {
  const env = { ...ENV, ...NEXT };
  stage.s3.keys.clear();
  stage.s3.keys.set(accessKeyId, secretAccessKey);

  const visits = Array.from({ length: 20 }, () => get("/images/card/key.jpg", {}, env));
  const answers = await Promise.all(visits);

  for (const { status } of answers) expect(status).toBe(200);

  await Promise.all(stage.pendingWork); // the checks after the answers
  const before = stage.s3.requestsBy("worker").length;
  const following = await get("/images/card/key.jpg", {}, env);

  expect(following.status).toBe(200);
  expect(stage.s3.requestsBy("worker").length - before).toBe(1);

  const events = lines().map(({ event, slot }) => [event, slot]);
  expect(events).toEqual([
    ["slot-refused", "current"],
    ["slot-in-use", "next"],
  ]);
});
