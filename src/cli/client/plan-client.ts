// Makes the text of the app file from the configuration and the options. It writes nothing.

import type { Where, Written } from "../app-file/header.ts";
import { makeAppFile } from "../app-file/make-app-file.ts";
import { type Fault, isFault } from "../command.ts";
import type { KnownVars } from "../config/environment-config.ts";
import { configFault } from "../config/mistakes.ts";
import { readDeployed } from "../config/project.ts";
import { findBaseUrl } from "../config/site-url.ts";
import { placeText } from "../wrangler/config-file.ts";
import { namesPackage } from "../wrangler/packages.ts";

/** What it reads of the configuration. */
export type ClientVars = Pick<
  KnownVars,
  "deployed" | "secrets" | "patterns" | "file" | "environment"
>;

/**
 * @param written the options that the file is to name, if not these
 * @returns with the place where Vitrine is, in words
 */
export function planClient(vars: ClientVars, file: string, where: Where, written?: Written) {
  const config = readDeployed(vars);
  const { environment } = vars;
  if ("mistakes" in config) {
    return configFault(config.mistakes.map((mistake) => ({ ...mistake, environment })));
  }
  const baseUrl = baseUrlOf(vars, where);
  if (isFault(baseUrl)) return baseUrl;
  const hasPackage = namesPackage(file, "vitrine");
  if (isFault(hasPackage)) return hasPackage;
  const given = typeof where === "string" ? baseUrl : where; // as it was read, without a slash at the end
  const options = { hasPackage, written: written ?? { environment, where: given } };
  const made = makeAppFile(config, vars.deployed, baseUrl, options);
  const place = typeof baseUrl === "string" ? baseUrl || "the page's own host" : baseUrl.from.code;
  return { ...made, hasPackage, place };
}

function baseUrlOf(vars: ClientVars, where: Where): Exclude<Where, undefined> | Fault {
  if (typeof where === "object") return where;
  return findBaseUrl(where, vars.patterns, "--base-url", placeText(vars));
}
