// Writes the app file.

import { basename } from "node:path";
import { isWritten, type Where } from "../app-file/header.ts";
import { type Fault, isFault } from "../command.ts";
import { writeOwnFile } from "../files/write-file.ts";
import { counted } from "../terminal/progress.ts";
import { type ClientVars, planClient } from "./plan-client.ts";

/** @returns what the file has in it, in one line */
export function writeClient(vars: ClientVars, file: string, where?: Where): string | Fault {
  const planned = planClient(vars, file, where);
  if (isFault(planned)) return planned;
  const { text, clients, presets, hasPackage, place } = planned;
  const fault = writeOwnFile(".", file, text, isWritten);
  if (fault !== undefined) return { fault: `${file}: ${fault}` };
  const form = hasPackage ? ", which imports the package" : "";
  const what = `with ${counted(clients.length, "route")} and ${counted(presets, "preset")}`;
  const from = `./${basename(file, ".ts")}`;
  const line = `import { ${clients.join(", ")} } from "${from}";`;
  return `Wrote ${file}${form}, ${what}, for ${place}: ${line} (nodenext: "${from}.js")`;
}
