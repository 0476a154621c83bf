// `vitrine rotate` where slots may hold session credentials, and where nothing has a key.

import { join } from "node:path";
import { expect, test } from "vitest";
import {
  file,
  ID,
  NEW,
  NEXT,
  now,
  refusedRun,
  run,
  SECRET,
  site,
} from "../../support/cli/rotating-site.ts";
import { editFile } from "../../support/local-run.ts";

const edit = (change: (text: string) => string) =>
  editFile(join(site.folder, "wrangler.toml"), change);

const IMAGES = '\n[images]\nbinding = "IMAGES"\n';

/** Sets the engine of the bucket. The deployed Worker stays as it is. */
function withEngine(engine: string): void {
  edit((text) => text.replace('bucket = "acme-media"', `$&\nengine = ${engine}`) + IMAGES);
}

test.each([
  ['"cf"', {}, {}],
  ['"binding"', { AWS_SESSION_TOKEN_NEXT: null }, { AWS_SESSION_TOKEN: null }],
])(
  "engine %s: a key goes into its slot, and a token that was there goes with the old one (A11)",
  async (engine, next, current) => {
    withEngine(engine);
    expect((await run()).code).toBe(1);
    const [toNext, toCurrent, emptied, ...more] = site.ran.map(({ input }) => JSON.parse(input));
    expect(toNext).toEqual({ ...next, ...NEXT });
    expect(toCurrent).toEqual({ ...current, AWS_ACCESS_KEY_ID: ID, AWS_SECRET_ACCESS_KEY: SECRET });
    expect(emptied).toEqual({
      ...next,
      AWS_ACCESS_KEY_ID_NEXT: null,
      AWS_SECRET_ACCESS_KEY_NEXT: null,
    });
    expect(more).toEqual([]);
    expect(now()).toMatchObject(NEW);
  },
);

test("--dry-run and --print name the token, which may not be there (A11)", async () => {
  withEngine('"binding"');
  const dry = await run({ dryRun: true, yes: undefined });
  expect(dry.out).toContain(
    "set AWS_ACCESS_KEY_ID_NEXT, AWS_SECRET_ACCESS_KEY_NEXT; remove AWS_SESSION_TOKEN_NEXT\n",
  );
  const { out } = await run({ print: true });
  expect(out).toContain(
    [
      "  npx wrangler secret put AWS_ACCESS_KEY_ID_NEXT",
      "  npx wrangler secret put AWS_SECRET_ACCESS_KEY_NEXT",
      "  npx wrangler secret delete AWS_SESSION_TOKEN_NEXT   # if there is one",
    ].join("\n"),
  );
});

const CREDENTIALS = {
  AccessKeyId: "ASIAIOSFODNN7EXAMPLE",
  SecretAccessKey: SECRET,
  SessionToken: "a-token",
};

test.each([
  ["as aws sts prints it", JSON.stringify({ Credentials: CREDENTIALS }), "SessionToken"],
  [
    "as lines",
    `AWS_ACCESS_KEY_ID=${ID}\nAWS_SECRET_ACCESS_KEY=${SECRET}\nAWS_SESSION_TOKEN=a-token\n`,
    "AWS_SESSION_TOKEN",
  ],
])("session credentials are not rotated: %s (A11)", async (_what, text, name) => {
  withEngine('"binding"');
  file(text);
  const err = await refusedRun();
  expect(err).toContain(`--key-file key.json has a ${name}: a rotation puts permanent keys`);
  expect(err).toContain("docs/rotate.md, “Session credentials”");
  expect(err).not.toContain("a-token");
  expect(site.ran).toEqual([]);
});

const R2 = '[vars.BUCKETS.bound]\nbinding = "MEDIA_BUCKET"\n$&';

test("a bucket without a key is named, and why it has none", async () => {
  edit(
    (text) =>
      `${text.replace("[[vars.ROUTES]]", R2)}${IMAGES}\n[[r2_buckets]]\nbinding = "MEDIA_BUCKET"\nbucket_name = "acme"\n`,
  );
  expect(await refusedRun({ bucket: "bound" })).toContain(
    "bound has no key to rotate: a binding opens it",
  );
  expect(await refusedRun({ bucket: "none" })).toContain('there is no bucket "none". Known: media');
  edit((text) =>
    text.replace(/\[vars\.BUCKETS\.media\][^[]*/, "").replaceAll('"media/', '"bound/'),
  );
  expect(await refusedRun()).toContain("no bucket has a key to rotate: a binding opens it");
});
