// How the local run follows wrangler.toml and .dev.vars, and that it never says more than is true.

import { parseEnv } from "node:util";
import { beforeEach, expect, test } from "vitest";
import { type ConfigFiles, createConfigWatcher } from "../../src/dev/config-watcher.ts";
import type { LocalProject, ProjectMistakes } from "../../src/dev/local-project.ts";
import { STRICT, type Switches } from "../../src/emulator/edge/switches.ts";

const SECRETS = "A=1\nB=2";

/** What the files hold; undefined: an editor is replacing one. */
let files: ConfigFiles | undefined;
/** The configurations that the Worker was started with. */
let runs: string[];
/** Whether it starts, and what happens meanwhile. */
let starts: boolean;
let meanwhile: () => void;
let newCode: boolean;
let switches: Switches;
let lines: string[];
let poll: () => Promise<void>;

/** A project whose mistakes are the words of its configuration, if there are any but "good". */
function readProject(): LocalProject | ProjectMistakes {
  const { config = "", devVars = "" } = files ?? {};
  if (config.includes("throws")) throw new Error("EISDIR");
  if (config.includes("unreadable")) return { kind: "mistakes", mistakes: [config] };
  const { EDGE: _edge, BUCKETS: _buckets, ...vars } = { ...parseEnv(devVars) };
  const secrets = { ...vars, ...(config.includes("bucket") && { LOCAL_KEY: "of this machine" }) };
  const paths = { file: "wrangler.toml", devVars: ".dev.vars", environment: undefined };
  return {
    kind: "project",
    ...{
      ...paths,
      hasOwnS3: false,
      buckets: {},
      secrets,
      vars: {},
      localVars: {},
      main: "main.ts",
    },
    ...{
      images: undefined,
      r2Buckets: [],
      config: undefined,
      answers: {},
      queue: undefined,
      buildCommand: undefined,
    },
    tokenVars: {},
    mistakes: config.includes("bad") ? [config] : [],
  };
}

beforeEach(() => {
  files = { config: "good", devVars: SECRETS };
  [starts, newCode, runs, lines, switches] = [true, false, [], [], { ...STRICT }];
  meanwhile = () => {};
  const project = readProject();
  if (project.kind !== "project") return expect.unreachable();
  ({ poll } = createConfigWatcher({
    ...{ files, project, switches, readProject, readFiles: () => files },
    worker: {
      hasNewCode: () => newCode,
      async run() {
        newCode = false;
        if (starts) runs.push(files?.config ?? "");
        meanwhile();
        meanwhile = () => {};
        return starts;
      },
    },
    syncBuckets: async () => {},
    log: (line) => void lines.push(line),
    warn: (line) => void lines.push(line),
  }));
});

/** Writes both files, polls until nothing changes any more, and returns what was said. */
async function write(config: string, devVars = SECRETS): Promise<string[]> {
  files = { config, devVars };
  lines = [];
  for (let polls = 0; polls < 4; polls += 1) await poll();
  return lines;
}

const RIGHT = "wrangler.toml and .dev.vars are right again.";
const MISTAKES =
  "wrangler.toml or .dev.vars has mistakes. Pictures may fail until you correct them:";
const mistake = (text: string) => `${MISTAKES}\n  ${text}`;

test("a change is taken up once, and said once the Worker runs with it", async () => {
  expect(await write("good, changed")).toEqual(["Reloaded wrangler.toml."]);
  expect(await write("good, changed")).toEqual([]);
  expect(runs).toEqual(["good, changed"]);
  const secrets = "A=one\nC=3";
  expect(await write("good, changed", secrets)).toEqual(["Reloaded .dev.vars. Changed: A, B, C"]);
  newCode = true;
  expect(await write("good, changed", secrets)).toEqual(["Built the Worker again."]);
});

test("mistakes are said once, and their end only when the Worker runs without them", async () => {
  expect(await write("bad 1")).toEqual([mistake("bad 1")]);
  expect(await write("bad 1", `${SECRETS}\n`)).toEqual([]);
  expect(await write("unreadable")).toEqual([mistake("unreadable")]);
  expect(await write("throws")).toEqual([mistake("Error: EISDIR")]);
  expect(runs).toEqual(["bad 1", "bad 1"]); // as it would be deployed
  starts = false;
  expect(await write("good")).toEqual([expect.stringContaining("it answers 503")]);
  expect(await write("good, but")).toEqual([]);
  starts = true;
  expect(await write("good, again")).toEqual([RIGHT]);
});

test("a second write within the start of the first one is not lost", async () => {
  for (const [first, last, line] of [
    ["good 1", "bad, at last", mistake("bad, at last")],
    ["bad 2", "good, at last", RIGHT],
  ] as const) {
    meanwhile = () => {
      files = { config: last, devVars: SECRETS };
    };
    expect((await write(first)).at(-1)).toBe(line);
    expect(runs.at(-1)).toBe(last);
  }
});

test("a file that is being written or replaced is not read yet", async () => {
  for (const config of ["g", "go", undefined, "goo", "good, 1", undefined]) {
    files = config === undefined ? undefined : { config, devVars: SECRETS };
    await poll();
  }
  expect(runs).toEqual([]);
});

test("EDGE sets the switches of the edge; a wrong one changes nothing, and is said", async () => {
  const off = `${SECRETS}\nEDGE='{"transformations":false}'`;
  expect(await write("good", off)).toEqual(["Reloaded .dev.vars. Changed: EDGE"]);
  expect(switches.transformations).toBe(false);
  const [message] = await write("good", `${SECRETS}\nEDGE='{"transformations":0}'`);
  expect(message).toMatch(/^\.dev\.vars:3: EDGE: transformations: .*edge stay as they are\.$/);
  expect(switches.transformations).toBe(false);
  await write("good", SECRETS);
  expect(switches).toEqual(STRICT);
});

test("BUCKETS of .dev.vars needs a new start", async () => {
  expect(await write("good", "BUCKETS='{}'")).toEqual([
    expect.stringMatching(/^\.dev\.vars: BUCKETS has changed\. .*takes up no change$/),
  ]);
});
