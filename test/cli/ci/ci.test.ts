// `vitrine ci`: the summary of a check, what a change costs, and what GitHub Actions gets. With a deploy, and as a step of
// action.yml: action.test.ts.

import { mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createProject, STAGED } from "../../support/cli/folder.ts";
import { commitConfig, git } from "../../support/cli/repository.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { VARS } from "../../support/env.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const { card, hero, ...others } = VARS.PRESETS;
const ROUTES = VARS.ROUTES.filter(({ signed }) => !signed);
const COSTS = { objects: { media: 1000 } };
const { env: _env, ...RIGHT } = { ...STAGED, vars: { ...VARS, ROUTES, COSTS } };
const withPresets = (PRESETS: object) => ({ ...RIGHT, vars: { ...RIGHT.vars, PRESETS } });

/** Runs it as GitHub Actions does. @returns with the files that a step writes */
async function runInGitHub(folder: string, args: readonly string[] = []) {
  const files = createTemporaryFolder("vitrine-ci-");
  const env = {
    ...{ PATH: process.env["PATH"], HOME: files },
    GITHUB_ACTIONS: "true",
    GITHUB_STEP_SUMMARY: join(files, "summary"),
    GITHUB_OUTPUT: join(files, "output"),
  };
  const ended = await vitrine(["ci", ...args], { folder, env });
  const read = (name: string) => readFileSync(join(files, name), "utf8");
  return { ...ended, summary: read("summary"), outputs: read("output") };
}

