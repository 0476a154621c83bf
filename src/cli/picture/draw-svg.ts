// Draws SVGs in another process, which is ended if one takes too long: a small SVG can be made to take hours, and
// nothing else ends a drawing that has begun.

import { type ChildProcess, fork } from "node:child_process";
import { extname, join } from "node:path";
import { has } from "../../worker/base/json.ts";
import { BEGUN, type NoFact, type Small } from "./small.ts";

/** The process that waits for drawings; undefined: none has been started, or the last one was ended. */
let drawer: ChildProcess | undefined;
let last: Promise<unknown> = Promise.resolve();

/**
 * Draws one at a time.
 * @param most how long a drawing may take: ms. The start of the process does not count
 */
export function drawSvg(svg: Uint8Array, most = 10_000): Promise<Small | NoFact> {
  const drawn = last.then(() => draw(svg, most));
  last = drawn;
  return drawn;
}

function draw(svg: Uint8Array, most: number): Promise<Small | NoFact> {
  if (!drawer?.connected) drawer = startDrawer();
  const child = drawer;
  let late: AbortSignal | undefined;
  child.channel?.ref();
  return new Promise((settle) => {
    const end = (answer: Small | NoFact) => {
      child.off("message", give).off("error", fail).off("exit", crash);
      late?.removeEventListener("abort", expire);
      child.channel?.unref();
      settle(answer);
    };
    const give = (answer: unknown) => {
      if (answer !== BEGUN) return end(readAnswer(answer));
      late = AbortSignal.timeout(most);
      late.addEventListener("abort", expire);
    };
    const drop = (why: string) => {
      drawer = undefined;
      child.kill("SIGKILL");
      end({ why });
    };
    const expire = () => drop(`an SVG that takes more than ${most / 1000} s to draw`);
    const fail = ({ message }: Error) => drop(`it cannot be drawn: ${message}`);
    const crash = () => drop("it is broken: what draws it crashed");
    child.on("message", give).on("error", fail).on("exit", crash);
    child.send(svg);
  });
}

/** It ends by itself when this process ends. */
function startDrawer(): ChildProcess {
  const own = `svg-process${extname(import.meta.filename)}`;
  const child = fork(join(import.meta.dirname, own), {
    env: noEnvironment(),
    execArgv: [],
    serialization: "advanced",
    stdio: ["ignore", "ignore", "ignore", "ipc"],
  });
  child.on("error", () => {}); // also while nothing is drawn
  child.unref();
  return child;
}

/** The names in this process's environment, each without a value: drawing needs no secret. */
function noEnvironment() {
  const names = Object.keys(process.env).map((name) => [name, undefined] as const);
  return { ...process.env, ...Object.fromEntries(names) };
}

function readAnswer(answer: unknown): Small | NoFact {
  if (has(answer, "why") && typeof answer.why === "string") return { why: answer.why };
  if (has(answer, "data") && has(answer, "width") && has(answer, "height")) {
    const { data, width, height } = answer;
    const isSized = typeof width === "number" && typeof height === "number";
    if (data instanceof Uint8Array && isSized) return { data, width, height };
  }
  return { why: "it is broken: what draws it gave no picture" };
}
