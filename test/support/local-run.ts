// Runs `vitrine dev` in a copy of the project.

import { type ChildProcess, spawn } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { QUIET, ROOT } from "./built.ts";
import { overhear } from "./overheard.ts";

export const VITRINE = "src/cli/main.ts";

const folders: string[] = [];
/** The runs that have not ended, each with a function that ends it. */
const running = new Map<ChildProcess, () => Promise<unknown>>();

/** Makes a folder with the project in it, and with the configuration of the tests. */
export function copyProject(): string {
  const folder = mkdtempSync(join(tmpdir(), "vitrine-"));
  folders.push(folder);
  cpSync(join(ROOT, "test/support/wrangler.toml"), join(folder, "wrangler.toml"));
  cpSync(join(ROOT, ".dev.vars.example"), join(folder, ".dev.vars.example"));

  for (const name of ["src", "fixtures", "node_modules"]) {
    symlinkSync(join(ROOT, name), join(folder, name));
  }

  return folder;
}

/** Changes a file. Throws if the text stays the same. */
export function editFile(file: string, change: (text: string) => string): void {
  const before = readFileSync(file, "utf8");
  const after = change(before);
  if (after === before) throw new Error(`${file} did not change`);
  writeFileSync(file, after);
}

/** Copies the project with its domain, a prefix of the bucket, and more changes of wrangler.toml. */
export function copyWithDomain(change = (text: string): string => text): string {
  const folder = copyProject();
  editFile(join(folder, "wrangler.toml"), (text) =>
    change(
      text
        .replace("# routes = ", "routes = ")
        .replace('region = "eu-west-1"', '$&\nprefix = "published/"'),
    ),
  );

  return folder;
}

export async function endRuns(): Promise<void> {
  for (const stop of running.values()) await stop();
}

export function removeCopies(): void {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
}

/**
 * Starts the local run, and waits until it is ready.
 * @param ended gets the whole output at the end
 * @returns its process id, what it printed so far, and how to stop it
 */
export async function start(
  folder: string,
  port: number,
  ended = (output: string): void => overhear("logged", output),
  args: readonly string[] = [],
) {
  const child = spawn(process.execPath, [VITRINE, "dev", ...args], {
    cwd: folder,
    env: { ...QUIET, PORT: `${port}` },
  });
  let output = "";
  const closed = new Promise<number | null>((settle) => child.on("close", settle));

  const stop = async () => {
    child.kill("SIGINT");
    const code = await closed;
    running.delete(child);
    return code;
  };

  running.set(child, stop);
  await new Promise<void>((settle, fail) => {
    const read = (data: Buffer) => {
      output += data;
      if (output.includes("Ctrl-C")) settle();
    };

    child.stdout.on("data", read);
    child.stderr.on("data", read);
    child.on("close", () => {
      // Some of the URLs that it prints are signed, with a key of this machine only.
      ended(output.replace(/^http:\S+&sig=\S+$/gm, "a signed URL"));
      fail(new Error(output));
    });
  });

  const { pid } = child;
  if (pid === undefined) throw new Error("The local run did not start");

  return { pid, output: () => output, stop };
}
