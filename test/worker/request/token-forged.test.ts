// Forged tokens, made by hand: none opens anything, all end as one answer, and nothing of a token is in the log.
// hostile/tokens.ts makes more of them.

import { HttpResponse, http } from "msw";
import { beforeEach, expect, test } from "vitest";
import { ENV } from "../../support/env.ts";
import { network } from "../../support/network.ts";
import { get, put, settle, stage, stopDate } from "../../support/run-worker.ts";
import {
  forgeTokens,
  rightTokens,
  type Sent,
  TOKEN_ROUTES,
} from "../../support/tables/forged-tokens.ts";
import { jwksOf, LOGIN, RIVAL, tokenTextsIn } from "../../support/tokens.ts";

const NOW_S = Date.UTC(2026, 11, 2, 12) / 1000;

/** The users, teams and texts in the paths, each of which has a picture. */
const KEYS = ["users/alice", "users/auth0|5f", "teams/red", "teams/alice", "odd"];

let env: object;
beforeEach(() => {
  stopDate(NOW_S * 1000 + 400);
  env = { ...ENV, ROUTES: TOKEN_ROUTES };
  for (const key of KEYS) put(`${key}/key.jpg`, "made/key.jpg");
  for (const issuer of [LOGIN, RIVAL]) {
    network.use(http.get(issuer.keys, () => HttpResponse.json(jwksOf(issuer))));
  }
});

const send = async ({ path, headers }: Sent) => get(path, { headers }, env);

/** Texts of the configuration, and names of what a token has, which may be in the log. */
const TEXTS = `${JSON.stringify(TOKEN_ROUTES)} audience claims algorithm signature`;

const variesBy = ({ path }: Sent) =>
  path.startsWith("/users/") ? /authorization, cookie/ : /authorization/;

test("no forged token opens anything, and all end as the same answer", async () => {
  const missing = await get("/no/such/route", {}, env);
  const body = await missing.text();
  const faults: unknown[] = [];

  for (const [name, sent] of Object.entries(forgeTokens(NOW_S))) {
    stage.logged = [];

    // An isolate logs a refusal once a minute: this one is new.
    env = { ...env };
    const answer = await send(sent);
    const caching = answer.headers.get("cache-control");
    const isSame =
      answer.status === 404 && caching === "no-store" && (await answer.text()) === body;

    // The names of the issuer and of its key are no secrets: operators find a wrong configuration by them.
    const lines = stage.logged.map(({ line }) => Object.values(line).join(" "));
    const log = lines
      .join("\n")
      .replace(/(?<=of the issuer |has no key ").{1,200}(?= \/|" for)/, "");
    const leaks = tokenTextsIn(log, sent.headers, TEXTS + sent.path);
    const varies = variesBy(sent).test(answer.headers.get("vary") ?? "");
    const isRefused = log.includes("token-refused")
      ? varies
      : /impossible-key|no-such-variant/.test(log);

    if (!isSame || leaks.length > 0 || !isRefused) {
      faults.push([name, answer.status, caching, leaks, log]);
    }
  }

  expect(faults).toEqual([]);
  expect(stage.edgeRequests).toEqual([]);
  expect(stage.s3.requests).toEqual([]);
});

test("right tokens that are nearly the same open their pictures", async () => {
  for (const [name, sent] of Object.entries(rightTokens(NOW_S))) {
    const answer = await send(sent);
    const caching = answer.headers.get("cache-control");
    expect(answer.status, name).toBe(200);
    expect(caching, name).toEqual(expect.stringMatching(/^private,/));
    await settle();
  }
});
