// vitrine purge with a stand-in for Cloudflare's API.

import { HttpResponse } from "msw";
import { expect, test } from "vitest";
import { apiError, numbers, type Trouble, ZONE_ID } from "../../support/cli/cloudflare.ts";
import { arrange, linesIn, net, purge, some, sourceOf } from "../../support/cli/purging.ts";
import { CLOUDFLARE_API_TOKEN } from "../../support/env.ts";

test("it purges ten thousand keys, although 2 % of the calls are refused as too many and 1 % fail (C3)", async () => {
  const random = numbers(7);
  let failed = 0;
  arrange(() => {
    const drawn = random();
    if (drawn >= 0.03) return undefined;
    failed += 1;
    if (drawn < 0.01) return apiError(429, 971, "Please wait and consider throttling");
    if (drawn < 0.02) return apiError(429, 971, "Please wait", { "retry-after": "3" });
    return apiError(500, 1000, "Internal error");
  });
  const keys = some(10_000);
  const ended = await purge(["-"], { stdin: keys.join("\n") });
  expect(ended).toMatchObject({ code: 0, out: "" });
  expect(failed).toBeGreaterThan(2);
  expect(net.cloudflare.purged.toSorted()).toEqual(keys.map((key) => sourceOf(key)).toSorted());
  expect(ended.err).toMatch(/^Purging 10,000 objects in zone 023e\w+ \(example\.com\)\.\n/);
  expect(ended.err).toMatch(/\n5,000\/10,000 URLs, \d+ a second, \d+ s left\n/);
  expect(ended.err).toMatch(
    /\nPurged 10,000 of 10,000 objects in \d+ s\.\nBrowsers keep .* 3600 s/,
  );
  expect(linesIn(ended.err).length).toBeLessThan(15);
  // The API takes so many requests a second on the smallest plan.
  const times = net.cloudflare.calls.map(({ at }) => at).slice(2); // without the two that look up the zone
  expect(times.every((at, index) => at - (times[index - 8] ?? 0) >= 1_000)).toBe(true);
});

test("what always fails is on stdout and can be given again, and everything else is purged", async () => {
  const keys = some(2_000);
  const unlucky = new Set([
    "photos/150.jpg",
    "photos/151.jpg",
    "photos/777.jpg",
    "photos/1999.jpg",
  ]);
  const sources = new Set([...unlucky].map((key) => sourceOf(key)));
  arrange(({ files }, at) =>
    files.some((file) => sources.has(file))
      ? at % 2 === 0
        ? apiError(500, 1000, "Internal error")
        : apiError(429, 971, "Please wait", { "retry-after": "0" })
      : undefined,
  );
  const ended = await purge(["-"], { stdin: keys.join("\r\n") });
  const left = linesIn(ended.out);
  expect(ended.code).toBe(1);
  expect(left.toSorted()).toEqual(
    [...keys.slice(100, 200), ...keys.slice(700, 800), ...keys.slice(1900)].toSorted(),
  );
  const arrived = keys.filter((key) => !left.includes(key)).map((key) => sourceOf(key));
  expect(net.cloudflare.purged.toSorted()).toEqual(arrived.toSorted());
  expect(ended.err).toContain("Purged 1,700 of 2,000 objects");
  expect(ended.err).toMatch(
    /\nNOT PURGED: 300 of 2,000 objects\. Their keys are on stdout.*\n( {2}\d+: (500 Internal error \(1000\)|429 Please wait \(971\))\n){1,2}$/,
  );

  arrange();
  expect(await purge(["-"], { stdin: ended.out })).toMatchObject({ code: 0, out: "" });
  expect(net.cloudflare.purged.toSorted()).toEqual(left.map((key) => sourceOf(key)).toSorted());
});

const silence = () => new Promise<never>(() => {});

