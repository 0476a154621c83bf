// What `vitrine init` writes, for R2 and for S3, with and without environments; that `vitrine check` finds it right;
// what it refuses.

import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { findPacked, PACKED } from "../../../src/cli/init/project-files.ts";
import { readPage } from "../../docs/pages.ts";
import { ROOT } from "../../support/built.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import { AWS, contents, emptyFolder, init, readProject } from "../../support/cli/run-init.ts";
import { type CommandResult, vitrine } from "../../support/cli/vitrine.ts";

/** Whoever has run `npm pack` in this clone has a packed file there, which init would take. */
vi.mock("../../../src/cli/init/project-files.ts", async (load) => {
  const real = await load<typeof import("../../../src/cli/init/project-files.ts")>();
  const find: typeof real.findPacked = (folders, packageRoot = import.meta.dirname) =>
    real.findPacked(folders, packageRoot);
  return { ...real, findPacked: find };
});

const R2 = ["--bucket", "acme-media"];
const FILES = [
  ...["wrangler.toml", "package.json", "src/index.ts", "tsconfig.json", ".dev.vars.example"],
  ...[".gitignore", "README.md", ".github/workflows/vitrine.yml", ".github/dependabot.yml"],
];

/** Makes a project without a terminal. */
async function newProject(args: readonly string[], name?: string) {
  const folder = emptyFolder(name);
  const { code, out, err } = await init(folder, args);
  expect([code, err]).toEqual([0, ""]);
  return { folder, out, files: contents(folder) as Record<string, string> };
}

const FOLDERS = ["new/images", ".", "../beside it"];

test.each(FOLDERS)("into %s it writes all files beside others, and names each", async (path) => {
  const folder = emptyFolder();
  mkdirSync(join(folder, ".github"));
  writeFileSync(join(folder, ".github/mine.yml"), "mine");
  const { code, out } = await init(folder, [path, ...AWS]);
  expect([code, contents(folder)[".github/mine.yml"]]).toEqual([0, "mine"]);
  expect(Object.keys(contents(join(folder, path)))).toEqual(expect.arrayContaining(FILES));
  for (const file of FILES) expect(out).toContain(`  ${join(path, file)}\n`);
});

const { devDependencies } = JSON.parse(readPage("package.json"));

