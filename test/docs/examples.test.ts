// The examples of README.md and docs/ that can be tried.

import { copyFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { compile, installClient, STRICT } from "../client/compile.ts";
import { ROOT } from "../support/built.ts";
import { createProject, STAGED } from "../support/cli/folder.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { SHIPPED_PRESETS, VARS } from "../support/env.ts";
import { createTemporaryFolder } from "../support/temporary-folder.ts";
import { readPage } from "./pages.ts";

test("the examples for apps compile, with the file that npx vitrine client writes", async () => {
  const folder = createTemporaryFolder("vitrine-examples-");
  const text = readPage("README.md") + readPage("docs/apps.md") + readPage("docs/signed-urls.md"); // test/loaders has frameworks.md
  const blocks = [...text.matchAll(/```ts\n(.*?)```/gs)].map(([, code = ""]) => code);
  expect(blocks).toHaveLength(5);
  for (const [at, code] of blocks.entries()) writeFileSync(join(folder, `${at}.ts`), code);
  writeFileSync(
    join(folder, "node.d.ts"),
    "declare const process: { readonly env: { readonly URL_SIGNING_KEYS?: string } };",
  );
  copyFileSync(join(ROOT, "test/loaders/facts.ts"), join(folder, "facts.ts"));
  const compilerOptions = { ...STRICT, noUnusedLocals: false };
  writeFileSync(join(folder, "tsconfig.json"), JSON.stringify({ compilerOptions }));
  const deployed = {
    ...VARS,
    ROUTES: [
      { path: "/private/:preset/*", object: "media/*", signed: true },
      { path: "/images/:preset/*", object: "media/*" },
    ],
    PRESETS: {
      ...SHIPPED_PRESETS,
      tiny: { width: 24, quality: 40 },
    },
  };
  const project = createProject({ ...STAGED, env: {}, vars: deployed });
  const args = ["client", join(folder, "vitrine.ts"), "--base-url", "https://images.example.com"];
  expect(await vitrine(args, { folder: project })).toMatchObject({ code: 0, err: "" });
  await installClient(folder);
  expect(await compile(folder)).toEqual([]);
});
