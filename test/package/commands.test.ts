// All commands, in a folder that has only wrangler.toml, by each Node.js.

import { cpSync, existsSync, mkdtempSync, symlinkSync } from "node:fs";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, inject, test } from "vitest";
import { startDev } from "./dev.ts";
import { NO_CLOUDFLARE, tryRun } from "./run.ts";

const bare = inject("bare");

/** A copy of the folder: a command may write into it. */
function copy(): string {
  const folder = mkdtempSync(join(dirname(bare), "copy-"));
  cpSync(join(bare, "wrangler.toml"), join(folder, "wrangler.toml"));
  symlinkSync(join(bare, "node_modules"), join(folder, "node_modules"));
  return folder;
}

test.each([[["doctor"]], [["check"]], [["--help"]], [["--version"]]])(
  "on Node.js 20, npx vitrine %j says in one line which one it needs",
  async (args) => {
    const ended = await tryRun("npx", ["vitrine", ...args], { cwd: bare, node: 20 });
    const said = /^vitrine needs Node\.js 22\.12 or newer\. This is v20\.\d+\.\d+\.\n$/;
    expect(ended).toEqual({ code: 2, stdout: "", stderr: expect.stringMatching(said) });
  },
);

describe.each([22, 24] as const)("with Node.js %d,", (node) => {
  const cwd = copy();
  let local: Awaited<ReturnType<typeof startDev>>;
  beforeAll(async () => {
    local = await startDev({ cwd, node });
  });
  afterAll(() => local.stop());

  /** Without npx, which needs longer than most commands. */
  const program = join(cwd, "node_modules/.bin/vitrine");
  const vitrine = (...args: string[]) => tryRun(program, args, { cwd, node });
  const here = () => ["--url", local.url];

  test("vitrine --version", async () => {
    expect(await vitrine("--version")).toMatchObject({
      code: 0,
      stdout: `${inject("packed").version}\n`,
    });
  });

  test("vitrine check", async () => {
    const { code, stdout } = await vitrine("check");
    expect([code, stdout]).toEqual([0, expect.stringContaining("The configuration is right.")]);
  });

  test("vitrine client", async () => {
    expect((await vitrine("client", "app.ts", "--base-url", "")).code).toBe(0);
    expect(existsSync(join(cwd, "app.ts"))).toBe(true);
  });

  test("vitrine deploy, as far as it needs no account", async () => {
    const where = { cwd, node, env: NO_CLOUDFLARE };
    const { code, stderr } = await tryRun(program, ["deploy"], where);
    expect([code, stderr]).toEqual([2, expect.stringContaining("wrangler deploy ended with 1")]);
  });

  test("vitrine url", async () => {
    const { stdout } = await vitrine("url", "photos/fig.jpg", "--preset", "card@2x", ...here());
    expect(stdout).toBe(`${local.url}/images/card@2x/photos/fig.jpg\n`);
  });

  test("vitrine sign says that no route is signed", async () => {
    const { code, stderr } = await vitrine("sign", "photos/fig.jpg", "--preset", "card", ...here());
    expect([code, stderr]).toEqual([2, expect.stringContaining("signed")]);
  });

  test("vitrine explain", async () => {
    const { code, stdout } = await vitrine("explain", `${local.url}/images/card@2x/photos/fig.jpg`);
    expect([code, stdout]).toEqual([0, expect.stringContaining("card@2x")]);
  });

  test("vitrine doctor", async () => {
    const { code, stdout } = await vitrine("doctor", ...here(), "photos/fig.jpg");
    expect([code, stdout]).toEqual([0, expect.stringContaining("reads: image/avif")]);
  });

  test("vitrine warm", async () => {
    const args = ["vitrine", "warm", "--preset", "card", "-", ...here()];
    const { code, stderr } = await tryRun("npx", args, { cwd, node, stdin: "photos/fig.jpg\n" });
    const said = /^1 object: 9 requests, with up to 3 unique transformations/m;
    expect([code, stderr]).toEqual([0, expect.stringMatching(said)]);
  });

  test("vitrine rotate without a token says how to set one", async () => {
    const { code, stderr } = await vitrine("rotate", ...here());
    expect([code, stderr]).toEqual([2, expect.stringContaining("HEALTH_TOKEN is missing")]);
  });

  test("vitrine purge says that the local run keeps nothing", async () => {
    const { code, stderr } = await vitrine("purge", "photos/fig.jpg", ...here());
    expect([code, stderr]).toEqual([2, expect.stringContaining("nothing to purge")]);
  });
});
