// Makes folders with a wrangler.toml or a wrangler.jsonc, for tests of commands.

import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { SECRETS, VARS } from "../env.ts";
import { createTemporaryFolder } from "../temporary-folder.ts";

export const HOST = "https://images.example";
/** That of env.staging, in STAGED. */
export const STAGING = "https://images-staging.example";

/** Cloudflare's cache as the project has it: off in front of visitors, on in front of Renditions (W1, W2). */
export const CACHED = {
  cache: { enabled: true, cross_version_cache: true },
  exports: {
    default: { type: "worker", cache: { enabled: false } },
    Renditions: { type: "worker", cache: { enabled: true } },
  },
};

/**
 * Makes a folder with the configuration of the tests.
 * @param vars replace those of VARS
 * @param files more files, by name
 */
export function createFolder(
  vars: Readonly<Record<string, unknown>> = {},
  files: Readonly<Record<string, string>> = {},
): string {
  const { env: _env, ...top } = STAGED;
  return createProject({ ...top, vars: { ...VARS, ...vars } }, "wrangler.toml", files);
}

export const BOUND = {
  images: { binding: "IMAGES" },
  r2_buckets: [{ binding: "MEDIA_BUCKET", bucket_name: "acme" }],
};

/** A configuration whose top level and whose env.staging are right. */
export const STAGED = {
  compatibility_date: "2026-11-01",
  name: "vitrine",
  workers_dev: false,
  preview_urls: false,
  ...CACHED,
  routes: [{ pattern: new URL(HOST).host, custom_domain: true }],
  vars: VARS,
  secrets: { required: Object.keys(SECRETS) },
  env: {
    staging: {
      routes: [{ pattern: new URL(STAGING).host, custom_domain: true }],
      vars: { ...VARS, BUCKETS: { media: { ...VARS.BUCKETS.media, bucket: "acme-staging" } } },
      secrets: { required: Object.keys(SECRETS) },
    },
  },
};

export function createProject(
  config: Readonly<Record<string, unknown>>,
  file = "wrangler.toml",
  files: Readonly<Record<string, string>> = {},
): string {
  const text =
    file === "wrangler.toml" ? tomlOf(config) : `// A comment\n${JSON.stringify(config)}`;
  return fill({ [file]: text, ...files });
}

export const tomlOf = (config: Readonly<Record<string, unknown>>) =>
  Object.entries(config)
    .map(([key, value]) => `${key} = ${toml(value)}\n`)
    .join("");

/** A value of TOML, in one line. A JSON string is also a TOML string. */
function toml(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(toml).join(", ")}]`;
  if (typeof value !== "object" || value === null) return JSON.stringify(value);
  const entries = Object.entries(value).map(
    ([key, one]) => `${JSON.stringify(key)} = ${toml(one)}`,
  );
  return `{ ${entries.join(", ")} }`;
}

function fill(files: Readonly<Record<string, string>>): string {
  const folder = createTemporaryFolder("vitrine-cli-");
  mkdirSync(join(folder, "src/worker"), { recursive: true }); // what main names
  writeFileSync(join(folder, "src/worker/index.ts"), "");
  for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
  return folder;
}

/** Lines of wrangler.toml for a second bucket, with a route to it. They go before a table of presets. */
export const MORE = `[vars.BUCKETS.more]
endpoint = "https://s3.eu-west-1.amazonaws.com"
bucket = "acme-more"
region = "eu-west-1"
[[vars.ROUTES]]
path = "/more/:preset/*"
object = "more/*"
`;

/** A line of .dev.vars, or of a file for --secrets-file. */
export function envLine(name: string, value: string): string {
  return `${name}='${value}'\n`;
}
