// The built Worker in workerd on the strict edge, while its keys are rotated: every order of the steps,
// with half-written slots in between (S1), and with requests in flight.

import { join } from "node:path";
import { http, passthrough } from "msw";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Edge } from "../../src/emulator/create-edge.ts";
import { findSignatureFault } from "../../src/emulator/s3/signature.ts";
import { serveEdge } from "../../src/emulator/serve.ts";
import { BUILT, ROOT } from "../support/built.ts";
import { CREDENTIALS, NEXT, NEXT_CREDENTIALS, SECRETS, VARS } from "../support/env.ts";
import { createHarness } from "../support/harness.ts";
import { network, setUp } from "../support/stand.ts";
import type { Version } from "./versions.ts";

type Secrets = Readonly<Record<string, string>>;

/** The steps of a rotation, and how each changes the secrets. */
const STEPS = {
  "put next id": (now) => ({ ...now, AWS_ACCESS_KEY_ID_NEXT: NEXT.AWS_ACCESS_KEY_ID_NEXT }),
  "put next secret": (now) => ({
    ...now,
    AWS_SECRET_ACCESS_KEY_NEXT: NEXT.AWS_SECRET_ACCESS_KEY_NEXT,
  }),
  "put current id": (now) => ({ ...now, AWS_ACCESS_KEY_ID: NEXT_CREDENTIALS.accessKeyId }),
  "put current secret": (now) => ({
    ...now,
    AWS_SECRET_ACCESS_KEY: NEXT_CREDENTIALS.secretAccessKey,
  }),
  "delete next id": ({ AWS_ACCESS_KEY_ID_NEXT: _, ...rest }) => rest,
  "delete next secret": ({ AWS_SECRET_ACCESS_KEY_NEXT: _, ...rest }) => rest,
  "revoke old key": (now) => now,
} as const satisfies Record<string, (now: Secrets) => Secrets>;

type Step = keyof typeof STEPS;
type Order = readonly Step[];

const ALL = Object.keys(STEPS).filter((name): name is Step => name in STEPS);

/** Returns whether the runbook allows an order: each step comes after those that it depends on. */
function isAllowed(order: Order): boolean {
  const WAITS: Record<Step, readonly Step[]> = {
    "put next id": [],
    "put next secret": [],
    "put current id": ["put next id", "put next secret"],
    "put current secret": ["put next id", "put next secret"],
    "delete next id": ["put current id", "put current secret"],
    "delete next secret": ["put current id", "put current secret"],
    "revoke old key": ["put next id", "put next secret"],
  };
  return order.every((step, at) => WAITS[step].every((other) => order.indexOf(other) < at));
}

function permutations(steps: Order): Order[] {
  if (steps.length === 0) return [[]];
  return steps.flatMap((first) =>
    permutations(steps.filter((step) => step !== first)).map((rest) => [first, ...rest]),
  );
}

const ORDERS = permutations(ALL);
const ALLOWED = ORDERS.filter(isAllowed);

const stand = { ...setUp({ cache: false }) };
const vars = { ...VARS };
let door: Awaited<ReturnType<typeof serveEdge>>;
let server: ReturnType<typeof createHarness>;

/** Where requests are held. The Worker asks S3 for the object, and then the edge, which asks S3 itself. */
type Point = "before S3" | "before the edge";

/** Holds requests, if set. */
let held: { at: Point; arrived: number; released: Promise<void> } | undefined;

async function holdAt(point: Point): Promise<void> {
  if (held?.at !== point) return;
  held.arrived += 1;
  await held.released;
}

/** The requests with a slot that S3 refuses already when they reach the edge. */
let sentInVain = 0;

beforeAll(async () => {
  network.listen();
  const edge: Edge["fetch"] = async (url, init) => {
    const { keys, settings } = stand.s3;
    const request = new Request(`${url}`, { headers: init?.headers ?? {} });
    const { region } = settings;
    const fault = await findSignatureFault(request, {
      keys,
      region,
      now: Date.now(),
      dialect: "aws",
    });
    if (fault) sentInVain += 1;
    await holdAt("before the edge");
    return stand.edge.fetch(url, init);
  };
  door = await serveEdge({ fetch: edge });
  const config = {
    name: "versions",
    main: join(ROOT, "test/built/versions.ts"),
    alias: { "built-worker": join(BUILT, "index.js") },
    compatibility_date: "2026-11-01",
    vars: { ...vars, LOCAL_EDGE: door.url },
  };
  server = createHarness({ root: ROOT, workers: [{ config }] });
  await server.listen();
});
afterAll(async () => {
  await server.close();
  await door.close();
  network.close();
});

