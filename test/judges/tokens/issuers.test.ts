// Tokens that others made open pictures of the built Worker, in Cloudflare's runtime: those of libraries in three
// languages, and of a real OpenID provider after a login. Each opens what it is for, and nothing else.

import type { JWK } from "jose";
import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, beforeEach, expect, test, vi } from "vitest";
import { BUILT, buildWorker, ROOT } from "../../support/built.ts";
import { createEmulators, network } from "../../support/emulators.ts";
import { SECRETS, VARS } from "../../support/env.ts";
import { createHarness } from "../../support/harness.ts";
import { ALGORITHMS, createJwks, createPem, LIBRARIES, publicJwk } from "./libraries.ts";
import {
  appOf,
  handlersOfLogin,
  IMAGES,
  LOGIN,
  LOGIN_KEYS,
  type LoginServer,
  logIn,
  startLoginServer,
} from "./login-server.ts";

const PROVIDER = "oidc-provider";
const ISSUERS = [...Object.keys(LIBRARIES), PROVIDER];

const issuerOf = (name: string) =>
  name === PROVIDER ? LOGIN : `https://${name.toLowerCase()}.example.com/`;
const keysOf = (name: string) => (name === PROVIDER ? LOGIN_KEYS : `${issuerOf(name)}keys`);
const pathOf = (name: string, user: string) => `/${name}/${user}/card/key.jpg`;

/** A route for the tokens of each issuer. */
const ROUTES = ISSUERS.map((name) => ({
  path: `/${name}/:user/:preset/*`,
  object: `media/${name}/:user/*`,
  token: {
    issuer: issuerOf(name),
    audience: name === PROVIDER ? [IMAGES, ...ALGORITHMS.map(appOf)] : IMAGES,
    keys: keysOf(name),
    cookie: "session",
    claims: { sub: ":user" },
  },
}));

type Carrier = (token: string) => Record<string, string>;
const CARRIERS: Readonly<Record<string, Carrier>> = {
  header: (token) => ({ authorization: `Bearer ${token}` }),
  cookie: (token) => ({ cookie: `theme=dark; session=${token}` }),
};

const configPath = "test/support/wrangler.toml";
const vars = { ...VARS, ROUTES };
const worker = createHarness({
  root: ROOT,
  workers: [{ configPath, prebuiltWorkerDir: BUILT, secrets: SECRETS, vars }],
});

/** The rows of the table that is printed at the end. */
const rows: Record<string, Record<string, string>> = {};

/** The public keys of each library, by their URL. */
const published = new Map<string, readonly JWK[]>();
let login: LoginServer;
let keyRequests = 0;

beforeAll(async () => {
  await buildWorker();
  network.listen();
  const { s3 } = createEmulators();
  const picture = s3.objects.get("published/key.jpg") ?? expect.unreachable();
  for (const name of ISSUERS) s3.objects.set(`published/${name}/alice/key.jpg`, picture);
  login = await startLoginServer(fetch);
  network.use(
    http.get("https://:host/keys", ({ request }) => {
      return HttpResponse.json({ keys: published.get(request.url) });
    }),
    ...handlersOfLogin(login, () => {
      keyRequests += 1;
    }),
  );
  await worker.listen();
});
afterAll(async () => {
  await worker.close();
  await login.close();
  network.close();
  console.log("What opened a picture, by who signed it. A library does not have what is missing.");
  console.table(rows, [...ALGORITHMS]);
});

// The provider warns of its defaults.
beforeEach(() => {
  for (const level of ["info", "warn"] as const) vi.spyOn(console, level).mockReturnValue();
});

/** The answers to a token in each place where a visitor may send it. */
async function send(path: string, token: string): Promise<readonly string[]> {
  const answers: string[] = [];
  for (const carry of Object.values(CARRIERS)) {
    const answer = await worker.fetch(path, { headers: carry(token) });
    await answer.body?.cancel();
    answers.push(`${answer.status} ${answer.headers.get("cache-control")}`);
  }
  return answers;
}

const OPENED = Array(2).fill(expect.stringMatching(/^200 private, max-age=\d+, must-revalidate$/));

async function judge(row: string, issuer: string, alg: string, token: string): Promise<void> {
  const opened = await send(pathOf(issuer, "alice"), token);
  expect([row, alg, opened]).toEqual([row, alg, OPENED]);
  const elsewhere = ISSUERS.filter((name) => name !== issuer).map((name) => pathOf(name, "alice"));
  for (const path of [pathOf(issuer, "bob"), ...elsewhere]) {
    const headers = { authorization: `Bearer ${token}`, cookie: `session=${token}` };
    const { status } = await worker.fetch(path, { headers });
    expect([row, alg, path, status]).toEqual([row, alg, path, 404]);
  }
  rows[row] = { ...rows[row], [alg]: "opened" };
}

test.each(Object.entries(LIBRARIES))(
  "tokens by %s open the pictures of their user alone",
  async (name, sign) => {
    const requests = ALGORITHMS.map((alg) => {
      const claims = { iss: issuerOf(name), sub: "alice", aud: IMAGES };
      return { alg, kid: `${name} ${alg}`, pem: createPem(alg), ...claims };
    });
    const signed = await sign(requests);
    const keys = requests.map((request, at) => publicJwk(request, signed[at] ?? {}));
    published.set(keysOf(name), keys);
    for (const [at, alg] of ALGORITHMS.entries()) {
      const token = signed[at]?.token;
      if (token) await judge(name, name, alg, token);
    }
    expect(rows[name]).toMatchObject({ RS256: "opened", PS256: "opened", ES256: "opened" });
  },
);

test("after a login, both tokens of oidc-provider open the pictures of the user", async () => {
  login.use(createJwks("first"));
  for (const alg of ALGORITHMS) {
    const { idToken, accessToken } = await logIn(login, "alice", alg);
    await judge(`${PROVIDER}, ID token`, PROVIDER, alg, idToken);
    await judge(`${PROVIDER}, access token`, PROVIDER, alg, accessToken);
  }
  expect(keyRequests).toBe(1);
});
