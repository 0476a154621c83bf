// The configuration and the commands of docs/environments.md.

import { expect, test } from "vitest";
import { makeFolder } from "../support/cli/folder.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { readPage } from "./pages.ts";

const PAGE = readPage("docs/environments.md");

test("its wrangler.toml is right, at the top level and in staging (S6)", async () => {
  const [, text = ""] = /```toml\n(.*?)```/s.exec(PAGE) ?? [];
  const folder = makeFolder({}, { "wrangler.toml": text, "src/index.ts": "" });
  for (const env of [[], ["--env", ""], ["--env", "staging"]]) {
    expect(await vitrine(["check", ...env], { folder })).toMatchObject({ code: 0, err: "" });
  }
});

test("vitrine deploy has every option of its commands", async () => {
  const { out } = await vitrine(["deploy", "--help"]);
  const commands = [...PAGE.matchAll(/npx vitrine deploy (.*)$/gm)].map(([, args = ""]) => args);
  const options = commands.flatMap((args) => args.match(/--[a-z-]+/g) ?? []);
  expect(new Set(options)).toEqual(new Set(["--env", "--secrets-file"]));
  for (const option of options) expect(out).toContain(option);
});
