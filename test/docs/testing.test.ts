// The examples of docs/testing.md, as they stand there, in a project of their own. And its tables: each
// switch, fault and grant is in them.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { basename, dirname, join } from "node:path";
import { getResponse, HttpResponse, http, type RequestHandler } from "msw";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { STRICT as CACHE } from "../../src/emulator/cache/switches.ts";
import { STRICT as EDGE } from "../../src/emulator/edge/switches.ts";
import { R2_FAULTS } from "../../src/emulator/r2/faults.ts";
import { createS3 } from "../../src/emulator/s3/s3.ts";
import { S3_FAULTS, S3_GRANTS } from "../../src/emulator/s3/state.ts";
import { STS_FAULTS } from "../../src/emulator/sts/faults.ts";
import { compile, STRICT } from "../client/compile.ts";
import { QUIET, ROOT } from "../support/built.ts";
import { readPage } from "./pages.ts";

const PAGE = readPage("docs/testing.md");

/** The files of the page: their names are in their first lines. */
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
  const runtime = join(ROOT, "src/emulator/cache/cloudflare-workers.ts");
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
  results = runAll();
});
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

describe("the examples of docs/testing.md", () => {
  test("are these files", () => {
    const names = FILES.map(([name]) => name);
    expect(names).toEqual([
      ...["careless.test.ts", "vitrine.test.ts"],
      ...["test-entry.ts", "worker.ts", "worker.test.ts"],
      ...["binding.test.ts", "r2.test.ts", "role.test.ts"],
    ]);
  });

  test.each([
    ["careless.test.ts", 2],
    ["vitrine.test.ts", 3],
    ["worker.test.ts", 2],
    ["binding.test.ts", 2],
    ["r2.test.ts", 1],
    ["role.test.ts", 2],
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

  test.each([
    ["option.test.ts", "covr", ["failed", "failed", "failed"]],
    // With transformations off, the original of the other bucket stays private, too.
    ["bucket.test.ts", '"edge":"9401"', ["failed", "passed", "failed"]],
  ])("%s, with a mistake in env, says why it fails", (file, reason, statuses) => {
    const all = results.get(file) ?? [];
    expect(all.map(({ status }) => status)).toEqual(statuses);
    expect(all[0]?.failureMessages.join()).toContain(reason);
  });

  test("compile with the printed tsconfig.json, and what is stricter", async () => {
    const [, printed = ""] = /```json\n(.*?)```/s.exec(PAGE) ?? [];
    const { compilerOptions } = JSON.parse(printed);
    write("tsconfig.json", {
      compilerOptions: { ...STRICT, ...compilerOptions },
      include: ["*.ts", join(ROOT, "worker-configuration.d.ts")],
      exclude: ["right.test.ts", "option.test.ts"],
    });
    expect(await compile(folder)).toEqual([]);
  });
});

test("the handler for msw answers as the bucket, and fails where no answer comes", async () => {
  const [, code = ""] = /## With msw\n.*?```ts\n(.*?)```/s.exec(PAGE) ?? [];
  const credentials = { accessKeyId: "an-id", secretAccessKey: "a-secret" };
  const settings = { endpoint: "https://s3.example", bucket: "media", region: "eu", credentials };
  const s3 = createS3(settings);
  const handler = new Function("http", "HttpResponse", "s3", `return ${code}`);
  const handlers: RequestHandler[] = [handler(http, HttpResponse, s3)];
  const ask = (url: string) => getResponse(handlers, new Request(url));
  expect((await ask("https://media.s3.example/key"))?.status).toBe(403);
  expect(await ask("https://other.example/key")).toBeUndefined();
  s3.faults.add("reset");
  expect((await ask("https://s3.example/media/key"))?.type).toBe("error");
});

describe("the tables of docs/testing.md", () => {
  const named = new Set(
    [...PAGE.matchAll(/^\| (`[^|]*?) +\|/gm)].flatMap(([, cell = ""]) =>
      [...cell.matchAll(/`([^`]+)`/g)].map(([, name = ""]) => name),
    ),
  );

  test("have each switch, and its default", () => {
    for (const [name, value] of Object.entries({ ...EDGE, ...CACHE })) {
      expect(named).toContain(name);
      const row = new RegExp(`^\\| \`${name}\` +\\| \`([^|]*)\` +\\|`, "m").exec(PAGE);
      const said: unknown = row && new Function(`return (${row[1]})`)();
      if (name !== "largest") expect([name, said]).toEqual([name, value]);
    }
  });

  test("have each fault of S3, R2 and STS, and each grant of S3", () => {
    const names = [...S3_FAULTS, ...S3_GRANTS, ...R2_FAULTS, ...STS_FAULTS];
    for (const name of names) expect(named).toContain(name);
  });
});
