// What `vitrine init` writes, for R2 and for S3, with and without environments; that `vitrine check` finds it right;
// what it refuses.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { PACKED } from "../../../src/cli/init/project-files.ts";
import { readPage } from "../../docs/pages.ts";
import { AWS, contents, emptyFolder, init, readProject } from "../../support/cli/making.ts";
import { vitrine } from "../../support/cli/vitrine.ts";

const R2 = ["--bucket", "acme-media"];
const FILES = [
  ...["wrangler.toml", "package.json", "src/index.ts", "tsconfig.json", ".dev.vars.example"],
  ...[".gitignore", "README.md", ".github/workflows/vitrine.yml", ".github/dependabot.yml"],
];

/** Makes a project without a terminal. */
async function make(args: readonly string[], name?: string) {
  const folder = emptyFolder(name);
  const { code, out, err } = await init(folder, args);
  expect([code, err]).toEqual([0, ""]);
  return { folder, out, files: contents(folder) as Record<string, string> };
}

test.each(["new/images", ".", "../beside it"])(
  "into the folder %s it writes all files beside what is there, and names each",
  async (shown) => {
    const folder = emptyFolder();
    mkdirSync(join(folder, ".github"));
    writeFileSync(join(folder, ".github/mine.yml"), "mine");
    const { code, out } = await init(folder, [shown, ...AWS]);
    expect([code, contents(folder)[".github/mine.yml"]]).toEqual([0, "mine"]);
    expect(Object.keys(contents(join(folder, shown)))).toEqual(expect.arrayContaining(FILES));
    for (const file of FILES) expect(out).toContain(`  ${join(shown, file)}\n`);
  },
);

const { devDependencies } = JSON.parse(readPage("package.json"));

