// `vitrine rotate` of a deployed Vitrine, whose wrangler is a stand-in: each thing that can go wrong, and
// what is said and done then.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { expect, onTestFinished, test, vi } from "vitest";
import { readVars } from "../../../src/cli/config/environment-config.ts";
import { replaceFile } from "../../../src/cli/files/write-file.ts";
import type { Options } from "../../../src/cli/rotate/plan.ts";
import { hashOf } from "../../../src/cli/rotate/record.ts";
import { refuse } from "../../../src/emulator/s3/refuse.ts";
import {
  addBucket,
  ID,
  KEY,
  keepRecord,
  NEW,
  NEXT,
  now,
  OLD,
  PUTS_NEXT,
  printed,
  QUESTIONS,
  RECORD,
  refusedRun,
  run,
  SECRET,
  type Site,
  site,
  typing,
  URL,
} from "../../support/cli/rotating-site.ts";
import { recordOf } from "../../support/cli/run-rotation.ts";
import { BASE, CREDENTIALS, HEALTH_TOKEN, SECRETS } from "../../support/env.ts";
import { editFile } from "../../support/local-run.ts";
import { stage } from "../../support/play.ts";
import { network } from "../../support/stand.ts";

test("all steps: each slot in one step by stdin, what is done on stdout, and a stop for the old key", async () => {
  const first = await run();
  expect([first.code, first.out]).toEqual([
    1,
    `Done 1 of 6: Make a new key. S3 accepts …TKEY for media.
Done 2 of 6: Put it into the next slot. The current slot (…MPLE) serves.
Done 3 of 6: Check that it works. The current slot (…MPLE) serves.
Done 4 of 6: Promote it into the current slot. The current slot (…TKEY) serves.
Done 5 of 6: Empty the next slot. The current slot (…TKEY) serves.
Do this, and nothing else:
  aws iam update-access-key --user-name vitrine --access-key-id <the old id> --status Inactive   # it ends in …MPLE
`,
  ]);
  expect(first.err).toContain("Stopped in step 6. When that is done: npx vitrine rotate");
  const args = ["secret", "bulk", "--config", "wrangler.toml", "--env="];
  const { HEALTH_TOKEN: _token, ...current } = NEW;
  const emptied = { AWS_ACCESS_KEY_ID_NEXT: null, AWS_SECRET_ACCESS_KEY_NEXT: null };
  const inputs = [NEXT, current, emptied].map((input) => JSON.stringify(input));
  expect(site.ran).toEqual(inputs.map((input) => ({ args, input })));
  expect(now()).toEqual(NEW);

  stage.s3.keys.delete(CREDENTIALS.accessKeyId);
  const second = await run({ keyFile: undefined });
  expect([second.code, recordOf(site.folder)]).toEqual([0, undefined]);
  expect(second.out).toContain("The key is rotated: …TKEY serves.");
  expect(site.ran).toHaveLength(3);
});

