// A page of the documentation is named by where it is, in what the commands themselves say. Keys, files and
// JSON are printed as they are, also where they look like such a page.

import { execFile } from "node:child_process";
import { join } from "node:path";
import { expect, test } from "vitest";
import { QUIET, ROOT } from "../support/built.ts";
import { makeFolder } from "../support/cli/folder.ts";

/** Runs `vitrine` in a folder of a project: its documentation is elsewhere. */
function vitrine(folder: string, args: readonly string[]) {
  return new Promise<{ out: string; err: string }>((settle) => {
    const all = [join(ROOT, "src/cli/main.ts"), ...args];
    const child = execFile(process.execPath, all, { cwd: folder, env: QUIET }, (_end, out, err) =>
      settle({ out, err }),
    );
    child.stdin?.end();
  });
}

test.concurrent.each<[what: string, args: readonly string[], prints: string]>([
  ["a URL", ["url", "docs/errors.md", "--preset", "card"], "/card/docs/errors.md\n"],
  ["a key in a table", ["explain", "/images/card/docs/x.md.png"], " docs/x.md.png\n"],
  ["the files of a project", ["init", "docs", "--bucket", "acme-media"], " docs/README.md\n"],
])("%s is printed as it is", async (_what, args, prints) => {
  const { out } = await vitrine(makeFolder(), args);
  expect(out).toContain(prints);
});

test("a page that a fault names is named by where it is", async () => {
  const folder = makeFolder({ PRESETS: { card: { width: 0 } } });
  const { err } = await vitrine(folder, ["check"]);
  expect(err).toMatch(/What is allowed: \S+\/docs\/configuration\.md#varspresetsname$/m);
});
