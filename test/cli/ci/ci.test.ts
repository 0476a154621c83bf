// `vitrine ci`: the summary of a check, what a change costs, and what GitHub Actions gets. With a deploy, and as a step of
// action.yml: action.test.ts.

import { once } from "node:events";
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createProject, STAGED, tomlOf } from "../../support/cli/folder.ts";
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

/** A project with warnings and mistakes in two environments. Each is at a line that ends with `# HERE`. */
const TOML = `name = "vitrine"
main = "src/worker/index.ts"
compatibility_date = "2026-11-01"
workers_dev = true # HERE workers_dev or preview_urls
preview_urls = false
routes = [{ pattern = "images.example", custom_domain = true }]
cache = { enabled = true } # HERE cache.cross_version_cache

[exports.default]
type = "worker"
cache = { enabled = false }
[exports.Renditions]
type = "worker"
cache = { enabled = true }

[secrets]
required = ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"]

[vars.BUCKETS.media]
endpoint = "https://s3.eu-west-1.amazonaws.com"
bucket = "acme-media"
region = "eu-west-1"
prefix = "a/"
  canary = "a/fig.jpg" # HERE BUCKETS.media.canary begins

[[vars.ROUTES]]
path = "/images/:preset/*"
object = "media/*"
[vars.ROUTES.answers]
keep = 7200 # HERE ROUTES[0].answers.keep is

[[vars.ROUTES]]
path = "/images/:preset/team/*" # HERE ROUTES[1] (
object = "media/team/*"

[vars.PRESETS.card]
width = 480

[env.staging.vars.PRESETS."a.b"]
fit = "stretch" # HERE PRESETS.a.b.fit:
[env.staging.vars.PRESETS]
'card' = { width = "wide" } # HERE PRESETS.card.width:
[[env.staging.ratelimits]] # HERE ratelimits.name: is OTHER
name = "OTHER"
namespace_id = "1"
simple = { limit = 1, period = 10 }
`;

const JSONC = `{
  // "routes": of a comment
  "name": "vitrine", "main": "src/worker/index.ts",
  "compatibility_date": "2099-01-01", // HERE compatibility_date: is 2099
  "vars": {
    "BUCKETS": { "media": {
      "endpoint": "https://s3.eu-west-1.amazonaws.com", "bucket": "acme-media",
      "region": "eu-west-2" // HERE BUCKETS.media.region: is eu-west-2
    } },
    "ROUTES": [
      { "path": "/images/:preset/*", "object": "media/*" },
      { "path": "/other/:preset/*",
        "object": "medai/*" } // HERE ROUTES[1].object:
    ],
    "PRESETS": { "say \\"x\\"": { "width": 1 },
      "card": /* { */ { "width": 9,
        "fit": "stretch" } } // HERE PRESETS.card.fit:
  }
}
`;

