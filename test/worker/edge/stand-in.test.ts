// A still that stands in for an animation, because the edge did not say what the original is: kept for a minute at
// most, whatever the URL.

import sharp from "sharp";
import { expect, test, vi } from "vitest";
import type { Fault } from "../../../src/emulator/edge/faults.ts";
import { signGrant } from "../../../src/url/grant.ts";
import { SECRETS } from "../../support/env.ts";
import { get, keepNothingNow, MODERN, respellFacts, stage } from "../../support/play.ts";

const KEY = "animated.gif";

/** The path of a signed URL. */
async function signed(version?: string): Promise<string> {
  const [first = expect.unreachable()] = Object.entries<string>(
    JSON.parse(SECRETS.URL_SIGNING_KEYS),
  );
  const expires = Math.floor(Date.now() / 1000) + 3600;
  const grant = { route: "/private/:preset/*", preset: "moving", key: KEY, expires, version };
  return `/private/moving/${KEY}${await signGrant(grant, { kid: first[0], secret: first[1] })}`;
}

const WAYS: Record<string, () => Promise<string>> = {
  "a public URL": async () => `/images/moving/${KEY}`,
  "a signed URL": () => signed(),
  "a signed URL with a version": () => signed("1"),
};

/** Lets the edge fail for the first requests. */
function failFirst(fault: Fault, calls = 1): void {
  stage.before = (times) => {
    stage.edge.switches.trouble = times < calls ? fault : undefined;
  };
}

const REASONS: Record<string, () => void> = {
  "in a spelling that nobody knows": () => respellFacts("GIF89a"),
  "without a format": () => respellFacts(undefined),
  "with a failure": () => failFirst("9523/500"),
  "with a failure that is over at once": () => failFirst("9509/502"),
  "that the quota is spent": () => failFirst("9422/429"),
};

const cases = Object.entries(REASONS).flatMap(([reason, arrangeIt]) =>
  Object.entries(WAYS).map(([way, pathOf]) => [reason, way, arrangeIt, pathOf] as const),
);

test.each(cases)(
  "if the edge answers for the facts %s, %s shows a still, for a minute (O8, R9)",
  async (_reason, _way, arrangeIt, pathOf) => {
    vi.useFakeTimers({ toFake: ["Date"] });
    const path = await pathOf();
    arrangeIt();
    const answer = await get(path, { headers: MODERN });
    expect([answer.status, answer.headers.get("content-type")]).toEqual([200, "image/webp"]);
    expect(answer.headers.get("cache-control")).toBe("public, max-age=60");
    // A condition on the object's date would keep the still for longer: the animation has the same date.
    expect(answer.headers.has("last-modified")).toBe(false);
    const { pages = 1 } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
    expect(pages).toBe(1);
    vi.useRealTimers();
  },
);

test.each(Object.entries(WAYS))(
  "once the edge says what the original is, %s shows the animation, and keeps it (O8, R9)",
  async (way, pathOf) => {
    keepNothingNow(); // Cloudflare keeps the still for a minute, too
    failFirst("9523/500");
    const path = await pathOf();
    const still = await get(path, { headers: MODERN });
    const etag = still.headers.get("etag") ?? expect.unreachable();
    const answer = await get(path, { headers: { ...MODERN, "if-none-match": etag } });
    expect(answer.status).toBe(200);
    const { pages } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
    expect(pages).toBe(3);
    expect(answer.headers.get("cache-control")).toContain(
      way.includes("version") ? "immutable" : "max-age=600",
    );
  },
);

test.each(Object.entries(WAYS))(
  "a cache that has the still of %s asks by the date of the answer, and gets the animation (O8)",
  async (_way, pathOf) => {
    keepNothingNow(); // Cloudflare keeps the still for a minute, too
    failFirst("9523/500");
    const path = await pathOf();
    const date = new Date().toUTCString(); // RFC 9110, 13.1.3: where there is no Last-Modified
    expect((await get(path, { headers: MODERN })).status).toBe(200);
    const answer = await get(path, { headers: { ...MODERN, "if-modified-since": date } });
    expect(answer.status).toBe(200);
    const { pages } = await sharp(Buffer.from(await answer.arrayBuffer())).metadata();
    expect(pages).toBe(3);
  },
);

test("a signed URL that soon expires keeps the still no longer than that (O8)", async () => {
  vi.useFakeTimers({ toFake: ["Date"] });
  const path = await signed("1");
  vi.setSystemTime(Date.now() + 3_570_000);
  stage.clock.now = Date.now();
  respellFacts("GIF89a");
  const answer = await get(path, { headers: MODERN });
  const [, seconds] =
    /^public, max-age=(\d+)$/.exec(answer.headers.get("cache-control") ?? "") ?? [];
  expect(Number(seconds)).toBeLessThanOrEqual(30);
  vi.useRealTimers();
});
