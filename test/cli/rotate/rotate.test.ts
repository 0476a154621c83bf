// `vitrine rotate` of a deployed Vitrine, whose wrangler is a stand-in: what it does and says, and what it refuses.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test } from "vitest";
import type { Options } from "../../../src/cli/rotate/rotation.ts";
import { refuse } from "../../../src/emulator/s3/refuse.ts";
import {
  ALIKE,
  addBucket,
  current,
  edit,
  known,
  moveToStaging,
  NEW_KEY,
  next,
  now,
  OLD_KEY,
  refusedRun,
  revoke,
  run,
  SHOWN,
  site,
  THIRD,
  TOOLS,
  typing,
  URL,
  visit,
} from "../../support/cli/rotating-site.ts";
import { BASE, HEALTH_TOKEN } from "../../support/env.ts";
import { stage } from "../../support/play.ts";
import { network } from "../../support/stand.ts";

const { id: ID, secret: SECRET } = NEW_KEY;
const file = (bytes: Uint8Array | string) => writeFileSync(join(site.folder, "key.json"), bytes);
const health = (answer: () => Response) => network.use(http.get(`${URL}/healthz`, answer));
const inputs = () => site.ran.map(({ input }) => JSON.parse(input));

test("all steps: each slot at once by stdin, what is done on stdout, and what is left to the operator", async () => {
  const { code, out, err } = await run();
  expect([code, now()]).toEqual([0, current(NEW_KEY)]);
  expect(out).toMatchInlineSnapshot(`
    "Done: Put it into the next slot. Now the current slot (…MPLE) serves media.
    Done: Promote it into the current slot. Now the current slot (…TKEY) serves media.
    Done: Empty the next slot. Now the current slot (…TKEY) serves media.
    The key is rotated: …TKEY serves.
    If another bucket or environment has the old key, too, rotate there first.
    Deactivate the old key, whose id ends in …MPLE. Nothing here can see whether you do.
      aws iam update-access-key --user-name vitrine --access-key-id <the old id> --status Inactive
    If images fail then, activate it again: aws iam update-access-key --user-name vitrine --access-key-id <the old id> --status Active
    A day later, delete it: aws iam delete-access-key --user-name vitrine --access-key-id <the old id>
    Remove the file of the new key: rm key.json
    "
  `);
  expect(err).toMatchInlineSnapshot(`
    "Now the current slot (…MPLE) serves media.
    Put it into the next slot
      npx wrangler secret bulk: AWS_ACCESS_KEY_ID_NEXT, AWS_SECRET_ACCESS_KEY_NEXT
      Everything works; watching for 2 s
    Promote it into the current slot
      npx wrangler secret bulk: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
      Everything works; watching for 2 s
    Empty the next slot
      npx wrangler secret bulk: AWS_ACCESS_KEY_ID_NEXT, AWS_SECRET_ACCESS_KEY_NEXT
    "
  `);
  const args = ["secret", "bulk", "--config", "wrangler.toml", "--env="];
  expect(site.ran.map((one) => one.args)).toEqual([args, args, args]);
  const emptied = { AWS_ACCESS_KEY_ID_NEXT: null, AWS_SECRET_ACCESS_KEY_NEXT: null };
  expect(inputs()).toEqual([next(NEW_KEY), current(NEW_KEY), emptied]);

  const again = await run();
  expect([again.code, site.ran.length]).toEqual([0, 3]);
  expect(again.out).toContain("Deactivate the old key, whose id does not end in …TKEY.");
});

test("without a key file it says how things are, and how to begin", async () => {
  const { code, out, err } = await run({ keyFile: undefined, yes: undefined });
  expect([code, err, site.ran]).toEqual([1, "Now the current slot (…MPLE) serves media.\n", []]);
  expect(out).toContain("  aws iam create-access-key --user-name vitrine > key.json\n");
  expect(out).toContain("  npx vitrine rotate --key-file key.json\n");
});

test("without a token it says how to set one, and does nothing", async () => {
  const { code, err } = await run({}, { env: {} });
  expect([code, site.ran]).toEqual([2, []]);
  expect(err).toContain("export HEALTH_TOKEN=…");
  expect(err).toContain("Set it (docs/doctor.md");
});

test("where no slot works, the new key in the next one repairs it, and all goes on", async () => {
  revoke(OLD_KEY);
  const { code, out, err } = await run();
  expect(err).toContain("S3 accepts no slot: images fail.");
  expect([code, now()]).toEqual([0, current(NEW_KEY)]);
  expect(out).toContain("Now the next slot (…TKEY) serves media.");
  expect(await visit()).toEqual(SHOWN);
});

