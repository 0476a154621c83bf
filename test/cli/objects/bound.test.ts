// Commands that read a bucket itself, where no key on this machine opens it.

import { beforeEach, expect, test } from "vitest";
import { BOUND, makeProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { CREDENTIALS, PURGE_TOKEN, VARS } from "../../support/env.ts";
import { stage } from "../../support/play.ts";

const { env: _env, ...TOP } = STAGED;
const folderOf = (media: object, more: object = {}) => {
  const ROUTES = [{ path: "/images/:preset/*", object: "media/*" }];
  const vars = { BUCKETS: { media }, ROUTES, PRESETS: { card: { width: 9 } }, ...more };
  const required = "OIDC" in more ? ["OIDC_SIGNING_KEY"] : [];
  return makeProject({ ...TOP, ...BOUND, vars, secrets: { required } });
};
const role = "arn:aws:iam::123456789012:role/vitrine";
const ROLE = { ...VARS.BUCKETS.media, engine: "binding", role };
const OIDC = { issuer: "https://images.example" };
const KEY = {
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
};

beforeEach(() => {
  stage.s3.keys.set(CREDENTIALS.accessKeyId, CREDENTIALS.secretAccessKey);
});

test.each([["facts"], ["purge", "--prefix", "photos/"]])(
  "%s cannot list an R2 binding, and says what to do, whatever keys are at hand",
  async (...args) => {
    const given = { folder: folderOf({ binding: "MEDIA_BUCKET" }), env: { ...KEY, PURGE_TOKEN } };
    const { code, err } = await vitrine(args, given);
    expect([code, err]).toEqual([2, expect.stringMatching(/an R2 binding.*docs\/engines\.md/)]);
  },
);

test("a bucket with a role is listed with the operator's own key", async () => {
  const given = { folder: folderOf(ROLE, { OIDC }) };
  const without = await vitrine(["warm", "--prefix", "photos/"], { ...given, env: {} });
  expect([without.code, without.err]).toEqual([2, expect.stringContaining("the role is")]);
  const { err } = await vitrine(["warm", "--prefix", "photos/"], { ...given, env: KEY });
  expect(err).not.toContain("role");
});
