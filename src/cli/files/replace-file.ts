// Replaces a file in one step. A reader finds the old text or the new one, never a part.

import { mkdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** New files are for their owner alone: they have secrets in them, or say something of secrets. */
const PRIVATE = 0o600;

/**
 * An existing file keeps its mode, and a link stays a link.
 * @param mode that of a new file
 * @throws what the file system says
 */
export function replaceFile(path: string, text: string, mode = PRIVATE): void {
  mkdirSync(dirname(path), { recursive: true });
  const before = statSync(path, { throwIfNoEntry: false });
  const target = before === undefined ? path : realpathSync(path);
  const made = `${target}.${process.pid}`;
  try {
    writeFileSync(made, text, { mode: before?.mode ?? mode });
    renameSync(made, target);
  } catch (error) {
    rmSync(made, { force: true });
    throw error;
  }
}
