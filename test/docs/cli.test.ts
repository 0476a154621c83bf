// The commands of docs/purge-and-warm.md, as they stand there.

import { writeFileSync } from "node:fs";
import { afterAll, beforeAll, expect, test } from "vitest";
import { vitrine } from "../support/cli/vitrine.ts";
import { SECRETS } from "../support/env.ts";
import { copyProject, editFile, removeCopies } from "../support/local-run.ts";
import { network, setUp } from "../support/stand.ts";
import { readPage } from "./pages.ts";

const PAGE = readPage("docs/purge-and-warm.md");
const COMMANDS = [...PAGE.matchAll(/^npx vitrine ((?:purge|warm) .*?)(?: [<>] .*)?$/gm)].map(
  ([, command = ""]) => command,
);

let folder = "";
beforeAll(() => {
  network.listen();
  folder = copyProject();
  editFile(`${folder}/wrangler.toml`, (text) => text.replace("# routes = ", "routes = "));
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secret } = SECRETS;
  const lines = [`AWS_ACCESS_KEY_ID=${id}`, `AWS_SECRET_ACCESS_KEY="${secret}"`];
  writeFileSync(`${folder}/secrets.env`, lines.join("\n"));
  const { s3 } = setUp();
  s3.objects.set("photos/2026/a.jpg", { body: new Uint8Array(), type: "image/jpeg" });
});
afterAll(() => {
  network.close();
  removeCopies();
});

test.each(COMMANDS)("vitrine %s", async (command) => {
  const args = command.split(" ");
  if (!args.includes("--dry-run")) args.push("--dry-run");
  const ended = await vitrine(args, { folder, stdin: "photos/fig.jpg\n" });
  const costs = /^1 key: \d+ requests.*\nAt most .*\n/;
  expect(ended.err.replace(costs, "")).toBe("");
  expect(ended).toMatchObject({ code: 0, out: expect.stringMatching(/^(?:https:\/\/|photos\/)/) });
});

test("there are some", () => expect(COMMANDS).toHaveLength(9));