test("a second run with --yes says that nobody looked at the old key, which still works", async () => {
  await run();
  const { code, out } = await run({ keyFile: undefined });
  expect([code, recordOf(site.folder), stage.s3.keys.has(CREDENTIALS.accessKeyId)]).toEqual([
    0,
    undefined,
    true,
  ]);
  expect(out).not.toMatch(/Done 6|Deactivate/);
  expect(out).toContain("The key is rotated: …TKEY serves.");
  expect(out).toContain(
    "Whether the old key is inactive was not looked at: aws iam list-access-keys --user-name vitrine",
  );
  expect(out).toMatch(/delete-access-key .* # it ends in …MPLE\n$/);
});

test("where no slot works, the new key in the next one repairs it, and all goes on", async () => {
  stage.s3.keys.delete(CREDENTIALS.accessKeyId);
  const { err, out, code } = await run();
  expect(err).toContain("images fail until step 2 is done");
  expect([code, out]).toEqual([1, expect.stringContaining("slot. The next slot (…TKEY) serves.")]);
  expect(now()).toEqual(NEW);
});

const file = (text: string) => writeFileSync(join(site.folder, "key.json"), text);
const health = (respond: () => Response) => network.use(http.get(`${URL}/healthz`, respond));

test.each<[what: string, arranged: () => void, says: string | RegExp, options?: Partial<Options>]>([
  [
    "a key that S3 does not know",
    () => stage.s3.keys.delete(ID),
    /media: InvalidAccessKeyId: S3 does/,
  ],
  [
    "a secret of another id",
    () => file(JSON.stringify({ AccessKey: printed(ID, `${SECRET.slice(1)}A`) })),
    "media: SignatureDoesNotMatch: the secret does not belong to this id, or S3 does not know it",
  ],
  [
    "a key that may not read the canary",
    () =>
      network.use(
        http.get(`${BASE}published/key.jpg`, ({ request }) =>
          request.headers.get("authorization")?.includes(ID)
            ? refuse(request, { status: 403, code: "AccessDenied" })
            : undefined,
        ),
      ),
    "media: AccessDenied: its policy does not allow it to read the canary",
  ],
  [
    "the key that serves",
    () => file(`AWS_ACCESS_KEY_ID=${Object.values(CREDENTIALS).join("\nAWS_SECRET_ACCESS_KEY=")}`),
    "The current slot already holds this key (…MPLE)",
  ],
  [
    "a session's key",
    () => file("AWS_ACCESS_KEY_ID=ASIA\nAWS_SECRET_ACCESS_KEY=x"),
    "is a temporary session key",
  ],
  ["half a key", () => file("AWS_ACCESS_KEY_ID=x"), "--key-file key.json has no key: neither"],
  [
    "no such file",
    () => {},
    "--key-file none.json: there is no such file",
    { keyFile: "none.json" },
  ],
  [
    "no key at all",
    () => {},
    "There is no terminal to ask for the new key",
    { keyFile: undefined },
  ],
  [
    "no terminal, and no --yes",
    () => {},
    "There is no terminal to ask on. Use --yes",
    { yes: undefined },
  ],
  [
    "another token",
    () => (site.deployed = { ...OLD, HEALTH_TOKEN: "x".repeat(20) }),
    "/healthz: the HEALTH_TOKEN at hand is not",
  ],
  [
    "a broken configuration",
    () => (site.deployed = { HEALTH_TOKEN }),
    "/healthz: the Worker's configuration is broken",
  ],
  ["no answer", () => health(() => HttpResponse.error()), "/healthz: no answer: "],
  [
    "somebody else's answer",
    () => health(() => HttpResponse.json({ ok: true })),
    "is not the health of a Vitrine",
  ],
  [
    "a redirect",
    () => health(() => HttpResponse.redirect("https://evil.example/", 302)),
    "answers 302",
  ],
  [
    "a state that is no word",
    () =>
      health(() =>
        HttpResponse.json({
          buckets: [{ bucket: "media", slots: [{ slot: "next", state: "\u001b[2J" }] }],
        }),
      ),
    "is not the health of a Vitrine",
  ],
  [
    "an older Worker",
    () =>
      health(() =>
        HttpResponse.json({
          buckets: [{ bucket: "media", slots: [{ slot: "current", state: "ok" }], edge: "on" }],
        }),
      ),
    "does not name the key of a slot. Deploy this version of Vitrine first",
  ],
  [
    "another wrangler.toml",
    () => health(() => HttpResponse.json({ buckets: [] })),
    '/healthz has no bucket "media". Deploy',
  ],
  [
    "a next slot that is full",
    () => (site.deployed = { ...OLD, ...NEXT }),
    "The next slot is not empty (…TKEY, ok), and no rotation is under way in this folder.",
  ],
  [
    "half a next slot",
    () => (site.deployed = { ...OLD, AWS_ACCESS_KEY_ID_NEXT: ID }),
    "The next slot is not empty (half a key, incomplete)",
  ],
  [
    "images that fail for another reason",
    () => (stage.edge.switches.transformations = false),
    "key.jpg answers 502\nS3 accepts the keys in the slots",
  ],
  ["an image that is not there", () => {}, "/nothing.jpg answers 404", { key: ["nothing.jpg"] }],
  ["no such bucket", () => {}, 'there is no bucket "x". Known: media', { bucket: "x" }],
  ["no such word", () => {}, 'no bucket has credentials = "X". Known: AWS', { credentials: "X" }],
  [
    "--print on this machine",
    () => writeFileSync(join(site.folder, ".dev.vars"), `HEALTH_TOKEN='${HEALTH_TOKEN}'`),
    "--print is for a deployed Vitrine",
    { print: true, url: "http://localhost:1" },
  ],
])("before anything is changed: %s", async (_what, arranged, says, options) => {
  arranged();
  const before = now();
  const { code, out, err } = await run(options);
  expect([code, out, err]).toEqual([
    2,
    "",
    expect.stringMatching(typeof says === "string" ? RegExp.escape(says) : says),
  ]);
  expect([site.ran, now(), recordOf(site.folder)]).toEqual([[], before, undefined]);
});

test("with several buckets, --key begins with the name of its bucket", async () => {
  addBucket("extra", "AWS");
  expect(await refusedRun({ key: ["media/key.jpg", "it's.jpg"] })).toBe(
    `--key 'it'\\''s.jpg': which bucket is it in? Write --key 'extra/it'\\''s.jpg' or --key 'media/it'\\''s.jpg'\n`,
  );
  const { code, err } = await run({ key: ["media/key.jpg"] });
  expect([code, err]).toEqual([
    1,
    expect.stringContaining("npx vitrine rotate --key-file key.json --key media/key.jpg "),
  ]);
});

test("--key of a bucket with other credentials is refused", async () => {
  addBucket("other", "OTHER");
  const err = await refusedRun({ bucket: "media", key: ["other/key.jpg"] });
  expect(err).toContain("--key other/key.jpg: the secrets of the bucket other begin with OTHER");
});

test("without a token, and without a canary, it says what to set", async () => {
  expect((await run({}, { env: {} })).err).toMatch(
    /^HEALTH_TOKEN is missing, .* Put it into the environment/,
  );
  editFile(join(site.folder, "wrangler.toml"), (text) => text.replace(/^canary = .*\n/m, ""));
  expect((await run()).err).toContain("BUCKETS.media: no canary, so there");
  expect((await run({ key: ["key.jpg"] })).code).toBe(1);
});

test.each<[what: string, what: Site["during"], says: string[], slots: object]>([
  [
    "wrangler fails in step 2, since the latest version is not deployed",
    () => ({ code: 1, says: `Refused: ${SECRET} [code: 10215]` }),
    [
      "Refused: … [code: 10215]",
      "Check out the commit that is live, and deploy it: npx vitrine deploy",
      "Continue with: npx vitrine",
    ],
    OLD,
  ],
  [
    "wrangler is not logged in",
    () => ({ code: 1, says: "set a CLOUDFLARE_API_TOKEN environment variable" }),
    ["wrangler is not logged in"],
    OLD,
  ],
  [
    "S3 forgets the new key in step 2",
    () => {
      stage.s3.keys.delete(ID);
      return {};
    },
    [
      "After step 2",
      "S3 answers InvalidAccessKeyId for the next slot",
      "empty the next slot",
      "When this is fixed",
    ],
    { ...OLD, ...NEXT },
  ],
  [
    "another Worker gets the secrets",
    () => ({ elsewhere: true }),
    [
      "the next slot is empty, but must hold the new key",
      "Is the Worker at https://images.example.com the",
    ],
    OLD,
  ],
  [
    "requests fail after step 4",
    (times) => {
      if (times === 2) stage.edge.switches.transformations = false;
      return {};
    },
    [
      "After step 4",
      "the edge answers off for the canary of media",
      "put the old key back into the current slot",
    ],
    { ...NEW, ...NEXT },
  ],
  [
    "S3 refuses the current slot after step 5",
    (times) => {
      if (times === 3) stage.s3.keys.delete(ID);
      return {};
    },
    [
      "After step 5",
      "S3 answers InvalidAccessKeyId for the current slot",
      "put the old key into the next slot",
    ],
    NEW,
  ],
])("it stops, and says how to go back, where %s", async (_what, happens, says, slots) => {
  site.during = happens;
  const { code, err } = await run();
  expect(code).toBe(2);
  for (const line of says) expect(err).toContain(line);
  expect(now()).toEqual(slots);
  expect(recordOf(site.folder)).toContain(hashOf(ID));
});

test.each<
  [what: string, record: object, secrets: object, says: string, options?: Partial<Options>]
>([
  [
    "of another Vitrine",
    { ...RECORD, url: "https://other.example" },
    OLD,
    "Another rotation is under way in this folder: AWS at https://other.example, in step 2",
  ],
  [
    "of another key",
    { ...RECORD, word: "OTHER" },
    OLD,
    "Another rotation is under way in this folder: OTHER at",
  ],
  [
    "of another new key",
    { ...RECORD, hash: hashOf("x"), new: "…abcd" },
    OLD,
    "This rotation began with the key …abcd, and this is another key (…TKEY)",
  ],
  [
    "that is none",
    { ...RECORD, step: 9 },
    OLD,
    "rotation.json.step: 9 is not a whole number between 2 and 6",
  ],
  ["in step 3, where the next slot is empty", { ...RECORD, step: 3 }, OLD, "Step 3 has not begun"],
  [
    "in step 4, where the next slot is empty",
    { ...RECORD, step: 4 },
    OLD,
    "the next slot is empty, but must hold the new key",
  ],
  [
    "in step 4, where the next slot has another key",
    { ...RECORD, step: 4 },
    {
      ...OLD,
      AWS_ACCESS_KEY_ID_NEXT: CREDENTIALS.accessKeyId,
      AWS_SECRET_ACCESS_KEY_NEXT: CREDENTIALS.secretAccessKey,
    },
    "the next slot holds …MPLE, but must hold the new key",
  ],
  [
    "in step 5, where the current slot has the old key",
    { ...RECORD, step: 5 },
    { ...OLD, ...NEXT },
    "the current slot holds …MPLE, but must hold the new key",
  ],
  [
    "in step 6, where the next slot is full",
    { ...RECORD, step: 6, told: true },
    { ...NEW, ...NEXT },
    "the next slot is not empty",
  ],
])("a record %s is told, and nothing is done", async (_what, record, secrets, says) => {
  site.deployed = { ...secrets };
  keepRecord(record);
  const { code, out, err } = await run();
  expect([code, out, err]).toEqual([2, "", expect.stringContaining(says)]);
  expect([site.ran, now(), recordOf(site.folder)]).toEqual([[], secrets, JSON.stringify(record)]);
});

test.each<[number, string, object, number]>([
  [2, "as it began", OLD, 3],
  [2, "with the next slot full", { ...OLD, ...NEXT }, 3],
  [3, "done", { ...OLD, ...NEXT }, 2],
  [4, "as it began", { ...OLD, ...NEXT }, 2],
  [4, "half done", { ...OLD, ...NEXT, AWS_ACCESS_KEY_ID: ID }, 2],
  [4, "done", { ...NEW, ...NEXT }, 1],
  [5, "as it began", { ...NEW, ...NEXT }, 1],
  [5, "done", NEW, 0],
  [6, "as it began", NEW, 0],
])("taken up in step %d, %s, it does the rest", async (step, _how, secrets, times) => {
  site.deployed = { ...secrets };
  keepRecord({ ...RECORD, step });
  const { code, err } = await run(step > 4 ? { keyFile: undefined } : {});
  expect([code, err]).toEqual([1, expect.stringContaining(`Continuing in step ${step} of 6`)]);
  expect([site.ran.length, now()]).toEqual([times, NEW]);
});

test("--restart forgets the record, and replaces what is in the next slot", async () => {
  replaceFile(join(site.folder, ".wrangler/vitrine/rotation.json"), "{");
  site.deployed = { ...OLD, AWS_ACCESS_KEY_ID_NEXT: "half" };
  expect((await run({ restart: true })).code).toBe(1);
  expect([site.ran[0]?.input, now()]).toEqual([PUTS_NEXT, NEW]);
});

test("--dry-run says all steps and how all is, and does nothing", async () => {
  const { code, out, err } = await run({ dryRun: true, yes: undefined, keyFile: undefined });
  expect([code, out]).toEqual([
    0,
    `1  Make a new key
     aws iam create-access-key --user-name vitrine
2  Put it into the next slot
     npx wrangler secret bulk --config wrangler.toml --env= (values by stdin): set AWS_ACCESS_KEY_ID_NEXT, AWS_SECRET_ACCESS_KEY_NEXT
3  Check that it works
4  Promote it into the current slot
     npx wrangler secret bulk --config wrangler.toml --env= (values by stdin): set AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY
5  Empty the next slot
     npx wrangler secret bulk --config wrangler.toml --env= (values by stdin): remove AWS_ACCESS_KEY_ID_NEXT, AWS_SECRET_ACCESS_KEY_NEXT
6  Deactivate the old key
     aws iam update-access-key --user-name vitrine --access-key-id <the old id> --status Inactive   # not the new one
`,
  ]);
  expect(err).toBe("Now the current slot (…MPLE) serves. Nothing has been changed.\n");
  expect([site.ran, now(), recordOf(site.folder)]).toEqual([[], OLD, undefined]);
});

test("--print leaves each step to whoever types the commands elsewhere, and looks after it", async () => {
  const first = await run({ print: true });
  expect([first.code, first.out]).toEqual([
    1,
    expect.stringContaining("  npx wrangler secret put AWS_SECRET_ACCESS_KEY_NEXT\n"),
  ]);
  const early = await run({ print: true });
  expect([early.code, early.err]).toEqual([2, expect.stringContaining("the next slot is empty")]);
  site.deployed = { ...OLD, ...NEXT };
  expect((await run({ print: true })).out).toMatch(
    /Done 3 .*\n.*\n {2}npx wrangler secret put AWS_ACCESS_KEY_ID\n/,
  );
  const idle = await run({ print: true });
  expect([idle.code, idle.err]).toEqual([
    2,
    expect.stringContaining("the current slot holds …MPLE"),
  ]);
  site.deployed = { ...NEW, ...NEXT };
  expect((await run({ print: true })).out).toContain(
    "npx wrangler secret delete AWS_ACCESS_KEY_ID_NEXT",
  );
  site.deployed = { ...NEW };
  expect((await run({ print: true })).out).toContain("aws iam update-access-key");
  expect((await run({ print: true })).code).toBe(0);
  expect(site.ran).toEqual([]);
});

test("at a terminal it asks for the key, unseen, and before each step", async () => {
  const ended = await typing([
    ...KEY,
    ...[
      "Put it into the next slot?",
      "Promote it into the current slot?",
      "Empty the next slot?",
    ].map((question) => [question, "y"] as const),
    ["Is it done?", "y"],
  ]);
  expect([ended.code, ended.left, now()]).toEqual([0, [], NEW]);
  expect(ended.err).toContain("aws iam create-access-key --user-name vitrine");
});

test.each(["n", "\u0003"])(
  "the old key is not taken for deactivated by who did not say so (%j)",
  async (answer) => {
    const steps = QUESTIONS.map((question) => [question, "y"] as const);
    const ended = await typing([...KEY, ...steps, ["Is it done?", answer]]);
    expect([ended.code, ended.left]).toEqual([answer === "n" ? 1 : 130, []]);
    const again = await run({ keyFile: undefined });
    expect([again.code, again.out]).toEqual([1, expect.stringContaining("--status Inactive")]);
    expect((await run({ keyFile: undefined })).code).toBe(0);
  },
);

/** Has the route signed, and deploys keys for it. */
function signRoute() {
  editFile(join(site.folder, "wrangler.toml"), (text) =>
    text.replace(/^(path = "\/images.*)$/m, "$1\nsigned = true\nmax_age = 60"),
  );
  const read = readVars(site.folder);
  if ("fault" in read) throw new Error(read.fault);
  site.vars = read.deployed;
  const { URL_SIGNING_KEYS } = SECRETS;
  site.deployed = { ...site.deployed, URL_SIGNING_KEYS };
  return URL_SIGNING_KEYS;
}

test("an image that other signing keys than the deployed ones signed is told from one that fails", async () => {
  signRoute();
  const URL_SIGNING_KEYS = JSON.stringify({ new: "x".repeat(32) });
  const { code, err } = await run({}, { env: { HEALTH_TOKEN, URL_SIGNING_KEYS } });
  expect([code, site.ran]).toEqual([2, []]);
  expect(err).toContain(
    "answers 404: it was signed with URL_SIGNING_KEYS of the environment, which may not be the deployed ones",
  );
});

test("a rotation may outlast a signature: each look has its own", async () => {
  const URL_SIGNING_KEYS = signRoute();
  const clock = Date.now.bind(Date);
  let ahead = 0;
  const spy = vi.spyOn(Date, "now").mockImplementation(() => clock() + ahead);
  onTestFinished(() => spy.mockRestore());
  const heard = (said: string) => {
    ahead = said.split("Done").length * 45_000;
  };
  const ended = await run({}, { env: { HEALTH_TOKEN, URL_SIGNING_KEYS }, heard });
  expect([ended.code, ended.out]).toEqual([1, expect.stringContaining("Done 5 of 6")]);
});

test.each<[string, readonly (readonly [string, string])[], number, string, number]>([
  [
    "Ctrl-C at the key",
    [["The new key's id", "\u0003"]],
    130,
    "Stopped in step 1 of 6. Nothing has been changed.",
    0,
  ],
  ["Ctrl-C at the secret", [KEY[0], ["Its secret", "\u0003"]], 130, "Stopped in step 1 of 6.", 0],
  [
    "Ctrl-C at step 2",
    [...KEY, ["Put it into the next slot?", "\u0003"]],
    130,
    "Stopped in step 2 of 6. No step is half done.",
    0,
  ],
  [
    "no at step 2",
    [...KEY, ["Put it into the next slot?", "n"]],
    1,
    "Stopped in step 2 of 6. No step is half done. Continue with: npx vitrine rotate --wait 0\n",
    0,
  ],
  [
    "Ctrl-C at step 4",
    [...KEY, ["Put it into the next slot?", "y"], ["Promote it into the current slot?", "\u0003"]],
    130,
    "Stopped in step 4 of 6.",
    1,
  ],
])("%s stops it", async (_what, answers, code, says, times) => {
  const ended = await typing(answers);
  expect([ended.code, ended.left, site.ran.length]).toEqual([code, [], times]);
  expect(ended.err).toContain(says);
});
