// What `vitrine check` says of the store: its bucket is nothing else's, and what it saves.

import { expect, test } from "vitest";
import { makeProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { VARS } from "../../support/env.ts";

const { env: _env, ...TOP } = STAGED;
const RENDITIONS = { binding: "RENDITIONS" };

/** Checks a project with a store. */
const check = (r2: readonly object[], vars: object = {}, answers: object = STORED) =>
  vitrine(["check"], {
    folder: makeProject({
      ...TOP,
      ...{ images: { binding: "IMAGES" }, r2_buckets: r2 },
      vars: { ...VARS, ANSWERS: answers, ...vars },
    }),
  });
const STORED = { store: "RENDITIONS" };

const ENDPOINT = "https://0123456789abcdef0123456789abcdef.eu.r2.cloudflarestorage.com";
const OF_R2 = { BUCKETS: { media: { binding: "MEDIA" } } };

test.each<[what: string, r2: readonly object[], vars: object, says: string]>([
  [
    "the binding of an origin",
    [{ binding: "RENDITIONS", bucket_name: "acme-media" }],
    { BUCKETS: { media: { binding: "RENDITIONS" } } },
    "ANSWERS.store: has the originals of media: use another bucket",
  ],
  [
    "the bucket of an origin's binding",
    [
      { binding: "MEDIA", bucket_name: "acme-media" },
      { binding: "RENDITIONS", bucket_name: "acme-media" },
    ],
    OF_R2,
    "ANSWERS.store: has the bucket acme-media, as MEDIA has: use another one",
  ],
  [
    "the bucket that a deploy would make",
    [{ binding: "MEDIA", bucket_name: "vitrine-renditions" }, RENDITIONS],
    OF_R2,
    "ANSWERS.store: has the bucket vitrine-renditions, as MEDIA has: use another one",
  ],
  [
    "the bucket of an origin that S3's API reads",
    [{ binding: "RENDITIONS", bucket_name: "acme-media" }],
    {
      BUCKETS: {
        media: { ...VARS.BUCKETS.media, endpoint: ENDPOINT, bucket: "acme-media", region: "auto" },
      },
    },
    "ANSWERS.store: has the bucket acme-media, as BUCKETS.media has: use another one",
  ],
  [
    "a bucket of the account in a local run",
    [{ ...RENDITIONS, remote: true }],
    {},
    "ANSWERS.store: is RENDITIONS, which has remote = true: wrangler dev would store in it. Remove that",
  ],
  ["no binding", [], {}, "RENDITIONS: is missing: add it to [[r2_buckets]]"],
])("a store that has %s is a mistake", async (_what, r2, vars, says) => {
  const { code, err } = await check(r2, vars);
  expect([code, err.match(/^ {2}(?:ANSWERS|RENDITIONS).*$/gm)]).toEqual([2, [`  ${says}`]]);
});

test.each<[what: string, answers: object, says: string, not: string]>([
  ["a store", STORED, "after the first month only what is new is billed", "again in every month"],
  ["none", {}, "They are billed again in every month. With store in [vars.ANSWERS]", "holds what"],
])("with %s it says in one line what a store saves", async (_what, answers, says, not) => {
  const { code, out } = await check([RENDITIONS], {}, answers);
  expect([code, out]).toEqual([0, expect.stringContaining(says)]);
  expect(out).not.toContain(not);
});

test("it names the presets that the store does not hold", async () => {
  const draw = [{ url: "https://logos.example/a.png" }];
  const PRESETS = { ...VARS.PRESETS, marked: { width: 100, draw } };
  const says = "Overlays by URL (marked): when you change one, give it a new URL.";
  const { out } = await check([RENDITIONS], { PRESETS });
  expect(out).toContain(`${says} The store does not hold these presets.\n`);
  const { out: without } = await check([], { PRESETS }, {});
  expect(without).toContain(`${says}\n`);
});
