// What `vitrine init` writes, what it refuses, and that it writes all or nothing.

import { execFileSync, spawnSync } from "node:child_process";
import { mkdirSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { shellQuote } from "../../../src/cli/terminal/shell.ts";
import { ROOT } from "../../support/built.ts";
import { AWS, contents, emptyFolder, init, readProject } from "../../support/cli/making.ts";
import { vitrine } from "../../support/cli/vitrine.ts";

const FILES = [
  "wrangler.toml",
  "package.json",
  "src/index.ts",
  "tsconfig.json",
  ".dev.vars.example",
  ".gitignore",
  ".github/workflows/vitrine.yml",
  ".github/dependabot.yml",
  "README.md",
];

/** The files of a folder, without its folders. */
const filesIn = (folder: string) =>
  Object.entries(contents(folder)).flatMap(([path, text]) => (text === null ? [] : [path]));

test.each([
  ["a new folder", "new/images", (_folder: string) => {}],
  ["this folder", ".", (folder: string) => writeFileSync(join(folder, "LICENSE"), "mine")],
  [
    "a folder of its own .github",
    ".",
    (folder: string) => {
      mkdirSync(join(folder, ".github/workflows"), { recursive: true });
      writeFileSync(join(folder, ".github/workflows/test.yml"), "mine");
    },
  ],
  ["a folder beside this one", "../beside it", (_folder: string) => {}],
])("in %s it writes all files, and names each", async (_what, shown, prepare) => {
  const folder = emptyFolder();
  prepare(folder);
  const there = filesIn(folder);
  const { code, out, err } = await init(folder, [shown, ...AWS]);
  expect([code, err]).toEqual([0, ""]);
  const target = join(folder, shown);
  expect(filesIn(target).sort()).toEqual([...there, ...FILES].sort());
  for (const file of FILES) expect(out).toMatch(new RegExp(`^  ${join(shown, file)}  +\\w`, "m"));
  expect(readProject(target)).toMatchObject({ file: "wrangler.toml", patterns: [] });
});

/** What installs a project that a clone made: find-source.test.ts has the others. */
const INSTALL = `npm pack ${shellQuote(ROOT)} && npm install`;

test("it says the next three steps, to paste", async () => {
  const folder = emptyFolder();
  const here = await init(folder, AWS);
  const [, steps = ""] = here.out.split("\nNext:\n");
  expect(steps.split("\n").slice(0, 3)).toEqual([
    `  1. ${INSTALL}`,
    "  2. npm start, and open http://localhost:8787/",
    "  3. Before npm run deploy: put your domain under routes in wrangler.toml, and follow",
  ]);
  const there = await init(folder, ["it's new", ...AWS, "--domain", "images.example.com"]);
  expect(there.out).toContain(`  1. cd 'it'\\''s new' && ${INSTALL}\n`);
  expect(there.out).not.toContain("put your domain");
});

test.each([
  ["-", "cd ./-"],
  ["-P", "cd ./-P"],
  ["+1", "cd ./+1"],
  ["=ls", "cd '=ls'"],
])("into the folder %j the shell goes with %j", async (shown, step) => {
  const { out } = await init(emptyFolder(), [...AWS, "--", shown]);
  expect(out).toContain(`  1. ${step} && ${INSTALL}\n`);
});

test("without a terminal it names all that is missing, by flag", async () => {
  const folder = emptyFolder();
  const nothing = await init(folder, []);
  expect(nothing).toEqual({
    code: 3,
    out: "",
    err: `Nothing is written:
  --provider: is missing: one of aws, r2, b2, gcs, minio, wasabi, spaces
  --bucket: is missing: the bucket's name at the provider\n`,
  });
  expect((await init(folder, ["--provider", "aws"])).err).toMatch(
    /--bucket: .*\n {2}--region: is missing, such as eu-west-1\n$/,
  );
  expect((await init(folder, ["--provider", "minio"])).err).toMatch(
    /--bucket: .*\n {2}--endpoint: is missing, such as https:/,
  );
  expect((await init(folder, ["--provider", "gcs"])).err).toMatch(
    /^Nothing.*\n {2}--bucket: .*\n$/,
  );
  expect(contents(folder)).toEqual({});
});

test("it names all that is wrong at once, each flag once", async () => {
  const folder = emptyFolder();
  const wrong = {
    provider: "azure",
    bucket: "Acme",
    endpoint: "http://localhost:9000",
    region: "eu west 1",
    prefix: "/x",
    domain: "https://images.example.com/",
    name: "../x",
    jurisdiction: "mars",
  };
  const args = Object.entries(wrong).flatMap(([name, value]) => [`--${name}`, value]);
  const { code, out, err } = await init(folder, args);
  expect([code, out]).toEqual([3, ""]);
  expect(err.match(/--[a-z]+(?=: )/g)).toEqual(Object.keys(wrong).map((name) => `--${name}`));
  expect(contents(folder)).toEqual({});
});

test.each<[flags: string[], answers: object | undefined, r2Buckets: object[]]>([
  [[], { store: "RENDITIONS" }, [{ binding: "RENDITIONS" }]],
  [
    ["--jurisdiction", "eu"],
    { store: "RENDITIONS" },
    [{ binding: "RENDITIONS", jurisdiction: "eu" }],
  ],
  [["--no-store"], undefined, []],
])(
  "with %j it writes a store, whose bucket a deploy makes, or none (T9)",
  async (flags, answers, r2) => {
    const folder = emptyFolder();
    expect(await init(folder, [...AWS, ...flags])).toMatchObject({ code: 0 });
    const { deployed, r2Buckets } = readProject(folder);
    expect([deployed["ANSWERS"], r2Buckets]).toEqual([answers, r2]);
    expect(await vitrine(["check"], { folder })).toMatchObject({ code: 0 });
  },
);

test("a jurisdiction without a store is refused", async () => {
  const { code, err } = await init(emptyFolder(), [...AWS, "--no-store", "--jurisdiction", "eu"]);
  expect([code, err]).toEqual([3, expect.stringContaining("--jurisdiction: is that of the store")]);
});

const HOSTS = "is not a host name such as images.example.com, without https://, port and path";

test.each<[flag: string, value: string, says: string]>([
  ["bucket", "acme media", "is not a bucket name"],
  ["bucket", 'a"b', "is not a bucket name"],
  ["bucket", "a\nb", "is not a bucket name"],
  ["bucket", "ACME", "is not a bucket name"],
  ["bucket", "", "is not a bucket name"],
  ["bucket", "a/../b", "is not a bucket name"],
  ["bucket", "a".repeat(64), "is not a bucket name"],
  ["region", "eu west", "is not a region"],
  ["region", "", "is not a region"],
  ["region", 'x"\n[vars]', "is not a region"],
  ["region", "eu-west-1.evil.example/", "is not a region"],
  ["endpoint", "http://minio.example.com", "is not a plain https:// URL"],
  ["endpoint", "http://localhost:9000", "http:// is for your own machine only"],
  ["endpoint", "https://id:secret@minio.example.com", "is not a plain https:// URL"],
  ["endpoint", "https://minio.example.com/?x=1", "is not a plain https:// URL"],
  ["endpoint", "https://minio.example.com/#x", "is not a plain https:// URL"],
  ["endpoint", "minio.example.com", "is not a plain https:// URL"],
  ["endpoint", "https://minio.example.com/acme-media", "contains the bucket's name"],
  ["endpoint", "https://acme-media.minio.example.com", "contains the bucket's name"],
  ["endpoint", 'https://minio.example.com"\n', "is not a plain https:// URL"],
  ["endpoint", "https://<account id>.r2.cloudflarestorage.com", "is not a plain https:// URL"],
  ["prefix", "/x", "is not a path such as a/b/"],
  ["prefix", "/", "is not a path such as a/b/"],
  ["prefix", "a//b", "is not a path such as a/b/"],
  ["prefix", "../x", "is not a path such as a/b/"],
  ["prefix", "a/./b/", "is not a path such as a/b/"],
  ["prefix", "a\\b", "is not a path such as a/b/"],
  ["prefix", "a\nb", "is not a path such as a/b/"],
  ["prefix", "a\u007Fb", "is not a path such as a/b/"],
  ["prefix", "a".repeat(1025), "is not a path such as a/b/"],
  ["domain", "https://images.example.com", HOSTS],
  ["domain", "images.example.com/x", HOSTS],
  ["domain", "images.example.com:443", HOSTS],
  ["domain", "images.example.com.", HOSTS],
  ["domain", "*.example.com", HOSTS],
  ["domain", "user@example.com", HOSTS],
  ["domain", 'images.example.com" }]\n', HOSTS],
  ["domain", "images.example.com%2Fx", HOSTS],
  ["domain", "localhost", HOSTS],
  ["domain", "shop.acme.Workers.dev", "belongs to Cloudflare"],
  ["domain", "shop.pages.dev", "belongs to Cloudflare"],
  ["domain", "127.0.0.1", HOSTS],
  ["domain", "-a.example.com", HOSTS],
  ["domain", `${"a".repeat(64)}.example.com`, HOSTS],
  ["domain", `${"a.".repeat(130)}example.com`, HOSTS],
  ["name", "Images", "is not a name of 1 to 63"],
  ["name", "a_b", "is not a name of 1 to 63"],
  ["name", "-a", "is not a name of 1 to 63"],
  ["name", "../../etc", "is not a name of 1 to 63"],
  ["name", 'a"\nmain = "x"', "is not a name of 1 to 63"],
  ["name", "a".repeat(64), "is not a name of 1 to 63"],
  ["name", "", "is not a name of 1 to 63"],
  ["provider", "AWS", "is not one of aws, r2"],
  ["provider", "__proto__", "is not one of aws, r2"],
  ["provider", "", "is not one of aws, r2"],
])("--%s %j is refused, and nothing is written", async (flag, value, says) => {
  const folder = emptyFolder();
  const right = { provider: "minio", bucket: "acme-media", endpoint: "https://minio.example.com" };
  const args = Object.entries({ ...right, [flag]: value }).map(([name, one]) => `--${name}=${one}`);
  const { code, out, err } = await init(folder, args);
  expect([code, out]).toEqual([3, ""]);
  const lines = err.split("\n");
  expect(lines[0]).toBe("Nothing is written:");
  expect(lines[1]).toMatch(new RegExp(`^  --${flag}: `));
  expect(lines[1]).toContain(says);
  expect(err).not.toContain("secret@");
  expect(contents(folder)).toEqual({});
});

test("a wrong region is told alone, without the endpoint that is made of it", async () => {
  const given = ["--provider", "aws", "--bucket", "acme-media", "--region", "eu west"];
  const { code, err } = await init(emptyFolder(), given);
  expect([code, err]).toEqual([3, 'Nothing is written:\n  --region: "eu west" is not a region\n']);
});

test("a region of AWS that is not that of its endpoint is refused (A5)", async () => {
  const { code, err } = await init(emptyFolder(), [
    ...AWS,
    "--endpoint",
    "https://s3.eu-west-2.amazonaws.com",
  ]);
  expect([code, err]).toEqual([
    3,
    expect.stringContaining("--region: is eu-west-1, but the endpoint is in eu-west-2\n"),
  ]);
});

test.each([
  ['a"b', 'a"b/'],
  ["'''a'''", "'''a'''/"],
  ['"""', '"""/'],
  ["#x = [{", "#x = [{/"],
  ["$x $(y) `z`", "$x $(y) `z`/"],
  ["é/写真/😀", "é/写真/😀/"],
  ["\u2028", "\u2028/"],
  ["published/", "published/"],
])("the prefix %j is written so that wrangler reads it", async (prefix, read) => {
  const folder = emptyFolder();
  expect(await init(folder, [...AWS, `--prefix=${prefix}`])).toMatchObject({ code: 0 });
  const { deployed } = readProject(folder);
  expect(deployed).toMatchObject({ BUCKETS: { media: { prefix: read } } });
  expect(await vitrine(["check"], { folder })).toMatchObject({ code: 0, err: "" });
});

test.each([
  ["Images.Example.COM", "images.example.com"],
  ["bücher.example", "xn--bcher-kva.example"],
  ["", undefined],
])("the domain %j becomes the route %j", async (domain, route) => {
  const folder = emptyFolder();
  expect(await init(folder, [...AWS, `--domain=${domain}`])).toMatchObject({ code: 0 });
  expect(readProject(folder).patterns).toEqual(route === undefined ? [] : [route]);
});

test.each([
  ["images", "images"],
  ["My Images (2026)", "my-images-2026"],
  ["写真", "vitrine"],
  ["--", "vitrine"],
  [`${"a".repeat(62)}-b`, "a".repeat(62)],
])("in a folder %j the Worker is called %s", async (name, worker) => {
  const folder = emptyFolder(name);
  expect(await init(folder, AWS)).toMatchObject({ code: 0 });
  expect(readProject(folder).worker).toBe(worker);
});

test.each([
  [["README.md"], "README.md"],
  [[".gitignore", "src/index.ts", "wrangler.toml"], "wrangler.toml, src/index.ts, .gitignore"],
  [["wrangler.jsonc"], "wrangler.jsonc"],
])("where %j is there already, it writes nothing and names all", async (there, named) => {
  const folder = emptyFolder();
  mkdirSync(join(folder, "src"));
  for (const file of there) writeFileSync(join(folder, file), "mine");
  const before = contents(folder);
  const { code, out, err } = await init(folder, AWS);
  const reason =
    "there already, and init overwrites nothing. Nothing is written: name another folder";
  expect([code, out, err]).toEqual([2, "", `.: ${named}: ${reason}\n`]);
  expect(contents(folder)).toEqual(before);
});

test("it does not write through a link that leads nowhere", async () => {
  const folder = emptyFolder();
  symlinkSync(join(folder, "elsewhere"), join(folder, "README.md"));
  expect(await init(folder, AWS)).toMatchObject({
    code: 2,
    err: expect.stringContaining("README.md: there already"),
  });
});

test("if the disk is full in the middle of a file, it leaves nothing behind", () => {
  const folder = emptyFolder();
  const program = join(import.meta.dirname, "../../../src/cli/vitrine.js");
  // As on a full disk, the first file can only be written in part.
  const script = 'ulimit -f 2; exec "$0" "$@"';
  const args = ["-c", script, process.execPath, program, "init", "new/images", ...AWS];
  const { status, stderr } = spawnSync("sh", args, { cwd: folder, encoding: "utf8" });
  expect([status, stderr]).toEqual([2, expect.stringContaining("Nothing is written")]);
  expect(contents(folder)).toEqual({});
});

test.each<[what: string, shown: string, prepare: (folder: string) => void]>([
  ["the folder is a file", "file", (folder) => writeFileSync(join(folder, "file"), "")],
  ["the folder is below a file", "file/x", (folder) => writeFileSync(join(folder, "file"), "")],
  [".github is a file", ".", (folder) => writeFileSync(join(folder, ".github"), "")],
  [
    ".github is a link that leads nowhere, after six files",
    ".",
    (folder) => symlinkSync(join(folder, "no"), join(folder, ".github")),
  ],
  ["src is a file", ".", (folder) => writeFileSync(join(folder, "src"), "")],
  [
    "the folder is a link that leads nowhere",
    "link",
    (folder) => symlinkSync(join(folder, "no"), join(folder, "link")),
  ],
  ["the name of the folder is too long", `new/${"x".repeat(300)}`, () => {}],
])("if %s, it leaves nothing behind", async (_what, shown, prepare) => {
  const folder = emptyFolder();
  prepare(folder);
  const before = execFileSync("find", [folder]).toString();
  const { code, out, err } = await init(folder, [shown, ...AWS]);
  expect([code, out]).toEqual([2, ""]);
  expect(err).toMatch(
    /: (?:is a file\. Name a folder|cannot be written: .*\. Nothing is written)\n$/,
  );
  expect(execFileSync("find", [folder]).toString()).toBe(before);
});
