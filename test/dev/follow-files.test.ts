// How the local run follows wrangler.toml and .dev.vars, and that it never says more than is true.

import { parseEnv } from "node:util";
import { beforeEach, expect, test } from "vitest";
import { type Files, followFiles } from "../../src/dev/follow-files.ts";
import type { LocalProject, Mistakes } from "../../src/dev/local-project.ts";
import type { Outcome } from "../../src/dev/run-worker.ts";
import { STRICT, type Switches } from "../../src/emulator/edge/switches.ts";

let files: Files | undefined;
/** What the Worker runs with. */
let running: Files;
let outcome: Outcome;
/** Is called while the Worker starts. */
let meanwhile: () => void;
let newCode: boolean;
let switches: Switches;
let said: string[];

beforeEach(() => {
  files = { config: "good", devVars: "A=1\nB=2" };
  running = files;
  outcome = "running";
  newCode = false;
  meanwhile = () => {};
  switches = { ...STRICT };
  said = [];
});

/** A project whose mistakes are the words of its configuration, if there are any but "good". */
function readProject(): LocalProject | Mistakes {
  const { config = "", devVars = "" } = files ?? {};
  if (config.includes("throws")) throw new Error("EISDIR");
  if (config.includes("unreadable")) return { mistakes: [config] };
  const { EDGE: _edge, BUCKETS: _buckets, ...secrets } = { ...parseEnv(devVars) };
  const place = { file: "wrangler.toml", devVars: ".dev.vars", environment: undefined };
  return {
    ...{ ...place, own: false, buckets: {}, secrets, vars: {}, started: {}, main: "main.ts" },
    ...{ images: undefined, r2Buckets: [], config: undefined },
    mistakes: config.includes("bad") ? [config] : [],
  };
}

function follow() {
  const project = readProject();
  if (!("config" in project) || files === undefined) return expect.unreachable();
  const { look } = followFiles({
    ...{ files, project, switches, readProject, readFiles: () => files },
    worker: {
      hasNewCode: () => newCode,
      async run() {
        newCode = false;
        const read = files;
        meanwhile();
        if (outcome === "running" && read !== undefined) running = read;
        return outcome;
      },
    },
    fill: async () => void said.push("filled"),
    log: (line) => void said.push(line),
    warn: (line) => void said.push(line),
  });
  /** Looks until nothing changes any more, and returns what was said. */
  return async (config: string, devVars = "A=1\nB=2") => {
    files = { config, devVars };
    said = [];
    for (let looks = 0; looks < 4; looks += 1) await look();
    return said.filter((line) => line !== "filled");
  };
}

const RIGHT = "wrangler.toml and .dev.vars are right again.";

const mistakes = (...found: string[]) =>
  [
    "wrangler.toml or .dev.vars has mistakes. Pictures may fail until you correct them:",
    ...found,
  ].join("\n  ");

test("a change is taken up once, and said once the Worker runs with it", async () => {
  const write = follow();
  expect(await write("good, changed")).toEqual(["Reloaded wrangler.toml."]);
  expect(running.config).toBe("good, changed");
  expect(await write("good, changed")).toEqual([]);
  const secrets = "A=one\nC=3";
  expect(await write("good, changed", secrets)).toEqual(["Reloaded .dev.vars. Changed: A, B, C"]);
  newCode = true;
  expect(await write("good, changed", secrets)).toEqual(["Built the Worker again."]);
  expect(newCode).toBe(false);
});

test("mistakes are said once, and their end only when the Worker runs without them", async () => {
  const write = follow();
  expect(await write("bad 1")).toEqual([mistakes("bad 1")]);
  expect(running.config).toBe("bad 1"); // as it would be deployed
  expect(await write("bad 1", "A=1\nB=2\n")).toEqual([]);
  expect(await write("unreadable")).toEqual([mistakes("unreadable")]);
  expect(await write("throws")).toEqual([mistakes("Error: EISDIR")]);
  expect(running.config).toBe("bad 1");
  expect(await write("good")).toEqual([RIGHT]);
  expect(running.config).toBe("good");
});

test.each(["late", "failed"] as const)(
  "it does not say that all is right when the start of the Worker is %s",
  async (ending) => {
    const write = follow();
    await write("bad");
    outcome = ending;
    const advice = "Stop npx vitrine dev and start it again.";
    const late = `The Worker did not start with the new wrangler.toml. ${advice}`;
    const failed = "The Worker cannot be built. Until it can, it answers 503.";
    expect(await write("good")).toEqual([ending === "late" ? late : failed]);
    outcome = "running";
    expect(await write("good, again")).toEqual([RIGHT]);
  },
);

test("a second write within the start of the first one is not lost", async () => {
  const write = follow();
  await write("bad");
  meanwhile = () => {
    meanwhile = () => {};
    files = { config: "bad, at last", devVars: "A=1\nB=2" };
  };
  expect(await write("good")).toEqual([mistakes("bad, at last")]);
  expect(running.config).toBe("bad, at last");
  meanwhile = () => {
    meanwhile = () => {};
    files = { config: "good, at last", devVars: "A=1\nB=2" };
  };
  expect(await write("good")).toEqual([RIGHT]);
  expect(running.config).toBe("good, at last");
});

test("a file that is being written or replaced is not read yet", async () => {
  let writes = 0;
  const project = readProject();
  if (!("config" in project) || files === undefined) return expect.unreachable();
  let runs = 0;
  const { look } = followFiles({
    ...{ files, project, switches, readProject },
    readFiles: () => (writes++ % 3 === 2 ? undefined : { config: `good ${writes}`, devVars: "" }),
    worker: {
      hasNewCode: () => false,
      run: async () => {
        runs += 1;
        return "running";
      },
    },
    ...{ fill: async () => {}, log: () => {}, warn: () => {} },
  });
  for (let looks = 0; looks < 9; looks += 1) await look();
  expect(runs).toBe(0);
});

test("EDGE sets the switches of the edge; a wrong one changes nothing, and is said", async () => {
  const write = follow();
  expect(await write("good", `EDGE='{"transformations":false}'`)).toEqual([
    "Reloaded .dev.vars. Changed: A, B, EDGE",
  ]);
  expect(switches.transformations).toBe(false);
  const [wrong, ...more] = await write("good", `EDGE='{"transformations":0}'`);
  expect(more).toEqual([]);
  expect(wrong).toMatch(
    /^\.dev\.vars:1: EDGE: transformations: .*switches of the edge stay as they are\.$/,
  );
  expect(switches.transformations).toBe(false);
  await write("good", "A=1");
  expect(switches).toEqual(STRICT);
});

test("BUCKETS of .dev.vars needs a new start", async () => {
  const write = follow();
  expect(await write("good", "BUCKETS='{}'")).toEqual([
    expect.stringMatching(/^\.dev\.vars: BUCKETS has changed\. .*takes up no change$/),
  ]);
});
