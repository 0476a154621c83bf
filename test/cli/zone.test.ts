// On which zone vitrine purge finds a Vitrine to be.

import { HttpResponse } from "msw";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { network } from "../edge/stand.ts";
import { CLOUDFLARE_API_TOKEN } from "../env.ts";
import { copyProject, editFile, removeCopies } from "../local-run.ts";
import { apiError, createCloudflare, runFast, ZONE_ID } from "./cloudflare.ts";
import { vitrine } from "./vitrine.ts";

beforeAll(() => network.listen({ onUnhandledFrame: "error" }));
afterAll(() => {
  network.close();
  removeCopies();
});
beforeEach(runFast);

const OTHER = "0".repeat(32);
const domain = '{ pattern = "images.example.com", custom_domain = true }';
const purges = `/zones/${ZONE_ID}/purge_cache`;

/** Purges a key where wrangler.toml has these routes. */
async function purge(
  routes: string,
  args: string[],
  env: Record<string, string>,
  looked: () => Response | undefined = () => undefined,
) {
  const folder = copyProject();
  editFile(`${folder}/wrangler.toml`, (text) => text.replace(/^# routes = .*/m, routes));
  const cloudflare = createCloudflare(({ path }) =>
    path.startsWith("/zones?") ? looked() : undefined,
  );
  network.use(...cloudflare.handlers);
  const given = { folder, env: { CLOUDFLARE_API_TOKEN, ...env } };
  const ended = await vitrine(["purge", "a.jpg", ...args], given);
  return { ...ended, asked: cloudflare.calls.map(({ path }) => path) };
}

type Case = {
  routes?: string;
  args?: string[];
  env?: Record<string, string>;
  /** What is asked of the API, and how the zone is known. */
  asked?: string[];
  from: string;
};

test.each<[string, Case]>([
  ["--zone", { args: ["--zone", ZONE_ID], env: { CLOUDFLARE_ZONE_ID: OTHER }, from: "--zone" }],
  ["CLOUDFLARE_ZONE_ID", { env: { CLOUDFLARE_ZONE_ID: ZONE_ID }, from: "CLOUDFLARE_ZONE_ID" }],
  [
    "zone_id",
    {
      routes: `routes = [{ pattern = "images.example.com/*", zone_id = "${ZONE_ID}" }]`,
      from: "wrangler.toml",
    },
  ],
  [
    "zone_id of the host that --url names",
    {
      routes: `routes = [{ pattern = "images.example.org/*", zone_id = "${OTHER}" }, { pattern = "images.example.com/*", zone_id = "${ZONE_ID}" }]`,
      args: ["--url", "https://images.example.com"],
      from: "wrangler.toml",
    },
  ],
  [
    "zone_id of a route for many hosts",
    {
      routes: `routes = [{ pattern = "*.example.com/*", zone_id = "${ZONE_ID}" }]`,
      from: "wrangler.toml",
    },
  ],
  [
    "zone_name",
    {
      routes: 'routes = [{ pattern = "a.b.example.com/*", zone_name = "example.com" }]',
      asked: ["/zones?name=example.com"],
      from: "example.com",
    },
  ],
  [
    "the domain, and those above it",
    {
      routes: 'routes = ["a.images.example.com/*"]',
      asked: [
        "/zones?name=a.images.example.com",
        "/zones?name=images.example.com",
        "/zones?name=example.com",
      ],
      from: "example.com",
    },
  ],
  [
    "the domain of --url",
    {
      routes: `routes = [{ pattern = "images.example.org/*", zone_id = "${OTHER}" }]`,
      args: ["--url", "https://example.com/"],
      asked: ["/zones?name=example.com"],
      from: "example.com",
    },
  ],
])(
  "by %s",
  async (_what, { routes = `routes = [${domain}]`, args = [], env = {}, asked = [], from }) => {
    const ended = await purge(routes, args, env);
    expect(ended).toMatchObject({ code: 0, asked: [...asked, purges] });
    expect(ended.err).toContain(`Purging 1 object in zone ${ZONE_ID} (${from}).`);
  },
);

test.each<[string, Case & { looked?: () => Response }]>([
  ["no domain", { routes: "", from: "which zone is Vitrine on?" }],
  [
    "--zone that is none",
    { args: ["--zone", "example.com"], from: "--zone example.com: is no zone's id" },
  ],
  [
    "CLOUDFLARE_ZONE_ID that is none",
    { env: { CLOUDFLARE_ZONE_ID: "../x" }, from: "is no zone's id" },
  ],
  [
    "a zone that the token does not see",
    {
      args: ["--url", "https://images.example.org"],
      asked: ["/zones?name=images.example.org", "/zones?name=example.org"],
      from: "the token sees no zone named images.example.org, example.org: it needs Zone, Zone, Read",
    },
  ],
  [
    "a zone of another name",
    {
      looked: () =>
        HttpResponse.json({ success: true, result: [{ id: OTHER, name: "example.org" }] }),
      asked: ["/zones?name=images.example.com", "/zones?name=example.com"],
      from: "the token sees no zone named",
    },
  ],
  [
    "a token that may not look",
    {
      looked: () => apiError(403, 9109, "Unauthorized"),
      asked: ["/zones?name=images.example.com"],
      from: "the zone of images.example.com cannot be looked up: 403 Unauthorized (9109). Say --zone <id>",
    },
  ],
])("not by %s: nothing is purged, and all is named", async (_what, given) => {
  const { routes = `routes = [${domain}]`, args = [], env = {}, asked = [], from, looked } = given;
  const ended = await purge(routes, args, env, looked);
  expect(ended).toMatchObject({ code: 2, out: "a.jpg\n", asked });
  expect(ended.err).toContain(from);
  expect(ended.err).toContain("NOT PURGED: 1 of 1 object");
});
