// A rotation that is killed at any point and started again, and two at a time: visitors notice nothing, and no
// key is lost. What `rotate` does to the world is: it runs wrangler, and it waits. Each of these is a point.

import { expect, test } from "vitest";
import type { Tools } from "../../../src/cli/rotate/rotation.ts";
import {
  current,
  keyFile,
  known,
  NEW_KEY,
  now,
  OLD_KEY,
  revoke,
  run,
  SHOWN,
  site,
  THIRD,
  TOOLS,
  visit,
} from "../../support/cli/rotating-site.ts";
import { keepNothing, stage } from "../../support/play.ts";

keepNothing(); // what was kept would hide that nothing serves

type Point = "before wrangler" | "after wrangler" | "waiting";

/** Tools that stop at each point, until `pause` is done. */
function pausing(pause: (point: Point) => Promise<void>): Tools {
  return {
    ...TOOLS,
    run: async (...given) => {
      await pause("before wrangler");
      const code = await TOOLS.run(...given);
      await pause("after wrangler");
      return code;
    },
    sleep: () => pause("waiting"),
  };
}

/** Visitors come: all of them get their images. */
async function checkVisitors(): Promise<void> {
  stage.edge.switches.cache = false;
  expect(await visit()).toEqual(SHOWN);
}

class Killed extends Error {}

/** Runs a rotation that is killed at a point. @returns how many points there were */
async function runUntil(kill: number): Promise<number> {
  let points = 0;
  const pause = async () => {
    points += 1;
    await checkVisitors();
    if (points === kill) throw new Killed();
  };
  const ended = run({}, { tools: pausing(pause) });
  if (kill === 0) expect((await ended).code).toBe(0);
  else await expect(ended).rejects.toThrow(Killed);
  return points;
}

test("killed at any point, and started again with the same key file, it goes on: no request fails (S1)", async () => {
  const points = await runUntil(0);
  expect([points, now()]).toEqual([expect.any(Number), current(NEW_KEY)]);
  expect(points).toBeGreaterThan(8);
  for (let kill = 1; kill <= points; kill += 1) {
    site.deployed = { ...site.deployed, ...current(OLD_KEY) };
    await runUntil(kill);
    await runUntil(0);
    expect([kill, now()]).toEqual([kill, current(NEW_KEY)]);
    revoke(OLD_KEY);
    await checkVisitors();
    known(OLD_KEY);
  }
}, 120_000);

/** A rotation that waits at each point until it is released. */
function begin(keyFile: string) {
  let arrive = () => {};
  let settle = () => {};
  let isOver = false;
  const wait = () => new Promise<void>((resolve) => (arrive = resolve));
  let arrived = wait();
  const pause = () =>
    new Promise<void>((resolve) => {
      settle = resolve;
      arrive();
    });
  const ended = run({ keyFile }, { tools: pausing(pause) }).finally(() => {
    isOver = true;
    arrive();
  });
  return {
    ended,
    arrived: () => arrived,
    isOver: () => isOver,
    release: () => {
      arrived = wait();
      settle();
    },
  };
}

/** Runs two rotations at once. @param order a number whose bits say which one goes on at each point */
async function runBoth(files: readonly [string, string], order: number) {
  const both = files.map(begin);
  let random = order;
  for (;;) {
    await Promise.all(both.map(({ arrived }) => arrived()));
    await checkVisitors();
    const going = both.filter(({ isOver }) => !isOver());
    random = (random * 1_103_515_245 + 12_345) % 2 ** 31;
    const chosen = going[(random >> 16) % going.length];
    if (chosen === undefined) return Promise.all(both.map(({ ended }) => ended));
    chosen.release();
  }
}

test("two at a time with the same key help each other: no request fails", async () => {
  for (let order = 1; order <= 6; order += 1) {
    site.deployed = { ...site.deployed, ...current(OLD_KEY) };
    const ended = await runBoth(["key.json", "key.json"], order);
    expect([order, now()]).toEqual([order, current(NEW_KEY)]);
    expect(ended.map(({ code }) => code)).toContain(0);
  }
}, 120_000);

test("two at a time with two keys: no request fails, and one of them stops, or comes later", async () => {
  known(THIRD);
  keyFile(THIRD, "third.json");
  const stopped: string[] = [];
  for (let order = 1; order <= 10; order += 1) {
    site.deployed = { ...site.deployed, ...current(OLD_KEY) };
    const ended = await runBoth(["key.json", "third.json"], order);
    expect([order, ended.map(({ code }) => code)]).toEqual([order, expect.arrayContaining([0])]);
    stopped.push(...ended.filter(({ code }) => code !== 0).map(({ err }) => err));
    expect((await run({ keyFile: "third.json" })).code).toBe(0);
    expect([order, now()]).toEqual([order, current(THIRD)]);
  }
  expect(stopped.join()).toMatch(/the next slot holds …\w+, which is another key/);
}, 120_000);
