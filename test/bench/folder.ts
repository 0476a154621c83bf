import { mkdirSync } from "node:fs";
import { EXIT, type Screen, say } from "../../src/cli/command.ts";

/** Creates the folder for results. Call it before the work, because it may fail. */
export function isFolder(path: string, stderr: Screen): boolean {
  try {
    mkdirSync(path, { recursive: true });
    return true;
  } catch (error) {
    say(stderr, `--out ${path}: ${error instanceof Error ? error.message : error}`);
    process.exitCode = EXIT.failed;
    return false;
  }
}
