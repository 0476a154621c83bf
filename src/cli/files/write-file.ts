// Writes a file whole or not at all: a reader finds the old text or the new one, never a part. A file of an
// app is never written over if something else wrote it.

import * as fs from "node:fs";
import { dirname, resolve } from "node:path";
import { hasProperty } from "../../worker/util/json.ts";

/**
 * An existing file keeps its mode, and a link stays a link.
 * @param mode that of a new file: by default its owner's alone, because it may have secrets in it
 * @throws the error of the file system
 */
export function replaceFile(path: string, text: string, mode = 0o600): void {
  fs.mkdirSync(dirname(path), { recursive: true });
  const before = fs.statSync(path, { throwIfNoEntry: false });
  const realFile = before === undefined ? path : fs.realpathSync(path);
  const temporary = `${realFile}.${process.pid}`;
  try {
    fs.writeFileSync(temporary, text, { mode: before?.mode ?? mode });
    fs.renameSync(temporary, realFile);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

type IsOurs = (text: string) => boolean;

export function ownFileFault(folder: string, file: string, isOurs: IsOurs): string | undefined {
  const path = resolve(folder, file);
  return faultOf(() => {
    if (!fs.existsSync(dirname(path))) return `there is no folder ${dirname(file)}: make it first`;
    if (!fs.existsSync(path) || isOurs(fs.readFileSync(path, "utf8"))) return undefined;
    return "this command did not write that file, or it was changed: remove it, or name another file";
  });
}

export function writeOwnFile(folder: string, file: string, text: string, isOurs: IsOurs) {
  const write = () => void replaceFile(resolve(folder, file), text, 0o666);
  return ownFileFault(folder, file, isOurs) ?? faultOf(write);
}

function faultOf(work: () => string | undefined): string | undefined {
  try {
    return work();
  } catch (error) {
    const isOfSystem = error instanceof Error && hasProperty(error, "code");
    if (!isOfSystem) throw error;
    return error.message;
  }
}
