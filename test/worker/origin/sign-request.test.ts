// Signatures that are used again: their dates, how long and for which URLs and keys they are used, and how many
// are kept.

import fc from "fast-check";
import { describe, expect, test, vi } from "vitest";
import { HARD_KEYS } from "../../../src/dev/objects.ts";
import { findFault } from "../../../src/emulator/s3/check-request.ts";
import type { Bucket } from "../../../src/worker/config/bucket.ts";
import { readConfig } from "../../../src/worker/config/config.ts";
import type { Credentials } from "../../../src/worker/config/slot.ts";
import { originUrl } from "../../../src/worker/origin/object-url.ts";
import { signWith } from "../../../src/worker/origin/sign-request.ts";
import { type SignedHeaders, sign } from "../../../src/worker/origin/sigv4.ts";
import { BASE, CREDENTIALS, ENV, NEXT, NEXT_CREDENTIALS } from "../../support/env.ts";

const REGION = "eu-west-1";
const PERIOD = 300_000;
const SKEW = 900_000; // A8
const NOON = Date.UTC(2026, 10, 24, 12);
const URL_ONE = originUrl(BASE, "photos/fig.jpg");
const URL_TWO = `${URL_ONE}?x-vitrine=${"0".repeat(32)}`;

type Signer = { readonly credentials: Credentials };
const signer = (credentials: Credentials = CREDENTIALS): Signer => ({ credentials });
const at = async (of: Signer, now: number, url = URL_ONE) => signWith(of, url, REGION, now);

const timeOf = ({ "x-amz-date": date }: SignedHeaders) =>
  Date.parse(date.replace(/^(....)(..)(..)T(..)(..)(..)Z$/, "$1-$2-$3T$4:$5:$6Z"));

/** Returns the code of what S3, at this time, finds wrong with a signature. S3 knows the key. */
async function fault(
  headers: SignedHeaders,
  now: number,
  { url = URL_ONE, key = CREDENTIALS } = {},
) {
  const keys = new Map([[key.accessKeyId, key.secretAccessKey]]);
  const request = new Request(url, { headers });
  return (await findFault(request, { keys, region: REGION, now, dialect: "r2" }))?.code;
}

test("one session signs for the regions of all buckets with its role (A3)", async () => {
  const session = signer();
  const other = "https://acme-far.s3.us-east-2.amazonaws.com/fig.jpg";
  for (const [url, region] of [
    [URL_ONE, REGION],
    [other, "us-east-2"],
    [URL_ONE, REGION],
  ] as const) {
    expect(await signWith(session, url, region, NOON)).toEqual(
      await sign(url, region, CREDENTIALS, NOON),
    );
  }
});

test.each([0, 1, 999, 1000, 150_000, PERIOD - 1])(
  "%d ms into the period the same URL has the very same headers, of its beginning",
  async (passed) => {
    const slot = signer();
    const first = await at(slot, NOON + passed);
    expect(first).toEqual(await sign(URL_ONE, REGION, CREDENTIALS, NOON));
    expect(await at(slot, NOON + PERIOD - 1)).toBe(first);
    expect(await at(slot, NOON)).toBe(first);
  },
);

test.each([
  [NOON - 1, "20261124T115500Z"],
  [NOON, "20261124T120000Z"],
  [NOON + PERIOD - 1, "20261124T120000Z"],
  [NOON + PERIOD, "20261124T120500Z"],
  [Date.UTC(2026, 10, 25) - 1, "20261124T235500Z"],
  [Date.UTC(2026, 10, 25), "20261125T000000Z"],
])("at %d it is dated %s, whatever was signed before", async (now, date) => {
  const slot = signer();
  for (const before of [now - PERIOD, now - 1, now + PERIOD]) await at(slot, before);
  const headers = await at(slot, now);
  expect(headers["x-amz-date"]).toBe(date);
  expect(headers.authorization).toContain(`/${date.slice(0, 8)}/${REGION}/s3/`);
});

test("S3 takes it all through its period, and for ten minutes after that (A8)", async () => {
  const slot = signer();
  for (const passed of [0, 1, PERIOD / 2, PERIOD - 1]) {
    const headers = await at(slot, NOON + passed);
    for (let later = 0; later < SKEW; later += 4_999) {
      expect([later, await fault(headers, NOON + later)]).toEqual([later, undefined]);
    }
    expect(await fault(headers, NOON + PERIOD + 600_000 - 1)).toBeUndefined();
    expect(await fault(headers, NOON + SKEW)).toBe("RequestTimeTooSkewed");
  }
});

test("wherever the clock is set, none is used before its period or after it", async () => {
  const moment = fc.integer({ min: NOON - 3 * PERIOD, max: NOON + 3 * PERIOD });
  const check = fc.asyncProperty(fc.array(moment, { maxLength: 12 }), async (moments) => {
    const slot = signer();
    for (const now of moments) {
      const age = now - timeOf(await at(slot, now));
      expect(age).toBeGreaterThanOrEqual(0);
      expect(age).toBeLessThan(PERIOD);
    }
  });
  await fc.assert(check, { numRuns: 200, seed: 20_261_124 });
});

test("what is signed over the end of a period is not used in the next one", async () => {
  const slot = signer();
  const before = at(slot, NOON + PERIOD - 1); // still being signed
  const next = await at(slot, NOON + PERIOD);
  expect((await before)["x-amz-date"]).toBe("20261124T120000Z");
  expect((await at(slot, NOON + PERIOD))["x-amz-date"]).toBe("20261124T120500Z");
  expect(next["x-amz-date"]).toBe("20261124T120500Z");
});

