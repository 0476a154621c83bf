import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { createProgress } from "../../../src/cli/terminal/progress.ts";

/** A screen, and what was written on it. */
function open(terminal: { isTTY?: true; columns?: number }, env: Record<string, string> = {}) {
  const stderr = Object.assign(new PassThrough({ encoding: "utf8" }), terminal);
  const clock = { now: 0 };
  const world = {
    ...{ folder: ".", env, stdin: new PassThrough(), stdout: new PassThrough() },
    ...{ stderr, now: () => clock.now, interrupted: new AbortController().signal },
  };
  return { world, clock, text: (): string => stderr.read() ?? "" };
}

test("on a terminal it is one line that is overwritten, and fits", () => {
  const { world, clock, text } = open({ isTTY: true, columns: 50 });
  const progress = createProgress(world, "requests", 200);
  progress.step();
  expect(text()).toBe(""); // not so soon
  clock.now = 1_000;
  progress.step(49);
  const line = "\r[######------------------] 50/200 requests, 50 a \x1b[K";
  expect(text()).toBe(line);
  progress.say("404  a.jpg");
  expect(text()).toBe(`\r\x1b[K404  a.jpg\n${line}`);
  progress.step(150);
  expect(text()).toMatch(/^\r\[#{24}\] 200\/200/);
  progress.end();
  expect(text()).toBe("\r\x1b[K");
});

test("there is a line even if the terminal does not know its width", () => {
  const { world, clock, text } = open({ isTTY: true, columns: 0 });
  const progress = createProgress(world, "requests");
  clock.now = 1_000;
  progress.step(5);
  expect(text()).toBe("\r5 requests, 5 a second\x1b[K");
});

test.each([{}, { isTTY: true as const }])(
  "elsewhere it is a plain line at each tenth: %j",
  (terminal) => {
    const { world, clock, text } = open(terminal, { TERM: "dumb" });
    const progress = createProgress(world, "URLs", 10_000);
    for (let at = 0; at < 100; at += 1) {
      clock.now += 300;
      progress.step(100);
    }
    progress.end();
    const lines = text().split("\n").slice(0, -1);
    expect(lines).toHaveLength(10);
    expect(lines[4]).toBe("5,000/10,000 URLs, 333 a second, 15 s left");
  },
);

test("without a total it counts, every half a minute", () => {
  const { world, clock, text } = open({});
  const progress = createProgress(world, "requests");
  for (let at = 0; at < 100; at += 1) {
    clock.now += 1_000;
    progress.step(50);
  }
  expect(text()).toBe(
    "1,550 requests, 50 a second\n3,100 requests, 50 a second\n4,650 requests, 50 a second\n",
  );
});
