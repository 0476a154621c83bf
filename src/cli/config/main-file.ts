// The file that a deploy bundles: `main` of the configuration.

import { existsSync } from "node:fs";
import type { Mistake } from "../../worker/base/refusal.ts";
import type { KnownVars } from "./known-vars.ts";

const WANTED = 'write a file with the line: export { default, Renditions } from "vitrine";';

/** A file that is not there. Without `main`, wrangler itself says what is missing. */
export function mainMistakes({ main }: Pick<KnownVars, "main">): Mistake[] {
  if (main === undefined || existsSync(main)) return [];
  return [{ path: "main", message: `is ${main}, which is not there: ${WANTED}` }];
}
