// Who the Worker is for AWS: what is right, and mistakes that never hold a part of a key.

import { expect, test } from "vitest";
import { configOf, mistakesOf } from "../../support/config-of.ts";
import { ENV } from "../../support/env.ts";
import {
  EC_KEY,
  ISSUER,
  KEYLESS,
  OTHER_EC_KEY,
  P384_KEY,
  ROLE,
  RSA_KEY,
} from "../../support/issuer.ts";

const mistakesWith = (change: object) => mistakesOf({ ...KEYLESS, ...change });
const configWith = (change: object = {}) => configOf({ ...KEYLESS, ...change });

test("a role has where its credentials come from, and who the Worker is", () => {
  const config = configWith();
  const [bucket] = config.buckets ?? [];
  expect(bucket).toMatchObject({ access: ROLE, distinctSlots: [], usable: [] });
  expect(bucket?.role).toMatchObject({ arn: ROLE, sts: "https://sts.eu-west-1.amazonaws.com" });

  const claims = { issuer: ISSUER, subject: "vitrine", audience: "sts.amazonaws.com" };
  expect(bucket?.role?.oidc).toMatchObject({ ...claims, mistakes: [] });
  expect(bucket?.role?.oidc.keys.map(({ secret }) => secret)).toEqual(["OIDC_SIGNING_KEY"]);
});

test.each([
  ["us-east-1", "https://sts.us-east-1.amazonaws.com"],
  ["us-gov-west-1", "https://sts.us-gov-west-1.amazonaws.com"],
  ["cn-north-1", "https://sts.cn-north-1.amazonaws.com.cn"],
  ["cn-northwest-1", "https://sts.cn-northwest-1.amazonaws.com.cn"],
])("without sts, a role of %s asks %s", (region, sts) => {
  const endpoint = `https://s3.${region}.amazonaws.com${region.startsWith("cn-") ? ".cn" : ""}`;
  const role = "arn:aws-cn:iam::123456789012:role/vitrine";
  const media = { ...KEYLESS.BUCKETS.media, endpoint, region, role };
  const ownSts = "https://sts.example.com";
  const config = configWith({ BUCKETS: { media, other: { ...media, sts: ownSts } } });
  expect(config.buckets.map((bucket) => bucket.role?.sts)).toEqual([sts, ownSts]);
});

test("an issuer may have two keys, and be there before there is a role", () => {
  const NEXT = `\r\n${OTHER_EC_KEY}\n`;
  const config = configWith({ ...ENV, OIDC_SIGNING_KEY_NEXT: NEXT });
  const secrets = ["OIDC_SIGNING_KEY", "OIDC_SIGNING_KEY_NEXT"];
  expect(config.oidc?.keys.map(({ secret }) => secret)).toEqual(secrets);
});

const STORED = { OIDC_SIGNING_KEY: { get: () => EC_KEY } };
const PATTERN = { OIDC: { issuer: ISSUER, subject: "v*" } };

test.each<{ title: string; change: object; mistake: string | RegExp }>([
  {
    title: "no issuer",
    change: { OIDC: undefined },
    mistake: "BUCKETS.media.role: needs [vars.OIDC] with an issuer",
  },
  {
    title: "no key",
    change: { OIDC_SIGNING_KEY: undefined },
    mistake: /^OIDC_SIGNING_KEY: is miss/,
  },
  {
    title: "a Secrets Store",
    change: STORED,
    mistake: /^OIDC_SIGNING_KEY: is not text: .*npx wrangler secret put/,
  },
  {
    title: "an unknown option",
    change: { OIDC: { issuer: ISSUER, aud: "x" } },
    mistake: "OIDC.aud: unknown option",
  },
  {
    title: "a pattern",
    change: PATTERN,
    mistake: 'OIDC.subject: "v*" is not a plain word such as vitrine',
  },
])("$title is a mistake", ({ change, mistake }) => {
  const mistakes = mistakesWith(change);
  if (typeof mistake === "string") expect(mistakes).toEqual([mistake]);
  else expect(mistakes).toEqual([expect.stringMatching(mistake)]);
});

test("an issuer is an origin of https, or of this machine", () => {
  const invalid = [
    ...["http://images.example.com", "https://images.example.com/", "https://images.example.com/a"],
    ...["https://images.example.com:8443", "https://Images.example.com"],
    ...["https://images.example.com?a", "https://user@images.example.com"],
    ...["http://localhost.example", "images.example.com", "", 7],
  ];

  for (const issuer of invalid) {
    const message = expect.stringMatching(/^OIDC\.issuer: .*is not an origin such as https:/);
    expect(mistakesWith({ OIDC: { issuer } }), `${issuer}`).toEqual([message]);
  }

  const right = ["http://localhost:8787", "http://127.0.0.1:8787", "https://a-b.c.workers.dev"];
  for (const issuer of right) expect(mistakesWith({ OIDC: { issuer } })).toEqual([]);
});

const body = EC_KEY.split("\n").slice(1, -2).join("\n");
const labelled = (label: string) => `-----BEGIN ${label}-----\n${body}\n-----END ${label}-----\n`;

test.each<{ title: string; key: string; message: RegExp }>([
  { title: "on one line", key: EC_KEY.replaceAll("\n", ""), message: /is not PRIVATE KEY in PEM/ },
  { title: "without its end", key: EC_KEY.slice(0, 60), message: /is not PRIVATE KEY in PEM/ },
  { title: "of words", key: "hunter2-hunter2-hunter2", message: /is not PRIVATE KEY in PEM/ },
  { title: "of SEC 1", key: labelled("EC PRIVATE KEY"), message: /but EC PRIVATE KEY: make it/ },
  { title: "of PKCS#1", key: labelled("RSA PRIVATE KEY"), message: /but RSA PRIVATE KEY: make it/ },
  {
    title: "that is encrypted",
    key: labelled("ENCRYPTED PRIVATE KEY"),
    message: /but ENCRYPTED PRIVATE KEY: make it/,
  },
  { title: "that is public", key: labelled("PUBLIC KEY"), message: /but PUBLIC KEY: make it/ },
  { title: "with wrong base64", key: EC_KEY.replace(/^(.*\n.)./, "$1=/="), message: /is damaged/ },
  { title: "of another curve", key: P384_KEY, message: /is no EC key \(P-256\)/ },
  { title: "of RSA", key: RSA_KEY, message: /is no EC key \(P-256\)/ },
])("a key $title is a mistake, and no part of it is told", ({ key, message }) => {
  const mistakes = mistakesWith({ OIDC_SIGNING_KEY: key });
  expect(mistakes).toHaveLength(1);
  expect(mistakes[0]).toMatch(message);
  const fragments = key.split(/[\s-]+/).filter((fragment) => fragment.length > 12);
  expect(fragments.filter((fragment) => mistakes[0]?.includes(fragment))).toEqual([]);
});

test("a wrong key stops nothing while the other one is right, between two commands (S1)", () => {
  for (const [one, intact] of [
    ["OIDC_SIGNING_KEY", "OIDC_SIGNING_KEY_NEXT"],
    ["OIDC_SIGNING_KEY_NEXT", "OIDC_SIGNING_KEY"],
  ] as const) {
    const config = configWith({ [one]: "hunter2", [intact]: OTHER_EC_KEY });
    expect(config.oidc?.keys.map(({ secret }) => secret)).toEqual([intact]);
    expect(config.oidc?.mistakes.map(({ path }) => path)).toEqual([one]);
  }
});
