// Builds the Worker as the local run does: once as it is, and once with each bug that is planted.

import { cpSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { BUILT_LOCAL, buildWorker, LOCAL_ENTRY, ROOT } from "../support/built.ts";
import { beginToListen } from "../support/overheard.ts";
import { BUGS, type Bug, builtWith } from "./bugs.ts";

export default async function build(): Promise<void> {
  beginToListen();
  const builds = [buildWorker(), buildWorker(LOCAL_ENTRY, BUILT_LOCAL)];
  await Promise.all([...builds, ...BUGS.map(buildWithBug)]);
}

/** Builds a copy in which the bug is. */
async function buildWithBug({ name, file, from, to }: Bug, at: number): Promise<void> {
  const copy = join(ROOT, `.wrangler/test/planted/${at}`);
  rmSync(copy, { recursive: true, force: true });
  for (const part of ["src", LOCAL_ENTRY])
    cpSync(join(ROOT, part), join(copy, part), { recursive: true });
  const changed = join(copy, "src", file);
  const source = readFileSync(changed, "utf8");
  if (source.split(from).length !== 2) throw new Error(`${name}: ${file} has changed`);
  writeFileSync(
    changed,
    source.replace(from, () => to),
  );
  await buildWorker(join(copy, LOCAL_ENTRY), builtWith(at));
}
