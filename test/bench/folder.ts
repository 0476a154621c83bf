import { mkdirSync } from "node:fs";
import { EXIT, type Screen, say } from "../../src/cli/command.ts";

/** Makes a folder for results if there is none: before the work, so that it is not in vain. */
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
