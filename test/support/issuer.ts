// Keys of an issuer of tokens, and the vars of a Worker that takes a role of AWS. The keys are made for each
// run: they open nothing.

import { generateKeyPairSync, type KeyObject } from "node:crypto";
import { CREDENTIALS, ENV, RASTER, VARS } from "./env.ts";

/** A private key as `openssl genpkey` writes it. */
function pem({ privateKey }: { readonly privateKey: KeyObject }): string {
  return `${privateKey.export({ type: "pkcs8", format: "pem" })}`;
}

const ec = (namedCurve: string) => pem(generateKeyPairSync("ec", { namedCurve }));

export const EC_KEY = ec("P-256");
export const OTHER_EC_KEY = ec("P-256");
export const RSA_KEY = pem(generateKeyPairSync("rsa", { modulusLength: 2048 }));
export const P384_KEY = ec("P-384");

export const ROLE = "arn:aws:iam::123456789012:role/vitrine";
export const ISSUER = "https://images.example.com";

/** What STS has to know of the issuer, and of whom the role trusts. */
export const TRUST = {
  providers: { [ISSUER]: { clientIds: ["sts.amazonaws.com"] } },
  roles: {
    [ROLE]: {
      trusts: ISSUER,
      StringEquals: {
        "images.example.com:aud": "sts.amazonaws.com",
        "images.example.com:sub": "vitrine",
      },
    },
  },
};

/** The Images binding, which no test of a role asks. */
const IMAGES = { input: () => {}, info: () => {} };

const { media } = VARS.BUCKETS;

/** The `env` of a Worker without a stored key of S3. */
export const KEYLESS = {
  ...ENV,
  AWS_ACCESS_KEY_ID: undefined,
  AWS_SECRET_ACCESS_KEY: undefined,
  ROUTES: RASTER,
  BUCKETS: { media: { ...media, engine: "binding", role: ROLE } },
  OIDC: { issuer: ISSUER },
  OIDC_SIGNING_KEY: EC_KEY,
  IMAGES,
};

export const SESSION = {
  accessKeyId: "ASIAIOSFODNN7EXAMPLE",
  secretAccessKey: CREDENTIALS.secretAccessKey,
  sessionToken: "AQoDYXdzEJr1K/EXAMPLE/SESSION+TOKEN==",
};

export function answerOf(expiration: number | string, credentials = SESSION): string {
  const { accessKeyId, secretAccessKey, sessionToken } = credentials;
  const until = typeof expiration === "number" ? new Date(expiration).toISOString() : expiration;

  return `<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleWithWebIdentityResult>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::123456789012:assumed-role/vitrine/vitrine</Arn>
      <AssumedRoleId>AROACLKWSDQRAOEXAMPLE:vitrine</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <SessionToken>${sessionToken}</SessionToken>
      <SecretAccessKey>${secretAccessKey}</SecretAccessKey>
      <Expiration>${until}</Expiration>
      <AccessKeyId>${accessKeyId}</AccessKeyId>
    </Credentials>
  </AssumeRoleWithWebIdentityResult>
  <ResponseMetadata><RequestId>ad4156e9-bce1-11e2-82e6-6b6efEXAMPLE</RequestId></ResponseMetadata>
</AssumeRoleWithWebIdentityResponse>`;
}

/** An error of STS, whose message repeats what it was sent. */
export function errorOf(code: string, message = "no"): string {
  return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error><RequestId>4d5e</RequestId></ErrorResponse>`;
}
