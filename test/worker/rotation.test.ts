// The keys of a bucket are rotated: every order of the steps that the runbook allows, with half-written slots in between
// (S1), and a key that is revoked while a request is under way.

import { expect, test } from "vitest";
import { CREDENTIALS, ENV, NEXT_CREDENTIALS, NEXT as NEXT_SLOT } from "../support/env.ts";
import { disableCacheInEachTest, get, lines, stage } from "../support/run-worker.ts";

disableCacheInEachTest(); // each request is to reach S3 and the edge

const { accessKeyId, secretAccessKey } = NEXT_CREDENTIALS;

type Step = {
  readonly name: string;
  /** What it changes of the secrets. Without that, it revokes the old key. */
  readonly change?: Readonly<Record<string, string | undefined>>;
  /** The steps that come before it. */
  readonly after: readonly string[];
};

const NEXT = ["put next id", "put next secret"];
const CURRENT = ["put current id", "put current secret"];
const STEPS: readonly Step[] = [
  { name: "put next id", change: { AWS_ACCESS_KEY_ID_NEXT: accessKeyId }, after: [] },
  { name: "put next secret", change: { AWS_SECRET_ACCESS_KEY_NEXT: secretAccessKey }, after: [] },
  { name: "put current id", change: { AWS_ACCESS_KEY_ID: accessKeyId }, after: NEXT },
  { name: "put current secret", change: { AWS_SECRET_ACCESS_KEY: secretAccessKey }, after: NEXT },
  { name: "delete next id", change: { AWS_ACCESS_KEY_ID_NEXT: undefined }, after: CURRENT },
  { name: "delete next secret", change: { AWS_SECRET_ACCESS_KEY_NEXT: undefined }, after: CURRENT },
  { name: "revoke old key", after: NEXT },
];

/** All orders that begin with these steps, each after those that come before it. */
function ordersAfter(done: readonly Step[]): (readonly Step[])[] {
  const isDone = (name: string) => done.some((step) => step.name === name);
  const next = STEPS.filter(({ name, after }) => !isDone(name) && after.every(isDone));
  return next.length === 0 ? [done] : next.flatMap((step) => ordersAfter([...done, step]));
}

/** Visits an image and what is missing. */
async function expectServed(env: object, after: string): Promise<void> {
  const paths = ["/images/card/nothing.jpg", "/images/card/key.jpg"];
  const answers = await Promise.all(paths.map((path) => get(path, {}, env)));
  expect([after, ...answers.map(({ status }) => status)]).toEqual([after, 404, 200]);
}

const revoke = () => void stage.s3.keys.delete(CREDENTIALS.accessKeyId);

/** Takes a step. @param env of the deployed version. @returns that of the next one */
async function take(env: object, step: Step, isRevoked: boolean, after: string): Promise<object> {
  const { accessKeyId: id, secretAccessKey: secret } = CREDENTIALS;
  stage.s3.keys.set(id, secret);
  await expectServed(env, after); // this version has run for a while

  if (isRevoked) revoke();
  if (step.change === undefined) {
    stage.beforeEdgeRequest = revoke; // after S3 gave the object to the Worker
    await expectServed(env, `in ${after}`);
    stage.beforeEdgeRequest = () => {};
  }

  const next = { ...env, ...step.change };
  for (const version of [env, next]) await expectServed(version, after);

  return next;
}

test("each order that the runbook allows fails no request, with half-written slots, too (S1, A6, A7)", async () => {
  stage.s3.faults.add("no-list-bucket");
  stage.s3.keys.set(accessKeyId, secretAccessKey);
  stage.edge.switches.cache = false;

  const orders = ordersAfter([]);
  expect(orders).toHaveLength(40);

  const versions = new Map<string, Promise<object>>();
  for (const steps of orders) {
    let env: object = { ...ENV };
    for (const [at, step] of steps.entries()) {
      const names = steps.slice(0, at).map(({ name }) => name);
      const state = `${step.name} after ${names.toSorted()}`;
      const taken = versions.get(state) ?? take(env, step, names.includes("revoke old key"), state);
      versions.set(state, taken);
      env = await taken;
    }
  }
});

test("20 requests at once with a dead current key are served, and the following one uses the other key at once", async () => {
  const env = { ...ENV, ...NEXT_SLOT };
  stage.s3.keys.clear();
  stage.s3.keys.set(accessKeyId, secretAccessKey);

  const statusOf = async () => (await get("/images/card/key.jpg", {}, env)).status;
  const all = await Promise.all(Array.from({ length: 20 }, statusOf));
  expect(new Set(all)).toEqual(new Set([200]));

  await Promise.all(stage.pendingWork); // the checks after the answers
  const before = stage.s3.requestsBy("worker").length;
  expect([await statusOf(), stage.s3.requestsBy("worker").length - before]).toEqual([200, 1]);

  const events = lines().map(({ event, slot }) => [event, slot]);
  expect(events).toEqual([
    ["slot-refused", "current"],
    ["slot-in-use", "next"],
  ]);
});
