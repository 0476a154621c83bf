// What the local run prints when everything is ready.

import { withPages } from "../cli/command.ts";
import { bucketsOf } from "../cli/config/buckets.ts";
import { findUnplayed } from "../emulator/edge/options.ts";
import type { Config } from "../worker/config/config.ts";
import { imageOf } from "../worker/edge/ask-edge.ts";

/**
 * Writes the text: each URL on a line of its own.
 * @param devVars the file with the secrets
 * @param isFilled whether the local buckets hold the fixtures
 */
export function welcome(
  address: string,
  { routes, variants }: Config,
  devVars: string,
  isFilled: boolean,
): string {
  const missing = [...variants].flatMap(([name, { image }]) => {
    const options = findUnplayed(imageOf({ image }));
    if (options.length === 0 || name.includes("@")) return [];
    return [`PRESETS.${name}: the local edge does not implement ${options.join(", ")}.`];
  });
  const roles = [...bucketsOf(routes)].filter(({ role }) => role !== undefined && isFilled);
  const opened = roles.map(
    ({ name }) => `Here the local keys open "${name}", in place of its role: AWS is not asked.`,
  );
  const pictures = isFilled
    ? "The contact sheet shows every picture at every preset, and takes your own:"
    : `The pictures come from the S3 that ${devVars} names, which the contact sheet does not list:`;
  return `
Vitrine is ready on ${address}

${pictures}
${address}/

${[...missing, ...opened].map((line) => `${line}\n\n`).join("")}A picture is made once, and then comes out of a store in .wrangler/state, until its object changes.
To make each anew, add a line to ${devVars}: EDGE='{"store":false}'. Browsers keep theirs.
To see how the Worker fails, add a line to ${devVars}, for example EDGE='{"transformations":false}'.
${withPages("It takes effect at once. docs/emulator.md has all the switches of the local edge.")}

Requests and errors are logged below. Press Ctrl-C to stop.
`;
}