test.each([
  [[], ["RENDITIONS", "MEDIA_BUCKET"], true],
  [["--host", "Images.example.com"], ["RENDITIONS", "MEDIA_BUCKET"], false],
])("an R2 bucket needs no key and no domain, with %j (D1)", async (more, bound, workersDev) => {
  const { folder, files } = await newProject([...R2, ...more], "shop");
  expect(await vitrine(["check"], { folder })).toMatchObject({ code: 0, err: "" });
  const config = readProject(folder);
  expect(config).toMatchObject({
    ...{ worker: "shop", requiredSecrets: [], images: "IMAGES", workersDev },
    deployedVars: {
      ANSWERS: { store: "RENDITIONS", keep: 2_592_000 },
      BUCKETS: { media: { binding: "MEDIA_BUCKET", bucket: "acme-media" } },
    },
    patterns: workersDev ? [] : ["images.example.com"],
  });
  expect(config.r2Buckets.map(({ binding }) => binding).sort()).toEqual(bound.sort());
  expect(config.r2Buckets.find(({ binding }) => binding === "MEDIA_BUCKET")?.bucket_name).toBe(
    "acme-media",
  );
  expect(files[".dev.vars.example"]).not.toMatch(/^[^#\n]/m);
  const { scripts, devDependencies: tools } = JSON.parse(files["package.json"] ?? "");
  expect(scripts.sample).toContain(" acme-media/photos/fig.jpg ");
  expect(devDependencies).toMatchObject(tools);
});

/** The rows of docs/configuration.md. */
const PROVIDERS = [
  ...(readPage("docs/configuration.md").split("### Providers")[1] ?? "").matchAll(
    /^\| ([\w ,]+?) +\| `(https:.*?)` +\| `([\w-]+)`/gm,
  ),
].map(([, label = "", endpoint = "", region = ""]) => [label, endpoint, region] as const);

test("docs/deploy.md says where to make the key of each provider of docs/configuration.md", () => {
  expect(PROVIDERS.length).toBeGreaterThan(5);
  const [, table = ""] = readPage("docs/deploy.md").split(/\n\n(?=.*where to make the key)/);
  const rows = table.replace(/\n\n.*/s, "").matchAll(/^\| (?!provider)(\w.*?) +\|/gm);
  const keys = [...rows].flatMap(([, names = ""]) => names.split(", "));
  const providers = PROVIDERS.map(([label]) => label.replace(/,.*/, ""));
  expect(["AWS S3", ...keys].sort()).toEqual(providers.sort());
});

test.each([
  ...PROVIDERS,
  ["AWS in China", "https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1"] as const,
])("%s, by the docs' endpoint, passes vitrine check (A4, E5)", async (_label, text, region) => {
  const endpoint = text.replace("<account id>", "0123456789abcdef0123456789abcdef");
  const { folder, files } = await newProject([
    ...["--bucket", "acme-media", "--endpoint", endpoint, "--host", "images.example.com"],
  ]);
  expect(await vitrine(["check"], { folder })).toMatchObject({ code: 0, err: "" });
  const hint = "if the host names the region, add it to REGION in src/cli/init/settings.ts";
  expect(readProject(folder), hint).toMatchObject({
    ...{ workersDev: false, r2Buckets: [{ binding: "RENDITIONS" }] },
    requiredSecrets: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
    deployedVars: {
      ANSWERS: { store: "RENDITIONS" },
      BUCKETS: { media: { endpoint, bucket: "acme-media", region } },
    },
  });
  // Whether its events come, nobody knows yet.
  expect(readProject(folder).deployedVars["ANSWERS"]).not.toHaveProperty("keep");
  expect(files[".dev.vars.example"]?.match(/^[^#\n]+$/gm)).toEqual([
    'AWS_ACCESS_KEY_ID=""',
    'AWS_SECRET_ACCESS_KEY=""',
  ]);
  expect(files["package.json"]).not.toContain('"sample"');
  expect(files["README.md"]).not.toContain("npm run sample");
});

/** The queue of events, as `vitrine check` wants it. */
const queuesOf = (worker: string) => ({
  producers: [{ queue: `${worker}-events`, binding: "EVENTS" }],
  consumers: [
    {
      ...{ queue: `${worker}-events`, dead_letter_queue: `${worker}-events-dead` },
      ...{ max_batch_size: 100, max_batch_timeout: 10, max_retries: 100, max_concurrency: 1 },
    },
  ],
});

test.each([
  ["S3", AWS],
  ["R2", R2],
])("a project of %s has a queue of events, whose names fit (Q1, Q2)", async (_what, args) => {
  const { folder } = await newProject(args, "shop");
  expect(readProject(folder).wrangler.queues).toEqual(queuesOf("shop"));

  const longest = "e".repeat(18);
  const more = ["--environments", longest];
  const { folder: long } = await newProject([...args, ...more], "n".repeat(40));
  const [consumer] = readProject(long, longest).wrangler.queues.consumers ?? [];
  expect(consumer?.dead_letter_queue).toHaveLength(63);
  expect(await vitrine(["check"], { folder: long })).toMatchObject({ code: 0 });
});

test("the folder of the button has no queue, which nobody there would make", () => {
  expect(readPage("fixtures/template/wrangler.toml")).not.toContain("queues");
});

test.each([
  ["S3", AWS],
  ["R2", R2],
])("environments of %s: own buckets, hosts and stores, and an order (S6)", async (_what, args) => {
  const more = ["--environments", "staging, production", "--host", "images.example.com"];
  const { folder, files } = await newProject([...args, ...more], "shop");
  expect(await vitrine(["check"], { folder })).toMatchObject({ code: 0, err: "" });
  for (const [name, bucket, host] of [
    ["staging", "acme-media-staging", "staging.images.example.com"],
    ["production", "acme-media", "images.example.com"],
  ] as const) {
    const read = readProject(folder, name);
    const { bucket: named, binding } = Object(read.deployedVars["BUCKETS"]).media;
    const bound = read.r2Buckets.find((one) => one.binding === binding)?.bucket_name;
    expect([read.worker, named ?? bound, read.patterns]).toEqual([`shop-${name}`, bucket, [host]]);
    expect(read.r2Buckets).toContainEqual({ binding: "RENDITIONS" });
    expect(read.wrangler.queues).toEqual(queuesOf(`shop-${name}`));
  }
  const jobs = files[".github/workflows/vitrine.yml"] ?? "";
  const deploys =
    /^ {2}deploy-\w+|^ {4}(?:needs|environment): .*|group: deploy.*|npx vitrine deploy [^#]*/gm;
  expect(jobs.match(deploys)?.map((line) => line.trim())).toEqual([
    ...["deploy-staging", "needs: check", "group: deploy-staging", "environment: staging"],
    "npx vitrine deploy --env staging",
    ...["deploy-production", "needs: deploy-staging", "group: deploy-production"],
    ...["environment: production", "npx vitrine deploy --env production"],
  ]);
  // A run that waits for the approval of production must not hold up the checks and staging of the next.
  expect(jobs).not.toMatch(/^concurrency/m);
  expect(files["README.md"]?.match(/`npm run deploy(?! -- --env staging`)/g)).toBeNull();
  expect(files["README.md"]).toMatch(/^# shop\n/);
  const rows = files["README.md"]?.match(/^\|.*\|$/gm) ?? [];
  expect(new Set(rows.map((row) => row.indexOf("|", 1))).size).toBe(1);
  expect(JSON.parse(files["package.json"] ?? "").scripts.start).toBe("vitrine dev --env staging");
});

test("the workflow gives a secret to one step only", async () => {
  const { files } = await newProject(R2);
  const workflow = files[".github/workflows/vitrine.yml"] ?? "";
  const uses = workflow.match(/uses: .*/g) ?? [];
  for (const use of uses) expect(use).toMatch(/^uses: actions\/[\w-]+@[0-9a-f]{40} # v[\d.]+$/);
  expect(workflow.match(/persist-credentials: false|^ {4}timeout-minutes: \d+$/gm)).toHaveLength(4);
  expect(workflow.match(/permissions:.*\n.*/g)).toEqual(["permissions:\n  contents: read"]);
  const [before = "", ...steps] = workflow.split(/^ {6}- /m);
  expect(before).not.toContain("secrets.");
  const withSecrets = steps.filter((step) => step.includes("secrets."));
  expect(withSecrets).toEqual([expect.stringMatching(/^run: npx vitrine deploy /)]);
});

test("it says the next steps", async () => {
  const results: [string, CommandResult][] = [];
  for (const args of [R2, AWS, [...R2, "--environments", "staging,production"]]) {
    const folder = emptyFolder();
    writeFileSync(join(folder, PACKED), "packed");
    const result = await init(folder, ["it's new", ...args]);
    // A release changes the name of the file alone.
    const out = result.out.replaceAll(PACKED, "vitrine-VERSION.tgz");
    results.push([args.join(" "), { ...result, out }]);
  }
  await expectGolden("next-steps.txt", results);
});

test.each([
  ["My Images (2026)", "my-images-2026"],
  ["写真", "vitrine"],
  [`${"a".repeat(31)}-b`, "a".repeat(31)],
])("in a folder %j the Worker is called %s", async (name, worker) => {
  const { folder } = await newProject(AWS, name);
  expect(readProject(folder).worker).toBe(worker);
});

const RIGHT = { bucket: "acme-media", endpoint: "https://minio.example.com" };

test("without a terminal and with all wrong, it names every mistake at once", async () => {
  const args = ["--bucket=A", "--endpoint=localhost:9000", "--host=https://x"];
  await expectGolden("wrong.txt", [
    ["all wrong", await init(emptyFolder(), [...args, "--environments=a b"])],
    ["without an option", await init(emptyFolder(), [])],
  ]);
});

/** Texts that are no value of an option, whatever comes after or before them. */
const NEVER = ['"', "\n", " ", "\u0000", "'", "\\", "`", "$(x)", "<", "]", "#", "é"];
const INVALID = {
  bucket: ["", "ACME", "-a", "a", "a..b", "acme".repeat(16)],
  endpoint: [
    ...["minio.example.com", "http://minio.example.com", "https://id:secret@minio.example.com"],
    ...["https://minio.example.com/?x=1", "https://minio.example.com/acme-media"],
    ...["https://acme-media.minio.example.com", "https://<account id>.r2.cloudflarestorage.com"],
  ],
  host: [
    ...["https://images.example.com", "images.example.com/x", "a.example.com:443", "*.example.com"],
    ...["a.example.com.", "a..example.com", "user@example.com", "localhost", "-a.example.com"],
    `${"host".repeat(16)}.example.com`,
  ],
  environments: ["a,a", "a,,b", "Staging", "a".repeat(19), "-a"],
};
const GOOD = { ...RIGHT, host: "images.example.com", environments: "staging" };

test.each(Object.keys(GOOD) as (keyof typeof GOOD)[])("a wrong %s is refused", async (option) => {
  const good = GOOD[option];
  const spoilt = NEVER.map((text) => `${good.slice(0, -2)}${text}${good.slice(-2)}`);
  for (const value of [...INVALID[option], ...spoilt]) {
    const folder = emptyFolder();
    const args = Object.entries({ ...RIGHT, [option]: value }).map(
      ([name, one]) => `--${name}=${one}`,
    );
    const { code, out, err } = await init(folder, args);
    expect([value, code, out, contents(folder)]).toEqual([value, 3, "", {}]);
    expect(err.split("\n")[1]).toMatch(new RegExp(`^  --${option}: `));
    expect(err).not.toContain("secret@");
  }
});

test("it overwrites nothing: it writes nothing, and names what is there", async () => {
  for (const [existing, named] of [
    [["README.md"], "README.md"],
    [[".gitignore", "src/index.ts", "wrangler.toml"], "wrangler.toml, src/index.ts, .gitignore"],
    [["wrangler.jsonc"], "wrangler.jsonc"],
  ] as const) {
    const folder = emptyFolder();
    mkdirSync(join(folder, "src"));
    for (const file of existing) writeFileSync(join(folder, file), "mine");
    const before = contents(folder);
    const { code, err } = await init(folder, AWS);
    expect([code, err]).toEqual([2, expect.stringContaining(`.: ${named}: there already`)]);
    expect(contents(folder)).toEqual(before);
  }
});

test("the project takes the package that npm pack makes, and none of that name at npm (D1)", async () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, PACKED), "packed");
  const { out } = await init(folder, AWS);
  const files = contents(folder);
  const { dependencies } = JSON.parse(files["package.json"] ?? "");
  expect(dependencies).toEqual({ vitrine: `file:${PACKED}` });
  expect(files[".github/dependabot.yml"]).toMatch(/ignore: .*\n *- dependency-name: vitrine\n/);
  expect([out, files[PACKED]]).toEqual([expect.stringContaining("  1. npm install\n"), "packed"]);
});

test("it copies the packed file from the folder where it runs, and says so", async () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, PACKED), "packed");
  const { out } = await init(folder, ["new/images", ...AWS]);
  expect(contents(folder)[join("new/images", PACKED)]).toBe("packed");
  expect(out).toContain(`  ${join("new/images", PACKED)}, a copy of ${PACKED}\n`);
  expect(out).toContain("  1. cd new/images && npm install\n");
});

