// Reads the app file, if this command wrote it.

import { existsSync, readFileSync } from "node:fs";
import { isWritten } from "../app-file/header.ts";
import type { Fault } from "../command.ts";
import { NOT_OURS } from "../files/write-file.ts";

/** @returns the text, with line ends as this command writes them; undefined if there is no file */
export function readOwn(file: string): { readonly text: string } | undefined | Fault {
  try {
    if (!existsSync(file)) return undefined;
    const text = readFileSync(file, "utf8").replaceAll("\r\n", "\n"); // git may write others
    if (isWritten(text)) return { text };
    return { fault: `${file}: ${NOT_OURS}` };
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { fault: `${file}: ${error.message}` };
  }
}
