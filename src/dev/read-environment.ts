// Reads the environment of the local run: `npm start -- --env NAME`, else CLOUDFLARE_ENV. Pure.

import { parseArgs } from "node:util";
import { type Fault, isFault } from "../cli/command.ts";
import { chooseEnvironment } from "../cli/project/environment.ts";

export type Environment = { readonly environment: string | undefined };

/** @param args what follows the program's name */
export function readEnvironment(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Environment | Fault {
  const given = parse(args);
  return isFault(given) ? given : { environment: chooseEnvironment({ env }, given.env) };
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: { env: { type: "string" } } }).values;
  } catch (error) {
    if (!(error instanceof Error)) throw error;
    return { fault: `${error.message}. The only option is: npm start -- --env NAME` };
  }
}
