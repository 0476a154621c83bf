// `vitrine rotate` of a deployed Vitrine, whose wrangler is a stand-in: what it does and shows, and what it refuses.
// What it decides is in model.test.ts.

import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test } from "vitest";
import { rotateCommand } from "../../../src/cli/rotate/index.ts";
import type { RotateOptions, RotateTools } from "../../../src/cli/rotate/rotation.ts";
import { writeErrorReply } from "../../../src/emulator/s3/faults.ts";
import { expectGolden } from "../../support/cli/golden.ts";
import {
  ALIKE,
  addBucket,
  addKey,
  beginSite,
  current,
  edit,
  fetchSamples,
  moveToStaging,
  NEW_KEY,
  next,
  OLD_KEY,
  PICTURES,
  refusedRun,
  revoke,
  rotateAtTerminal,
  run,
  site,
  slotSecrets,
  THIRD,
  TOOLS,
  URL,
} from "../../support/cli/rotating-site.ts";
import { type CommandResult, createWorld } from "../../support/cli/vitrine.ts";
import { network } from "../../support/emulators.ts";
import { BUCKET_URL, HEALTH_TOKEN } from "../../support/env.ts";
import { disableCacheInEachTest, stage } from "../../support/run-worker.ts";

disableCacheInEachTest(); // what was kept would hide that nothing serves

const { id: ID, secret: SECRET } = NEW_KEY;
const file = (bytes: Uint8Array | string) => writeFileSync(join(site.folder, "key.json"), bytes);
const lines = (id: string, secret: string) =>
  file(`AWS_ACCESS_KEY_ID=${id}\nAWS_SECRET_ACCESS_KEY=${secret}\n`);
const health = (answer: () => Response) => network.use(http.get(`${URL}/healthz`, answer));
const inputs = () => site.ran.map(({ input }) => JSON.parse(input));
const deployed = (secrets: object) => {
  site.deployed = { ...site.deployed, ...secrets };
};

test("all steps: each slot at once by stdin, what is done on stdout, and what is left to the operator", async () => {
  const results: [string, CommandResult][] = [];
  results.push(["without a key file", await run({ keyFile: undefined, yes: undefined })]);
  expect(site.ran).toEqual([]);
  results.push(["all steps", await run()]);
  expect(slotSecrets()).toEqual(current(NEW_KEY));
  const args = ["secret", "bulk", "--config", "wrangler.toml", "--env="];
  expect(site.ran.map((one) => one.args)).toEqual([args, args, args]);
  const emptied = { AWS_ACCESS_KEY_ID_NEXT: null, AWS_SECRET_ACCESS_KEY_NEXT: null };
  expect(inputs()).toEqual([next(NEW_KEY), current(NEW_KEY), emptied]);
  results.push(["again", await run()]);
  expect(site.ran.length).toBe(3);

  beginSite();
  revoke(OLD_KEY);
  results.push(["where no slot works, the new key repairs it", await run()]);
  expect([slotSecrets(), await fetchSamples()]).toEqual([current(NEW_KEY), PICTURES]);

  beginSite();
  addKey(ALIKE);
  site.deployed = { HEALTH_TOKEN, ...current(ALIKE) };
  results.push(["a new key that ends like the old one", await run()]);
  expect(site.ran).toEqual([]);

  beginSite();
  site.during = (times) => (times === 2 ? { code: 1, output: "[code: 10215]" } : {});
  results.push(["wrangler fails", await run()]);
  expect(slotSecrets()).toEqual({ ...current(OLD_KEY), ...next(NEW_KEY) });
  await expectGolden("rotate.txt", results);
});

/** What is wrong, before anything is put. */
const REFUSED: Readonly<
  Record<string, [arrange: () => unknown, options?: Partial<RotateOptions>]>
