// The commands of README.md, as they stand there.

import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { vitrine } from "../support/cli/vitrine.ts";
import { file } from "../support/emulators.ts";
import { ENV, VARS } from "../support/env.ts";
import { copyProject, editFile, removeCopies } from "../support/local-run.ts";
import { get, put } from "../support/run-worker.ts";
import { readPage } from "./pages.ts";

const BLOCKS = [...readPage("README.md").matchAll(/^( *)```sh\n(.*?)^\1```$/gms)];
const LINES = BLOCKS.flatMap(([, , block = ""]) => block.trim().split("\n")).map((line) =>
  line.trim().replace(/ +#.*/, ""),
);
const linesOf = (beginning: string) => LINES.filter((line) => line.startsWith(beginning));

const folder = copyProject();
afterAll(removeCopies);

test("each curl is answered as the README says", async () => {
  const objects = ["photos/dandelion.jpg", "photos/fig.jpg", "broken/page.jpg"];
  for (const key of objects) put(key, file(key));
  const env = { ...ENV, PRESETS: { ...VARS.PRESETS, thumbnail: { width: 160 } } };
  const answers = linesOf("curl ").map(async (line) => {
    const [, accept = "*/*"] = /-H 'accept: (.*?)'/.exec(line) ?? [];
    const [, path = ""] = /http:\/\/localhost:8787(\S+)$/.exec(line) ?? [];
    const method = line.includes(" -I ") ? "HEAD" : "GET";
    const { status, headers } = await get(path, { method, headers: { accept } }, env);
    return [status, headers.get("content-type")];
  });
  expect(await Promise.all(answers)).toEqual([
    [200, "image/avif"],
    [200, "image/jpeg"],
    [415, "text/plain; charset=utf-8"],
  ]);
});

test.each(linesOf("npx vitrine client "))("%s writes the client", async (line) => {
  const args = line.split(" ").slice(2);
  const app = join(folder, "app.ts");
  const ended = await vitrine(args.with(1, app), { folder });
  expect([ended.code, existsSync(app)]).toEqual([0, true]);
});

test.each(linesOf("npx vitrine deploy "))("%s deploys nothing without a key", async (line) => {
  editFile(join(folder, "wrangler.toml"), (text) => text.replace("# routes = ", "routes = "));
  copyFileSync(join(folder, ".dev.vars.example"), join(folder, "secrets.env"));
  const { code, err } = await vitrine(line.split(" ").slice(2), { folder });
  expect(code).toBe(2);
  expect(err).toContain("secrets.env");
});
