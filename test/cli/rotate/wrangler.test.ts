// `vitrine rotate` and a real process in place of its stand-in for wrangler, and wrangler itself: secrets go to
// its stdin, to the right Worker, and nowhere else.

import { createServer } from "node:http";
import { json } from "node:stream/consumers";
import { expect, onTestFinished, test } from "vitest";
import { wranglerAt } from "../../../src/cli/wrangler/run-wrangler.ts";
import { listenLocally } from "../../../src/emulator/local-server.ts";
import { writeFakeWrangler } from "../../support/cli/fake-wrangler.ts";
import {
  edit,
  moveToStaging,
  NEW_KEY,
  next,
  run,
  site,
  TOOLS,
} from "../../support/cli/rotating-site.ts";
import { HEALTH_TOKEN } from "../../support/env.ts";

const toolsWith = (script?: string) => ({ ...TOOLS, run: wranglerAt(script) });

test("wrangler is given secrets on stdin, and nowhere else; what it says of them is not shown", async () => {
  const { script, got } = writeFakeWrangler(site.folder);
  const env = { HEALTH_TOKEN, AWS_SECRET_ACCESS_KEY: "admin", CLOUDFLARE_API_TOKEN: "kept" };
  const { err } = await run({}, { env, tools: toolsWith(script) });
  expect(err).toContain("wrangler secret bulk ended with 7. See its output above\nGo on with: ");
  expect(err).toContain("  and failed\n");
  const ran = got();
  expect(JSON.parse(ran.input)).toEqual(next(NEW_KEY));
  expect(ran.argv).toEqual(["secret", "bulk", "--config", "wrangler.toml", "--env="]);
  expect(ran.env).toMatchObject({ CLOUDFLARE_API_TOKEN: "kept" });
  const open = err + JSON.stringify([ran.argv, ran.env]);
  for (const secret of [...Object.values(NEW_KEY), HEALTH_TOKEN, "admin"]) {
    expect(open).not.toContain(secret);
  }
});

const refusal = (code: number, message: string) => {
  return { success: false, errors: [{ code, message }], messages: [] };
};

test.each<[what: string, status: number, answer: object, says: string, env?: string]>([
  [
    "takes those of an environment (S6)",
    200,
    { success: true, errors: [], messages: [], result: [] },
    "Is the Worker at https://images.example.com that of env.staging",
    "staging",
  ],
  [
    "has a version that is not deployed, at the top level (S3)",
    400,
    refusal(10215, "not deployed"),
    "The latest version of the Worker is not the deployed one",
  ],
])("the real wrangler, in front of an API that %s", async (_what, status, answer, says, env) => {
  const requests: { method: string; url: string; body: unknown }[] = [];
  const server = createServer(async (request, response) => {
    const { method = "", url = "" } = request;
    requests.push({ method, url, body: method === "GET" ? undefined : await json(request) });
    response.writeHead(status, { "content-type": "application/json" });
    response.end(JSON.stringify(answer));
  });
  const { url: api, close } = await listenLocally(server, 0);
  onTestFinished(close);
  if (env !== undefined) moveToStaging();
  edit((text) => `${text}\n[env.other]\nroutes = ["other.example.com/*"]\n`);
  const { err } = await run(
    { env: env ?? "" },
    {
      env: {
        ...{ HEALTH_TOKEN, HOME: site.folder, NO_COLOR: "1", PATH: process.env["PATH"] },
        ...{ CLOUDFLARE_ENV: "other", CLOUDFLARE_API_BASE_URL: api },
        ...{ CLOUDFLARE_API_TOKEN: "made-up", CLOUDFLARE_ACCOUNT_ID: "0123456789abcdef" },
      },
      tools: toolsWith(),
    },
  );
  expect(err).toContain(says);
  const put = requests.find(({ method }) => method === "PATCH");
  const worker = env === undefined ? "vitrine" : `vitrine-${env}`;
  expect(put?.url).toBe(`/accounts/0123456789abcdef/workers/scripts/${worker}/secrets-bulk`);
  const secrets = Object.entries(next(NEW_KEY)).map(([name, text]) => {
    return [name, { name, text, type: "secret_text" }];
  });
  expect(put?.body).toEqual({ secrets: Object.fromEntries(secrets) });
});
