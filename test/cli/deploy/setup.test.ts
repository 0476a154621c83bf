// What `vitrine deploy --setup` sets in the zone of a Worker, and what it never opens there, in front of an account of Cloudflare
// on loopback and through the real package `cloudflare`. setup-long.test.ts has more states, faults, and the real wrangler.

import { expect, test } from "vitest";
import { beginSetup, DOORS, ORIGIN, setUp, setUpAlone } from "../../support/cli/run-setup.ts";
import { SETUP_TOKEN } from "../../support/cloudflare/account.ts";
import { createZone, doorOf } from "../../support/cloudflare/zone.ts";
import { checkState, STATES } from "./setup-states.ts";

const SOME = [
  "nothing is set",
  "rules and entries of others, with odd spaces",
  "the list of rules is full",
  "no terminal, and no --yes",
];

test.each(SOME)(
  "a zone is set up as far as it can be, and not twice: %s (E10, E14)",
  async (title) => {
    await checkState(STATES[title] ?? { writes: -1 });
  },
);

const SOURCE = `https://${ORIGIN}/published/a.jpg`;
const IMAGES = "https://images.example.com";
const WWW = "https://www.example.com";

test("the rule shuts the side door however it is spelt, and leaves other sites alone (E10)", async () => {
  const { account, zone } = await beginSetup({ sources: "cdn.example.org" });
  await setUp(account);
  expect(zone.transformations).toBe("on");
  for (const url of [
    ...DOORS,
    `${IMAGES}/cdn-cgi/image/w=1/https://cdn.example.org/a.jpg`,
    `${IMAGES}/cdn-cgi/image/w=1/a.jpg`,
    `${IMAGES}/CDN-CGI/Image/w=1/${SOURCE}`,
    `${IMAGES}/cdn-cgi%2Fimage/w=1/${SOURCE}`,
    `${IMAGES}/%63dn-cgi/%69mage/w=1/${SOURCE}`,
    `${IMAGES}/cdn-cgi%252fimage/w=1/${SOURCE}`,
    `${IMAGES}/%2Fcdn-cgi/image/w=1/${SOURCE}`,
    `${IMAGES}/cdn-cgi/%2Fimage/w=1/${SOURCE}`,
    `${WWW}/cdn-cgi%2F%2Fimage/w=1/${SOURCE}`,
    `https://IMAGES.example.com/cdn-cgi/image/w=1/${SOURCE}`,
    `https://images.example.com:443/cdn-cgi/image/w=1/${SOURCE}`,
    `${WWW}/cdn-cgi/image/w=1/${SOURCE}`,
    `${WWW}/cdn-cgi/image/w=1/${SOURCE.replace("acme-media", "ACME-Media")}`,
    `${WWW}/cdn-cgi/image/w=1/${SOURCE.replace("acme-media.s3", "acme-media%2Es3")}`,
    `${WWW}/cdn-cgi/image/w=1/${encodeURIComponent(SOURCE)}`,
    `${WWW}/cdn-cgi/image/w=1/${encodeURIComponent(encodeURIComponent(SOURCE))}`,
  ]) {
    expect([url, doorOf(zone, url)]).toEqual([url, "blocked"]);
  }
  for (const [url, expected] of [
    [`${WWW}/cdn-cgi/image/w=1/${WWW}/a.jpg`, "open"],
    [`${WWW}/cdn-cgi/image/w=1/a.jpg`, "open"],
    [`${WWW}/cdn-cgi/image/w=1/https://cdn.example.org/a.jpg`, "open"],
    [`${IMAGES}/images/card/a.jpg`, "passes"],
    [`${IMAGES}/images/card/cdn-cgi/image/a.jpg`, "passes"],
    [`${WWW}/blog/${ORIGIN}`, "passes"],
  ] as const) {
    expect([url, doorOf(zone, url)]).toEqual([url, expected]);
  }
});

test("where all origins are allowed, nobody gets a picture of the Internet transformed (E10)", async () => {
  const { account, zone } = await beginSetup({ sources: "*" });
  await setUp(account);
  expect(zone).toMatchObject({ sources: "*", transformations: "on" });
  for (const host of [IMAGES, WWW, "https://example.com"]) {
    const url = `${host}/cdn-cgi/image/w=1/https://anybody.example/a.jpg`;
    expect([url, doorOf(zone, url)]).toEqual([url, "blocked"]);
  }
  expect(doorOf(createZone("example.com", { ...zone, ruleset: undefined }), DOORS[0] ?? "")).toBe(
    "open",
  );
});

test("a token that a server repeats in its message is not printed", async () => {
  const { account } = await beginSetup();
  const message = `no such token: Bearer ${SETUP_TOKEN.value}`;
  account.intervene = () => ({ kind: "status", status: 400, message });

  const { output } = await setUpAlone(account);
  expect(output).toContain("no such token: Bearer …");
  expect(output).not.toContain(SETUP_TOKEN.value);
});
