// The code that the contact sheet gives to apps compiles beside the file of `npx vitrine client`, which the command
// that it gives writes.

import { existsSync, mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import {
  appFileCommand,
  callSnippet,
  type ImageCall,
} from "../../../src/dev/sheet/app-snippets.ts";
import { compile, installClient, STRICT } from "../../client/compile.ts";
import { PROJECT } from "../../support/cli/configuration.ts";
import { createProject } from "../../support/cli/folder.ts";
import { AWS, emptyFolder, init } from "../../support/cli/run-init.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const folder = createTemporaryFolder("vitrine-call-");

test("a call with sizes, one without, and one that is signed compile", async () => {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  await vitrine(["client", join(folder, "vitrine.ts")], { folder: createProject(PROJECT) });
  await installClient(folder);
  write("tsconfig.json", JSON.stringify({ compilerOptions: STRICT, include: ["."] }));
  write("node.d.ts", "declare const process: { env: { URL_SIGNING_KEYS?: string } };");
  const plain = {
    client: "images",
    key: 'a "1".jpg',
    preset: "card",
    hasSizes: false,
    original: { width: 300, height: 200 },
  };
  const calls: Record<string, ImageCall> = {
    "plain.ts": { ...plain, signed: false },
    "unknown.ts": { ...plain, original: undefined, signed: false },
    "wide.ts": { ...plain, preset: "hero", hasSizes: true, signed: false },
    "signed.ts": { ...plain, client: "privateImages", signed: true },
  };
  for (const [name, call] of Object.entries(calls)) {
    write(name, `${callSnippet(call)}\nexport default props;\n`);
  }
  // Without the sizes that it needs.
  const narrow = callSnippet({ ...plain, preset: "hero", signed: false });
  write("narrow.ts", `${narrow}\nexport default props;\n`);
  expect(callSnippet({ ...plain, signed: false })).toContain(
    "original: { width: 300, height: 200 },",
  );
  expect(await compile(folder)).toMatchObject([{ file: "narrow.ts", code: "TS2345" }]);
});

test("the command writes the file in a new project, whose domain is not known yet", async () => {
  const folder = emptyFolder();
  expect(await init(folder, AWS)).toMatchObject({ code: 0 });
  mkdirSync(join(folder, "../app/src"), { recursive: true });
  const [npx, name, ...args] = appFileCommand("http://localhost:8788").split(" ");
  expect([npx, name]).toEqual(["npx", "vitrine"]);
  const file = join(folder, args[1] ?? "");
  const { code, err } = await vitrine(args.with(1, file), { folder });
  expect([code, err]).toEqual([0, ""]);
  // An app without the package has the client beside the file.
  expect(existsSync(join(file, "../vitrine-client.js"))).toBe(true);
  expect(readFileSync(file, "utf8")).toContain('const baseUrl = "http://localhost:8788";');
});
