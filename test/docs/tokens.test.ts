// What docs/tokens.md and docs/logins.md have their reader write: tables that `vitrine check` finds right, in a project of init.

import { join } from "node:path";
import { expect, test } from "vitest";
import { AWS, emptyFolder, init } from "../support/cli/run-init.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { editFile } from "../support/local-run.ts";
import { readPage } from "./pages.ts";

const PAGES = readPage("docs/tokens.md") + readPage("docs/logins.md");
const BLOCKS = [...PAGES.matchAll(/```toml\n(.*?)```/gs)].map(([, toml = ""]) => toml);

/** A table of one login stands behind a route. */
const ROUTE = `[[vars.ROUTES]]
path = "/users/:user/:preset/*"
object = "media/users/:user/*"
[vars.ROUTES.token]
`;
const tables = BLOCKS.map((toml) => (toml.startsWith("[[") ? toml : ROUTE + toml));

/** The route of init, which leads to all objects. */
const DEFAULT_ROUTE = '[[vars.ROUTES]]\npath = "/images/:preset/*"\nobject = "media/*"\n';

test("the pages have a table for each login, and all of them are right", async () => {
  expect(tables.length).toBeGreaterThanOrEqual(10);
  const folder = emptyFolder("acme-images");
  await init(folder, AWS);

  // Each table gets folders of its own.
  const routes = tables.map((table, at) =>
    table.replaceAll(/(users|teams|photos)\//g, `$1-${at}/`),
  );
  editFile(join(folder, "wrangler.toml"), (text) => text.replace(DEFAULT_ROUTE, routes.join("\n")));
  expect(await vitrine(["check"], { folder })).toMatchObject({ code: 0, err: "" });
});