> = {
  "a key that S3 does not know": [() => revoke(NEW_KEY)],
  "a secret of another id": [() => lines(ID, `${SECRET.slice(1)}A`)],
  "a key that may not read the canary": [
    () => {
      const url = `${BUCKET_URL}published/key.jpg`;
      network.use(
        http.get(url, ({ request }) =>
          request.headers.get("authorization")?.includes(ID)
            ? writeErrorReply(request.method, { code: "AccessDenied" })
            : undefined,
        ),
      );
    },
  ],
  "a session's key": [() => lines("ASIAIOSFODNN7SESSION", "x")],
  "half a key": [() => file("AWS_ACCESS_KEY_ID=x")],
  "a CSV without a key": [
    () => writeFileSync(join(site.folder, "a.csv"), "User name,Password\nvitrine,x\n"),
    { keyFile: "a.csv" },
  ],
  "no such file": [() => {}, { keyFile: "none.json" }],
  "an id that is too short": [() => lines("short-id", "x")],
  "a secret that a # would cut": [() => lines(ID, `${SECRET}#rest`)],
  "session credentials as aws sts prints them (A11)": [
    () =>
      file(
        JSON.stringify({
          Credentials: { AccessKeyId: ID, SecretAccessKey: SECRET, SessionToken: "a-token" },
        }),
      ),
  ],
  "session credentials as lines (A11)": [() => lines(ID, `${SECRET}\nAWS_SESSION_TOKEN=a-token`)],
  "no terminal, and no --yes": [() => {}, { yes: undefined }],
  "another token": [() => deployed({ HEALTH_TOKEN: "x".repeat(20) })],
  "no token in the Worker": [() => (site.deployed = current(OLD_KEY))],
  "a broken configuration": [() => (site.deployed = { HEALTH_TOKEN })],
  "somebody else's answer": [() => health(() => HttpResponse.json({ ok: true }))],
  "no answer": [() => health(HttpResponse.error)],
  "another wrangler.toml": [() => health(() => HttpResponse.json({ buckets: [] }))],
  "no canary": [() => edit((text) => text.replace(/^canary = .*\n/m, ""))],
  "a next slot of another rotation": [
    () => {
      addKey(THIRD);
      deployed(next(THIRD));
    },
  ],
  "images that fail for another reason": [
    () => {
      stage.edge.switches.transformations = false;
    },
  ],
  "an outage of S3": [() => stage.s3.faults.add("ServiceUnavailable")],
  "no such bucket": [() => {}, { bucket: "x" }],
  "several keys": [() => addBucket("other", "OTHER")],
  "a bucket without a key": [
    () =>
      edit((text) => {
        const bound = '[vars.BUCKETS.bound]\nbinding = "MEDIA_BUCKET"\n$&';
        return text.replace("[[vars.ROUTES]]", bound) + BINDINGS;
      }),
    { bucket: "bound" },
  ],
  "no bucket with a key": [onlyBound],
  "no bucket with a key, and a named one": [onlyBound, { bucket: "media" }],
};
const IMAGES = '\n[images]\nbinding = "IMAGES"\n';
const BINDINGS = `${IMAGES}\n[[r2_buckets]]\nbinding = "MEDIA_BUCKET"\nbucket_name = "acme"\n`;

/** An R2 binding opens the only bucket. */
function onlyBound(): void {
  edit((text) => {
    const bound =
      '[vars.BUCKETS.media]\nbinding = "MEDIA_BUCKET"\ncanary = "photos/fig.jpg"\n\n[[vars.ROUTES]]';
    return text.replace(/\[vars\.BUCKETS\.media\].*?\[\[vars\.ROUTES\]\]/s, bound) + BINDINGS;
  });
}

test("what is refused before anything is put (A7, A11)", async () => {
  const results: [string, CommandResult][] = [
    ["no token at hand", await refusedRun({}, { env: {} })],
    [
      "a token with a line break",
      await refusedRun({}, { env: { HEALTH_TOKEN: `${HEALTH_TOKEN}\r` } }),
    ],
  ];
  for (const [title, [arrange, options]] of Object.entries(REFUSED)) {
    beginSite();
    arrange();
    results.push([title, await refusedRun(options)]);
  }
  await expectGolden("refused.txt", results);
});

class Killed extends Error {}

const POINTS = ["before wrangler", "after wrangler", "waiting"];

