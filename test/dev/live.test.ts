// .dev.vars, as the local run takes it up while it goes on.

import { mkdirSync, mkdtempSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { afterEach, beforeEach, expect, test } from "vitest";
import { watchBuckets } from "../../src/dev/buckets.ts";
import { liveSecrets } from "../../src/dev/live.ts";
import { readSwitches } from "../../src/dev/switches.ts";
import { STRICT, type Switches } from "../../src/emulator/edge/switches.ts";
import type { Vars } from "../../src/worker/config/schema.ts";

let folder: string;
let file: string;
let text: string;
let minutes: number;
let switches: Switches;
let told: string[];
let warned: string[];
let fault: string | undefined;
let thrown: Error | undefined;

/** Writes the file, as if so many milliseconds ago. */
function write(lines: string, ago = 1000): void {
  text = lines;
  writeFileSync(file, text);
  minutes += 1;
  const at = (Date.now() - ago) / 1000;
  utimesSync(file, at, ago === 0 ? at : at - minutes * 60);
}

function follow(): () => Vars {
  const read = () => {
    if (thrown !== undefined) throw thrown;
    if (fault !== undefined) return { fault };
    const { EDGE: _edge, BUCKETS: _buckets, ...secrets } = { ...parseEnv(text) };
    return { vars: secrets };
  };
  const tell = (line: string) => told.push(line);
  const warn = (line: string) => warned.push(line);
  return liveSecrets({ file, read, switches, tell, warn });
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "vitrine-live-"));
  file = join(folder, ".dev.vars");
  minutes = 0;
  switches = { ...STRICT };
  told = [];
  warned = [];
  fault = undefined;
  thrown = undefined;
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("secrets that change are taken up, and told by their names; what is gone is null", () => {
  write("A=1\nB=2");
  const secrets = follow();
  expect(secrets()).toEqual({ A: "1", B: "2" });
  write("A=one\nC=3");
  expect(secrets()).toEqual({ A: "one", B: null, C: "3" });
  expect(secrets()).toBe(secrets());
  write("# A comment\nA=one\nC=3");
  expect(secrets()).toEqual({ A: "one", B: null, C: "3" });
  expect([told, warned]).toEqual([["Took up .dev.vars: A, B, C"], []]);
});

test("a file that is being written, or replaced, is waited for", () => {
  write("A=1");
  const secrets = follow();
  secrets();
  write("A=2", 0);
  expect(secrets()).toEqual({ A: "1" });
  rmSync(file);
  expect(secrets()).toEqual({ A: "1" });
  write("A=2");
  expect(secrets()).toEqual({ A: "2" });
  expect(warned).toEqual([]);
});

test("what cannot be read leaves all as it was, is told once, and is tried again", () => {
  write("A=1");
  const secrets = follow();
  secrets();
  write("A=2");
  fault = "wrangler.toml:1:7: no value";
  for (let times = 0; times < 3; times += 1) expect(secrets()).toEqual({ A: "1" });
  expect(warned).toEqual([".dev.vars is not taken up: wrangler.toml:1:7: no value"]);
  fault = undefined;
  expect(secrets()).toEqual({ A: "2" });
});

test("what is no file, or goes while it is read, ends nothing", () => {
  write("A=1");
  const secrets = follow();
  secrets();
  rmSync(file);
  mkdirSync(file);
  utimesSync(file, 1, 1);
  expect([secrets(), secrets()]).toEqual([{ A: "1" }, { A: "1" }]);
  expect(warned).toEqual([expect.stringMatching(/^\.dev\.vars is not taken up: .*EISDIR/)]);
  rmSync(file, { recursive: true });
  symlinkSync(file, file);
  expect(secrets()).toEqual({ A: "1" });
  rmSync(file);
  thrown = new Error("wrangler.toml is gone");
  write("A=2");
  expect(secrets()).toEqual({ A: "1" });
  expect(warned).toContain(".dev.vars is not taken up: Error: wrangler.toml is gone");
  thrown = undefined;
  expect(secrets()).toEqual({ A: "2" });
});

test("other buckets are for the next start, and all that comes with them", () => {
  write("A=1\nBUCKETS={}");
  const secrets = follow();
  secrets();
  write('A=2\nEDGE={"quota":1}');
  expect([secrets(), secrets()]).toEqual([{ A: "1" }, { A: "1" }]);
  expect(warned).toEqual([
    ".dev.vars: BUCKETS has changed. Start again, and all of it is taken up.",
  ]);
  write("A=2\nBUCKETS={}");
  expect(secrets()).toEqual({ A: "2" });
});

test("of other buckets in wrangler.toml it is told once, and of those that it began with never", () => {
  let buckets: unknown = { media: { bucket: "a" } };
  const look = watchBuckets(
    () => buckets,
    (line) => warned.push(line),
  );
  const after = (now: unknown) => {
    buckets = now;
    look();
    look();
    return warned.length;
  };
  expect(after({ media: { bucket: "a" } })).toBe(0);
  expect(after({ media: { bucket: "a", canary: "b.jpg" } })).toBe(1);
  expect(after(undefined)).toBe(1);
  expect(after({ media: { bucket: "a" } })).toBe(1);
  expect(after({ media: { bucket: "b" } })).toBe(2);
  expect(warned[0]).toBe("wrangler.toml: BUCKETS has changed. Start again, and it is taken up.");
});

test("EDGE throws the edge's switches, and without it all are as they were", () => {
  write("A=1");
  const secrets = follow();
  secrets();
  write(`A=1\nEDGE='{"transformations":false,"sources":[]}'`);
  secrets();
  expect(switches).toEqual({ ...STRICT, transformations: false, sources: [] });
  write(`A=1\nEDGE='{"trouble":"9522/503"}'`);
  secrets();
  expect(switches).toEqual({ ...STRICT, trouble: "9522/503" });
  write(`A=1\nEDGE='{"transfromations":false,"quota":-1}'`);
  secrets();
  secrets();
  expect(switches).toEqual({ ...STRICT, trouble: "9522/503" });
  expect(warned).toEqual([
    ".dev.vars: EDGE.quota: -1 is not between 0 and 9007199254740991. The edge stays as it was.",
    ".dev.vars: EDGE.transfromations: is no option here. The edge stays as it was.",
  ]);
  write("A=1");
  secrets();
  expect(switches).toEqual(STRICT);
  expect(told).toEqual(Array(3).fill("Took up .dev.vars: EDGE"));
});

test.each([
  ["{", "EDGE: is not JSON, such as '{\"transformations\":false}'"],
  ["[]", "EDGE: is not a table"],
  ['{"transformations":"off"}', 'EDGE.transformations: "off" is not one of true, false'],
  ['{"sources":"a"}', 'EDGE.sources: "a" is not a list of hosts'],
  ['{"trouble":"9999"}', 'EDGE.trouble: "9999" is not a failure of the edge, as 9522/503'],
  ['{"originalIsSmaller":{"of":"bytes"}}', "EDGE.originalIsSmaller.sent: is missing"],
  ['{"plain":[]}', "EDGE.plain: is no option here"],
  ['{"unplayable":"refused"}', "EDGE.unplayable: is no option here"],
])("EDGE=%s is told as wrong", (text, mistake) => {
  const mistakes: string[] = [];
  const read = readSwitches(text, (path, message) => mistakes.push(`${path}: ${message}`));
  expect([read, mistakes]).toEqual([undefined, [mistake]]);
});
