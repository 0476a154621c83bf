// Plays what Cloudflare takes of the variables and secrets of a Worker when it is deployed (L4). A test gives its Worker
// an `env` by hand, which nothing else would refuse.

import { isRecord } from "./check.ts";

/** The longest variable: bytes of its name and its value together. */
const MAX_VARIABLE_BYTES = 5_000;

/** The most variables and secrets that one Worker has on the free plan. */
const MAX_VARIABLES = 64;

/**
 * Returns the `env` of a Worker as it is, if Cloudflare would take its variables and secrets (L4). Texts count as they
 * are, numbers, lists and tables as JSON. Bindings, such as a rate limiter, do not count.
 * @throws {TypeError} with a line for each variable that is too long, and one if there are too many
 * @example
 * const env = deployedEnv({ GREETING: "Hello", LINKS: { home: "https://app.example" } });
 * const answer = await worker.fetch(request, env);
 */
export function deployedEnv<Env extends object>(env: Env): Env {
  const encoder = new TextEncoder();
  const variables = Object.entries(env).filter(([, value]) => isVariable(value));
  const mistakes: string[] = [];

  for (const [name, value] of variables) {
    const sent = typeof value === "string" ? value : JSON.stringify(value);
    const { length } = encoder.encode(name + sent);
    if (length <= MAX_VARIABLE_BYTES) continue;
    mistakes.push(
      `${name}: has ${length} bytes with its name: ${MAX_VARIABLE_BYTES} are the most (L4)`,
    );
  }

  if (variables.length > MAX_VARIABLES) {
    mistakes.push(`${variables.length} variables and secrets: ${MAX_VARIABLES} are the most (L4)`);
  }

  if (mistakes.length === 0) return env;
  throw new TypeError(mistakes.map((mistake) => `deployedEnv: ${mistake}`).join("\n"));
}

/** Returns whether a value is one that a configuration may have. A binding has methods. */
function isVariable(value: unknown): boolean {
  if (value === undefined || typeof value === "function") return false;
  if (!isRecord(value)) return true;

  const prototype: unknown = Object.getPrototypeOf(value);
  const isPlain = prototype === Object.prototype || prototype === null;
  const hasMethods = Object.values(value).some((member) => typeof member === "function");
  return isPlain && !hasMethods;
}