/** Sets up S3 as at the start of a rotation: it accepts the old key and the new one. */
function begin(): void {
  Object.assign(stand, setUp({ cache: false }));
  network.use(
    http.all(`${new URL(door.url).origin}/*`, () => passthrough()),
    http.get(/amazonaws/, ({ request }) =>
      request.headers.has("range") ? holdAt("before S3") : undefined,
    ),
  );
  stand.s3.faults.add("no-list-bucket");
  stand.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
  server.clearLogs();
}

const SHOWN = "/images/card/key.jpg";
const MISSING = "/images/card/nothing.jpg";

/** Returns whether a visitor of a version got the right status. */
async function ask(version: Version, path: string): Promise<boolean> {
  const answer = await server.fetch(path, { headers: { version: JSON.stringify(version) } });
  await answer.body?.cancel();
  return answer.status === (path === SHOWN ? 200 : 404);
}

let names = 0;
function deploy(secrets: Secrets): Version {
  return { name: `${names++}`, images: "strict", settings: secrets };
}

/** The state of a rotation: the deployed secrets, and when the old key was revoked. */
type State = {
  readonly secrets: Secrets;
  readonly revoked: "never" | "before the deployment" | "after the deployment";
};

const BEGINNING: State = { secrets: SECRETS, revoked: "never" };

function after({ secrets, revoked }: State, step: Step): State {
  if (step === "revoke old key") return { secrets, revoked: "after the deployment" };
  const before = revoked === "never" ? revoked : "before the deployment";
  return { secrets: STEPS[step](secrets), revoked: before };
}

const revoke = () => stand.s3.keys.delete(CREDENTIALS.accessKeyId);

/** Takes a step with requests in flight at a point. @returns whether these requests and later ones were served */
async function take(
  { secrets, revoked }: State,
  step: Step,
  paths: readonly string[],
  at: Point,
): Promise<boolean> {
  begin();
  if (revoked === "before the deployment") revoke();
  const old = deploy(secrets);
  const askAll = (version: Version) => Promise.all(paths.map((path) => ask(version, path)));
  await askAll(old); // now it knows what a version knows that has run for a while
  if (revoked === "after the deployment") {
    revoke();
    await askAll(old);
  }
  server.clearLogs();
  let release = () => {};
  held = { at, arrived: 0, released: new Promise((settle) => (release = settle)) };
  const inFlight = askAll(old);
  // The edge is not asked for what is missing.
  const arriving = at === "before S3" ? paths : paths.filter((path) => path === SHOWN);
  await expect.poll(() => held?.arrived, { interval: 1 }).toBe(arriving.length);
  if (step === "revoke old key") revoke();
  const version = step === "revoke old key" ? old : deploy(STEPS[step](secrets));
  held = undefined;
  release();
  const served = await Promise.all([inFlight, askAll(version)]);
  return served.flat().every(Boolean);
}

/** The steps that were taken already, by everything that their outcome depends on. */
const taken = new Map<string, Promise<boolean>>();

/** Walks through a rotation. @returns the steps at which a request failed */
async function walk(order: Order, paths: readonly string[]): Promise<Step[]> {
  let state = BEGINNING;
  const failed: Step[] = [];
  for (const step of order) {
    const { secrets, revoked } = state;
    const name = JSON.stringify([Object.entries(secrets).sort(), revoked, step, paths]);
    const served =
      taken.get(name) ??
      take(state, step, paths, "before S3").then(
        async (first) => (await take(state, step, paths, "before the edge")) && first,
      );
    taken.set(name, served);
    if (!(await served)) failed.push(step);
    state = after(state, step);
  }
  return failed;
}

test(`each of the ${ALLOWED.length} orders that the runbook allows: no failed request, and none to the edge with a refused slot (S1, A6, A7)`, async () => {
  expect(ALLOWED).toHaveLength(40);
  sentInVain = 0;
  for (const order of ALLOWED)
    expect([order, await walk(order, [MISSING, SHOWN])]).toEqual([order, []]);
  expect([taken.size, sentInVain]).toEqual([33, 0]);
}, 180_000);

test("20 requests at once that find the current key dead are shown, and the next one asks with the other", async () => {
  begin();
  stand.s3.keys.delete(CREDENTIALS.accessKeyId);
  const version = deploy({ ...SECRETS, ...NEXT });
  const asked = Array.from({ length: 20 }, () => ask(version, SHOWN));
  expect(await Promise.all(asked)).not.toContain(false);
  const before = stand.s3.requestsBy("worker").length;
  expect(await ask(version, SHOWN)).toBe(true);
  expect(stand.s3.requestsBy("worker").length - before).toBe(1);
  const told = server.lines().map(({ event, slot }) => [event, slot]);
  expect(told).toEqual([
    ["slot-refused", "current"],
    ["slot-in-use", "next"],
  ]);
});
