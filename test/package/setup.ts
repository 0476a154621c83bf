// Packs the package, and makes the folders outside the repository in which the tests try it. Each npm that a test
// runs asks a registry on this machine, which has no package called vitrine (D5).

import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { TestProject } from "vitest/node";
import { startRegistry } from "./registry.ts";
import { OFFLINE, run, runNpm } from "./run.ts";

declare module "vitest" {
  interface ProvidedContext {
    tarball: string;
    /** Its URL. */
    registry: string;
    packed: Packed;
    /** A project that `vitrine init` wrote, with its packages. */
    shop: string;
    /** A folder that has only wrangler.toml, and the same packages. */
    bare: string;
  }
}

type Packed = {
  readonly filename: string;
  readonly version: string;
  readonly size: number;
  readonly unpackedSize: number;
  readonly files: readonly { readonly path: string; readonly size: number }[];
};

const ROOT = join(import.meta.dirname, "../..");

export default async function setUp(project: TestProject): Promise<() => void> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-package-"));
  const pack = ["pack", "--json", "--pack-destination", folder];
  const { stdout } = await run("npm", pack, { cwd: ROOT });
  const [packed]: [Packed] = JSON.parse(stdout.slice(stdout.search(/^\[/m)));
  const tarball = join(folder, packed.filename);

  const registry = await startRegistry();
  process.env["npm_config_registry"] = registry.url; // for the tests, too

  const endpoint = "https://s3.eu-west-1.amazonaws.com";
  const init = ["init", "shop", "--bucket", "acme-media", "--endpoint", endpoint];
  const exec = ["exec", "--yes", ...OFFLINE, `--package=${tarball}`, "--", "vitrine", ...init];
  await runNpm(11, exec, { cwd: folder });
  const shop = join(folder, "shop"); // init has copied the packed file into it
  await runNpm(11, ["install", ...OFFLINE], { cwd: shop });

  const bare = join(folder, "bare");
  mkdirSync(bare);
  const config = readFileSync(join(shop, "wrangler.toml"), "utf8");
  const main = 'main = "node_modules/vitrine/dist/worker/index.js"';
  writeFileSync(join(bare, "wrangler.toml"), config.replace(/^main = .*$/m, main));
  symlinkSync(join(shop, "node_modules"), join(bare, "node_modules"));

  project.provide("tarball", tarball);
  project.provide("registry", registry.url);
  project.provide("packed", packed);
  project.provide("shop", shop);
  project.provide("bare", bare);
  return () => {
    registry.close();
    rmSync(folder, { recursive: true, force: true });
  };
}