test.each([
  { file: "wrangler.toml", text: TOML },
  { file: "wrangler.jsonc", text: JSONC },
])("an annotation stands at the line of its setting in $file", async ({ file, text }) => {
  const folder = createProject({}, "other", { [file]: text });
  const { out } = await runInGitHub(folder, []);
  const annotations = out.split("\n").filter((line) => / file=/.test(line));

  const lines = text.split("\n").entries();
  for (const [index, line] of lines) {
    const message = /(?:#|\/\/) HERE (?<message>.*)$/.exec(line)?.groups?.["message"];
    if (message === undefined) continue;

    const annotation = annotations.find((item) => item.includes(`::${message}`));
    expect([message, annotation]).toEqual([
      message,
      expect.stringContaining(` file=${file},line=${index + 1},`),
    ]);
  }
});

const WARNED = { ...RIGHT, vars: { ...RIGHT.vars, COSTS: { ...COSTS, most: 0.01 } } };
const LOCKED = JSON.stringify({ packages: { "node_modules/vitrine": { version: "0.1.9" } } });

test.each([
  {
    title: "a wrong fit",
    config: withPresets({ card: { fit: "stretch" } }),
    remedy: /^fix PRESETS\.card\.fit in wrangler\.toml: .*configuration\.md#varspresetsname says/,
  },
  {
    title: "a key that wrangler does not know",
    config: { ...RIGHT, colour: 1 },
    remedy: /^fix colour in wrangler\.toml$/,
  },
  {
    title: "a variable that does nothing",
    config: { ...RIGHT, vars: { ...RIGHT.vars, PRESET: 1 } },
    remedy: /^fix PRESET in /,
  },
  {
    title: "a file that is no TOML",
    files: { "wrangler.toml": "a b" },
    remedy: /^fix wrangler\.toml:1:\d+$/,
  },
  { title: "no configuration", files: {}, remedy: /^write one wrangler\.toml/ },
  {
    title: "no such environment",
    config: { ...RIGHT, env: STAGED.env },
    args: ["--env", "stagin"],
    remedy: /^name one of these/,
  },
  {
    title: "no environment at all",
    config: RIGHT,
    args: ["--env", "production"],
    remedy: /^leave --env out$/,
  },
  {
    title: "a bug",
    config: RIGHT,
    folders: ["package-lock.json"],
    remedy: /^do what it says, and run npx vitrine check again$/,
  },
  { title: "costs above the budget", config: WARNED, remedy: /^fewer presets/ },
  {
    title: "another installed version",
    config: RIGHT,
    files: { "package-lock.json": LOCKED },
    remedy: /^npm ci$/,
  },
])(
  "the row of $title says what to do",
  async ({ config, files = {}, folders = [], args = [], remedy }) => {
    const folder = createProject({}, "other", files);
    if (config !== undefined) writeFileSync(join(folder, "wrangler.toml"), tomlOf(config));
    for (const name of folders) mkdirSync(join(folder, name));

    const { out, summary } = await runInGitHub(folder, args);
    const remedies = rowsOf(summary).map((cells) => cells.at(-1) ?? "");
    expect(remedies).toContainEqual(expect.stringMatching(remedy));
    expect(remedies).not.toContain("");
    expect(remedies).not.toContain("undefined");
    expect(out).toMatch(/%0AWhat to do: /);
  },
);

test("a row about the whole file names the file once", async () => {
  const { summary } = await runInGitHub(createProject(RIGHT), ["--env", "production"]);
  expect(rowsOf(summary)[0]?.slice(0, 3)).toEqual(["error", "check", "wrangler.toml"]);
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

const HOSTILE = "x|<img src=y onerror=z>](http://evil.example)`::error::\u202e www.evil.example";

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
    expect(row).not.toMatch(/<(?!br>)|`|\]\(|\u202e|www\./);
  }
  expect(outputs).toContain("deployed=false\n");
});

/** A project in a folder of a repository. */
function createRepository() {
  const root = createTemporaryFolder("vitrine-ci-");
  const folder = join(root, "worker");
  mkdirSync(join(folder, "src/worker"), { recursive: true });
  git(root, "init", "--quiet", "--initial-branch=main");
  git(root, "config", "uploadpack.allowFilter", "true");
  return { root, folder };
}

test("without a file for it, the summary is text as somebody reads it", async () => {
  const { folder } = createRepository();
  const before = commitConfig(folder, withPresets({ ...others, hero, card: { width: 160 } }));
  commitConfig(folder, withPresets({ ...others, hero, card: { width: 170 } }));
  const right = await vitrine(["ci", "--compare", before], { folder });
  expect(right.out).toMatch(
    /^Vitrine: no errors\n0 errors, 0 warnings\.\n\nWhat visitors can make it cost in a month, at most\n {2}the top level: \$(?<cost>.* transformations)\n {4}before: \$\k<cost>\n {4}presets: made anew: card\n$/,
  );

  commitConfig(folder, withPresets({ ...others, hero, card: { width: 160, dpr: [1, 9] } }));
  const wrong = await vitrine(["ci"], { folder });
  expect(wrong.out).toMatch(
    /^Vitrine: errors\n1 error, 0 warnings\.\n\nerror: wrangler\.toml PRESETS\.card\.dpr\[1\] \(found by check\)\n {2}PRESETS\.card\.dpr\[1\]: .*\n {2}What to do: .+\n/,
  );
});

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

const ID = "a".repeat(40);

test.each([
  { commit: "mian", says: "has no commit, branch or tag mian" },
  { commit: "origin/mian", says: "has no commit, branch or tag origin/mian" },
  { commit: "mian~1", says: "has no commit, branch or tag mian~1" },
  { commit: ID, says: `has no commit, branch or tag ${ID}` },
  { commit: "--upload-pack=touch stolen", says: "is not the name of a commit" },
  { commit: "main:secret", says: "is not the name of a commit" },
  { commit: "HEAD~1..HEAD", says: "is not the name of a commit" },
])(
  "--compare $commit, which names nothing, fails, and says what to do",
  async ({ commit, says }) => {
    const { root, folder } = createRepository();
    commitConfig(folder, RIGHT);
    const clone = createClone(root);

    const { code, summary, outputs } = await runInGitHub(clone, [`--compare=${commit}`]);
    expect([code, outputs]).toEqual([2, expect.stringContaining("errors=1\n")]);
    expect(rowsOf(summary)).toEqual([
      [
        "error",
        "ci",
        expect.any(String),
        expect.stringContaining(says),
        expect.stringMatching(/^correct the name/),
      ],
    ]);

    // The check is done all the same.
    expect(summary).toContain("What it was before is not known");
    expect(git(root, "status", "--porcelain")).toBe("");
  },
);

test("with --compare, a wrong name keeps a deploy back", async () => {
  const { folder } = createRepository();
  commitConfig(folder, RIGHT);
  const { code, out, summary } = await runInGitHub(folder, ["--deploy", "--compare", "mian"]);
  expect([code, out]).toEqual([2, expect.not.stringContaining("vitrine deploy")]);
  expect(summary).not.toContain("| deploy |");
});

test("in a folder without git, --compare says that it needs a clone", async () => {
  const { code, summary } = await runInGitHub(createProject(RIGHT), ["--compare", "main"]);
  expect([code, rowsOf(summary)]).toEqual([
    2,
    [
      [
        "error",
        "ci",
        "--compare main",
        expect.stringContaining("not a git repository"),
        expect.stringContaining("in a clone"),
      ],
    ],
  ]);
});

test.each(["0".repeat(40), "HEAD~1", "HEAD^", "main~2"])(
  "the first commit of a repository has nothing to compare with, and passes: %s",
  async (commit) => {
    const { folder } = createRepository();
    commitConfig(folder, RIGHT);
    const { code, summary, outputs } = await runInGitHub(folder, [`--compare=${commit}`]);
    expect([code, outputs]).toEqual([0, expect.stringContaining("errors=0\nwarnings=0\n")]);
    expect(summary).toMatch(
      /What it was before is not known: (?:the branch is new|the history of)/,
    );
  },
);

/** Clones a repository as CI does. @returns the folder of the project */
function createClone(root: string, ...options: readonly string[]): string {
  const clone = join(createTemporaryFolder("vitrine-ci-"), "clone");
  git(root, "clone", "--quiet", ...options, `file://${root}`, clone);
  return join(clone, "worker");
}

/** Commits two configurations, of which the first one has a preset more. */
function commitTwo(folder: string): string {
  const before = commitConfig(folder, withPresets({ ...VARS.PRESETS, old: { width: 9 } }));
  commitConfig(folder, RIGHT);
  return before;
}

test("a shallow clone fetches what it is compared with, and lists it nowhere", async () => {
  const { root, folder } = createRepository();
  commitTwo(folder);
  git(root, "branch", "earlier@1", "HEAD~1");
  const clone = createClone(root, "--depth=1");
  const refs = git(clone, "for-each-ref");

  for (const name of ["origin/earlier@1", "earlier@1", git(root, "rev-parse", "earlier@1")]) {
    const { code, summary } = await runInGitHub(clone, ["--compare", name]);
    expect([name, code, summary]).toEqual([name, 0, expect.stringContaining("| removed: old |")]);
  }
  expect(git(clone, "for-each-ref")).toBe(refs);
  expect(git(clone, "rev-list", "--count", "--all")).toBe("1");
});

test.each([
  { title: "shallow", options: ["--depth=1"], remedy: "fetch-depth: 0" },
  { title: "partial", options: ["--filter=blob:none"], remedy: "leave filter" },
])(
  "a $title clone that cannot fetch the commit passes with a warning that says what to do",
  async ({ options, remedy }) => {
    const { root, folder } = createRepository();
    const before = commitTwo(folder);
    const clone = createClone(root, ...options);
    git(clone, "remote", "set-url", "origin", "/nowhere");

    const { code, summary } = await runInGitHub(clone, ["--compare", before]);
    expect([code, rowsOf(summary)]).toEqual([
      0,
      [
        [
          "warning",
          "ci",
          `--compare ${before}`,
          expect.stringContaining("cannot fetch"),
          expect.stringContaining(remedy),
        ],
      ],
    ]);
    expect(summary).toContain("What it was before is not known");
  },
);

test("a partial clone fetches the files of the commit", async () => {
  const { root, folder } = createRepository();
  const before = commitTwo(folder);
  const clone = createClone(root, "--filter=blob:none");
  const { code, summary } = await runInGitHub(clone, ["--compare", before]);
  expect([code, summary]).toEqual([0, expect.stringContaining("| removed: old |")]);
});

/** The cells of the rows with findings. */
function rowsOf(summary: string): string[][] {
  const rows = summary.split("\n").filter((line) => /^\| (?:error|warning|note) \|/.test(line));
  return rows.map((row) =>
    readText(row)
      .split(" | ")
      .map((cell) => cell.replace(/^\| | \|$/g, "")),
  );
}

/** A text as a browser shows it. */
function readText(text: string): string {
  return text.replace(/&#(\d+);/g, (_, code) => String.fromCharCode(Number(code)));
}

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

/** Settings of a clone that have git start a program, one by one. */
const HOSTILE_SETTINGS = [
  ["filter.evil.smudge", "PROGRAM"],
  ["filter.evil.process", "PROGRAM"],
  ["filter.evil.required", "true"],
  ["core.fsmonitor", "PROGRAM"],
  ["core.sshCommand", "PROGRAM"],
  ["core.gitProxy", "PROGRAM"],
  ["core.alternateRefsCommand", "PROGRAM"],
  ["core.pager", "PROGRAM"],
  ["credential.helper", "PROGRAM"],
  ["remote.origin.uploadpack", "PROGRAM"],
  ["remote.origin.vcs", "evil"],
  ["protocol.ext.allow", "always"],
  ["protocol.allow", "always"],
] as const;

/** Has a clone start a program wherever it can. @returns the file that the program would write */
function corrupt(folder: string): string {
  const clone = join(folder, "..");
  const stolen = join(clone, ".git/stolen");
  const program = join(clone, ".git/program");
  writeFileSync(program, `#!/bin/sh\nenv > ${stolen}\n`, { mode: 0o700 });
  for (const [name, value] of HOSTILE_SETTINGS) {
    git(clone, "config", name, value.replace("PROGRAM", program));
  }

  const hooks = join(clone, ".git/hooks");
  mkdirSync(hooks, { recursive: true });
  for (const hook of ["post-checkout", "post-index-change", "reference-transaction"]) {
    copyFileSync(program, join(hooks, hook));
  }
  return stolen;
}

/** Commits a configuration whose files ask for a filter of the clone. */
function commitFiltered(folder: string): string {
  writeFileSync(join(folder, ".gitattributes"), "* filter=evil\n");
  return commitTwo(folder);
}

test.each([
  { title: "that is there", options: [] },
  { title: "that is fetched", options: ["--depth=1"] },
  { title: "whose files are fetched", options: ["--filter=blob:none"] },
])(
  "a hostile filter, hook or setting of the clone runs nothing, for a commit $title",
  async ({ options }) => {
    const { root, folder } = createRepository();
    const before = commitFiltered(folder);
    const clone = createClone(root, ...options);
    const stolen = corrupt(clone);

    const { code, summary } = await runInGitHub(clone, ["--compare", before]);
    expect(existsSync(stolen)).toBe(false);
    expect([code, summary]).toEqual([0, expect.stringContaining("| removed: old |")]);
  },
);

test("an origin whose address is a program is not asked", async () => {
  const { root, folder } = createRepository();
  const before = commitFiltered(folder);
  const clone = createClone(root, "--depth=1");
  const stolen = corrupt(clone);
  git(clone, "config", "--unset", "remote.origin.vcs");
  git(clone, "remote", "set-url", "origin", `ext::sh -c ${join(clone, "../.git/program")}`);

  const { code } = await runInGitHub(clone, ["--compare", before]);
  expect([code, existsSync(stolen)]).toEqual([0, false]);
});

test("a link of the commit leads to no file of this machine", async () => {
  const { root, folder } = createRepository();
  const outside = join(createTemporaryFolder("vitrine-ci-"), "wrangler.toml");
  writeFileSync(outside, tomlOf(withPresets({ ...VARS.PRESETS, old: { width: 9 } })));
  symlinkSync(outside, join(folder, "wrangler.toml"));
  git(root, "add", "--all");
  git(root, "commit", "--quiet", "--message", "a link");
  rmSync(join(folder, "wrangler.toml"));
  commitConfig(folder, RIGHT);

  const { code, summary } = await runInGitHub(folder, ["--compare", "HEAD~1"]);
  expect([code, summary]).toEqual([0, expect.not.stringContaining("removed: old")]);
});

test("a fetch takes the header that actions/checkout leaves in the clone, and no secret", async () => {
  const { root, folder } = createRepository();
  const before = commitTwo(folder);
  const clone = createClone(root, "--depth=1");

  const requests: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    requests.push(request);
    response.writeHead(404).end();
  });
  await once(server.listen(0, "localhost"), "listening");
  const { port } = server.address() as AddressInfo;
  const address = `http://localhost:${port}/`;
  git(clone, "remote", "set-url", "origin", `${address}images.git`);
  writeFileSync(
    join(clone, "../.git/checkout"),
    `[http "${address}"]\n\textraheader = X-Checkout: of-the-job\n`,
  );
  git(clone, "config", "include.path", "checkout");

  await runInGitHub(clone, ["--compare", before]);
  server.close();
  expect(requests.map(({ headers }) => headers["x-checkout"])).toEqual(["of-the-job"]);
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
  expect(readFileSync(file, "utf8")).toMatch(/^## Vitrine: no errors\n/);
  expect(out).toMatch(/^Vitrine: no errors\n/);
});