test.each<[what: string, secrets: object, runs: number]>([
  ["half a next slot", { ...current(OLD_KEY), AWS_ACCESS_KEY_ID_NEXT: ID }, 3],
  [
    "the new key in the next slot, with another secret",
    { ...current(OLD_KEY), ...next({ ...NEW_KEY, secret: "other" }) },
    3,
  ],
  ["the next slot filled", { ...current(OLD_KEY), ...next(NEW_KEY) }, 2],
  ["half a current slot", { ...current(OLD_KEY), ...next(NEW_KEY), AWS_ACCESS_KEY_ID: ID }, 2],
  ["an empty current slot", next(NEW_KEY), 2],
  ["both slots filled", { ...current(NEW_KEY), ...next(NEW_KEY) }, 1],
  ["half of the next slot left", { ...current(NEW_KEY), AWS_ACCESS_KEY_ID_NEXT: ID }, 1],
  [
    "the right id in the current slot, with another secret",
    { ...current({ ...NEW_KEY, secret: "other" }) },
    3,
  ],
  ["nothing left to do", current(NEW_KEY), 0],
])("it goes on from what the slots hold: %s", async (_what, secrets, runs) => {
  site.deployed = { HEALTH_TOKEN, ...secrets };
  expect((await run()).code).toBe(0);
  expect([site.ran.length, now()]).toEqual([runs, current(NEW_KEY)]);
});

test("a new key that ends like the old one deactivates nothing that serves", async () => {
  known(ALIKE);
  site.deployed = { HEALTH_TOKEN, ...current(ALIKE) };
  const { code, out } = await run();
  expect([code, site.ran, out]).toEqual([0, [], expect.stringContaining("does not end in …TKEY")]);
});

describe("what it refuses, before anything is changed", () => {
  const canary = (code: string) => () =>
    network.use(
      http.get(`${BASE}published/key.jpg`, ({ request }) =>
        request.headers.get("authorization")?.includes(ID)
          ? refuse(request, { status: 403, code })
          : undefined,
      ),
    );
  const lines = (id: string, secret: string) =>
    file(`AWS_ACCESS_KEY_ID=${id}\nAWS_SECRET_ACCESS_KEY=${secret}\n`);

  test.each<[what: string, arrange: () => unknown, says: RegExp, options?: Partial<Options>]>([
    [
      "a key that S3 does not know",
      () => revoke(NEW_KEY),
      /media: InvalidAccessKeyId\nIs it complete/,
    ],
    [
      "a secret of another id",
      () => lines(ID, `${SECRET.slice(1)}A`),
      /media: SignatureDoesNotMatch$/m,
    ],
    ["a key that may not read the canary", canary("AccessDenied"), /media: AccessDenied$/m],
    ["a session's key", () => lines("ASIAIOSFODNN7SESSION", "x"), /is a temporary session key/],
    ["half a key", () => file("AWS_ACCESS_KEY_ID=x"), /--key-file key.json has no key: neither/],
    [
      "no such file",
      () => {},
      /--key-file none.json cannot be read: ENOENT/,
      { keyFile: "none.json" },
    ],
    ["an id that is too short", () => lines("short-id", "x"), /too short to tell it from others/],
    [
      "a secret that a # would cut",
      () => lines(ID, `${SECRET}#rest`),
      /AWS_SECRET_ACCESS_KEY is not read whole/,
    ],
    ["no terminal, and no --yes", () => {}, /no terminal to ask on. Use --yes/, { yes: undefined }],
    [
      "another token",
      () => (site.deployed = { ...site.deployed, HEALTH_TOKEN: "x".repeat(20) }),
      /the HEALTH_TOKEN at hand is not/,
    ],
    [
      "a broken configuration",
      () => (site.deployed = { HEALTH_TOKEN }),
      /the Worker's configuration is broken/,
    ],
    ["no answer", () => health(() => HttpResponse.error()), /\/healthz: no answer: /],
    [
      "somebody else's answer",
      () => health(() => HttpResponse.json({ ok: true })),
      /is not the health of a Vitrine/,
    ],
    [
      "another wrangler.toml",
      () => health(() => HttpResponse.json({ buckets: [] })),
      /\/healthz has no bucket "media". Deploy/,
    ],
    [
      "no canary",
      () => edit((text) => text.replace(/^canary = .*\n/m, "")),
      /BUCKETS.media has no canary/,
    ],
    [
      "another key in the next slot",
      () => {
        known(THIRD);
        site.deployed = { ...site.deployed, ...next(THIRD) };
      },
      /the next slot holds …IRD3, which is another key \(ok\)/,
    ],
    [
      "another key in the next slot, where the new one serves",
      () => (site.deployed = { ...site.deployed, ...current(NEW_KEY), ...next(THIRD) }),
      /the next slot holds …IRD3/,
    ],
    [
      "images that fail for another reason",
      () => (stage.edge.switches.transformations = false),
      /media: no image of its canary: off[\s\S]*vitrine doctor --url https:\/\/images\.example\.com/,
    ],
    [
      "an outage of S3",
      () => stage.s3.faults.add("ServiceUnavailable"),
      /media: S3 answers ServiceUnavailable for current[\s\S]*The keys are not the cause/,
    ],
    [
      "no such bucket",
      () => {},
      /x has no key to rotate. It does not exist, .*Known: media/,
      { bucket: "x" },
    ],
    [
      "several keys",
      () => addBucket("other", "OTHER"),
      /several keys.*--bucket: other \(OTHER\), media \(AWS\)/,
    ],
  ])("%s", async (_what, arrange, says, options) => {
    await arrange();
    expect(await refusedRun(options)).toMatch(says);
  });
});