test.each([
  [[], ["RENDITIONS", "MEDIA_BUCKET"], true],
  [["--host", "Images.example.com"], ["RENDITIONS", "MEDIA_BUCKET"], false],
])(
  "an R2 bucket needs no key and no domain, also with %j (D1)",
  async (more, bound, workersDev) => {
    const { folder, files } = await make([...R2, ...more], "shop");
    expect(await vitrine(["check"], { folder })).toMatchObject({ code: 0, err: "" });
    const known = readProject(folder);
    expect(known).toMatchObject({
      ...{ worker: "shop", secrets: [], images: "IMAGES", workersDev },
      deployed: { BUCKETS: { media: { binding: "MEDIA_BUCKET" } } },
      patterns: workersDev ? [] : ["images.example.com"],
    });
    expect(known.r2Buckets.map(({ binding }) => binding).sort()).toEqual(bound.sort());
    expect(known.r2Buckets.find(({ binding }) => binding === "MEDIA_BUCKET")?.bucket_name).toBe(
      "acme-media",
    );
    expect(files[".dev.vars.example"]).not.toMatch(/^[^#\n]/m);
    const { scripts, devDependencies: tools } = JSON.parse(files["package.json"] ?? "");
    expect(scripts.sample).toContain(" acme-media/photos/fig.jpg ");
    expect(devDependencies).toMatchObject(tools);
  },
);

/** The rows of docs/configuration.md. */
const PROVIDERS = [
  ...(readPage("docs/configuration.md").split("### Providers")[1] ?? "").matchAll(
    /^\| ([\w ,]+?) +\| `(https:.*?)` +\| `([\w-]+)`/gm,
  ),
].map(([, label = "", endpoint = "", region = ""]) => [label, endpoint, region] as const);

test("docs/configuration.md has providers", () => expect(PROVIDERS).toHaveLength(7));

test.each([
  ...PROVIDERS,
  ["AWS in China", "https://s3.cn-north-1.amazonaws.com.cn", "cn-north-1"] as const,
])(
  "%s, by the endpoint of docs/configuration.md, is right by vitrine check (A4, E5)",
  async (_label, text, region) => {
    const endpoint = text.replace("<account id>", "0123456789abcdef0123456789abcdef");
    const { folder, files } = await make(["--bucket", "acme-media", "--endpoint", endpoint]);
    expect(await vitrine(["check"], { folder })).toMatchObject({ code: 0, err: "" });
    expect(readProject(folder)).toMatchObject({
      ...{ workersDev: false, r2Buckets: [{ binding: "RENDITIONS" }] },
      secrets: ["AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"],
      deployed: {
        ANSWERS: { store: "RENDITIONS" },
        BUCKETS: { media: { endpoint, bucket: "acme-media", region } },
      },
    });
    expect(files[".dev.vars.example"]?.match(/^[^#\n]+$/gm)).toEqual([
      'AWS_ACCESS_KEY_ID=""',
      'AWS_SECRET_ACCESS_KEY=""',
    ]);
    expect(files["package.json"]).not.toContain('"sample"');
  },
);

test.each([
  ["S3", AWS],
  ["R2", R2],
])(
  "environments of %s have their own bucket, host and store, and are deployed in order (S6)",
  async (_what, given) => {
    const more = ["--environments", "staging, production", "--host", "images.example.com"];
    const { folder, files } = await make([...given, ...more], "shop");
    expect(await vitrine(["check"], { folder })).toMatchObject({ code: 0, err: "" });
    for (const [name, bucket, host] of [
      ["staging", "acme-media-staging", "staging.images.example.com"],
      ["production", "acme-media", "images.example.com"],
    ] as const) {
      const known = readProject(folder, name);
      const { bucket: named, binding } = Object(known.deployed["BUCKETS"]).media;
      const bound = known.r2Buckets.find((one) => one.binding === binding)?.bucket_name;
      expect([known.worker, named ?? bound, known.patterns]).toEqual([
        `shop-${name}`,
        bucket,
        [host],
      ]);
      expect(known.r2Buckets).toContainEqual({ binding: "RENDITIONS" });
    }
    const jobs = files[".github/workflows/vitrine.yml"] ?? "";
    const deploys = /^ {2}deploy-\w+|^ {4}(?:needs|environment): .*|npx vitrine deploy [^#]*/gm;
    expect(jobs.match(deploys)?.map((line) => line.trim())).toEqual([
      ...["deploy-staging", "needs: check", "environment: staging"],
      "npx vitrine deploy --env staging",
      ...["deploy-production", "needs: deploy-staging", "environment: production"],
      "npx vitrine deploy --env production",
    ]);
    expect(JSON.parse(files["package.json"] ?? "").scripts.start).toBe("vitrine dev --env staging");
  },
);

test("the workflow gives a secret to one step only, and docs/environments.md shows it", async () => {
  const { files } = await make(R2);
  const workflow = files[".github/workflows/vitrine.yml"] ?? "";
  expect(readPage("docs/environments.md")).toContain(`\`\`\`yaml\n${workflow}\`\`\`\n`);
  const uses = workflow.match(/uses: .*/g) ?? [];
  for (const use of uses) expect(use).toMatch(/^uses: actions\/[\w-]+@[0-9a-f]{40} # v[\d.]+$/);
  expect(workflow.match(/persist-credentials: false|^ {4}timeout-minutes: \d+$/gm)).toHaveLength(4);
  expect(workflow.match(/permissions:.*\n.*/g)).toEqual(["permissions:\n  contents: read"]);
  const [before = "", ...steps] = workflow.split(/^ {6}- /m);
  expect(before).not.toContain("secrets.");
  const withSecrets = steps.filter((step) => step.includes("secrets."));
  expect(withSecrets).toEqual([expect.stringMatching(/^run: npx vitrine deploy /)]);
});

test.each([
  [R2, "npm run deploy, after what it needs: docs/deploy.md, “With R2 alone”"],
  [AWS, "npm run deploy, after what it needs: docs/deploy.md, step 1"],
  [[...R2, "--environments", "staging,production"], "npm run deploy -- --env staging, after"],
])("after %j it says the next steps", async (args, says) => {
  const { out } = await make(["it's new", ...args]);
  expect(out).toContain(`  1. cd 'it'\\''s new' && cp `);
  expect(out).toContain(`  3. ${says}`);
});

test.each([
  ["My Images (2026)", "my-images-2026"],
  ["写真", "vitrine"],
  [`${"a".repeat(31)}-b`, "a".repeat(31)],
])("in a folder %j the Worker is called %s", async (name, worker) => {
  const { folder } = await make(AWS, name);
  expect(readProject(folder).worker).toBe(worker);
});

test("without a terminal and with all wrong, it names every mistake at once", async () => {
  const wrong = [
    "--bucket=A",
    "--endpoint=localhost:9000",
    "--host=https://x",
    "--environments=a b",
  ];
  const { err } = await init(emptyFolder(), wrong);
  const names = wrong.map((option) => `  ${option.replace(/=.*/, "")}`);
  expect(err.match(/^ {2}--[a-z]+(?=: )/gm)).toEqual(names);
});

const HOSTS = "is not a host name such as images.example.com";
const ENDPOINT = "is not a plain https:// URL";

test.each<[option: string, values: readonly string[], says: string]>([
  ["bucket", ["", "acme media", 'a"b', "a\nb", "ACME", "acme".repeat(16)], "is not a bucket name"],
  ["endpoint", ["https://id:secret@minio.example.com", "minio.example.com"], ENDPOINT],
  ["endpoint", ["https://minio.example.com/?x=1", 'https://minio.example.com"\n'], ENDPOINT],
  [
    "endpoint",
    ["https://<account id>.r2.cloudflarestorage.com", "http://minio.example.com"],
    ENDPOINT,
  ],
  ["endpoint", ["https://minio.example.com/acme-media"], "contains the bucket's name"],
  ["endpoint", ["https://acme-media.minio.example.com"], "contains the bucket's name"],
  ["host", ["https://images.example.com", "images.example.com/x", "a.example.com:443"], HOSTS],
  ["host", ["a.example.com.", "*.example.com", "user@example.com", 'a.example.com" }]\n'], HOSTS],
  ["host", ["localhost", "127.0.0.1", "-a.example.com", `${"host".repeat(16)}.example.com`], HOSTS],
  ["environments", ["a,a", "a,,b", "Staging", 'a"', "a".repeat(19), "-a"], "are not names such as"],
])("a wrong --%s %j is refused, and nothing is written", async (option, values, says) => {
  for (const value of values) {
    const folder = emptyFolder();
    const right = { bucket: "acme-media", endpoint: "https://minio.example.com" };
    const args = Object.entries({ ...right, [option]: value }).map(
      ([name, one]) => `--${name}=${one}`,
    );
    const { code, out, err } = await init(folder, args);
    expect([code, out]).toEqual([3, ""]);
    expect(err.split("\n")[1]).toMatch(new RegExp(`^  --${option}: `));
    expect(err).toContain(says);
    expect(err).not.toContain("secret@");
    expect(contents(folder)).toEqual({});
  }
});

test.each([
  [["README.md"], "README.md"],
  [[".gitignore", "src/index.ts", "wrangler.toml"], "wrangler.toml, src/index.ts, .gitignore"],
  [["wrangler.jsonc"], "wrangler.jsonc"],
])(
  "it overwrites nothing: with %j it writes nothing, and names what is there",
  async (there, named) => {
    const folder = emptyFolder();
    mkdirSync(join(folder, "src"));
    for (const file of there) writeFileSync(join(folder, file), "mine");
    const before = contents(folder);
    const { code, err } = await init(folder, AWS);
    expect([code, err]).toEqual([2, expect.stringContaining(`.: ${named}: there already`)]);
    expect(contents(folder)).toEqual(before);
  },
);

test("what cannot be written is named", async () => {
  const folder = emptyFolder();
  writeFileSync(join(folder, "file"), "");
  const { code, err } = await init(folder, ["file/x", ...AWS]);
  expect([code, err]).toEqual([2, expect.stringMatching(/^file\/x: not all files .*: ENOTDIR/)]);
});

test("the project takes the package that npm pack makes, and none of that name at npm", async () => {
  const folder = emptyFolder();
  const { out } = await init(folder, AWS);
  const { dependencies } = JSON.parse(contents(folder)["package.json"] ?? "");
  expect(dependencies).toEqual({ vitrine: `file:${PACKED}` });
  expect(out).toContain(`  1. cp path/to/${PACKED} . && npm install\n`);
  const other = emptyFolder();
  writeFileSync(join(other, PACKED), "");
  expect((await init(other, AWS)).out).toContain("  1. npm install\n");
});
