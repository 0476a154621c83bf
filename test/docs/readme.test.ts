// The commands of README.md, as they stand there.

import { copyFileSync, existsSync } from "node:fs";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { VERSION } from "../../src/cli/wrangler/packages.ts";
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

const PACKED = `vitrine-${VERSION}.tgz`;
/** What is tried elsewhere, or needs an account. */
const ELSEWHERE = [
  ...["npm ci", "npm start"], // .ci/run, test/dev/start.test.ts
  // test/package
  ...["mkdir ../images", "npm pack --pack-destination ../images", "cd ../images", "npm install"],
  ...[`npx --yes --package ./${PACKED} vitrine init`, `npm install ./${PACKED}`],
  "npx wrangler login",
  ...["cp .dev.vars.example secrets.env", "rm secrets.env"], // git ignores it: pages.test.ts
];

const folder = copyProject();
afterAll(removeCopies);

test("each command is tried here or elsewhere", () => {
  const triedHere = ["curl ", "npx vitrine client ", "npx vitrine deploy "].flatMap(linesOf);
  expect(triedHere).toHaveLength(5);
  expect(LINES.filter((line) => !ELSEWHERE.includes(line) && !triedHere.includes(line))).toEqual(
    [],
  );
});

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
