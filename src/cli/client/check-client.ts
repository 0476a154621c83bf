// Says whether the app file is as the command would write it now. It reads and writes no app file.

import { readOptions, type Where, type Written } from "../app-file/header.ts";
import { importsPackage } from "../app-file/make-app-file.ts";
import { type Fault, isFault } from "../command.ts";
import { optionOf, shellQuote, visible } from "../terminal/shell.ts";
import { environmentText } from "../wrangler/config-file.ts";
import { type ClientVars, planClient } from "./plan-client.ts";

/** What a check found, in one line. */
export type Checked = { readonly isCurrent: boolean; readonly said: string };

/**
 * @param text what is in the file; undefined: there is none
 * @param where as it was given, or else as the file says it
 */
export function checkClient(
  vars: ClientVars,
  file: string,
  text: string | undefined,
  where: Where,
): Checked | Fault {
  const { environment } = vars;
  const command = visible(commandOf(file, { environment, where }));
  if (text === undefined) {
    return { isCurrent: false, said: `${file} is missing. Run: ${command}` };
  }
  const written = readOptions(text);
  const planned = planClient(vars, file, where, written);
  if (isFault(planned)) return planned;
  const line = differingLine(text, planned.text);
  if (line === undefined) return { isCurrent: true, said: `${file} is up to date` };
  if (environment !== written.environment) {
    return { isCurrent: false, said: otherEnvironment(file, written, environment, line) };
  }
  const reason = formText(importsPackage(text), planned.hasPackage);
  return {
    isCurrent: false,
    said: `${file} is out of date (line ${line})${reason}. Run: ${command}`,
  };
}

/** Why a file of the other form is out of date. */
function formText(imports: boolean, hasPackage: boolean): string {
  if (imports === hasPackage) return "";
  return hasPackage
    ? ": the app's package.json names vitrine now, so the file is to import it"
    : ": the app's package.json does not name vitrine now, so the file is to hold the client itself";
}

/** The options may come from the file, which anybody may have changed: a shell must not run what is in them. */
function commandOf(file: string, { environment, where }: Written): string {
  const options = [
    ...(environment === undefined ? [] : [optionOf("--env", environment)]),
    ...(typeof where === "string" ? [optionOf("--base-url", where)] : []),
    ...(typeof where === "object" ? [optionOf("--base-url-from", where.from.code)] : []),
  ];
  return ["npx vitrine client", shellQuote(file), ...options].join(" ");
}

function otherEnvironment(
  file: string,
  written: Written,
  environment: string | undefined,
  line: number,
): string {
  const of = environmentText(written.environment);
  const differs = `${environmentText(environment)} differs (line ${line})`;
  return `${file} was written for ${of}, and ${differs}. Give both the same routes and presets, or write a file for each`;
}

/** The number of the first line that is not the same, from 1 on. */
function differingLine(one: string, other: string): number | undefined {
  if (one === other) return undefined;
  const [lines, others] = [one.split("\n"), other.split("\n")];
  return lines.findIndex((line, at) => line !== others[at]) + 1 || lines.length + 1;
}
