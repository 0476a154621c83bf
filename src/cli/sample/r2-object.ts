// Asks wrangler for an object of an R2 bucket, and has it put one.

import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { type Fault, PACKAGE_ROOT, say, type World } from "../command.ts";
import type { KnownVars } from "../config/known-vars.ts";
import { visible } from "../terminal/shell.ts";
import type { RunWrangler } from "../wrangler/run-wrangler.ts";
import { showWrangler, wranglerFault } from "../wrangler/show-wrangler.ts";
import type { Target } from "./find-target.ts";

const PICTURE = join(PACKAGE_ROOT, "fixtures/template/sample.jpg");

/** Returns whether the bucket has the object. wrangler has no other way to ask than to fetch it. */
export async function isThere(
  world: World,
  run: RunWrangler,
  known: KnownVars,
  target: Target,
): Promise<boolean | Fault> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-"));
  try {
    const file = join(folder, "object");
    const args = [...argsOf("get", known, target), "--file", file];
    let said = "";
    const code = await run(world, args, undefined, (more) => {
      said += more;
    });
    if (code === 0) return true;
    said = stripVTControlCharacters(said);
    if (/specified key does not exist/i.test(said)) return false;
    const lines = said.split(/\r?\n|\r/).filter((line) => line.trim() !== "");
    say(world.stderr, ...lines.map((line) => `  ${visible(line)}`));
    return wranglerFault(args, code, said, known);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** Puts the picture, whatever is there. @returns why it is not put */
export function putPicture(
  world: World,
  run: RunWrangler,
  known: KnownVars,
  target: Target,
): Promise<Fault | undefined> {
  const args = [...argsOf("put", known, target), "--file", PICTURE, "--content-type", "image/jpeg"];
  return showWrangler(world, run, args, { place: known, secrets: [] });
}

function argsOf(verb: "get" | "put", known: KnownVars, target: Target): string[] {
  const { bucketName, jurisdiction, key } = target;
  return [
    ...["r2", "object", verb, `${bucketName}/${key}`, "--remote"],
    ...["--config", known.file, "--env", known.environment ?? ""],
    ...(jurisdiction === undefined ? [] : ["--jurisdiction", jurisdiction]),
  ];
}