test.each<[string, Trouble, calls: number, said: RegExp]>([
  [
    "a wrong token",
    () => apiError(401, 10000, "Authentication error"),
    3,
    /3: 401 Authentication error \(10000\)\nCLOUDFLARE_API_TOKEN needs .* Zone, Cache Purge, Purge/,
  ],
  [
    "a token that may not",
    () => apiError(403, 10000, "Authentication error"),
    3,
    /403 Authentication/,
  ],
  [
    "a token that is none",
    () => apiError(400, 6003, "Invalid request headers"),
    3,
    /CLOUDFLARE_API_TOKEN needs/,
  ],
  [
    "a zone that is none",
    () => apiError(404, 7003, "Could not route to /zones/x"),
    3,
    /3: 404 Could not route to \/zones\/x \(7003\)\n.*that Vitrine is in this zone/,
  ],
  [
    "success: false",
    () => apiError(200, 1134, "Unable to purge"),
    3,
    /3: 200 Unable to purge \(1134\)/,
  ],
  ["a bad request", () => apiError(400, 1094, "Invalid file"), 3, /3: 400 Invalid file \(1094\)/],
  [
    "a strange message",
    () => apiError(400, 1094, "No\u001b[2J\n!\u202e"),
    3,
    /3: 400 No \[2J !\\u202e \(1094\)\n/,
  ],
  [
    "a page of a proxy's",
    () => HttpResponse.html("<b>Sign in</b>"),
    3,
    /3: 200 the answer is not one of the API/,
  ],
  [
    "a page of an error",
    () => HttpResponse.html("<b>502</b>", { status: 502 }),
    18,
    /3: 502 the answer is not one of/,
  ],
  [
    "a redirect",
    () => HttpResponse.redirect("https://example.org/"),
    3,
    /3: 302 the answer is not one of/,
  ],
  ["no connection", () => HttpResponse.error(), 18, /3: no answer: fetch failed\n/],
  ["silence", silence, 18, /3: no answer within 30 s/],
  [
    "429 for ever",
    () => apiError(429, 971, "Please wait", { "retry-after": "60" }),
    18,
    /asks to wait for 60 s\.\n(?:.*\n)*.*3: 429 Please wait \(971\)/,
  ],
])("%s: it purges nothing, and names everything", async (_what, trouble, calls, said) => {
  arrange(trouble);
  const keys = ["a.jpg", "b.jpg", "c.jpg"];
  const batches = keys.flatMap((key) => [key, ...some(99).map((name) => `${key}/${name}`)]);
  const args = ["-", "--zone", ZONE_ID];
  const ended = await purge(args, { stdin: batches.join("\n") });
  expect(ended.code).toBe(2);
  expect(linesIn(ended.out).toSorted()).toEqual(batches.toSorted());
  expect(ended.err).toContain("NOT PURGED: 300 of 300 objects");
  expect(ended.err).toMatch(new RegExp(said.source.replaceAll("3: ", "300: ")));
  expect(net.cloudflare.calls).toHaveLength(calls);
  expect(ended.out + ended.err).not.toContain(CLOUDFLARE_API_TOKEN);
});

test.each<[string, Trouble, most: number]>([
  ["the token is revoked", () => apiError(403, 10000, "Authentication error"), 10],
  ["a firewall forbids it", () => HttpResponse.html("<b>No</b>", { status: 403 }), 10],
  ["the API is down", () => HttpResponse.error(), 5 + 11 * 6],
])("it stops if %s in the middle, and names the rest", async (_what, trouble, most) => {
  arrange((call, at) => (at < 5 ? undefined : trouble(call, at)));
  const keys = some(10_000);
  const ended = await purge(["-", "--zone", ZONE_ID], { stdin: keys.join("\n") });
  expect(ended.code).toBe(1);
  expect(net.cloudflare.calls.length).toBeLessThanOrEqual(most);
  expect(net.cloudflare.purged).toHaveLength(500);
  const all = [...net.cloudflare.purged, ...linesIn(ended.out).map((key) => sourceOf(key))];
  expect(all.toSorted()).toEqual(keys.map((key) => sourceOf(key)).toSorted());
  expect(ended.err).toMatch(/ {2}[\d,]+: not sent, after: (403|no answer)/);
});

/** How many requests may run at once. */
const AT_ONCE = 4;

test("Ctrl-C ends it, and it names what was not purged", async () => {
  const interrupt = new AbortController();
  arrange((_call, at) => {
    if (at === 20) interrupt.abort();
    return undefined;
  });
  const keys = some(5_000);
  const given = { stdin: keys.join("\n"), interrupted: interrupt.signal };
  const ended = await purge(["-", "--zone", ZONE_ID], given);
  expect(ended.code).toBe(130);
  const { length } = net.cloudflare.calls;
  expect(length).toBeLessThanOrEqual(20 + AT_ONCE);
  const left = linesIn(ended.out);
  expect(left.length).toBeGreaterThanOrEqual(5_000 - length * 100);
  const all = new Set([...net.cloudflare.purged, ...left.map((key) => sourceOf(key))]);
  expect([...all].toSorted()).toEqual(keys.map((key) => sourceOf(key)).toSorted());
  expect(ended.err).toMatch(/: interrupted\n/);
});

test("the token is never printed, even if the API says it", async () => {
  arrange(() => apiError(403, 9109, `Invalid access token ${CLOUDFLARE_API_TOKEN}`));
  const { err } = await purge(["a.jpg"]);
  expect(err).toContain("Invalid access token ***");
  arrange(() => apiError(403, 9109, `${"x".repeat(180)} ${CLOUDFLARE_API_TOKEN}`));
  const cut = await purge(["a.jpg"]);
  expect(cut.err).not.toContain(CLOUDFLARE_API_TOKEN.slice(0, 8));
});
