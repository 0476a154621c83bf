// What `vitrine deploy` does with session tokens, with the key of the issuer, and where no secret is needed.

import { createPublicKey, generateKeyPairSync } from "node:crypto";
import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { BOUND, HOST, STAGED } from "../../support/cli/folder.ts";
import {
  CONFIG,
  folder,
  KEY,
  project,
  QUIET,
  ran,
  run,
  sessions,
  write,
} from "../../support/cli/run-deploy.ts";
import { SECRETS, VARS } from "../../support/env.ts";

const IMAGES = { images: { binding: "IMAGES" } };
const TOKEN = "a-session-token-of-an-hour";
const SESSION = { ...KEY, AWS_ACCESS_KEY_ID: "ASIAIOSFODNN7EXAMPLE", AWS_SESSION_TOKEN: TOKEN };

/** A folder whose bucket has another engine, or another way in. */
function bind(media: object, secrets: object = STAGED.secrets, more: object = {}) {
  const vars = { ...QUIET, BUCKETS: { media }, ...more };
  const { env: _env, ...top } = STAGED;
  project({ ...top, ...IMAGES, vars, secrets });
}

test("a session token goes with its slot, and is not shown (A11)", async () => {
  bind({ ...VARS.BUCKETS.media, engine: "binding" });
  write(SESSION);
  const { AWS_ACCESS_KEY_ID: id, AWS_SECRET_ACCESS_KEY: secretAccessKey } = SESSION;
  sessions.set(id, { secretAccessKey, sessionToken: TOKEN, expires: Infinity });
  const { code, out, err } = await run();
  expect([code, err]).toEqual([0, ""]);
  expect(ran).toMatchObject([{ file: { secrets: SESSION } }]);
  expect(out).toContain(
    "  AWS, slot current  the key …MPLE, with its session token  from secrets.env\n",
  );
  expect(out).not.toContain(TOKEN);
});

test("a key without a token is deployed, with what to do about an old token (A11)", async () => {
  bind({ ...VARS.BUCKETS.media, engine: "binding" });
  write(KEY);
  const { code, err } = await run();
  expect(code).toBe(0);
  expect(err).toContain(
    "secrets.env has a new key without AWS_SESSION_TOKEN: if the Worker has one, S3 refuses",
  );
  expect(err).toContain(
    "npx vitrine rotate changes both in one step. Or, after this deploy, npx wrangler secret delete",
  );
});

const EC = generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
const RSA = generateKeyPairSync("rsa", { modulusLength: 2048 }).privateKey;
const P384 = generateKeyPairSync("ec", { namedCurve: "P-384" }).privateKey;
const pem = (key: typeof EC) => key.export({ type: "pkcs8", format: "pem" }).toString();
const ROLE = {
  ...VARS.BUCKETS.media,
  engine: "binding",
  role: "arn:aws:iam::123456789012:role/vitrine",
};
const OIDC = { issuer: HOST };

test.each<[what: string, secrets: Record<string, string>, says: string]>([
  [
    "a token for the image edge",
    SESSION,
    'AWS_ACCESS_KEY_ID: is a temporary session key: use a permanent one, or engine = "binding"',
  ],
  [
    "half a session",
    { ...SESSION, AWS_SESSION_TOKEN: "" },
    "AWS_ACCESS_KEY_ID: is a temporary session key",
  ],
  [
    "a token alone",
    { AWS_SESSION_TOKEN_NEXT: TOKEN },
    "AWS_ACCESS_KEY_ID_NEXT: is missing: a slot needs both secrets",
  ],
])("nothing is deployed of %s (A11)", async (_what, secrets, says) => {
  const isEdge = says.includes("engine =");
  bind({ ...VARS.BUCKETS.media, engine: isEdge ? "cf" : "binding" });
  write(secrets);
  const { code, err } = await run();
  expect([code, ran]).toEqual([2, []]);
  expect(err).toContain(says);
  expect(err).not.toContain(TOKEN);
});

test("a required token of another key stops a deploy of a key without it (A11)", async () => {
  bind(
    { ...VARS.BUCKETS.media, engine: "binding" },
    { required: [...Object.keys(SECRETS), "AWS_SESSION_TOKEN"] },
  );
  write(KEY);
  const { code, err } = await run();
  expect([code, ran]).toEqual([2, []]);
  expect(err).toContain(
    "AWS_SESSION_TOKEN: is missing: [secrets] lists it, and the deployed one belongs",
  );
});

test("a role needs the key of the issuer, and no key of S3", async () => {
  bind(ROLE, { required: ["OIDC_SIGNING_KEY", "URL_SIGNING_KEYS"] }, { OIDC });
  const OIDC_SIGNING_KEY = pem(EC);
  writeFileSync(join(folder, "secrets.json"), JSON.stringify({ OIDC_SIGNING_KEY, ...KEY }));
  const { code, out, err } = await run({ secretsFile: "secrets.json" });
  expect(code).toBe(0);
  expect(ran).toMatchObject([{ file: { secrets: { OIDC_SIGNING_KEY } } }]);
  expect(Object.keys(ran[0]?.file?.secrets ?? {})).toEqual(["OIDC_SIGNING_KEY"]);
  expect(err).toContain("AWS_ACCESS_KEY_ID of secrets.json is not deployed: it is not used");
  expect(out + err).not.toContain("BEGIN");
});

test.each<[what: string, key: string, says: string]>([
  ["of RSA", pem(RSA), "is no EC key (P-256)"],
  ["of another curve", pem(P384), "is no EC key (P-256)"],
  ["cut", pem(EC).replace(/.{8}\n(?=-----END)/, "\n"), "is damaged"],
  [
    "a public one",
    createPublicKey(EC).export({ type: "spki", format: "pem" }).toString(),
    "is not PRIVATE KEY in PEM (PKCS#8), with all its lines, but PUBLIC KEY",
  ],
  ["the name of a file", "issuer.pem", "is not PRIVATE KEY in PEM"],
])(
  "nothing is deployed with a key of the issuer that is %s",
  async (_what, OIDC_SIGNING_KEY, says) => {
    bind(ROLE, { required: ["OIDC_SIGNING_KEY", "URL_SIGNING_KEYS"] }, { OIDC });
    writeFileSync(join(folder, "secrets.json"), JSON.stringify({ OIDC_SIGNING_KEY }));
    const { code, err } = await run({ secretsFile: "secrets.json" });
    expect([code, ran]).toEqual([2, []]);
    expect(err).toContain(`OIDC_SIGNING_KEY: ${says}`);
    expect(err).not.toContain(OIDC_SIGNING_KEY.split("\n")[1] ?? "nothing");
  },
);

test("an R2 bucket needs no secret at all", async () => {
  const { env: _env, secrets: _secrets, ...top } = STAGED;
  const vars = {
    BUCKETS: { media: { binding: "MEDIA_BUCKET" } },
    ROUTES: [VARS.ROUTES[0]],
    PRESETS: { card: { width: 9 } },
  };
  project({ ...top, ...BOUND, vars });
  const { code, out, err } = await run({});
  expect([code, err, ran]).toEqual([0, "", [{ args: CONFIG }]]);
  expect(out).toBe("Worker vitrine (the top level), at images.example:\n");
});
