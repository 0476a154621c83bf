// What the button "Deploy to Cloudflare" needs of fixtures/template/, of package.json and of the README.

import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { parseEnv } from "node:util";
import { expect, test } from "vitest";
import { PACKED } from "../../src/cli/init/project-files.ts";
import { VERSION } from "../../src/cli/wrangler/packages.ts";
import { isSecret, SINGLE_SECRETS, secretNames } from "../../src/worker/config/read-secrets.ts";
import { ROOT } from "../support/built.ts";
import { contents, readProject } from "../support/cli/run-init.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { readPage } from "./pages.ts";

const TEMPLATE = join(ROOT, "fixtures/template");
const readTemplate = (file: string) => readFileSync(join(TEMPLATE, file), "utf8");
const root = JSON.parse(readPage("package.json"));
const manifest = JSON.parse(readTemplate("package.json"));

test("fixtures/template/ stands alone: a release puts Vitrine into it, and no path leads out of it (D1, D5)", () => {
  const { dependencies, devDependencies } = manifest;
  expect(dependencies).toEqual({ vitrine: `file:${PACKED}` });
  for (const range of Object.values(devDependencies)) {
    expect(range).toMatch(/^[~^]\d+\.\d+\.\d+$/);
  }
  const texts = Object.entries(contents(TEMPLATE)).flatMap(([path, text]) =>
    text === null || /^(?:node_modules|\.wrangler)\b|\.tgz$/.test(path) ? [] : [path],
  );
  for (const path of texts)
    expect([path, readTemplate(path)]).not.toEqual([path, expect.stringMatching(/\.\.\//)]);
  const named = [readTemplate("tsconfig.json"), readTemplate("wrangler.toml")].join("\n");
  expect(existsSync(join(TEMPLATE, "src/index.ts")) && named.includes('"src/index.ts"')).toBe(true);
});

test("it deploys to anybody's account: default names, no domain, no key, no mistake (D1)", async () => {
  const project = readProject(TEMPLATE);
  expect(project).toMatchObject({
    ...{ worker: "vitrine", patterns: [], workersDev: true, images: "IMAGES", environments: [] },
    requiredSecrets: [],
    // The button asks for the names of the resources that have one (D1), and a deploy makes what is not there (T9).
    r2Buckets: [
      { binding: "MEDIA_BUCKET", bucket_name: "vitrine-media" },
      { binding: "RENDITIONS", bucket_name: "vitrine-renditions" },
    ],
    deployedVars: { ANSWERS: { store: "RENDITIONS" } },
  });
  expect(readTemplate("wrangler.toml")).toMatch(new RegExp(`^# Made by vitrine ${VERSION}\\.\n`));
  expect(readTemplate("wrangler.toml")).not.toMatch(/^\s*(?:account_id|routes?|zone_\w+)\b/m);
  expect(await vitrine(["check"], { folder: TEMPLATE })).toMatchObject({ code: 0, err: "" });
});

test("its page asks for no secret, and describes each binding (D1)", () => {
  expect(parseEnv(readTemplate(".dev.vars.example"))).toEqual({});
  const { images, r2Buckets } = readProject(TEMPLATE);
  const bindings = [images, ...r2Buckets.map(({ binding }) => binding)];
  expect(Object.keys(manifest.cloudflare.bindings)).toEqual(bindings);
});

test("package.json describes every secret, and no other, for the page of the button (D1)", () => {
  const names = [
    ...Object.values(secretNames("AWS")),
    ...Object.values(secretNames("AWS", "next")),
    ...SINGLE_SECRETS,
  ];
  expect(Object.keys(root.cloudflare.bindings).sort()).toEqual([...names].sort());
  expect(names.filter((name) => !isSecret(name))).toEqual([]);
  expect(Object.keys(root.cloudflare.bindings)).toEqual(
    expect.arrayContaining(Object.keys(parseEnv(readPage(".dev.vars.example")))),
  );
});

/** The button takes repositories of github.com and gitlab.com alone. */
const REPOSITORY = /^https:\/\/(?:github|gitlab)\.com\/[\w.-]+\/[\w.-]+$/;

test("the README's button clones fixtures/template/ of the repository that package.json names (D1)", () => {
  const { repository } = root;
  const named: unknown = typeof repository === "object" ? repository.url : repository;
  const url = String(named ?? "https://github.com/OWNER/vitrine").replace(/^git\+|\.git$/g, "");
  expect(url).toMatch(REPOSITORY);
  const [link, ...furtherLinks] = ["README.md", "docs/deploy.md"].flatMap(
    (page) =>
      readPage(page).match(/https:\/\/deploy\.workers\.cloudflare\.com\/\?url=https:[^)\s]*/g) ??
      [],
  );
  expect([link, furtherLinks]).toEqual([
    `https://deploy.workers.cloudflare.com/?url=${url}/tree/release/fixtures/template`,
    [],
  ]);
  expect(readPage("README.md").includes("OWNER")).toBe(named === undefined);
});