test("a packed file that is in the project already stays", async () => {
  const folder = emptyFolder();
  mkdirSync(join(folder, "new"));
  writeFileSync(join(folder, PACKED), "of the current folder");
  writeFileSync(join(folder, "new", PACKED), "of the project");
  const { out } = await init(folder, ["new", ...AWS]);
  expect(contents(folder)[join("new", PACKED)]).toBe("of the project");
  expect(out).not.toContain("a copy of");
  expect(out).toContain(`Not written, because it is there: ${join("new", PACKED)}`);
});

test.skipIf(existsSync(join(ROOT, PACKED)))("without one, the first step makes it", async () => {
  const folder = emptyFolder();
  const { out } = await init(folder, ["new", ...AWS]);
  const pack = `In your clone of Vitrine: npm pack --pack-destination ${join(folder, "new")}`;
  expect(out).toContain(`  1. ${pack}, which makes ${PACKED}\n  2. cd new && npm install\n`);
});

/** Makes a folder of npm that has Vitrine, whose lock file names where it came from. */
function installedPackage(resolved: string): string {
  const project = emptyFolder();
  const packageRoot = join(project, "node_modules/vitrine");
  mkdirSync(packageRoot, { recursive: true });
  const lock = JSON.stringify({ packages: { "node_modules/vitrine": { resolved } } });
  writeFileSync(join(project, "node_modules/.package-lock.json"), lock);
  return packageRoot;
}

test.each([
  ["of the file from which npx installed it", `file:../${PACKED}`, `../../../${PACKED}`],
  ["of a file with another name", "file:../vitrine.tgz", "../../../vitrine.tgz"],
  ["in a clone", undefined, PACKED],
])("the packed file is found, %s", (_where, resolved, path) => {
  const packageRoot = resolved === undefined ? emptyFolder() : installedPackage(resolved);
  const file = join(packageRoot, path);
  writeFileSync(file, "packed");
  const elsewhere = emptyFolder();
  writeFileSync(join(elsewhere, PACKED), "of somebody else");
  expect(findPacked([elsewhere], packageRoot)).toBe(file);
});

test.each([
  ["installed from a registry", "https://registry.example/vitrine/-/vitrine-0.3.0.tgz"],
  ["installed from a file that is gone", `file:../${PACKED}`],
])("the packed file is not found, %s", (_where, resolved) => {
  const folder = emptyFolder();
  mkdirSync(join(folder, PACKED)); // a folder is no file
  expect(findPacked([folder], installedPackage(resolved))).toBe(undefined);
});
