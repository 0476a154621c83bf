// How the local run reloads .dev.vars.

import { mkdirSync, rmSync, symlinkSync, utimesSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { beforeEach, expect, test } from "vitest";
import { liveSecrets } from "../../src/dev/live-secrets.ts";
import { STRICT, type Switches } from "../../src/emulator/edge/switches.ts";
import type { Vars } from "../../src/worker/config/schema.ts";
import { makeTemporary } from "../support/temporary.ts";

let folder: string;
let file: string;
let text: string;
let minutes: number;
let switches: Switches;
let told: string[];
let warned: string[];
let fault: string | undefined;
let thrown: Error | undefined;

/** Writes the file, as if `ago` ms ago. */
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
  folder = makeTemporary("vitrine-live-");
  file = join(folder, ".dev.vars");
  minutes = 0;
  switches = { ...STRICT };
  told = [];
  warned = [];
  fault = undefined;
  thrown = undefined;
});

test("changed secrets are reloaded and named; a secret that is gone is null", () => {
  write("A=1\nB=2");
  const secrets = follow();
  expect(secrets()).toEqual({ A: "1", B: "2" });
  write("A=one\nC=3");
  expect(secrets()).toEqual({ A: "one", B: null, C: "3" });
  expect(secrets()).toBe(secrets());
  write("# A comment\nA=one\nC=3");
  expect(secrets()).toEqual({ A: "one", B: null, C: "3" });
  expect([told, warned]).toEqual([["Reloaded .dev.vars. Changed: A, B, C"], []]);
});

test("a file that is being written or replaced is not read yet", () => {
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

test("a file that cannot be read changes nothing, is reported once, and is read again", () => {
  write("A=1");
  const secrets = follow();
  secrets();
  write("A=2");
  fault = "wrangler.toml:1:7: no value";
  for (let times = 0; times < 3; times += 1) expect(secrets()).toEqual({ A: "1" });
  expect(warned).toEqual([
    ".dev.vars cannot be reloaded. The old values stay. wrangler.toml:1:7: no value",
  ]);
  fault = undefined;
  expect(secrets()).toEqual({ A: "2" });
});

test("a folder, a broken link or an exception does not end the local run", () => {
  write("A=1");
  const secrets = follow();
  secrets();
  rmSync(file);
  mkdirSync(file);
  utimesSync(file, 1, 1);
  expect([secrets(), secrets()]).toEqual([{ A: "1" }, { A: "1" }]);
  expect(warned).toEqual([expect.stringMatching(/^\.dev\.vars cannot be reloaded\. .*EISDIR/)]);
  rmSync(file, { recursive: true });
  symlinkSync(file, file);
  expect(secrets()).toEqual({ A: "1" });
  rmSync(file);
  thrown = new Error("wrangler.toml is gone");
  write("A=2");
  expect(secrets()).toEqual({ A: "1" });
  expect(warned).toContain(
    ".dev.vars cannot be reloaded. The old values stay. Error: wrangler.toml is gone",
  );
  thrown = undefined;
  expect(secrets()).toEqual({ A: "2" });
});

test("with other buckets the file is not used until the next start", () => {
  write("A=1\nBUCKETS={}");
  const secrets = follow();
  secrets();
  write('A=2\nEDGE={"quota":1}');
  expect([secrets(), secrets()]).toEqual([{ A: "1" }, { A: "1" }]);
  expect(warned).toEqual([
    ".dev.vars: BUCKETS has changed. Stop npx vitrine dev and start it again to use this file.",
  ]);
  write("A=2\nBUCKETS={}");
  expect(secrets()).toEqual({ A: "2" });
});

test("each line names the file of the environment (S6)", () => {
  file = join(folder, ".dev.vars.staging");
  write("A=1");
  const secrets = follow();
  secrets();
  write("A=2\nEDGE=off");
  secrets();
  fault = "no";
  write("A=3");
  secrets();
  write("BUCKETS={}");
  secrets();
  expect(told).toEqual(["Reloaded .dev.vars.staging. Changed: A"]);
  expect(warned).toEqual([
    expect.stringMatching(/^\.dev\.vars\.staging:2: EDGE: /),
    expect.stringMatching(/^\.dev\.vars\.staging cannot be reloaded\. /),
    expect.stringMatching(/^\.dev\.vars\.staging: BUCKETS has changed\. /),
  ]);
});

test("EDGE sets the switches of the edge; without it they are as before", () => {
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
    expect.stringMatching(
      /^\.dev\.vars:2: EDGE\.transfromations: unknown switch\. .* stay as they are\.$/,
    ),
    ".dev.vars:2: EDGE.quota: -1 is not a whole number, 0 or more. The switches of the edge stay as they are.",
  ]);
  write("A=1\n# EDGE='{}'\n\nEDGE='{transformations:false}'");
  secrets();
  expect(switches).toEqual({ ...STRICT, trouble: "9522/503" });
  expect(warned.slice(2)).toEqual([
    expect.stringMatching(/^\.dev\.vars:4: EDGE: is not JSON \(.* stay as they are\.$/),
  ]);
  write("A=1");
  secrets();
  expect(switches).toEqual(STRICT);
  expect(told).toEqual(Array(3).fill("Reloaded .dev.vars. Changed: EDGE"));
});
