// The advice in the source of a command, and what an operator does with the commands that it prints.

import { readdirSync, readFileSync, statSync } from "node:fs";
import { join } from "node:path";
import { rotateCommand } from "../../../src/cli/rotate/index.ts";
import type { Options } from "../../../src/cli/rotate/plan.ts";
import { ROOT } from "../built.ts";
import { createWorld } from "./vitrine.ts";

const VERBS =
  "activate|add|check|choose|continue|deactivate|delete|deploy|do|empty|finish|fix|give|leave|look|make|name|promote|put|rotate|run|say|see|set|start|take|use|wait|write";
/** A command, a page, a sentence that begins with a verb, or one that ends with a command. */
const ADVICE = new RegExp(
  `\\bnpx |\\bnpm |\\baws iam |\\bdocs/|(?:^\\s*|[.:;,?] |\\bor |\\bthen )(?:${VERBS})\\b(?! \\d|$)|\\b(?:if|when) .*: $|to check it again|, and not checked: |did you run|^is the worker`,
  "i",
);
const LITERAL = /"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\.)*`/g;
/** Lines that say nothing to anybody who must act: comments, and the texts of --help. */
const QUIET =
  /^\s*(?:\/\/|\*|\/\*\*|import |\} from |\{ number: |title:|\.description|\.option).*$/;
const HELP = /Examples:|Run it again to continue/;

/**
 * The texts of some sources that tell somebody to do something, and have no row.
 * @param rows parts of the texts that have one; a short one counts for the text that is the same
 */
export function adviceWithoutRow(places: readonly string[], rows: readonly string[]): string[] {
  const has = (advice: string) =>
    rows.some((row) => {
      const isLong = row.length > 20;
      return (
        advice.trim() === row.trim() || (isLong && advice.includes(row)) || row.includes(advice)
      );
    });
  return places.flatMap(adviceIn).filter((advice) => !has(advice));
}

function adviceIn(place: string): string[] {
  const path = join(ROOT, place);
  const isFile = !statSync(path).isDirectory();
  const files = isFile ? [path] : readdirSync(path).map((name) => join(path, name));
  return files.flatMap((file) => {
    const lines = readFileSync(file, "utf8").split("\n");
    const text = lines.filter((line) => !QUIET.test(line)).join("\n");
    const literals = [...text.matchAll(LITERAL)].map(([literal]) => literal.slice(1, -1));
    const told = literals.filter((literal) => !HELP.test(literal));
    return told.flatMap((one) => one.split(/\$\{[^}]*\}/)).filter((one) => ADVICE.test(one));
  });
}

/** The words of a command, as a shell reads them. */
export function wordsOf(command: string): string[] {
  const words = [...command.matchAll(/(?:'[^']*'|"[^"]*"|[^\s'"])+/g)];
  return words.map(([word]) => word.replace(/['"]/g, ""));
}

/** The options of a printed `npx vitrine rotate`. */
export async function rotateOptions(command: string): Promise<Options> {
  const [, , , ...args] = wordsOf(command);
  const parsed = rotateCommand(createWorld({}).world, async () => {});
  await parsed.parseAsync(args, { from: "user" });
  return parsed.opts();
}