test.each(POINTS)("killed %s, it goes on when run again: no request fails (S1)", async (point) => {
  const reach = async (one: string) => {
    expect(await fetchSamples()).toEqual(PICTURES);
    if (one === point && site.ran.length === 1) throw new Killed();
  };
  const tools: RotateTools = {
    ...TOOLS,
    run: async (...command) => {
      await reach("before wrangler");
      const code = await TOOLS.run(...command);
      await reach("after wrangler");
      return code;
    },
    sleep: () => reach("waiting"),
  };
  await expect(run({}, { tools })).rejects.toThrow(Killed);
  expect([(await run()).code, slotSecrets()]).toEqual([0, current(NEW_KEY)]);
  revoke(OLD_KEY);
  expect(await fetchSamples()).toEqual(PICTURES);
});

/** The options of the `npx vitrine rotate` that was printed, as a shell reads it. */
async function printed({ out, err }: CommandResult): Promise<RotateOptions> {
  const [command = ""] = /npx vitrine rotate.*/.exec(out + err) ?? [];
  const parsed = rotateCommand(createWorld({}).world, async () => {});
  await parsed.parseAsync(command.replace(/['"]/g, "").split(" ").slice(3), { from: "user" });
  return parsed.opts();
}

test("what it prints to go on with goes on: from no key, from no login, from another Worker", async () => {
  let ended: CommandResult = await run({ keyFile: undefined });
  let isWrong = true;
  for (const during of [
    { code: 1, output: "Authentication error" },
    { elsewhere: true },
  ] as const) {
    isWrong = true;
    site.during = () => (isWrong ? during : {});
    ended = await run(await printed(ended));
    expect(ended.code).toBe(2);
  }
  isWrong = false;
  expect([(await run(await printed(ended))).code, slotSecrets()]).toEqual([0, current(NEW_KEY)]);
});

test("a bucket is rotated with all that have its key, and no others", async () => {
  addBucket("extra", "AWS");
  addBucket("other", "OTHER");
  const other = { OTHER_ACCESS_KEY_ID: OLD_KEY.id, OTHER_SECRET_ACCESS_KEY: OLD_KEY.secret };
  deployed(other);
  const { code } = await run({ bucket: "media" });
  expect([code, slotSecrets()]).toEqual([0, { ...current(NEW_KEY), ...other }]);
});

test("a key that was just made is asked about again, until S3 knows it", async () => {
  revoke(NEW_KEY);
  const ended = await run({}, { tools: { ...TOOLS, sleep: async () => addKey(NEW_KEY) } });
  expect([ended.code, slotSecrets()]).toEqual([0, current(NEW_KEY)]);
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
  const ended = await rotateAtTerminal(answers);
  expect([ended.code, ended.unanswered, site.ran.length]).toEqual([code, [], puts]);
});

test("it names no old key before it has watched: an old version with that key may still run (S7)", async () => {
  deployed(current(NEW_KEY)); // by a run that was killed, while another one emptied the next slot
  let sleeps = 0;
  const sleep = async () => {
    sleeps += 1;
  };
  const { code, out } = await run({}, { tools: { ...TOOLS, sleep } });
  expect([code, sleeps, site.ran]).toEqual([0, 2, []]);
  expect(out).toContain("Deactivate the old key");
});

test("what changed while it asked is seen", async () => {
  addKey(THIRD);
  const { code } = await rotateAtTerminal([[`${QUESTIONS[0]}`, "y"]], () => deployed(next(THIRD)));
  expect([code, site.ran]).toEqual([2, []]);
});

const GO_ON = "Go on with: npx vitrine rotate --key-file key.json --yes";

test("Ctrl-C stops it between two steps, and what is left is named", async () => {
  const abort = new AbortController();
  const heard = (output: string) => output.includes("Done: Put it") && abort.abort();
  const ended = await run({}, { interrupted: abort.signal, onOutput: heard });
  expect([ended.code, slotSecrets()]).toEqual([130, { ...current(OLD_KEY), ...next(NEW_KEY) }]);
  const left =
    "“Promote it into the current slot”, “Empty the next slot”, “Deactivate the old key”";
  expect(ended.err).toContain(
    `Stopped after “Put it into the next slot”. No step is half done. Left: ${left}. ${GO_ON}\n`,
  );
});

test.each([
  [
    "while it asks how the slots are",
    (abort: AbortController) => {
      health(() => {
        abort.abort();
        return HttpResponse.error();
      });
    },
  ],
  [
    "while S3 does not know the new key",
    (abort: AbortController) => {
      revoke(NEW_KEY);
      return { ...TOOLS, sleep: async () => abort.abort() };
    },
  ],
])("Ctrl-C %s blames no key: nothing was changed", async (_when, arrange) => {
  const abort = new AbortController();
  const tools = arrange(abort) ?? TOOLS;
  const ended = await run({}, { interrupted: abort.signal, tools });
  expect([ended.code, site.ran]).toEqual([130, []]);
  expect(ended.err).toContain(`Stopped. This run has changed nothing. ${GO_ON}\n`);
  expect(ended.err).not.toMatch(/S3 does not accept|healthz/);
});

test.each([
  ["accessKeys.csv", `\ufeffAccess key ID,Secret access key\r\n${ID},${SECRET}\r\n`],
  [
    "credentials.csv",
    `User name,Access key ID,Secret access key,Link\n vitrine,${ID},${SECRET},x\n`,
  ],
])("the %s of AWS's console is the new key", async (name, text) => {
  writeFileSync(join(site.folder, name), text);
  const { code } = await run({ keyFile: name });
  expect([code, slotSecrets()]).toEqual([0, current(NEW_KEY)]);
});

test("the user of another key than AWS_… is not guessed", async () => {
  addBucket("vault", "VAULT");
  deployed({ VAULT_ACCESS_KEY_ID: OLD_KEY.id, VAULT_SECRET_ACCESS_KEY: OLD_KEY.secret });
  const begun = await run({ bucket: "vault", keyFile: undefined });
  const done = await run({ bucket: "vault" });
  for (const { out } of [begun, done]) {
    expect(out).toContain("--user-name <the user of VAULT>");
    expect(out).toContain("get-access-key-last-used --access-key-id <VAULT_ACCESS_KEY_ID>");
    expect(out).not.toContain("--user-name vitrine");
  }
});

test("what wrangler and others write moves no cursor, and shows no secret", async () => {
  const evil = "\u001b]0;evil\u0007\u001b[2Jplain\rover\u202e";
  site.during = () => ({ output: `\u001b[31mred\u001b[0m ${SECRET} ${evil}` });
  const { code, out, err } = await run();
  expect([code, err]).toEqual([0, expect.stringContaining("  red … ")]);
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

test.each([
  ['"cf"', {}, {}],
  ['"binding"', { AWS_SESSION_TOKEN_NEXT: null }, { AWS_SESSION_TOKEN: null }],
])("engine %s: a token in a slot goes with its key (A11)", async (engine, ofNext, ofCurrent) => {
  edit((text) => text.replace('bucket = "acme-media"', `$&\nengine = ${engine}`) + IMAGES);
  expect((await run()).code).toBe(0);
  expect(inputs()).toEqual([
    { ...ofNext, ...next(NEW_KEY) },
    { ...ofCurrent, ...current(NEW_KEY) },
    { ...ofNext, AWS_ACCESS_KEY_ID_NEXT: null, AWS_SECRET_ACCESS_KEY_NEXT: null },
  ]);
});

describe("environments", () => {
  beforeEach(moveToStaging);

  test("what is to be done by hand names the environment, and the URL of another is refused (S6)", async () => {
    const production = "https://images-production.example.com";
    const results: [string, CommandResult][] = [
      ["the URL of env.staging, without --env", await refusedRun({ url: URL })],
      ["the top level's URL", await refusedRun({ url: production, env: "staging" })],
    ];
    site.during = () => ({ code: 1, output: "[code: 10215]" });
    const bare = { env: "staging", keyFile: undefined, yes: undefined };
    results.push(["without a key file", await run(bare)]);
    results.push(["wrangler fails", await run({ env: "staging" })]);
    deployed(next(THIRD));
    results.push(["another key", await run({ env: "staging" })]);
    await expectGolden("environments.txt", results);
  });
});
