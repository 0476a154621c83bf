// Reads the command line of npm run bench:cost.

import { parseArgs } from "node:util";
import type { Fault } from "../../src/cli/command.ts";
import type { Settings } from "./trace.ts";

/** The options: default, range and description. */
const NUMBERS = {
  seed: { usual: 1, least: 0, most: 2 ** 31 - 1, says: "the same months again, for the same seed" },
  requests: { usual: 1_000_000, least: 1, most: 5e6, says: "requests for images in a month" },
  objects: { usual: 10_000, least: 1, most: 1e6, says: "objects in the bucket" },
  places: { usual: 30, least: 1, most: 1000, says: "places with a cache of their own" },
  replacements: { usual: 1000, least: 0, most: 1e6, says: "objects replaced in a month" },
  zipf: { usual: 0.9, least: 0, most: 3, says: "how much the best liked are preferred; 0: not" },
  "max-age": {
    usual: 604_800,
    least: 0,
    most: 31_536_000,
    says: "in the bills with max-age: that of the objects, in seconds",
  },
} as const;

type Name = keyof typeof NUMBERS;

const NAMES: readonly Name[] = [
  ...(["seed", "requests", "objects", "places"] as const),
  ...(["replacements", "zipf", "max-age"] as const),
];

export type Options = {
  readonly settings: Settings;
  /** The max-age of the objects' cache-control, in seconds. */
  readonly maxAge: number;
  /** The folder for the results; undefined: they are not written. */
  readonly out: string | undefined;
};

export const HELP = `Estimates what a month costs, by simulating a year: npm run bench:cost -- [options]

${NAMES.map((name) => {
  const { usual, says } = NUMBERS[name];
  return `  ${`--${name} <n>`.padEnd(20)}  ${says} (${usual})`;
}).join("\n")}
  ${"--out <folder>".padEnd(20)}  where to write cost.json

Prints two tables. Without any option it also writes fixtures/bench/cost.json, the same bytes each time.
Ends with 0, or with 2 if an option is wrong.
`;

/**
 * Reads the command line.
 * @param usualOut the folder for the results if no option changes it
 * @returns undefined if only help was asked for
 */
export function readOptions(
  args: readonly string[],
  usualOut: string,
): Options | Fault | undefined {
  const value = { type: "string" } as const;
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...{ seed: value, requests: value, objects: value, places: value, replacements: value },
        ...{ zipf: value, "max-age": value, out: value, help: { type: "boolean", short: "h" } },
      },
    });
    if (values.help) return undefined;
    const read = (name: Name) => number(name, values[name]);
    const settings = {
      ...{ seed: read("seed"), requests: read("requests"), objects: read("objects") },
      ...{ places: read("places"), replacements: read("replacements"), zipf: read("zipf") },
    };
    const usual = NAMES.every((name) => values[name] === undefined);
    return {
      settings,
      maxAge: read("max-age"),
      out: values.out ?? (usual ? usualOut : undefined),
    };
  } catch (error) {
    if (error instanceof WrongOption || isParseError(error)) return { fault: error.message };
    throw error;
  }
}

class WrongOption extends Error {}

function number(name: Name, text: string | undefined): number {
  const { usual, least, most } = NUMBERS[name];
  if (text === undefined) return usual;
  const value = /^\d+(?:\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  const whole = name === "zipf" || Number.isInteger(value);
  if (whole && value >= least && value <= most) return value;
  const kind = name === "zipf" ? "a number" : "a whole number";
  throw new WrongOption(`--${name} ${text} is not ${kind} from ${least} to ${most}`);
}

function isParseError(error: unknown): error is Error {
  return error instanceof Error && "code" in error && `${error.code}`.startsWith("ERR_PARSE_ARGS");
}
