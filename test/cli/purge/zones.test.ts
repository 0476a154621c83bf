// How vitrine purge finds the zones of a Vitrine.

import { HttpResponse } from "msw";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import {
  apiError,
  createCloudflare,
  type Trouble,
  ZONE_ID,
  ZONE_NAME,
} from "../../support/cli/cloudflare.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { runFast } from "../../support/clock.ts";
import { CLOUDFLARE_API_TOKEN } from "../../support/env.ts";
import { copyProject, editFile, removeCopies } from "../../support/local-run.ts";
import { network } from "../../support/stand.ts";

beforeAll(() => network.listen());
afterAll(() => {
  network.close();
  removeCopies();
});
beforeEach(runFast);

const OTHER = "0".repeat(32);
const ZONES = new Map([
  [ZONE_NAME, ZONE_ID],
  ["other.example", OTHER],
]);
const domain = '{ pattern = "images.example.com", custom_domain = true }';
const purges = `/zones/${ZONE_ID}/purge_cache`;

/** Purges a key with these routes in wrangler.toml. */
async function purge(
  routes: string,
  args: string[],
  env: Record<string, string>,
  looked: () => Response | undefined = () => undefined,
  trouble: Trouble = () => undefined,
) {
  const folder = copyProject();
  editFile(`${folder}/wrangler.toml`, (text) => text.replace(/^# routes = .*/m, routes));
  const cloudflare = createCloudflare(
    (call, index) => (call.path.startsWith("/zones?") ? looked() : trouble(call, index)),
    ZONES,
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
  /** The requests to the API, and what named the zone. */
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
    "zone_name, and CLOUDFLARE_ZONE_ID for it",
    {
      routes:
        'routes = [{ pattern = "images.example.com/*", zone_name = "example.com" }, { pattern = "a.example.com/*", zone_name = "example.com" }]',
      env: { CLOUDFLARE_ZONE_ID: ZONE_ID },
      from: "CLOUDFLARE_ZONE_ID",
    },
  ],
  [
    "domains, one of them as the other's",
    {
      routes: 'routes = ["images.example.com/*", "*.example.com/*", "*example.com/a/*"]',
      asked: ["/zones?name=images.example.com", "/zones?name=example.com"],
      from: "example.com",
    },
  ],
])(
  "it finds the zone by %s",
  async (_what, { routes = `routes = [${domain}]`, args = [], env = {}, asked = [], from }) => {
    const ended = await purge(routes, args, env);
    expect(ended).toMatchObject({ code: 0, asked: [...asked, purges] });
    expect(ended.err).toContain(`Purging 1 object in zone ${ZONE_ID} (${from}).`);
  },
);

test.each<[string, Case & { looked?: () => Response }]>([
  ["no domain", { routes: "", from: "which zone is Vitrine in?" }],
  [
    "--zone that is none",
    { args: ["--zone", "example.com"], from: "--zone example.com: is not a zone ID" },
  ],
  [
    "CLOUDFLARE_ZONE_ID that is none",
    { env: { CLOUDFLARE_ZONE_ID: "../x" }, from: "is not a zone ID" },
  ],
  [
    "a zone that the token does not see",
    {
      routes: 'routes = ["images.example.org/*"]',
      asked: ["/zones?name=images.example.org", "/zones?name=example.org"],
      from: "the token sees no zone named images.example.org, example.org: it needs the permission Zone, Zone, Read",
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
      from: "the zone of images.example.com cannot be looked up: 403 Unauthorized (9109). Instead, use --zone <id>",
    },
  ],
])("it finds no zone by %s: it purges nothing, and names everything", async (_what, given) => {
  const { routes = `routes = [${domain}]`, args = [], env = {}, asked = [], from, looked } = given;
  const ended = await purge(routes, args, env, looked);
  expect(ended).toMatchObject({ code: 2, out: "a.jpg\n", asked });
  expect(ended.err).toContain(from);
  expect(ended.err).toContain("NOT PURGED: 1 of 1 object");
});

const theirs = `/zones/${OTHER}/purge_cache`;
const two = 'routes = ["images.example.com/*", "images.other.example/*"]';
const looks = ["images.example.com", "example.com", "images.other.example", "other.example"].map(
  (name) => `/zones?name=${name}`,
);

test.each<[string, Omit<Case, "from">]>([
  ["domains", { routes: two, asked: looks }],
  ["--zone, twice", { args: ["--zone", ZONE_ID, "--zone", OTHER, "--zone", OTHER] }],
  [
    "zone_id and zone_name",
    {
      routes: `routes = [{ pattern = "images.example.com/*", zone_id = "${ZONE_ID}" }, { pattern = "x.other.example/*", zone_name = "other.example" }]`,
      asked: ["/zones?name=other.example"],
    },
  ],
  [
    "CLOUDFLARE_ZONE_ID, which may be of either of two domains",
    { routes: two, env: { CLOUDFLARE_ZONE_ID: ZONE_ID }, asked: looks },
  ],
  [
    "CLOUDFLARE_ZONE_ID, which wrangler.toml has as another domain's",
    {
      routes: `routes = ["images.example.com/*", { pattern = "x.other.example/*", zone_id = "${OTHER}" }]`,
      env: { CLOUDFLARE_ZONE_ID: OTHER },
      asked: looks.slice(0, 2),
    },
  ],
  [
    "domains in capital letters",
    { routes: 'routes = ["Images.Example.com/*", "IMAGES.OTHER.example/*"]', asked: looks },
  ],
  [
    "CLOUDFLARE_ZONE_ID, and another zone_id",
    {
      routes: `routes = [{ pattern = "images.example.com/*", zone_id = "${OTHER}" }]`,
      env: { CLOUDFLARE_ZONE_ID: ZONE_ID },
    },
  ],
  [
    "a domain, and one elsewhere",
    {
      routes: `routes = [{ pattern = "images.other.example/*", zone_id = "${OTHER}" }, "example.com/*"]`,
      asked: ["/zones?name=example.com"],
    },
  ],
])("it purges in each of several zones, by %s (C3)", async (_what, given) => {
  const { routes = `routes = [${domain}]`, args = [], env = {}, asked = [] } = given;
  const ended = await purge(routes, args, env);
  expect(ended).toMatchObject({ code: 0, out: "" });
  expect(ended.asked.slice(0, -2)).toEqual(asked);
  expect(ended.asked.slice(-2).toSorted()).toEqual([theirs, purges]);
  expect(ended.err).toContain("Purged 1 of 1 object in ");
  expect(ended.err).toMatch(/ {2}in zone 0{32} \(\S+\): 1 of 1 object\n/);
});

test("it names a zone that was not purged, and the key", async () => {
  const denied = await purge(two, [], {}, undefined, ({ path }) =>
    path === theirs ? apiError(403, 10000, "Authentication error") : undefined,
  );
  expect(denied).toMatchObject({ code: 1, out: "a.jpg\n", asked: [...looks, purges, theirs] });
  expect(denied.err).toContain(`in zone ${ZONE_ID} (example.com): 1 of 1 object\n`);
  expect(denied.err).toContain(`in zone ${OTHER} (other.example): 0 of 1 object\n`);
  expect(denied.err).toContain(`1: 403 Authentication error (10000) (in zone ${OTHER})\n`);
  expect(denied.err).toContain(`Zone, Cache Purge, Purge for zone ${OTHER} `);

  const routes = two.replace("other.example", "elsewhere.example");
  const unknown = await purge(routes, [], {});
  expect(unknown).toMatchObject({ code: 1, out: "a.jpg\n" });
  expect(unknown.asked.at(-1)).toBe(purges);
  expect(unknown.err).toContain(`in zone ${ZONE_ID} (example.com): 1 of 1 object\n`);
  expect(unknown.err).toContain("1: one of the zones is not known\n");
  expect(unknown.err).toContain("no zone named images.elsewhere.example, elsewhere.example");
});
