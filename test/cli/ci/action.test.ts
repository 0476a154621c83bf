// The Action by its own steps, as GitHub's runner runs them: in bash, with the files and variables of a step. And what it
// does with `deploy`: with the real wrangler, in front of an account of Cloudflare.

import { spawnSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { parse } from "yaml";
import { isPlainObject, tableOf } from "../../../src/worker/util/json.ts";
import { ROOT } from "../../support/built.ts";
import { CONFIGURED, deploy } from "../../support/cli/doctor.ts";
import { createProject, envLine, STAGED, tomlOf } from "../../support/cli/folder.ts";
import { commitConfig, git } from "../../support/cli/repository.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { startCloudflareAccount } from "../../support/cloudflare/account.ts";
import { followZone } from "../../support/cloudflare/images-edge.ts";
import { passToLoopback } from "../../support/cloudflare/loopback.ts";
import { createZone } from "../../support/cloudflare/zone.ts";
import { ENV, HEALTH_TOKEN, SECRETS, VARS } from "../../support/env.ts";
import { arrange } from "../../support/run-worker.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const action = tableOf(parse(readFileSync(join(ROOT, "action.yml"), "utf8")));
const steps = tableOf(action["runs"])["steps"];
const inputs = tableOf(action["inputs"]);

const ROUTES = VARS.ROUTES.filter(({ signed }) => !signed);
const { env: _env, ...RIGHT } = { ...STAGED, vars: { ...VARS, ROUTES } };
const WRONG = { ...RIGHT, vars: { ...RIGHT.vars, PRESETS: { card: { width: "wide" } } } };

/** Writes the value of an expression, as the runner does. */
function expand(text: unknown, values: Readonly<Record<string, string>>): string {
  return `${text}`.replace(/\$\{\{ inputs\.([\w-]+) \}\}/g, (_, name) => {
    return values[name] ?? `${tableOf(inputs[name])["default"]}`;
  });
}

/** Runs all steps. @returns the exit code of the first that fails, and what the steps wrote */
function runAction(folder: string, values: Readonly<Record<string, string>>) {
  const files = createTemporaryFolder("vitrine-action-");
  const [GITHUB_STEP_SUMMARY, GITHUB_OUTPUT] = [join(files, "summary"), join(files, "output")];
  for (const file of [GITHUB_STEP_SUMMARY, GITHUB_OUTPUT]) writeFileSync(file, "");

  let output = "";
  let code: number | null = 0;
  for (const step of [steps].flat().map(tableOf)) {
    expect(step["shell"]).toBe("bash");
    const stepEnv = Object.entries(tableOf(step["env"])).map(([name, value]) => [
      name,
      expand(value, { compare: "", ...values }),
    ]);
    const ended = spawnSync(
      "bash",
      ["--noprofile", "--norc", "-eo", "pipefail", "-c", `${step["run"]}`],
      {
        cwd: join(folder, expand(step["working-directory"], values)),
        env: {
          ...{ PATH: process.env["PATH"], HOME: files, GITHUB_ACTIONS: "true" },
          ...{ GITHUB_STEP_SUMMARY, GITHUB_OUTPUT },
          ...Object.fromEntries(stepEnv),
        },
        encoding: "utf8",
      },
    );
    output += ended.stdout + ended.stderr;
    code = ended.status;
    if (code !== 0) break;
  }
  const read = (file: string) => readFileSync(file, "utf8");
  return { code, output, summary: read(GITHUB_STEP_SUMMARY), outputs: read(GITHUB_OUTPUT) };
}

/** A repository, with the project in a folder of it, as `npm ci` leaves it. */
function createRepository(): { readonly root: string; readonly folder: string } {
  const root = createTemporaryFolder("vitrine-action-");
  const folder = join(root, "images");
  mkdirSync(join(folder, "src/worker"), { recursive: true });
  mkdirSync(join(folder, "node_modules/.bin"), { recursive: true });
  symlinkSync(join(ROOT, "src/cli/vitrine.js"), join(folder, "node_modules/.bin/vitrine"));
  writeFileSync(join(root, ".gitignore"), "node_modules\n");
  git(root, "init", "--quiet", "--initial-branch=main");
  return { root, folder };
}

test("no step has an expression in its script: an input would be a part of the program", () => {
  expect([steps].flat().length).toBeGreaterThan(0);
  for (const step of [steps].flat().map(tableOf)) {
    expect(step["run"]).not.toContain("${{");
    expect(step).not.toHaveProperty("uses");
  }
});

test("each input and each output has a description", () => {
  for (const item of [...Object.values(inputs), ...Object.values(tableOf(action["outputs"]))]) {
    expect(isPlainObject(item) && item["description"]).toMatch(/\.$/);
  }
});

test.each([
  { title: "without a finding", config: RIGHT, code: 0, errors: 0, says: "## Vitrine: no errors" },
  {
    title: "with a finding",
    config: WRONG,
    code: 2,
    errors: 1,
    says: "| error | check | wrangler.toml PRESETS.card.width |",
  },
])("a project $title", ({ config, code, errors, says }) => {
  const { root, folder } = createRepository();
  const compare = commitConfig(folder, { ...RIGHT, vars: { ...RIGHT.vars, PRESETS: {} } });
  const before = commitConfig(folder, {
    ...RIGHT,
    vars: { ...RIGHT.vars, PRESETS: { card: VARS.PRESETS.card } },
  });
  commitConfig(folder, config);

  const ended = runAction(root, { "working-directory": "images", compare: before });
  expect(ended.code).toBe(code);
  expect(ended.summary).toContain(says);
  expect(ended.outputs).toContain(`errors=${errors}\n`);
  for (const [name, output] of Object.entries(tableOf(action["outputs"]))) {
    expect(tableOf(output)["value"]).toBe(`\${{ steps.vitrine.outputs.${name} }}`);
    expect(ended.outputs).toMatch(new RegExp(`^${name}=`, "m"));
  }
  expect(ended.summary).toMatch(
    /\| the top level \| [^|]+ \| &#36;[\d.]+ for [\d,]+ transformations \| /,
  );
  expect(compare).not.toBe(before);
});

/** Has npx start a program that writes its arguments, each with a zero byte behind it, in place of Vitrine. */
function recordArguments(folder: string): () => readonly string[] {
  const file = join(folder, "arguments");
  const program = join(folder, "node_modules/.bin/vitrine");
  rmSync(program);
  writeFileSync(program, `#!/bin/sh\nprintf '%s\\0' "$@" > '${file}'\n`, { mode: 0o700 });
  return () => readFileSync(file, "utf8").split("\0").slice(0, -1);
}

test("hostile inputs run nothing: each is one argument, whatever is in it", () => {
  const { root, folder } = createRepository();
  const readArguments = recordArguments(folder);
  const environment = '"; touch stolen; "';
  const compare = "$(touch stolen)\n--deploy";
  const secrets = "a b'`touch stolen`";

  const values = { environment, compare, deploy: "true", "secrets-file": secrets };
  const { code } = runAction(root, { "working-directory": "images", ...values });
  expect([code, readArguments()]).toEqual([
    0,
    ["ci", `--env=${environment}`, `--compare=${compare}`, "--deploy", `--secrets-file=${secrets}`],
  ]);
  expect(existsSync(join(folder, "stolen")) || existsSync(join(root, "stolen"))).toBe(false);
});

test("a deploy that is neither true nor false is refused, and runs nothing", () => {
  const { root, folder } = createRepository();
  const deployInput = { "working-directory": "images", deploy: "`touch stolen`" };
  const { code, output } = runAction(root, deployInput);
  expect([code, output]).toEqual([3, expect.stringContaining("must be true or false")]);
  expect(existsSync(join(folder, "stolen"))).toBe(false);
});

test("a project without the package gets none from npm", () => {
  const root = createTemporaryFolder("vitrine-action-");
  writeFileSync(join(root, "wrangler.toml"), tomlOf(RIGHT));
  const { code, output } = runAction(root, {});
  expect(code).not.toBe(0);
  expect(output).toMatch(/ENOTCACHED|npx canceled/);
});

const DOOR =
  "https://images.example/cdn-cgi/image/width=16/https://acme-media.s3.eu-west-1.amazonaws.com/published/a.jpg";

test.each([
  { title: "and the doctor finds nothing", transformations: "on", code: 0, errors: 0 },
  { title: "and the doctor finds an error", transformations: "off", code: 1, errors: 1 },
] as const)("with deploy, it deploys, $title", async ({ transformations, code, errors }) => {
  arrange();
  const file = { ...SECRETS, HEALTH_TOKEN };
  const secrets = Object.entries(file).map(([name, value]) => envLine(name, value));
  const folder = createProject(
    { ...RIGHT, vars: { ...CONFIGURED, ROUTES }, main: "index.js" },
    "wrangler.toml",
    {
      "secrets.env": secrets.join(""),
      "index.js": "export default {};",
    },
  );
  const zone = createZone("images.example");
  Object.assign(zone, {
    transformations,
    sources: "acme-media.s3.eu-west-1.amazonaws.com/published/",
  });
  const account = await startCloudflareAccount({ zones: [zone], doors: [DOOR] });
  deploy({ ...ENV, ...CONFIGURED, ROUTES, ...file });
  followZone(zone, { readsPaths: true });
  passToLoopback();

  const summary = join(folder, "summary.md");
  const env = { HOME: folder, PATH: process.env["PATH"] ?? "", ...account.env };
  const args = ["ci", "--deploy", "--secrets-file", "secrets.env", "--summary", summary];
  const ended = await vitrine(args, { folder, env });

  expect(ended.code).toBe(code);
  expect(account.uploaded).toEqual([{ worker: "vitrine", secrets: file }]);
  const text = readFileSync(summary, "utf8");
  expect(text).toContain("and it is deployed");
  expect(text.match(/^\| error \| doctor \|/gm)?.length ?? 0).toBeGreaterThanOrEqual(errors);
  if (errors === 0) expect(text).not.toContain("| error |");
  for (const value of Object.values(file))
    expect(text + ended.out + ended.err).not.toContain(value);
});
