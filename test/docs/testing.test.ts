// The examples of docs/testing.md and docs/emulator.md, as they stand there, in a project of their own.

import { spawnSync } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { compile, STRICT } from "../client/compile.ts";
import { QUIET, ROOT } from "../support/built.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { readPage } from "./pages.ts";

const PAGE = readPage("docs/testing.md") + readPage("docs/emulator.md");

/** The files of the pages: their names are in their first lines. */
const FILES = [...PAGE.matchAll(/```ts\n *\/\/ (\S+\.ts)\n(.*?)```/gs)].map(
  ([, name = "", code = ""]) => [name, code] as const,
);

/** The careless Worker of the page, put right. */
const RIGHT = '{ width: 80, "origin-auth": "share-publicly" }';

/** Inside of this project: the examples use its vitest, sharp, wrangler and aws4fetch. */
const folder = join(ROOT, ".wrangler/test/testing");

function write(file: string, content: string | object): void {
  mkdirSync(dirname(join(folder, file)), { recursive: true });
  writeFileSync(
    join(folder, file),
    typeof content === "string" ? content : JSON.stringify(content),
  );
}

beforeAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, code] of FILES) write(name, code);
  // The package as it is published, but with the sources in place of what is built of them.
  write("node_modules/vitrine/package.json", {
    ...{ name: "vitrine", type: "module" },
    exports: {
      ".": "./src/worker/index.ts",
      "./client": "./src/client/index.ts",
      "./testing": "./src/testing/index.ts",
      "./testing/worker": "./src/emulator/worker.ts",
      "./*": "./src/client/*.ts",
    },
  });
  symlinkSync(join(ROOT, "src"), join(folder, "node_modules/vitrine/src"));
  const runtime = join(ROOT, "src/emulator/cloudflare-workers.ts");
  write(
    "vitest.config.ts",
    `export default { resolve: { alias: { "cloudflare:workers": ${JSON.stringify(runtime)} } } };`,
  );
  write("package.json", { type: "module" });
  const s3 = ["--bucket", "acme-media", "--endpoint", "https://s3.eu-west-1.amazonaws.com"];
  await vitrine(["init", "project", ...s3], { folder });
  for (const name of ["wrangler.toml", "src"]) {
    renameSync(join(folder, "project", name), join(folder, name));
  }
  rmSync(join(folder, "project"), { recursive: true });
  await vitrine(["client", "vitrine.ts", "--base-url", "https://images.example.com"], { folder });
  const [, code = ""] = FILES.find(([name]) => name === "careless.test.ts") ?? [];
  write("right.test.ts", code.replace("image: { width: 80 }", `image: ${RIGHT}`));
  const [, workerCode = ""] = FILES.find(([name]) => name === "worker.ts") ?? [];
  const [, survive = ""] = FILES.find(([name]) => name === "survive.test.ts") ?? [];
  write("misspelt.ts", workerCode.replace("anim:", "amin:"));
  write("passes-on.ts", workerCode.replace("return isMade ?", "return answer ?? isMade ?"));
  write("passes-on.test.ts", survive.replace("./worker.ts", "./passes-on.ts"));
  results = runAll();
}, 180_000); // it also starts workerd
afterAll(() => rmSync(folder, { recursive: true, force: true }));

type Result = {
  readonly title: string;
  readonly status: string;
  readonly failureMessages: readonly string[];
};
type Report = { readonly testResults: { name: string; assertionResults: Result[] }[] };

/** The results of each file. */
let results = new Map<string, Result[]>();

/** Runs all tests of the project, each file as a user would. */
function runAll(): Map<string, Result[]> {
  const program = join(ROOT, "node_modules/vitest/vitest.mjs");
  const report = join(folder, "report.json");
  const args = [program, "run", "--root", folder, "--reporter=json", `--outputFile=${report}`];
  const { stdout, stderr } = spawnSync(process.execPath, args, {
    cwd: folder,
    env: QUIET,
    encoding: "utf8",
  });
  if (!existsSync(report)) throw new Error(stdout + stderr);
  const { testResults }: Report = JSON.parse(readFileSync(report, "utf8"));
  return new Map(testResults.map((one) => [basename(one.name), one.assertionResults]));
}

describe("the examples of docs/testing.md and docs/emulator.md", () => {
  test.each([
    ["careless.test.ts", 1],
    ["app.test.ts", 1],
    ["login.test.ts", 1],
    ["survive.test.ts", 9],
    ["worker.test.ts", 1],
  ])("%s passes", (file, count) => {
    const all = results.get(file) ?? [];
    expect(all.filter(({ status }) => status !== "passed")).toEqual([]);
    expect(all).toHaveLength(count);
  });

  test("app.node.ts passes with node:test", () => {
    const args = ["--test", "--test-reporter=tap", "app.node.ts"];
    const { stdout, stderr } = spawnSync(process.execPath, args, {
      cwd: folder,
      env: { ...QUIET, NODE_OPTIONS: "" },
      encoding: "utf8",
    });
    expect(stdout, stdout + stderr).toMatch(/^# pass 1$/m);
    expect(stdout).toMatch(/^# fail 0$/m);
  });

  test("the careless Worker, put right, is not refused any more", () => {
    expect(PAGE).toContain(`Write \`image: ${RIGHT}\``);
    const failed = (results.get("right.test.ts") ?? []).filter(({ status }) => status === "failed");
    expect(failed.map(({ title }) => title)).toEqual([
      "the edge refuses a Worker that leaves out origin-auth",
    ]);
    expect(failed[0]?.failureMessages.join()).toContain("expected 200 to be 403");
  });

  test("a Worker that passes on what comes does not survive the states", () => {
    const all = results.get("passes-on.test.ts") ?? [];
    const passed = all.filter(({ status }) => status === "passed").map(({ title }) => title);
    expect(all).toHaveLength(9);
    expect(passed).toEqual([
      expect.stringContaining('{"quota":0}'),
      expect.stringContaining('{"failure":{"code":9522,"status":503}}'),
    ]);
  });

  test("compile with the printed tsconfig.json, and what is stricter; a misspelt option does not", async () => {
    const [, printed = ""] = /```\n(\{ "compilerOptions.*?)```/s.exec(PAGE) ?? [];
    const { compilerOptions } = JSON.parse(printed);
    write("tsconfig.json", {
      compilerOptions: { ...STRICT, ...compilerOptions },
      include: ["*.ts", join(ROOT, "worker-configuration.d.ts")],
      exclude: ["right.test.ts", "passes-on.ts", "passes-on.test.ts"],
    });
    expect(await compile(folder)).toEqual([
      expect.objectContaining({
        file: "misspelt.ts",
        message: expect.stringContaining("'amin' does not exist"),
      }),
    ]);
  });
});
