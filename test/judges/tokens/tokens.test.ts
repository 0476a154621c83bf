// The built Worker as an issuer of tokens, judged by verifiers that others wrote: the documents that it publishes, and
// the tokens that it sends to STS, also while its key is rotated.

import { join } from "node:path";
import { calculateJwkThumbprint, decodeProtectedHeader, type JWK } from "jose";
import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { createTestHarness } from "wrangler";
import { BUILT, buildWorker, ROOT } from "../../support/built.ts";
import { RASTER, SECRETS, VARS } from "../../support/env.ts";
import { EC_KEY, errorOf, ISSUER, OTHER_EC_KEY, ROLE } from "../../support/issuer.ts";
import { network } from "../../support/network.ts";
import { createTable } from "../table.ts";
import { forge, respell } from "./forgeries.ts";
import { VERIFIERS, type Verifier } from "./verifiers.ts";

/** The keys at each stage of a rotation (docs/keyless.md), and at one where they have changed places. */
const ROTATION = {
  old: { OIDC_SIGNING_KEY: EC_KEY },
  "old, next": { OIDC_SIGNING_KEY: EC_KEY, OIDC_SIGNING_KEY_NEXT: OTHER_EC_KEY },
  "next, old": { OIDC_SIGNING_KEY: OTHER_EC_KEY, OIDC_SIGNING_KEY_NEXT: EC_KEY },
  "next, next": { OIDC_SIGNING_KEY: OTHER_EC_KEY, OIDC_SIGNING_KEY_NEXT: OTHER_EC_KEY },
  next: { OIDC_SIGNING_KEY: OTHER_EC_KEY },
};

/** Who knows the keys of the first stage alone at the second one cannot verify any token: hence the day of step 2. */
const TOO_EARLY = ["old -> next, next", "old -> next"];

/** What OpenID Connect Discovery 1.0 requires and the issuer does not have, and why. */
const MISSING = {
  authorization_endpoint: "nobody logs in here; AWS reads jwks_uri alone (K2)",
  RS256: "the issuer signs with ES256, which AWS accepts, too (K4)",
};

/** Which verifiers accept a token that is spelt otherwise: only who has it can spell it, and it proves the same. */
const RESPELLED = {
  "another signature of the issuer": Object.keys(VERIFIERS),
  "a space at the end": ["jose", "openid-client"],
  padding: Object.keys(VERIFIERS),
  "unused bits": Object.keys(VERIFIERS),
};

/** When nobody may accept a token any more: it lasts five minutes (docs/keyless.md), and clocks differ. */
const MAX_LIFETIME_MS = 6 * 60 * 1000;

const DISCOVERY = "/.well-known/openid-configuration";
const KEYS = "/.well-known/jwks.json";

/** What is read of the Worker at a stage. Its STS refuses each token, so it sends one a key. */
type Stage = {
  readonly name: string;
  readonly tokens: readonly string[];
  readonly documents: ReadonlyMap<string, Response>;
  readonly keys: readonly JWK[];
};
const stages: Stage[] = [];

const { AWS_ACCESS_KEY_ID: _, AWS_SECRET_ACCESS_KEY: __, ...secrets } = SECRETS;
const media = { ...VARS.BUCKETS.media, engine: "binding", role: ROLE };
const config = {
  ...{ name: "tokens", main: join(ROOT, "test/built/versions.ts") },
  compatibility_date: "2026-11-01",
  alias: { "built-worker": join(BUILT, "index.js") },
  vars: { ...VARS, ROUTES: RASTER, LOCAL_EDGE: "none" },
  images: { binding: "IMAGES" },
};
const server = createTestHarness({ root: ROOT, workers: [{ config, secrets }] });

async function readStage(name: string, signingKeys: object): Promise<Stage> {
  const settings = { BUCKETS: { media }, OIDC: { issuer: ISSUER }, ...signingKeys };
  const version = JSON.stringify({ name, images: "wrangler's", settings });
  const tokens: string[] = [];
  const sts = http.post("https://sts.eu-west-1.amazonaws.com/", async ({ request }) => {
    tokens.push(new URLSearchParams(await request.text()).get("WebIdentityToken") ?? "");
    return new HttpResponse(errorOf("InvalidIdentityToken"), { status: 400 });
  });
  network.resetHandlers(sts);
  const documents = new Map<string, Response>();
  for (const path of ["/images/card/a.jpg", DISCOVERY, KEYS]) {
    const answer = await server.fetch(path, { headers: { version } });
    const { status, headers } = answer;
    documents.set(path, new Response(await answer.text(), { status, headers: [...headers] }));
  }
  return { name, tokens, documents, keys: (await read(documents, KEYS)).keys };
}

