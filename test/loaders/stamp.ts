// The stamp of the last run of these tests that passed: the SHA-256 of what went into it. CI runs them again if it
// does not fit. `node stamp.ts` ends with 0 if it fits, and else with 1; `--write` writes it.

import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const ROOT = join(import.meta.dirname, "../..");
const STAMP = "test/loaders/passed.txt";
const INPUTS = ["src/client", "src/url", "test/loaders", `:!${STAMP}`];

/** The SHA-256 of all files that go in, committed or not, and of the exports of the package. */
function hashInputs(): string {
  const list = ["ls-files", "-z", "--cached", "--others", "--exclude-standard", "--", ...INPUTS];
  const files = execFileSync("git", list, { cwd: ROOT, encoding: "utf8" }).split("\0");
  const hash = createHash("sha256");
  for (const file of [...new Set(files)].toSorted()) {
    if (file === "" || !existsSync(join(ROOT, file))) continue;
    hash
      .update(`${file}\0`)
      .update(readFileSync(join(ROOT, file)))
      .update("\0");
  }
  const { exports } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8"));
  return hash.update(JSON.stringify(exports)).digest("hex");
}

const stamp = join(ROOT, STAMP);
const hash = hashInputs();
if (process.argv.includes("--write")) {
  writeFileSync(stamp, `${hash}\n`);
} else if (existsSync(stamp) && readFileSync(stamp, "utf8").trim() === hash) {
  console.log("test:loaders passed with these very sources: it does not run again.");
} else {
  process.exitCode = 1;
}
