// What `npx vitrine stats --open` writes, and what it starts. test/browser/stats.test.ts looks at the page itself.

import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test, vi } from "vitest";
import { openStatsPage } from "../../../src/cli/stats/open-page.ts";
import { createReport } from "../../../src/cli/stats/report.ts";
import { createWorld } from "../../support/cli/vitrine.ts";
import { createTemporaryFolder } from "../../support/temporary-folder.ts";

const PERIOD = { from: Date.UTC(2026, 10), until: Date.UTC(2026, 11) };

const reportOf = (environment: string) =>
  createReport(
    { requests: [], waits: [], presets: [], failures: [], delays: [] },
    {
      ...{ source: "local", environment, period: PERIOD, dollarsOf: () => 0 },
      ...{ worstCase: undefined, budget: undefined },
    },
  );

/** What a browser must not get. */
const SECRETS = { CLOUDFLARE_API_TOKEN: "a-token", PURGE_TOKEN: "another-token" };

/** A folder with the programs that open a file, for each system. They write down what they open, and secrets that they get. */
function fakeOpeners(folder: string): string {
  for (const name of ["xdg-open", "open", "explorer.exe"]) {
    const program = join(folder, name);
    writeFileSync(
      program,
      `#!/bin/sh\necho "$1$CLOUDFLARE_API_TOKEN$PURGE_TOKEN" >> '${folder}/opened'\n`,
    );
    chmodSync(program, 0o755);
  }
  return folder;
}

test.each([
  ["", ".wrangler/vitrine/stats.html"],
  ["production", ".wrangler/vitrine/stats.production.html"],
])(
  "the page of environment %j opens in the browser, and only its user may read it",
  async (environment, name) => {
    const folder = createTemporaryFolder("stats-open-");
    const path = join(folder, name);
    mkdirSync(join(folder, ".wrangler/vitrine"), { recursive: true });
    writeFileSync(path, "an older page", { mode: 0o644 });

    const PATH = fakeOpeners(folder);
    const { world } = createWorld({ folder, env: { PATH, DISPLAY: ":0", ...SECRETS } });
    expect(await openStatsPage(world, reportOf(environment))).toBe(name);

    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readFileSync(path, "utf8")).toMatch(/^<!doctype html>/);
    const opened = () => readFileSync(join(folder, "opened"), "utf8");
    await vi.waitFor(() => expect(opened()).toBe(`${path}\n`), { timeout: 20_000 });
  },
);

test.each([
  ["no program opens files", { PATH: "/nonexistent", DISPLAY: ":0" }],
  ["there is no PATH", { DISPLAY: ":0" }],
])("where %s, the page is written all the same", async (_title, env) => {
  const folder = createTemporaryFolder("stats-open-");
  const { world } = createWorld({ folder, env });
  const file = await openStatsPage(world, reportOf(""));
  expect(existsSync(join(folder, file))).toBe(true);
});

test.runIf(process.platform === "linux")("without a screen, no program is started", async () => {
  const folder = createTemporaryFolder("stats-open-");
  const PATH = fakeOpeners(folder);
  const { world: server } = createWorld({ folder, env: { PATH } });
  const { world: desktop } = createWorld({ folder, env: { PATH, WAYLAND_DISPLAY: "wayland-0" } });

  await openStatsPage(server, reportOf(""));
  const file = await openStatsPage(desktop, reportOf("staging"));
  const opened = () => readFileSync(join(folder, "opened"), "utf8");
  await vi.waitFor(() => expect(opened()).toBe(`${join(folder, file)}\n`), { timeout: 20_000 });
});