const read = async (documents: Stage["documents"], path: string) =>
  JSON.parse((await documents.get(path)?.clone().text()) ?? "");

const { count } = createTable("Tokens by the result of a verifier.");

beforeAll(async () => {
  await buildWorker();
  network.listen();
  await server.listen();
  for (const entry of Object.entries(ROTATION)) stages.push(await readStage(...entry));
});
afterAll(async () => {
  await server.close();
  network.close();
});

/** Returns whether a verifier accepts a token. It may ask for the two documents alone. */
async function accepts(verify: Verifier, token: string, { documents }: Stage): Promise<boolean> {
  const requestedPaths = new Set<string>();
  const get = async (url: string) => {
    const path = url.replace(ISSUER, "");
    requestedPaths.add(path);
    return documents.get(path)?.clone() ?? new Response(null, { status: 404 });
  };
  const tokenSubject = await verify(token, get).catch(() => undefined);
  expect([DISCOVERY, KEYS]).toEqual(expect.arrayContaining([...requestedPaths]));
  return tokenSubject === "vitrine";
}

const EACH = Object.entries(VERIFIERS);

test.each(EACH)(
  "%s accepts a token whose key it knows, at each stage (K3, K5)",
  async (name, verify) => {
    const refused: string[] = [];
    for (const [at, { name: now, tokens }] of stages.entries()) {
      for (const knownStage of stages.slice(0, at + 1)) {
        const kids = knownStage.keys.map(({ kid }) => kid);
        const expected = tokens.map((token) => kids.includes(decodeProtectedHeader(token).kid));
        const verdicts = tokens.map((token) => accepts(verify, token, knownStage));
        const results = await Promise.all(verdicts);
        expect([knownStage.name, now, results]).toEqual([knownStage.name, now, expected]);
        for (const result of results) count(name, result ? "accepted" : "of a key not known yet");
        if (!results.includes(true)) refused.push(`${knownStage.name} -> ${now}`);
      }
    }
    expect([refused, stages.map(({ tokens }) => tokens.length)]).toEqual([
      TOO_EARLY,
      [1, 2, 2, 1, 1],
    ]);
  },
);

test.each(EACH)("%s refuses each forged or old token (K3, K4, K6, K7)", async (name, verify) => {
  const stage = stages[1] ?? expect.unreachable();
  const [token = ""] = stage.tokens;
  const accepted: string[] = [];
  for (const [forgery, forged] of Object.entries({ ...forge(token), ...respell(token) })) {
    const isAccepted = await accepts(verify, forged, stage);
    if (isAccepted) accepted.push(forgery);
    count(name, isAccepted ? "equivalent, accepted" : "forged, refused");
  }
  vi.useFakeTimers({ toFake: ["Date"], now: Date.now() + MAX_LIFETIME_MS });
  if (await accepts(verify, token, stage)) accepted.push("too old");
  vi.useRealTimers();
  const expected = Object.entries(RESPELLED).filter(([, names]) => names.includes(name));
  expect(accepted).toEqual(expected.map(([respelled]) => respelled));
});

test("the documents have what OpenID Connect Discovery 1.0 requires, or a reason (K2, K3)", async () => {
  const required = ["issuer", "authorization_endpoint", "jwks_uri", "response_types_supported"];
  required.push("subject_types_supported", "id_token_signing_alg_values_supported", "RS256");
  for (const { documents, keys } of stages) {
    const document = await read(documents, DISCOVERY);
    const algorithms: string[] = document.id_token_signing_alg_values_supported;
    const present = [...Object.keys(document), ...algorithms];
    expect(required.filter((one) => !present.includes(one))).toEqual(Object.keys(MISSING));
    for (const key of keys) {
      const expected = ["sig", algorithms[0], await calculateJwkThumbprint(key), undefined];
      expect([key.use, key.alg, key.kid, key.d]).toEqual(expected);
    }
  }
});
