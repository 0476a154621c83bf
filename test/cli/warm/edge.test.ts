// vitrine warm with the Worker itself on the strict edge: what the edge has afterwards.

import { http } from "msw";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { readProject } from "../../support/cli/run-init.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { network } from "../../support/emulators.ts";
import { SECRETS } from "../../support/env.ts";
import { copyProject, editFile, removeCopies } from "../../support/local-run.ts";
import { get, stage } from "../../support/run-worker.ts";

let folder = "";
let env: object = {};
beforeAll(() => {
  folder = copyProject();
  editFile(`${folder}/wrangler.toml`, (text) =>
    text
      .replace(/^# routes = .*/m, 'routes = ["images.example/*"]')
      .replace('region = "eu-west-1"', '$&\nprefix = "published/"')
      .replace(
        "[vars.PRESETS.thumbnail]",
        '[[vars.ROUTES]]\npath = "/private/:preset/*"\nobject = "media/*"\nsigned = true\n$&',
      )
      .replace('"AWS_SECRET_ACCESS_KEY"]', '"AWS_SECRET_ACCESS_KEY", "URL_SIGNING_KEYS"]'),
  );
  env = { ...readProject(folder).deployedVars, ...SECRETS };
});
afterAll(removeCopies);

let requested: string[] = [];
beforeEach(() => {
  requested = [];
  network.use(
    http.get("https://images.example/*", ({ request: { url, headers } }) => {
      requested.push(`${new URL(url).pathname} ${headers.get("accept")}`);
      return get(url, { headers }, env);
    }),
  );
});

const KEYS = ["rotated-gps.jpg", "keys/who?.jpg"];
const warm = (args: readonly string[], keys = KEYS, secrets: Record<string, string> = {}) => {
  return vitrine(["warm", ...args, ...keys], { folder, env: secrets });
};

test("afterwards the edge has every variant in every format, for the estimated costs (C1, L2)", async () => {
  const args = ["--preset", "thumbnail", "--preset", "card", "--preset", "hero@640w"];
  const ended = await warm(args);
  expect(ended).toMatchObject({ code: 0, out: "" });
  expect(requested).toHaveLength(KEYS.length * 18);
  expect(new Set(requested).size).toBe(requested.length);
  const { transformations, originFetches } = stage.edge;
  expect(transformations.size).toBeLessThanOrEqual(24);
  // One more quality may be billed for each variant.
  expect(ended.err).toContain("2 objects: 36 requests, with up to 24 unique transformations ");
  expect(new Set(originFetches).size).toBe(KEYS.length);

  // Requests of browsers then cause no new transformation.
  const [billed, fetched] = [transformations.size, originFetches.length];
  for (const one of requested) {
    const [path = "", accept = ""] = one.split(" ");
    const answer = await get(path, { headers: { accept } }, env);
    expect([one, answer.status]).toEqual([one, 200]);
    expect(answer.headers.get("server-timing")).not.toBeNull();
  }
  expect([transformations.size, originFetches.length]).toEqual([billed, fetched]);
});

test("it signs the URLs of a signed route, and prints no signature", async () => {
  const { URL_SIGNING_KEYS } = SECRETS;
  // The route is that of the URL.
  const urls = KEYS.map(
    (key) => `/private/card/${encodeURIComponent(key)}?exp=1&kid=new&v=2&sig=x`,
  );
  const ended = await warm(["--preset", "card"], urls, { URL_SIGNING_KEYS });
  expect(ended).toMatchObject({ code: 0, err: expect.stringContaining("18 images") });
  expect(requested.every((one) => one.startsWith("/private/card"))).toBe(true);
  expect(ended.out + ended.err).not.toMatch(/sig=|kid=|exp=/);
  expect(await warm(["--preset", "card"], urls)).toMatchObject({
    code: 2,
    err: expect.stringContaining("URL_SIGNING_KEYS is not at hand"),
  });
});