test.each<[what: string, bytes: () => Uint8Array | string]>([
  [
    "UTF-8 with a mark at its beginning",
    () => `\uFEFFAWS_ACCESS_KEY_ID=${ID}\nAWS_SECRET_ACCESS_KEY=${SECRET}\n`,
  ],
  [
    "what PowerShell writes",
    () =>
      Buffer.from(
        `\uFEFF{"AccessKey":{"AccessKeyId":"${ID}","SecretAccessKey":"${SECRET}"}}`,
        "utf16le",
      ),
  ],
  [
    "comments behind the values",
    () => `AWS_ACCESS_KEY_ID=${ID} # ours\nAWS_SECRET_ACCESS_KEY=${SECRET} # too\n`,
  ],
])("a key file is read: %s", async (_what, bytes) => {
  file(bytes());
  expect((await run()).code).toBe(0);
  expect(now()).toEqual(current(NEW_KEY));
});

test("a bucket is rotated with all that have its key, and no others", async () => {
  addBucket("extra", "AWS");
  addBucket("other", "OTHER");
  const other = { OTHER_ACCESS_KEY_ID: OLD_KEY.id, OTHER_SECRET_ACCESS_KEY: OLD_KEY.secret };
  site.deployed = { ...site.deployed, ...other };
  const { code } = await run({ bucket: "media" });
  expect([code, now()]).toEqual([0, { ...current(NEW_KEY), ...other }]);
});

test("one bucket whose S3 refuses the new key holds all back", async () => {
  addBucket("extra", "AWS");
  network.use(
    http.get(`${BASE}published/photos/fig.jpg`, ({ request }) =>
      site.ran.length > 0 && request.headers.get("authorization")?.includes(ID)
        ? refuse(request, { status: 403, code: "AccessDenied" })
        : undefined,
    ),
  );
  const { code, err } = await run();
  expect([code, now()]).toEqual([2, { ...current(OLD_KEY), ...next(NEW_KEY) }]);
  expect(err).toContain("extra: the next slot holds …TKEY, and S3 answers AccessDenied for it");
});

test("a key that was just made is asked about again, until S3 knows it", async () => {
  revoke(NEW_KEY);
  const ended = await run({}, { tools: { ...TOOLS, sleep: async () => known(NEW_KEY) } });
  expect([ended.code, now()]).toEqual([0, current(NEW_KEY)]);
  expect(ended.err).toContain("S3 does not know the new key yet.");
});

const QUESTIONS = [
  "Put it into the next slot?",
  "Promote it into the current slot?",
  "Empty the next slot?",
];

test.each<[answer: string, code: number, puts: number]>([
  ["y", 0, 3],
  ["n", 1, 2],
  ["\u0003", 130, 2],
])("at a terminal it asks before each step; %j is the last answer", async (last, code, puts) => {
  const answers = QUESTIONS.map((question, at) => [question, at === 2 ? last : "y"] as const);
  const ended = await typing(answers);
  expect([ended.code, ended.left, site.ran.length]).toEqual([code, [], puts]);
  if (code > 0)
    expect(ended.err).toContain("Stopped. No step is half done. Go on with: npx vitrine rotate");
});

test("what changed while it asked is seen", async () => {
  known(THIRD);
  const { code, err } = await typing([[`${QUESTIONS[0]}`, "y"]], () => {
    site.deployed = { ...site.deployed, ...next(THIRD) };
  });
  expect([code, site.ran]).toEqual([2, []]);
  expect(err).toContain("the next slot holds …IRD3");
});

