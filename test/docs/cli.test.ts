// The commands of docs/purge-and-warm.md, as they stand there.

import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, expect, test } from "vitest";
import { vitrine } from "../support/cli/vitrine.ts";
import { PURGE_TOKEN, SECRETS } from "../support/env.ts";
import { copyWithDomain, removeCopies } from "../support/local-run.ts";
import { network, setUp } from "../support/stand.ts";
import { readPage } from "./pages.ts";

const PAGE = readPage("docs/purge-and-warm.md");
const COMMANDS = [...PAGE.matchAll(/^npx vitrine ((?:purge|warm) .*?)(?: [<>] .*)?$/gm)].map(
  ([, command = ""]) => command,
);

const SITE = "https://images.example.com";

let folder = "";
beforeAll(() => {
  network.listen();
  folder = copyWithDomain();
});
afterAll(() => {
  network.close();
  removeCopies();
});

test.each(COMMANDS)("vitrine %s", async (command) => {
  const { s3 } = setUp();
  const body = new Uint8Array();
  s3.objects.set("published/photos/2026/a.jpg", { body, type: "image/jpeg" });
  const headers = { "content-type": "image/avif" };
  network.use(
    http.get(`${SITE}/*`, () => new HttpResponse("an image", { headers })),
    http.post(`${SITE}/purge`, () => HttpResponse.json({ ok: true, not_purged: [] })),
  );
  const env = { ...SECRETS, PURGE_TOKEN };
  const ended = await vitrine(command.split(" "), { folder, env, stdin: "photos/fig.jpg\n" });
  expect(ended).toMatchObject({ code: 0, out: "" });
});

test("there are some", () => expect(COMMANDS.length).toBeGreaterThan(5));
