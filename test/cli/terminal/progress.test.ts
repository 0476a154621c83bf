import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createProgress } from "../../../src/cli/terminal/progress.ts";

/** A screen, and what was written on it. */
function open(terminal: { isTTY?: true; columns?: number }, env: Record<string, string> = {}) {
  const stderr = Object.assign(new PassThrough({ encoding: "utf8" }), terminal);
  const clock = { now: 0 };
  return {
    world: { env, stderr, now: () => clock.now },
    clock,
    text: (): string => stderr.read() ?? "",
  };
}

test("on a terminal it is one line that is overwritten, and fits", () => {
  const { world, clock, text } = open({ isTTY: true, columns: 27 });
  const progress = createProgress(world, "requests", 200);
  progress.step();
  expect(text()).toBe(""); // not so soon
  clock.now = 1_000;
  progress.step(49);
  const line = "\r50/200 requests, 3 s left\x1b[K";
  expect(text()).toBe(line);
  progress.say("404  \u202ea.jpg");
  expect(text()).toBe(`\r\x1b[K404  \\u202ea.jpg\n${line}`);
  clock.now = 60_000;
  progress.step(1);
  expect(text()).toBe("\r51/200 requests, 3 min lef\x1b[K");
  progress.step(149);
  expect(text()).toMatch(/^\r200\/200/);
  progress.end();
  expect(text()).toBe("\r\x1b[K");
});

test.each([{}, { isTTY: true as const }])(
  "elsewhere it is a plain line now and then: %j",
  (terminal) => {
    const { world, clock, text } = open(terminal, { TERM: "dumb" });
    const progress = createProgress(world, "requests");
    for (let at = 0; at < 100; at += 1) {
      clock.now += 1_000;
      progress.step(50);
    }
    progress.end();
    expect(text()).toBe("1,500 requests\n3,000 requests\n4,500 requests\n");
  },
);
