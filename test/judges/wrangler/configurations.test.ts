// Each configuration that Vitrine ships, writes or prints matches wrangler's own schema, and wrangler reads it without a
// warning, in each of its environments.

import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { Ajv } from "ajv";
import { expect, test, vi } from "vitest";
import { experimental_readRawConfig, unstable_readConfig } from "wrangler";
import { listPages, readPage } from "../../docs/pages.ts";
import { AWS, emptyFolder, init } from "../../support/cli/run-init.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const manifest = createRequire(import.meta.url).resolve("wrangler/package.json");
const schema = readFileSync(join(manifest, "../config-schema.json"), "utf8");
const isValid = new Ajv({ strict: false, allErrors: true, logger: false }).compile(
  JSON.parse(schema),
);

const R2 = ["--bucket", "acme-media"];
const HOST = ["--host", "images.example.com"];
const ENVIRONMENTS = ["--environments", "staging,production"];
const WRITTEN = [R2, AWS].flatMap((bucket) => [bucket, [...bucket, ...HOST, ...ENVIRONMENTS]]);

/** What a page prints. Parts of a table of vars are left out: wrangler takes anything there. */
const printed = listPages().flatMap((page) =>
  [...readPage(page).matchAll(/^( *)```(?:toml|jsonc)\n(.*?)^\1```/gms)].flatMap(
    ([, indent = "", text = ""], at): [string, string][] => {
      const code = text.replace(new RegExp(`^${indent}`, "gm"), "");
      return /^(?:\[|name =|routes =)/.test(code) ? [[`${page}, ${at + 1}`, code]] : [];
    },
  ),
);

function mistakesOf(text: string): unknown[] {
  const config = join(createTemporaryFolder("vitrine-config-"), "wrangler.toml");
  writeFileSync(config, /^name =/m.test(text) ? text : `name = "vitrine"\n${text}`);
  const { rawConfig } = experimental_readRawConfig({ config });
  isValid(rawConfig);
  const heard = vi.spyOn(console, "warn").mockImplementation(() => {});
  try {
    for (const env of [undefined, ...Object.keys(rawConfig.env ?? {})]) {
      unstable_readConfig({ config, ...(env !== undefined && { env }) });
    }
    return [...(isValid.errors ?? []), ...heard.mock.calls.flat()];
  } finally {
    heard.mockRestore();
  }
}

test.each([
  ...["wrangler.toml", "fixtures/template/wrangler.toml"].map((path) => [path, readPage(path)]),
  ...printed,
])("wrangler takes %s", (_name, text) => {
  expect(mistakesOf(`${text}`)).toEqual([]);
});

test.each(WRITTEN.map((options) => [options]))(
  "wrangler takes what init %j writes",
  async (options) => {
    const folder = emptyFolder();
    expect(await init(folder, options)).toMatchObject({ code: 0 });
    expect(mistakesOf(readFileSync(join(folder, "wrangler.toml"), "utf8"))).toEqual([]);
  },
);

test.each(["[cahce]\nenabled = true", "[env.staging.imgs]"])(
  "both find the mistake in %j",
  (text) => {
    const kinds = new Set(mistakesOf(text).map((mistake) => typeof mistake));
    expect(kinds).toEqual(new Set(["object", "string"])); // the schema's, and a warning
  },
);
