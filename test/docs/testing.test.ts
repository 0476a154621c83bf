// The examples of docs/testing.md and docs/emulator.md, as they stand there, in a project of their own. And
// the tables: each switch, fault and grant is in them, and each setting and member.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createCache } from "../../src/emulator/cache/cache.ts";
import { createEdge } from "../../src/emulator/create-edge.ts";
import { SETTING_RULES as EDGE_SETTINGS } from "../../src/emulator/edge/settings.ts";
import { STRICT as EDGE } from "../../src/emulator/edge/switches.ts";
import { R2_FAULTS } from "../../src/emulator/r2/r2.ts";
import { S3_FAULTS, S3_GRANTS } from "../../src/emulator/s3/faults.ts";
import { createS3 } from "../../src/emulator/s3/s3.ts";
import { SETTING_RULES as S3_SETTINGS } from "../../src/emulator/s3/settings.ts";
import { compile, STRICT } from "../client/compile.ts";
import { QUIET, ROOT } from "../support/built.ts";
import { readPage } from "./pages.ts";

const TESTING = readPage("docs/testing.md");
const EMULATOR = readPage("docs/emulator.md") + readPage("docs/switches.md");
const PAGE = TESTING + EMULATOR;

/** The files of the pages: their names are in their first lines. */
const FILES = [...PAGE.matchAll(/```ts\n\/\/ (\S+\.ts)\n(.*?)```/gs)].map(
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

beforeAll(() => {
  rmSync(folder, { recursive: true, force: true });
  for (const [name, code] of FILES) write(name, code);
  // The package as it is published, but with the sources in place of what is built of them.
  write("node_modules/vitrine/package.json", {
    ...{ name: "vitrine", type: "module" },
    exports: {
      ".": "./src/worker/index.ts",
      "./testing": "./src/emulator/index.ts",
      "./testing/worker": "./src/emulator/worker.ts",
    },
  });
  symlinkSync(join(ROOT, "src"), join(folder, "node_modules/vitrine/src"));
  const runtime = join(ROOT, "src/emulator/cloudflare-workers.ts");
  write(
    "vitest.config.ts",
    `export default { resolve: { alias: { "cloudflare:workers": ${JSON.stringify(runtime)} } } };`,
  );
  write("package.json", { type: "module" });
  const [, code = ""] = FILES.find(([name]) => name === "careless.test.ts") ?? [];
  const [, example = ""] = FILES.find(([name]) => name === "vitrine.test.ts") ?? [];
  write("option.test.ts", example.replace('fit: "cover"', 'fit: "covr"'));
  write("bucket.test.ts", example.replace('bucket: "acme-media"', 'bucket: "acme"'));
  write("right.test.ts", code.replace("image: { width: 80 }", `image: ${RIGHT}`));
  const [, own = ""] = FILES.find(([name]) => name === "worker.ts") ?? [];
  const [, survive = ""] = FILES.find(([name]) => name === "survive.test.ts") ?? [];
  write("misspelt.ts", own.replace("anim:", "amin:"));
  write("passes-on.ts", own.replace("return isMade ?", "return answer ?? isMade ?"));
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
  const { stdout, stderr } = spawnSync(process.execPath, args, { env: QUIET, encoding: "utf8" });
  if (!existsSync(report)) throw new Error(stdout + stderr);
  const { testResults }: Report = JSON.parse(readFileSync(report, "utf8"));
  return new Map(testResults.map((one) => [basename(one.name), one.assertionResults]));
}

describe("the examples of docs/testing.md and docs/emulator.md", () => {
  test.each([
    ["careless.test.ts", 1],
    ["survive.test.ts", 9],
    ["cache.test.ts", 1],
    ["vitrine.test.ts", 2],
    ["msw.test.ts", 1],
    ["worker.test.ts", 2],
    ["binding.test.ts", 1],
  ])("%s passes", (file, count) => {
    const all = results.get(file) ?? [];
    expect(all.filter(({ status }) => status !== "passed")).toEqual([]);
    expect(all).toHaveLength(count);
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
      expect.stringContaining('{"trouble":{"code":9522,"status":503}}'),
    ]);
  });

  test.each([
    ["option.test.ts", "covr", ["failed", "failed"]],
    // With transformations off, the original of the other bucket stays private, too.
    ["bucket.test.ts", '"edge":"9401"', ["failed", "passed"]],
  ])("%s, with a mistake in env, says why it fails", (file, reason, statuses) => {
    const all = results.get(file) ?? [];
    expect(all.map(({ status }) => status)).toEqual(statuses);
    expect(all[0]?.failureMessages.join()).toContain(reason);
  });

  test("compile with the printed tsconfig.json, and what is stricter; a misspelt option does not", async () => {
    const [, printed = ""] = /```json\n(.*?)```/s.exec(PAGE) ?? [];
    const { compilerOptions } = JSON.parse(printed);
    write("tsconfig.json", {
      compilerOptions: { ...STRICT, ...compilerOptions },
      include: ["*.ts", join(ROOT, "worker-configuration.d.ts")],
      exclude: ["right.test.ts", "option.test.ts", "passes-on.ts", "passes-on.test.ts"],
    });
    expect(await compile(folder)).toEqual([
      expect.objectContaining({
        file: "misspelt.ts",
        message: expect.stringContaining("'amin' does not exist"),
      }),
    ]);
  });
});

describe("the tables of docs/emulator.md and docs/switches.md", () => {
  const named = new Set(
    [...EMULATOR.matchAll(/^\| (`[^|]*?) +\|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
    ),
  );

  test("have each switch, and its default", () => {
    for (const [name, value] of Object.entries({ ...EDGE, ...createCache().switches })) {
      expect(named).toContain(name);
      const row = new RegExp(`^\\| \`${name}\` +\\| \`([^|]*)\` +\\|`, "m").exec(EMULATOR);
      const said: unknown = row && new Function(`return (${row[1]})`)();
      if (name !== "largest") expect([name, said]).toEqual([name, value]);
    }
  });

  test("have each setting and each member", () => {
    const edge = createEdge({ zone: "images.example", fetch });
    const credentials = { accessKeyId: "an-id", secretAccessKey: "a-secret" };
    const settings = { endpoint: "https://s3.example", bucket: "media", region: "eu" };
    const of = { ...EDGE_SETTINGS, ...S3_SETTINGS, ...edge, ...createCache() };
    const names = Object.keys({ ...of, ...createS3({ ...settings, credentials }) });
    const inner = ["answerImages", "settings"]; // what the emulators use themselves
    const words = new Set([...named].map((name) => name.replace(/\(.*/, "")));
    expect(names.filter((name) => !inner.includes(name) && !words.has(name))).toEqual([]);
  });

  test("have each fault of S3 and R2, and each grant of S3, with its rule", () => {
    const names = Object.keys({ ...S3_GRANTS, ...R2_FAULTS });
    for (const name of names) expect(named).toContain(name);
    const rows = EMULATOR.replace(/ +\|/g, " |");
    for (const [name, { rule }] of Object.entries(S3_FAULTS)) {
      expect(rows).toMatch(new RegExp(`^\\| \`${name}\` \\| [^|]+ \\| ${rule}`, "m"));
    }
  });
});