test("two slots, and two URLs, never share one", async () => {
  const [current, next] = [signer(), signer(NEXT_CREDENTIALS)];
  for (let times = 0; times < 2; times++) {
    for (const url of [URL_ONE, URL_TWO, `${URL_ONE}x`]) {
      for (const slot of [current, next]) {
        const headers = await at(slot, NOON, url);
        expect(await fault(headers, NOON, { url, key: slot.credentials })).toBeUndefined();
        expect(await at(slot, NOON, url)).toBe(headers);
      }
    }
  }
});

describe("when a configuration is read again", () => {
  const bucketOf = (secrets: Record<string, string>): Bucket => {
    const config = readConfig({ ...ENV, ...secrets });
    return ("buckets" in config ? config.buckets[0] : undefined) ?? expect.unreachable();
  };
  const slotOf = ({ slots }: Bucket, name: string) =>
    slots.find((slot) => slot.name === name) ?? expect.unreachable();
  const CURRENT = { AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId };
  const third = { accessKeyId: "AKIATHIRDEXAMPLE0003", secretAccessKey: "the-third-secret" };

  test.each<[string, Record<string, string>, "current" | "next", Credentials, boolean]>([
    ["nothing", NEXT, "current", CREDENTIALS, true],
    ["nothing", NEXT, "next", NEXT_CREDENTIALS, true],
    [
      "the current key",
      {
        ...NEXT,
        AWS_ACCESS_KEY_ID: third.accessKeyId,
        AWS_SECRET_ACCESS_KEY: third.secretAccessKey,
      },
      "current",
      third,
      false,
    ],
    [
      "the current key's secret",
      { ...NEXT, ...CURRENT, AWS_SECRET_ACCESS_KEY: third.secretAccessKey },
      "current",
      { ...CREDENTIALS, secretAccessKey: third.secretAccessKey },
      false,
    ],
    [
      "the next key",
      {
        AWS_ACCESS_KEY_ID_NEXT: third.accessKeyId,
        AWS_SECRET_ACCESS_KEY_NEXT: third.secretAccessKey,
      },
      "next",
      third,
      false,
    ],
    [
      "the place of the next key, now the current one",
      {
        AWS_ACCESS_KEY_ID: NEXT_CREDENTIALS.accessKeyId,
        AWS_SECRET_ACCESS_KEY: NEXT_CREDENTIALS.secretAccessKey,
      },
      "current",
      NEXT_CREDENTIALS,
      false,
    ],
  ])(
    "and %s changed, the slot's own key signs (%j, %s)",
    async (_what, secrets, name, key, same) => {
      const before = bucketOf(NEXT);
      const old = await at(slotOf(before, name), NOON);
      await at(slotOf(before, name === "next" ? "current" : "next"), NOON, URL_TWO);
      const bucket = bucketOf(secrets);
      const headers = await at(slotOf(bucket, name), NOON);
      expect(await fault(headers, NOON, { key })).toBeUndefined();
      if (same) expect(headers).toEqual(old);
      else expect(headers).not.toEqual(old);
    },
  );
});

test("many at once for one URL have the same headers, and those after them", async () => {
  const slot = signer();
  const all = await Promise.all(Array.from({ length: 100 }, () => at(slot, NOON)));
  const [first = expect.unreachable()] = all;
  for (const headers of all) expect(headers).toEqual(first);
  const computed = vi.spyOn(crypto.subtle, "sign");
  expect(all).toContain(await at(slot, NOON));
  expect(computed).not.toHaveBeenCalled();
  expect(await fault(first, NOON)).toBeUndefined();
});

test("signatures are kept for URLs of three million characters, and not of thirteen", async () => {
  const slot = signer();
  const sign = (each: number) => at(slot, NOON, `${BASE}${each}/${"k".repeat(100_000)}`);
  const signAll = async (from: number, to: number) => {
    for (let each = from; each < to; each++) await sign(each);
  };
  const first = await sign(0);
  await signAll(1, 30);
  expect(await sign(0)).toBe(first);
  await signAll(30, 130);
  expect(await sign(0)).not.toBe(first);
});

test("a signing that fails keeps nothing, and the next one is tried", async () => {
  const slot = signer();
  const unseen = originUrl(BASE, "unseen.jpg");
  vi.spyOn(crypto.subtle, "sign").mockRejectedValueOnce(new Error("no key"));
  await expect(at(slot, NOON, unseen)).rejects.toThrow("no key");
  expect(await fault(await at(slot, NOON, unseen), NOON, { url: unseen })).toBeUndefined();
});

test("the key of the day is derived and imported once: each signature is one HMAC after that", async () => {
  const slot = signer();
  await at(slot, NOON);
  const [computed, imported] = [
    vi.spyOn(crypto.subtle, "sign"),
    vi.spyOn(crypto.subtle, "importKey"),
  ];
  for (let each = 0; each < 5; each++) await at(slot, NOON, originUrl(BASE, `${each}.jpg`));
  expect([computed.mock.calls.length, imported.mock.calls.length]).toEqual([5, 0]);
});

test.each([...HARD_KEYS, "v1/a b?c#d+%25.jpg"])(
  "what all have in common changes nothing of the signature for %j (A2)",
  async (key) => {
    const slot = signer();
    await at(slot, NOON, URL_ONE);
    for (const query of ["", `?x-vitrine=${"0f".repeat(16)}`]) {
      const url = originUrl(BASE, key) + query;
      expect(await at(slot, NOON, url)).toEqual(await sign(url, REGION, CREDENTIALS, NOON));
    }
  },
);
