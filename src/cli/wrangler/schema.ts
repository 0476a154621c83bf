// Compares wrangler's own keys with the JSON schema that wrangler ships. The settings of Vitrine, below vars, are not
// looked at. Loads ajv when it is first used.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import type { ErrorObject, ValidateFunction } from "ajv";
import { isFault, type LocatedMistake } from "../command.ts";
import { loadWrangler, wranglerFolder } from "./packages.ts";

let validate: ValidateFunction | undefined;

function loadSchema(): ValidateFunction {
  if (validate !== undefined) return validate;

  const { Ajv }: typeof import("ajv") = createRequire(import.meta.url)("ajv");
  const schema = readFileSync(join(wranglerFolder(), "config-schema.json"), "utf8");
  const ajv = new Ajv({ strict: false, allErrors: true, verbose: true, logger: false });
  validate = ajv.compile(JSON.parse(schema));
  return validate;
}

/**
 * Finds keys that wrangler does not know, of which it only warns, and values of a wrong type. Where wrangler takes
 * one of several forms, it says itself which form is wrong.
 * @returns nothing if the file cannot be read, which `readEnvironment` reports
 */
export function findKeyMistakes(folder: string, file: string): LocatedMistake[] {
  const wrangler = loadWrangler();
  if (isFault(wrangler)) return [];

  const isValid = loadSchema();
  try {
    const { rawConfig } = wrangler.experimental_readRawConfig({ config: join(folder, file) });
    isValid(rawConfig);
  } catch {
    return [];
  }

  const errors = isValid.errors ?? [];
  const unions = errors.filter(({ keyword }) => keyword === "anyOf");
  const isInUnion = (path: string) =>
    unions.some(({ instancePath }) => `${path}/`.startsWith(`${instancePath}/`));
  return errors.filter(({ instancePath }) => !isInUnion(instancePath)).map(keyMistake);
}

/** A JSON pointer: `/env/staging/ratelimits/0/name` is about the environment staging. */
const POINTER = /^(?:\/env\/(?<environment>[^/]+)(?=\/))?\/(?<rest>.*)/s;

/** In `/env/staging/ratelimits/0/name`, the path is `ratelimits[0].name`, and the environment staging. */
function keyMistake(error: ErrorObject): LocatedMistake {
  const { instancePath, params, message = "" } = error;
  const { additionalProperty: unknownKey, allowedValues } = params;
  const pointer = unknownKey === undefined ? instancePath : `${instancePath}/${unknownKey}`;

  const groups = POINTER.exec(pointer)?.groups;
  const environment = groups?.["environment"];
  const path = dottedPath(groups?.["rest"] ?? "");

  if (unknownKey !== undefined) {
    return { environment, path, message: "is no key that wrangler knows here" };
  }
  if (error.keyword === "type") return { environment, path, message: typeMistakeText(error) };
  if (allowedValues === undefined) return { environment, path, message };
  return { environment, path, message: `${message}: ${allowedValues.join(", ")}` };
}

/** `ratelimits[0].name` for `ratelimits/0/name`. In a pointer, `~1` stands for `/`, and `~0` for `~`. */
function dottedPath(pointer: string): string {
  const dotted = pointer.replace(/\/(\d+)(?=\/|$)/g, "[$1]").replaceAll("/", ".");
  return dotted.replaceAll("~1", "/").replaceAll("~0", "~");
}

/** The value is shown, unless it is a table, or a text of the length of a secret. */
function typeMistakeText({ params, data }: ErrorObject): string {
  const types = [params["type"]].flat().join(" or ");
  const value = JSON.stringify(data) ?? "";
  const isShown = typeof data !== "object" && value.length <= 20;
  return isShown ? `is ${value}, and must be ${types}` : `must be ${types}`;
}