test("a right project has no finding, and a price", async () => {
  const { code, out, err, summary, outputs } = await runInGitHub(createProject(RIGHT));
  expect([code, err]).toEqual([0, ""]);
  expect(out.split("\n")).toEqual([
    expect.stringMatching(/^::stop-commands::[\da-f-]{36}$/),
    expect.stringMatching(/^::[\da-f-]{36}::$/),
    "",
  ]);
  expect(summary).toContain("## Vitrine: no errors\n\n0 errors, 0 warnings.");
  expect(summary).toMatch(/\| the top level \| &#36;[\d.]+ for [\d,]+ transformations \|/);
  expect(outputs).toMatch(
    /^errors=0\nwarnings=0\ndeployed=false\nworst-case=\d+\.\d\d\nworst-case-before=\n$/,
  );
});

test("a mistake fails, and stands in the table and beside the file", async () => {
  const folder = createProject(withPresets({ ...VARS.PRESETS, card: { width: "wide" } }));
  const { code, out, summary, outputs } = await runInGitHub(folder);
  expect(code).toBe(2);
  expect(out).toMatch(
    /^::error file=wrangler\.toml,title=vitrine check%3A wrangler\.toml PRESETS\.card\.width::PRESETS\.card\.width: /m,
  );
  expect(summary).toMatch(
    /\n\| error \| check \| wrangler\.toml PRESETS\.card\.width \| PRESETS\.card\.width: .*\|/,
  );
  expect(outputs).toContain("errors=1\n");
});

test("an annotation stands at the line of a syntax error, in the project's folder of the repository", async () => {
  const { root, folder } = createRepository();
  writeFileSync(join(folder, "wrangler.toml"), 'name = "vitrine"\nworkers_dev = no\n');
  const env = { GITHUB_ACTIONS: "true", GITHUB_WORKSPACE: root };
  const { code, out } = await vitrine(["ci"], { folder, env });
  expect([code, out]).toEqual([
    2,
    expect.stringMatching(/^::error file=worker\/wrangler\.toml,line=\d+,title=/m),
  ]);
});

test("a bug of a command is a finding, and the summary is written", async () => {
  const folder = createProject(RIGHT);
  mkdirSync(join(folder, "package-lock.json"));
  const { code, summary } = await runInGitHub(folder);
  expect([code, summary]).toEqual([2, expect.stringContaining("vitrine check has a bug: ")]);
});

test("no wrangler.toml is a finding, too", async () => {
  const { code, out, summary } = await runInGitHub(createTemporaryFolder("vitrine-ci-"));
  expect(code).toBe(2);
  expect(out).toMatch(/^::error .*there is no wrangler\.toml/m);
  expect(summary).toContain("there is no wrangler.toml");
});

const HOSTILE = "x|<img src=y onerror=z>](http://evil.example)`::error::\u202e";

test("what a stranger wrote is text in the summary, and no command of the runner", async () => {
  const vars = {
    ...VARS,
    PRESETS: {
      ...VARS.PRESETS,
      [HOSTILE]: { width: 1 },
      "a\n::set-output name=deployed::true": {},
    },
  };
  const { code, out, summary, outputs } = await runInGitHub(createProject({ ...RIGHT, vars }));
  expect(code).toBe(2);

  const [, ...lines] = out.trimEnd().split("\n");
  expect(lines.slice(1).every((line) => line.startsWith("::error file=wrangler.toml,title="))).toBe(
    true,
  );
  expect(out.replace(/^::[^:]*::[^\n]*$/gm, "").trim()).toBe("");

  // Each row has five cells, and nothing in them is HTML, a link or code.
  const rows = summary.split("\n").filter((line) => line.startsWith("| error"));
  expect(rows.length).toBeGreaterThan(0);
  for (const row of rows) {
    expect(row.split("|")).toHaveLength(7);
    expect(row).not.toMatch(/<(?!br>)|`|\]\(|\u202e/);
  }
  expect(outputs).toContain("deployed=false\n");
});

/** A project in a folder of a repository. */
function createRepository() {
  const root = createTemporaryFolder("vitrine-ci-");
  const folder = join(root, "worker");
  mkdirSync(join(folder, "src/worker"), { recursive: true });
  git(root, "init", "--quiet", "--initial-branch=main");
  return { root, folder };
}

test("the summary says what a change does to the month's worst case, and which renditions are made anew", async () => {
  const { folder } = createRepository();
  const before = commitConfig(folder, withPresets({ ...VARS.PRESETS, old: { width: 9 } }));
  commitConfig(
    folder,
    withPresets({
      ...others,
      hero,
      card: { ...card, width: 161 },
      big: { width: 2000, dpr: [1, 2] },
    }),
  );

  const { code, summary, outputs } = await runInGitHub(folder, ["--compare", before]);
  expect(code).toBe(0);
  expect(summary).toContain("| new: big; made anew: card; removed: old |");
  const { after, earlier } =
    /^worst-case=(?<after>.*)\nworst-case-before=(?<earlier>.*)$/m.exec(outputs)?.groups ?? {};
  expect(Number(after)).toBeGreaterThan(Number(earlier));
  expect(Number(earlier)).toBeGreaterThan(0);

  // Nothing is left of the other commit.
  expect(git(folder, "worktree", "list").split("\n")).toHaveLength(1);
  expect(git(folder, "status", "--porcelain")).toBe("");
});

test.each([
  { commit: "0".repeat(40), says: "it is the first commit of its branch" },
  { commit: "a".repeat(40), says: "git has no commit" },
  { commit: "--upload-pack=touch stolen", says: "is not the name of a commit" },
  { commit: "main:secret", says: "is not the name of a commit" },
])(
  "without the commit $commit, the check is done, and the summary says why",
  async ({ commit, says }) => {
    const { folder } = createRepository();
    commitConfig(folder, RIGHT);
    const { code, summary } = await runInGitHub(folder, [`--compare=${commit}`]);
    expect(code).toBe(0);
    expect(summary).toContain("What it was before is not known");
    expect(summary).toContain(says);
  },
);

test("a commit before with a mistake, or without a project, does not fail this one", async () => {
  const { folder } = createRepository();
  const broken = commitConfig(folder, withPresets({ card: { width: "wide" } }));
  rmSync(join(folder, "wrangler.toml"));
  git(folder, "commit", "--quiet", "--all", "--message", "no project");
  const empty = git(folder, "rev-parse", "HEAD");
  commitConfig(folder, RIGHT);

  const afterBroken = await runInGitHub(folder, ["--compare", broken]);
  expect([afterBroken.code, afterBroken.out]).toEqual([0, expect.not.stringContaining("wide")]);
  expect(afterBroken.summary).toContain("| not known |");
  const afterEmpty = await runInGitHub(folder, ["--compare", empty]);
  expect([afterEmpty.code, afterEmpty.out]).toEqual([0, expect.not.stringContaining("::error")]);
});

test("git runs no program of the repository, and gets no secret", async () => {
  const { root, folder } = createRepository();
  const before = commitConfig(folder, RIGHT);
  commitConfig(folder, withPresets({ ...VARS.PRESETS, old: { width: 9 } }));
  const hook = join(root, ".git/hooks/post-checkout");
  writeFileSync(hook, `#!/bin/sh\nenv > ${join(folder, "stolen")}\n`, { mode: 0o700 });

  const { code } = await runInGitHub(folder, ["--compare", before]);
  expect([code, git(root, "status", "--porcelain")]).toEqual([0, ""]);
});

test("elsewhere than in GitHub Actions, the summary goes to a file, or to the screen", async () => {
  const folder = createProject(RIGHT);
  const file = join(folder, "summary.md");
  expect(await vitrine(["ci", "--summary", file], { folder })).toEqual({
    code: 0,
    out: "",
    err: "",
  });
  const { out } = await vitrine(["ci"], { folder });
  expect(out).toBe(`${readFileSync(file, "utf8")}\n`);
});
