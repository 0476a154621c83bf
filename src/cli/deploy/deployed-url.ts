// Learns from wrangler on which workers.dev address it has put the Worker: only Cloudflare knows it before.

import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import type { World } from "../command.ts";

/** The file to which wrangler appends what it has done, for programs. */
const FILE = "WRANGLER_OUTPUT_FILE_PATH";

/**
 * Calls `use` with the environment in which wrangler writes that file. If CI already wants it somewhere, it is
 * written there.
 * @returns with `url`: the address of the Worker; undefined if wrangler told none
 */
export async function hearUrl<T>(
  env: World["env"],
  worker: string,
  use: (env: World["env"]) => Promise<T>,
): Promise<{ readonly ended: T; readonly url: string | undefined }> {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-"));
  const shared = env["WRANGLER_OUTPUT_FILE_DIRECTORY"] ?? folder;
  // wrangler calls its files like this, and CI looks for that name.
  const file = env[FILE] ?? join(shared, `wrangler-output-vitrine-${process.pid}.json`);
  try {
    const ended = await use({ ...env, [FILE]: file });
    return { ended, url: urlIn(read(file), worker) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The workers.dev address of a Worker in wrangler's file: one JSON line for each thing that it did. */
export function urlIn(text: string, worker: string): string | undefined {
  const deploys = text.split("\n").map(parseJson).filter(isPlainObject);
  const { targets } = deploys.findLast(({ type }) => type === "deploy") ?? {};
  const urls: readonly unknown[] = Array.isArray(targets) ? targets : [];
  const isOwn = (url: unknown): url is string =>
    typeof url === "string" &&
    url.startsWith(`https://${worker}.`) &&
    /^[\w-]+\.workers\.dev$/.test(url.slice(`https://${worker}.`.length));
  return urls.find(isOwn);
}

/** No file: an interrupted wrangler, or one that does not write it. */
function read(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch {
    return "";
  }
}
