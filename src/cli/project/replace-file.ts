import { mkdirSync, realpathSync, renameSync, rmSync, statSync, writeFileSync } from "node:fs";
import { dirname } from "node:path";

/** Files that hold keys, or tell of them, are for their owner alone, unless they were open before. */
const PRIVATE = 0o600;

/**
 * Writes a file so that whoever reads it finds it as it was or as it is to be, and never a part.
 * @throws where the file system does not let it
 */
export function replaceFile(path: string, text: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const before = statSync(path, { throwIfNoEntry: false });
  const target = before === undefined ? path : realpathSync(path); // a link stays one
  const made = `${target}.${process.pid}`;
  try {
    writeFileSync(made, text, { mode: before === undefined ? PRIVATE : before.mode });
    renameSync(made, target);
  } catch (error) {
    rmSync(made, { force: true });
    throw error;
  }
}