test("Ctrl-C stops it between two steps", async () => {
  const abort = new AbortController();
  const heard = (said: string) => said.includes("Done: Put it") && abort.abort();
  const ended = await run({}, { interrupted: abort.signal, heard });
  expect([ended.code, now()]).toEqual([130, { ...current(OLD_KEY), ...next(NEW_KEY) }]);
});

test("what wrangler and others write moves no cursor, and shows no secret", async () => {
  const evil = "\u001b]0;evil\u0007\u001b[2Jplain\rover\u202e";
  site.during = () => ({ says: `\u001b[31mred\u001b[0m ${SECRET} ${evil}` });
  const { code, out, err } = await run();
  expect([code, err]).toEqual([0, expect.stringContaining("  red … ")]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

const IMAGES = '\n[images]\nbinding = "IMAGES"\n';
const withEngine = (engine: string) =>
  edit((text) => text.replace('bucket = "acme-media"', `$&\nengine = ${engine}`) + IMAGES);

test.each([
  ['"cf"', {}, {}],
  ['"binding"', { AWS_SESSION_TOKEN_NEXT: null }, { AWS_SESSION_TOKEN: null }],
])(
  "engine %s: a token that was in a slot goes with its key (A11)",
  async (engine, ofNext, ofCurrent) => {
    withEngine(engine);
    expect((await run()).code).toBe(0);
    expect(inputs()).toEqual([
      { ...ofNext, ...next(NEW_KEY) },
      { ...ofCurrent, ...current(NEW_KEY) },
      { ...ofNext, AWS_ACCESS_KEY_ID_NEXT: null, AWS_SECRET_ACCESS_KEY_NEXT: null },
    ]);
  },
);

const SESSION = { AccessKeyId: ID, SecretAccessKey: SECRET, SessionToken: "a-token" };

test.each([
  ["as aws sts prints it", JSON.stringify({ Credentials: SESSION })],
  [
    "as lines",
    `AWS_ACCESS_KEY_ID=${ID}\nAWS_SECRET_ACCESS_KEY=${SECRET}\nAWS_SESSION_TOKEN=a-token\n`,
  ],
])("session credentials are not rotated: %s (A11)", async (_what, text) => {
  file(text);
  const err = await refusedRun();
  expect(err).toContain("docs/rotate.md, “Session credentials”");
  expect(err).not.toContain("a-token");
});

test("a bucket without a key is named, and why it has none", async () => {
  edit((text) => {
    const bound = '[vars.BUCKETS.bound]\nbinding = "MEDIA_BUCKET"\n$&';
    const binding = '\n[[r2_buckets]]\nbinding = "MEDIA_BUCKET"\nbucket_name = "acme"\n';
    return text.replace("[[vars.ROUTES]]", bound) + IMAGES + binding;
  });
  expect(await refusedRun({ bucket: "bound" })).toMatch(
    /bound has no key to rotate.*a binding opens it/,
  );
});

describe("environments", () => {
  const PRODUCTION = "https://images-production.example.com";

  beforeEach(moveToStaging);

  test.each<[how: string, options: { env?: string }, env: Record<string, string>]>([
    ["by --env", { env: "staging" }, { CLOUDFLARE_ENV: "other" }],
    ["by CLOUDFLARE_ENV", {}, { CLOUDFLARE_ENV: "staging" }],
  ])(
    "a rotation goes to the Worker of its environment, %s (S1, S6)",
    async (_how, options, env) => {
      const ended = await run(options, { env: { HEALTH_TOKEN, ...env } });
      expect([ended.code, now()]).toEqual([0, current(NEW_KEY)]);
      const args = ["secret", "bulk", "--config", "wrangler.toml", "--env=staging"];
      expect(site.ran.map((one) => one.args)).toEqual([args, args, args]);
    },
  );

  test("what is to be done by hand names the environment (S6)", async () => {
    site.during = () => ({ code: 1, says: "[code: 10215]" });
    const { err } = await run({ env: "staging" });
    expect(err).toContain("deploy it: npx vitrine deploy --env staging");
    expect(err).toContain("Go on with: npx vitrine rotate --env staging --key-file key.json --yes");
    site.deployed = { ...site.deployed, ...next(THIRD) };
    const taken = await run({ env: "staging" });
    expect(taken.err).toContain(
      "npx wrangler secret delete AWS_ACCESS_KEY_ID_NEXT --env staging\n",
    );
  });

  test("the URL of another environment is refused before anything is asked (S6)", async () => {
    expect(await refusedRun({ url: URL })).toContain("add --env staging");
    expect(await refusedRun({ url: PRODUCTION, env: "staging" })).toContain('add --env ""');
  });
});
