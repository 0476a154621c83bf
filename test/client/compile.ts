// Compiles an app with TypeScript's own compiler, and installs the part of the package that apps use, as npm would.

import { execFile } from "node:child_process";
import { cpSync, mkdirSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../support/built.ts";

/** The compiler settings of the strictest app. */
export const STRICT = {
  target: "ES2022",
  lib: ["ES2022", "DOM"],
  types: [],
  module: "ESNext",
  moduleResolution: "bundler",
  noEmit: true,
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  noPropertyAccessFromIndexSignature: true,
  noImplicitReturns: true,
  noFallthroughCasesInSwitch: true,
  noUnusedLocals: true,
  noUnusedParameters: true,
  isolatedModules: true,
  verbatimModuleSyntax: true,
  erasableSyntaxOnly: true,
  skipLibCheck: false,
};

/** What Next.js writes for an app without a tsconfig.json, except for the target. */
export const LOOSE = {
  target: "ES2022",
  lib: ["DOM", "DOM.Iterable", "ESNext"],
  types: [],
  allowJs: true,
  module: "ESNext",
  moduleResolution: "bundler",
  noEmit: true,
  strict: false,
  esModuleInterop: true,
  resolveJsonModule: true,
  isolatedModules: true,
  skipLibCheck: true,
};

type CompileError = {
  readonly file: string;
  readonly line: number;
  readonly code: string;
  readonly message: string;
};

/** Runs the compiler on a project. @returns its errors, in the order of its output */
export function compile(folder: string, options: readonly string[] = []): Promise<CompileError[]> {
  const args = [join(ROOT, "node_modules/typescript/bin/tsc"), "-p", ".", "--pretty", "false"];
  return new Promise((settle, fail) => {
    execFile(process.execPath, [...args, ...options], { cwd: folder }, (error, stdout) => {
      const matches = [...stdout.matchAll(/^(\S+)\((\d+),\d+\): error (TS\d+): (.*)/gm)];
      if (error !== null && matches.length === 0) fail(new Error(stdout || error.message));
      settle(
        matches.map(([, file = "", line, code = "", message = ""]) => {
          return { file, line: Number(line), code, message };
        }),
      );
    });
  });
}

/** Compiles the client into the node_modules of a folder. */
export async function installClient(folder: string): Promise<void> {
  const installed = join(folder, "node_modules/vitrine");
  mkdirSync(installed, { recursive: true });
  cpSync(join(ROOT, "package.json"), join(installed, "package.json"));
  const dist = ["--outDir", join(installed, "dist")];
  const [error] = await compile(join(ROOT, "src/client"), dist);
  if (error !== undefined) throw new Error(error.message);
  const decoder = "node_modules/thumbhash";
  cpSync(join(ROOT, decoder), join(folder, decoder), { recursive: true });
}
