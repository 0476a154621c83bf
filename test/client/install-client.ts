// Installs the part of the package that apps use, as npm would.

import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/built.ts";
import { compile } from "./compile.ts";

/** Compiles the client into the node_modules of a folder. */
export async function installClient(folder: string): Promise<void> {
  const installed = join(folder, "node_modules/vitrine");
  mkdirSync(installed, { recursive: true });
  cpSync(join(ROOT, "package.json"), join(installed, "package.json"));
  const dist = ["--outDir", join(installed, "dist")];
  const [error] = await compile(join(ROOT, "src/client"), dist);
  if (error !== undefined) throw new Error(error.message);
  const decoder = "node_modules/thumbhash";
  cpSync(join(ROOT, decoder), join(folder, decoder), { recursive: true });
}
