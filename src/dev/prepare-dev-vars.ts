// Creates what a start needs in the .dev.vars of its environment: the file itself, and a key that signs URLs,
// because a route may become signed while it runs. It never changes a line that is there.

import { randomBytes } from "node:crypto";
import { appendFileSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import type { Fault } from "../cli/command.ts";
import { devVarsOf, readEnvironment } from "../cli/config/environment-config.ts";
import { isPlainObject, parseJson } from "../worker/base/json.ts";
import type { Vars } from "../worker/config/schema.ts";

const EXAMPLE = ".dev.vars.example";

/** A .dev.vars where there is no example of one. */
const PLAIN = `# The secrets of the local run. It reloads this file after each change.
# Its buckets need no keys here: it has keys of its own.
`;

/** @returns what was done, one line each. In a folder that is not Vitrine's it does nothing */
export function prepareDevVars(environment: string | undefined): readonly string[] | Fault {
  const project = readEnvironment(".", environment);
  // In a folder that is not Vitrine's, a new .dev.vars would hide its .env (S4).
  if ("fault" in project || project.started["BUCKETS"] === undefined) return [];
  const file = devVarsOf(".", environment);
  const done = existsSync(file) ? [] : [createDevVars()];
  const known = readEnvironment(".", environment);
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
  return [...done, `Added URL_SIGNING_KEYS to ${file}. Only a route with signed = true uses it.`];
}

function createDevVars(): string {
  if (existsSync(EXAMPLE)) {
    writeFileSync(".dev.vars", readFileSync(EXAMPLE)); // with a mode of its own
    return `Created .dev.vars from ${EXAMPLE}.`;
  }
  writeFileSync(".dev.vars", PLAIN);
  return "Created .dev.vars.";
}

/** Returns whether a route is signed. */
function isSigned({ ROUTES }: Vars): boolean {
  const routes = parseJson(ROUTES);
  return (
    Array.isArray(routes) && routes.some((one) => isPlainObject(one) && one["signed"] === true)
  );
}
