// Creates what a start needs in the .dev.vars of its environment: the file itself, and a key that signs URLs,
// because a route may become signed while it runs. It never changes a line that is there.

import { randomBytes } from "node:crypto";
import { appendFileSync, copyFileSync, existsSync } from "node:fs";
import type { Fault } from "../cli/command.ts";
import { devVarsOf, readVars } from "../cli/project/vars.ts";
import { isTable, json } from "../worker/base/json.ts";
import type { Vars } from "../worker/config/schema.ts";

/** @returns what was done, one line each */
export function prepareDevVars(environment: string | undefined): readonly string[] | Fault {
  const done: string[] = [];
  const file = devVarsOf(".", environment);
  if (!existsSync(file)) {
    copyFileSync(".dev.vars.example", ".dev.vars");
    done.push("Created .dev.vars from .dev.vars.example.");
  }
  const known = readVars(".", environment);
  if ("fault" in known || known.started["URL_SIGNING_KEYS"]) return done;
  const keys = JSON.stringify({ local: randomBytes(32).toString("hex") });
  try {
    appendFileSync(file, `\nURL_SIGNING_KEYS='${keys}'\n`);
  } catch (error) {
    if (!isSigned(known.started)) return done;
    return {
      fault: `A route is signed, but URL_SIGNING_KEYS cannot be added to ${file}: ${error}`,
    };
  }
  return [...done, `Added URL_SIGNING_KEYS to ${file}, for routes with signed = true.`];
}

/** Returns whether a route is signed. */
function isSigned({ ROUTES }: Vars): boolean {
  const routes = json(ROUTES);
  return Array.isArray(routes) && routes.some((one) => isTable(one) && one["signed"] === true);
}
