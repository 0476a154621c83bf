// What /healthz tells of a role, to a caller with the token.

import { HttpResponse, http } from "msw";
import { expect, test, vi } from "vitest";
import { HEALTH_TOKEN } from "../../support/env.ts";
import { answerOf, EC_KEY, errorOf, KEYLESS, ROLE, SESSION } from "../../support/issuer.ts";
import { get, stage } from "../../support/play.ts";
import { network } from "../../support/stand.ts";

const EXPIRES = "2026-11-26T13:00:00.000Z";
const { media } = KEYLESS.BUCKETS;
const BUCKETS = { media: { ...media, canary: "key.jpg" } };

/** Asks for the report of the bucket, with an STS that answers this. */
async function report(status: number, text: string, change: object = {}) {
  network.use(
    http.post("https://sts.eu-west-1.amazonaws.com", () => new HttpResponse(text, { status })),
  );
  const headers = { authorization: `Bearer ${HEALTH_TOKEN}` };
  const env = { ...KEYLESS, BUCKETS, HEALTH_TOKEN, ...change };
  const answer = await get("/healthz", { headers }, env);
  const body = await answer.text();
  expect(body).not.toMatch(/ASIA|AQoDYX|eyJ|BEGIN/);
  const { ok, buckets } = JSON.parse(body);
  expect(answer.status).toBe(ok ? 200 : 503);
  return [ok, buckets[0].slots, buckets[0].role];
}

test("a role that works has until when its credentials are good, and no part of them", async () => {
  vi.useFakeTimers({ toFake: ["Date"], now: Date.parse("2026-11-26T12:00:00Z") });
  stage.clock.now = Date.now();
  stage.s3.keys.set(SESSION.accessKeyId, SESSION.secretAccessKey);
  const role = { role: ROLE, state: "ok", missing: 404, expires: EXPIRES, clock: 0 };
  const [ok, slots, told] = await report(200, answerOf(Date.parse(EXPIRES)));
  expect([ok, slots, told]).toEqual([true, [], { ...role, clock: expect.any(Number) }]);
  vi.useRealTimers();
});

test("a role that STS refuses has STS's code, and what to do", async () => {
  const reason = "the role's trust policy does not allow it: compare its provider, aud and sub";
  const role = { role: ROLE, state: "AccessDenied", reason };
  expect(await report(403, errorOf("AccessDenied"))).toEqual([false, [], role]);
});

test("credentials that S3 refuses have S3's code", async () => {
  const [ok, , role] = await report(200, answerOf(Date.now() + 3_600_000));
  expect([ok, role.state]).toEqual([false, "InvalidAccessKeyId"]);
});

test("a key of the issuer that cannot be used is named", async () => {
  const change = { OIDC_SIGNING_KEY: "no key", OIDC_SIGNING_KEY_NEXT: EC_KEY };
  const [, , { state, mistakes }] = await report(403, errorOf("AccessDenied"), change);
  expect(state).toBe("AccessDenied");
  expect(mistakes).toEqual([expect.stringMatching(/^OIDC_SIGNING_KEY: is not a private key/)]);
});
