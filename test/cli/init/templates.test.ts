// The files of a new project, compared with this repository's own files and pages.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { beforeAll, expect, test } from "vitest";
import { VERSION } from "../../../src/cli/wrangler/packages.ts";
import { readPage } from "../../docs/pages.ts";
import { ROOT } from "../../support/built.ts";
import { AWS, contents, emptyFolder, init } from "../../support/cli/making.ts";

const own = (file: string) => readFileSync(join(ROOT, file), "utf8");
const { devDependencies, allowScripts, version } = JSON.parse(own("package.json"));

let made: Record<string, string>;
beforeAll(async () => {
  const folder = emptyFolder();
  expect(await init(folder, [...AWS, "--name", "vitrine"])).toMatchObject({ code: 0 });
  made = Object.fromEntries(
    Object.entries(contents(folder)).flatMap(([path, text]) =>
      text === null ? [] : [[path, text]],
    ),
  );
});

/** What is another line in this repository, or none. */
const OTHER_LINES = [
  ["# The documentation, docs/, is in node_modules/vitrine/.\n", ""],
  ['main = "src/index.ts"', 'main = "src/worker/index.ts"'],
  [
    'object = "media/*"\n',
    `object = "media/*"

[[vars.ROUTES]]
path = "/avatars/:user/:preset"
object = "media/users/:user/avatar.png"
presets = ["thumbnail"]
`,
  ],
] as const;

test("this repository's wrangler.toml is the template, except for two lines and a second route", () => {
  const expected = OTHER_LINES.reduce((text, [line, other]) => {
    expect(text).toContain(line);
    return text.replace(line, other);
  }, made["wrangler.toml"] ?? "");
  expect(own("wrangler.toml")).toBe(expected);
});

test("the first line of wrangler.toml has the version", () => {
  expect(VERSION).toBe(version);
  expect(made["wrangler.toml"]).toMatch(
    new RegExp(`^# Made by vitrine ${VERSION.replaceAll(".", "\\.")}\\. `),
  );
});

test("this repository's .gitignore has all lines of the template, and two of its own", () => {
  const lines = (text = "") => text.trimEnd().split("\n").sort();
  const more = ["dist/", "rendition.avif"];
  expect(lines(own(".gitignore"))).toEqual([...lines(made[".gitignore"]), ...more].sort());
});

test("this repository's .dev.vars.example begins with the template", () => {
  expect(own(".dev.vars.example").slice(0, made[".dev.vars.example"]?.length)).toBe(
    made[".dev.vars.example"],
  );
});

test("no secret of .dev.vars.example has a value", () => {
  const values = made[".dev.vars.example"]?.match(/^[^#\n]+$/gm);
  expect(values).toEqual(['AWS_ACCESS_KEY_ID=""', 'AWS_SECRET_ACCESS_KEY=""']);
});

test("package.json has the versions that Vitrine is tested with", () => {
  const manifest = JSON.parse(made["package.json"] ?? "");
  expect(manifest).toMatchObject({ private: true });
  expect(Object.keys(manifest.devDependencies)).toEqual(
    expect.arrayContaining(["sharp", "typescript", "wrangler"]),
  );
  expect(devDependencies).toMatchObject(manifest.devDependencies);
  expect(allowScripts).toMatchObject(manifest.allowScripts);
});

test("main of wrangler.toml has the two entrypoints of the package", () => {
  expect(made["wrangler.toml"]).toContain('\nmain = "src/index.ts"\n');
  expect(made["src/index.ts"]).toMatch(/^export \{ default, Renditions \} from "vitrine";\n$/m);
});

test("tsconfig.json is JSON, and has the types that wrangler types writes", () => {
  expect(JSON.parse(made["tsconfig.json"] ?? "").include).toContain("worker-configuration.d.ts");
  expect(made[".gitignore"]).toContain("\nworker-configuration.d.ts\n");
});

test("docs/environments.md shows the workflow as it is, and pins the same actions", () => {
  const page = readPage("docs/environments.md");
  const workflow = made[".github/workflows/vitrine.yml"] ?? "";
  expect(page).toContain(`\`\`\`yaml\n${workflow}\`\`\`\n`);
  const actions = (text: string) => [...new Set(text.match(/(?<=^ +- )uses: .*/gm))].sort();
  expect(actions(page)).toEqual(actions(workflow));
});

test("the workflow gives a secret to one step only, and pins its actions by commit", () => {
  const workflow = made[".github/workflows/vitrine.yml"] ?? "";
  const uses = workflow.match(/uses: .*/g) ?? [];
  expect(uses).toHaveLength(4);
  for (const use of uses)
    expect(use).toMatch(/^uses: actions\/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
  expect(workflow.match(/persist-credentials: false/g)).toHaveLength(2);
  expect(workflow).toContain("\npermissions:\n  contents: read\nconcurrency:");
  expect(workflow.match(/permissions:/g)).toHaveLength(1);
  const [before = "", ...steps] = workflow.split(/^ {6}- /m);
  expect(before).not.toContain("secrets.");
  const withSecrets = steps.filter((step) => step.includes("secrets."));
  expect(withSecrets).toEqual([expect.stringMatching(/^run: npx vitrine deploy /)]);
  // A job that hangs would hold up the next deploy for six hours.
  expect(workflow.match(/^ {4}timeout-minutes: \d+$/gm)).toHaveLength(2);
  expect(workflow).toMatch(/^ {2}deploy:.*\n {4}if: github\.event_name == 'push' && /m);
});

test("the README names scripts that are there", () => {
  const { scripts } = JSON.parse(made["package.json"] ?? "");
  const named = made["README.md"]?.match(/(?<=`npm (?:run )?)(?!install|update|run)\w+/g);
  expect([...new Set(named)].sort()).toEqual(Object.keys(scripts).sort());
  for (const line of ["node_modules/vitrine/docs/deploy.md", "http://localhost:8787/"]) {
    expect(made["README.md"]).toContain(line);
  }
  expect(made["README.md"]).toContain("own domain");
});

test("a project is small", () => {
  expect(Object.keys(made).length).toBeLessThanOrEqual(9);
  const lines = Object.entries(made)
    .filter(([path]) => path !== "README.md")
    .flatMap(([, text]) => text.split("\n"))
    .filter((line) => !/^\s*(?:#|\/\/|$)/.test(line));
  expect(lines.length).toBeLessThanOrEqual(145);
});
