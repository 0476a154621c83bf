// How secrets get to where they belong: by a real child process, and into .dev.vars.

import { readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { json } from "node:stream/consumers";
import { beforeEach, expect, onTestFinished, test } from "vitest";
import type { World } from "../../../src/cli/command.ts";
import { putByWrangler } from "../../../src/cli/rotate/put-secrets.ts";
import { editDevVars, putDevVars } from "../../../src/cli/secrets/dev-vars.ts";
import { wranglerAt } from "../../../src/cli/wrangler/run-wrangler.ts";
import { makeStandIn } from "../../support/cli/stand-in.ts";
import { HEALTH_TOKEN, NEXT, NEXT_CREDENTIALS } from "../../support/env.ts";
import { makeTemporary } from "../../support/temporary.ts";

let folder: string;

beforeEach(() => {
  folder = makeTemporary("vitrine-put-");
});

function worldOf(env: World["env"]) {
  const stderr = new PassThrough({ encoding: "utf8" });
  const world: World = {
    ...{ folder, env, stderr, stdin: new PassThrough(), stdout: new PassThrough() },
    ...{ now: Date.now, interrupted: new AbortController().signal },
  };
  return { world, said: (): string => stderr.read() ?? "" };
}

const SECRETS = Object.values(NEXT_CREDENTIALS);
const TOP = { file: "wrangler.toml", environment: undefined, environments: [] };
const CHANGE = { ...NEXT, AWS_ACCESS_KEY_ID: null };

test("wrangler is given secrets on stdin, and nowhere else; what it says of them is not shown", async () => {
  const { script, got } = makeStandIn(folder);
  const env = { HEALTH_TOKEN, AWS_SECRET_ACCESS_KEY: "admin", CLOUDFLARE_API_TOKEN: "kept" };
  const { world, said } = worldOf({ ...env, WRANGLER_LOG_SANITIZE: "false" });
  const fault = await putByWrangler(world, CHANGE, wranglerAt(script), TOP);
  expect(fault?.fault).toBe("wrangler secret bulk ended with 7. See its output above");
  const ran = got();
  expect(JSON.parse(ran.input)).toEqual(CHANGE);
  expect(ran.argv).toEqual(["secret", "bulk", "--config", "wrangler.toml", "--env="]);
  expect(ran.env).toMatchObject({ CLOUDFLARE_API_TOKEN: "kept", WRANGLER_LOG_SANITIZE: "true" });
  expect(Object.keys(ran.env)).not.toContain("PATH"); // of this process, and not of the world
  const shown = said();
  expect(shown).toContain("  and failed\n");
  const open = shown + JSON.stringify([ran.argv, ran.env]);
  for (const secret of [...SECRETS, HEALTH_TOKEN, "admin"]) expect(open).not.toContain(secret);
});

test("what wrangler says shows no secret, also as JSON has it, and moves no cursor", async () => {
  const { world, said } = worldOf({});
  const change = { AWS_SECRET_ACCESS_KEY: `a-secret-"\\-with-signs` };
  const fault = await putByWrangler(
    world,
    change,
    async (_world, _args, input, hear) => {
      hear(`\u001b[31mgot ${input}\u001b[0m\r`);
      hear(`and ${change.AWS_SECRET_ACCESS_KEY}\u009b2J\u0007\r\n\r\nend`);
      return 0;
    },
    TOP,
  );
  expect(fault).toBeUndefined();
  expect(said()).toBe(`  got {"AWS_SECRET_ACCESS_KEY":"…"}\n  and …\\u0007\n  end\n`);
});

test("a wrangler that ends without reading, or by a signal, is told", async () => {
  const script = join(folder, "stand-in.mjs");
  const { world } = worldOf({});
  writeFileSync(script, "process.exit(3)");
  const early = await putByWrangler(world, CHANGE, wranglerAt(script), TOP);
  expect(early?.fault).toContain("ended with 3");
  writeFileSync(script, 'process.kill(process.pid, "SIGTERM"); setTimeout(() => {}, 9999)');
  const killed = await putByWrangler(world, CHANGE, wranglerAt(script), TOP);
  expect(killed?.fault).toContain("ended with a signal");
});

const TAKEN = { success: true, errors: [], messages: [], result: [] };

test.each<
  [what: string, status: number, answer: object, says: string | undefined, environment?: string]
>([
  ["takes those of the top level (S6)", 200, TAKEN, undefined],
  ["takes those of an environment (S6)", 200, TAKEN, undefined, "staging"],
  [
    "has a version that is not deployed (S3)",
    400,
    { success: false, errors: [{ code: 10215, message: "not deployed" }], messages: [] },
    "The latest version of the Worker is not the deployed one",
  ],
  [
    "knows no such token",
    403,
    { success: false, errors: [{ code: 10000, message: "Authentication error" }], messages: [] },
    "wrangler is not logged in, or may not do this",
  ],
])(
  "the real wrangler, in front of an API that %s",
  async (_what, status, answer, says, environment) => {
    const asked: { method: string; url: string; body: unknown }[] = [];
    const server = createServer(async (request, response) => {
      const { method = "", url = "" } = request;
      asked.push({ method, url, body: method === "GET" ? undefined : await json(request) });
      response.writeHead(status, { "content-type": "application/json" });
      response.end(JSON.stringify(answer));
    });
    await new Promise<void>((listening) => server.listen(0, "127.0.0.1", listening));
    onTestFinished(() => void server.close());
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    writeFileSync(
      join(folder, "wrangler.toml"),
      'name = "vitrine"\ncompatibility_date = "2026-11-01"\n[env.staging]\n[env.other]',
    );
    const { world, said } = worldOf({
      ...{ HOME: folder, NO_COLOR: "1", PATH: process.env["PATH"] },
      CLOUDFLARE_ENV: "other",
      CLOUDFLARE_API_BASE_URL: `http://127.0.0.1:${port}`,
      ...{ CLOUDFLARE_API_TOKEN: "made-up", CLOUDFLARE_ACCOUNT_ID: "0123456789abcdef" },
    });
    const fault = await putByWrangler(world, CHANGE, wranglerAt(), { ...TOP, environment });
    const shown = said();
    if (says === undefined)
      expect([fault, shown]).toEqual([undefined, expect.stringMatching(/ecret/)]);
    else expect(fault?.fault).toContain(says);
    for (const secret of SECRETS) expect(shown).not.toContain(secret);
    const put = asked.find(({ method }) => method === "PATCH");
    const worker = environment === undefined ? "vitrine" : `vitrine-${environment}`;
    expect(put?.url).toBe(`/accounts/0123456789abcdef/workers/scripts/${worker}/secrets-bulk`);
    const secrets = Object.entries(CHANGE).map(([name, text]) => {
      return [name, text && { name, text, type: "secret_text" }];
    });
    expect(put?.body).toEqual({ secrets: Object.fromEntries(secrets) });
  },
);

test.each<[what: string, before: string, change: Record<string, string | null>, after: string]>([
  ["into an empty file", "", { A: "1" }, "A='1'\n"],
  ["after the last line", "# a\nB=2", { A: "1" }, "# a\nB=2\nA='1'\n"],
  ["in its own place", "# a\n\nA=0 # b\nB=2\n", { A: "1" }, "# a\n\nA='1'\nB=2\n"],
  ["once", "A=0\nB=2\nA=1\n", { A: "3" }, "A='3'\nB=2\n"],
  ["with export", "export A=0\n", { A: "1" }, "A='1'\n"],
  ["deleted", "# A=1\nA=0\nB=2\n", { A: null, C: null }, "# A=1\nB=2\n"],
  ["several", "B='2'\nA=0\n", { A: "1", B: null, C: "3" }, "A='1'\nC='3'\n"],
  ["in the place of one with a colon", "A: 0\nB=2\n", { A: "1" }, "A='1'\nB=2\n"],
  ["behind a mark of UTF-8", "\uFEFFA=0\nB=2\n", { A: "1", B: null }, "\uFEFFA='1'\n"],
  ["with quotes and signs", "", { A: "a'b#c$d=" }, `A="a'b#c$d="\n`],
])("a secret is put into .dev.vars: %s", (_what, before, change, after) => {
  expect(editDevVars(before, change, ".dev.vars")).toBe(after);
});

test.each([
  ["A name within a value of several lines", "A='\nB=1\n'\n", { B: "2" }, "A, B"],
  ["A value whose last sign would take the quote", "B='2'\n", { A: "a\\" }, "A"],
  ["A value that no quotes can hold", "", { A: `a'b"c\`d` }, "A"],
])("%s is left alone, and told", (_what, before, change, name) => {
  expect(editDevVars(before, change, ".dev.vars")).toEqual({
    fault: expect.stringMatching(`^\\.dev\\.vars cannot be edited without changing ${name}:`),
  });
});

test("the file keeps its mode, and a link to it stays one", () => {
  const real = join(folder, "real");
  writeFileSync(real, "A=0\n", { mode: 0o640 });
  symlinkSync(real, join(folder, ".dev.vars"));
  expect(putDevVars(folder, { A: "1" }, ".dev.vars")).toBeUndefined();
  expect([readFileSync(real, "utf8"), statSync(real).mode & 0o777]).toEqual(["A='1'\n", 0o640]);
  rmSync(real);
  const { fault } = putDevVars(folder, { A: "1" }, ".dev.vars") ?? {};
  expect(fault).toMatch(/^\.dev\.vars cannot be written: ENOENT.*It was not changed$/);
});
