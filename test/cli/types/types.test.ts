// What `vitrine types` writes, in a copy of the project.

import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeEach, expect, test } from "vitest";
import { ROOT } from "../../support/built.ts";
import { makeProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { copyProject, removeCopies } from "../../support/local-run.ts";

const NAME = "worker-configuration.d.ts";

let folder: string;
beforeEach(() => {
  folder = copyProject();
  rmSync(join(folder, NAME), { force: true });
});
afterAll(removeCopies);

/** The types of the repository itself. `npm run check` writes them, so a new clone has none. */
function ownTypes(): string | undefined {
  const file = join(ROOT, NAME);
  return existsSync(file) ? readFileSync(file, "utf8") : undefined;
}

test("it writes the type of Env into the folder, and prints nothing", async () => {
  const before = ownTypes();
  expect(await vitrine(["types"], { folder })).toEqual({ code: 0, out: "", err: "" });
  const text = readFileSync(join(folder, NAME), "utf8");
  expect(text).toMatch(/AWS_ACCESS_KEY_ID: string;/);
  expect(text).toMatch(/PRESETS: \{.*"?card"?:/s);
  expect(ownTypes()).toBe(before);
});

test("it writes the presets of all environments, also from a wrangler.jsonc (S6, D3)", async () => {
  const jsonc = makeProject(STAGED, "wrangler.jsonc");
  expect((await vitrine(["types"], { folder: jsonc })).code).toBe(0);
  const text = readFileSync(join(jsonc, NAME), "utf8");
  expect(text).toContain("acme-media");
  expect(text).toContain("acme-staging");
});

test("it writes the bindings of images and of R2 buckets, which the Worker takes", async () => {
  const bound = {
    images: { binding: "IMAGES" },
    r2_buckets: [{ binding: "MEDIA_BUCKET", bucket_name: "acme" }, { binding: "RENDITIONS" }],
  };
  const own = makeProject({ ...STAGED, ...bound });
  expect((await vitrine(["types"], { folder: own })).code).toBe(0);
  const text = readFileSync(join(own, NAME), "utf8");
  expect(text).toMatch(/IMAGES\??: ImagesBinding;/);
  expect(text).toMatch(/MEDIA_BUCKET\??: R2Bucket;/);
  expect(text).toMatch(/RENDITIONS\??: R2Bucket;/);
});

test("it writes nothing if wrangler.toml cannot be read, and ends with 2", async () => {
  writeFileSync(join(folder, "wrangler.toml"), "name = ");
  const { code, out, err } = await vitrine(["types"], { folder });
  expect([code, out]).toEqual([2, ""]);
  expect(err).not.toBe("");
  expect(err).not.toMatch(/\n\s+at /);
  expect(existsSync(join(folder, NAME))).toBe(false);
});
