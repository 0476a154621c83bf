// What `vitrine rotate` says where something went wrong: whose fault it can be, and what may help.

import { HttpResponse, http } from "msw";
import { expect, test } from "vitest";
import {
  addBucket,
  ID,
  KEY,
  keepRecord,
  NEW,
  NEXT,
  now,
  OLD,
  QUESTIONS,
  RECORD,
  refusedRun,
  revoke,
  run,
  sayHealth,
  site,
  typing,
  URL,
} from "../../support/cli/rotating-site.ts";
import { CREDENTIALS } from "../../support/env.ts";
import { stage } from "../../support/play.ts";
import { network } from "../../support/stand.ts";

test("it does not advise to take away the last key that works", async () => {
  revoke();
  site.during = () => {
    stage.edge.switches.transformations = false;
    return {};
  };
  const { code, err } = await run();
  expect([code, now()]).toEqual([2, { ...OLD, ...NEXT }]);
  expect(err).toContain("After step 2");
  expect(err).not.toContain("To go back");
  site.deployed = { ...OLD, ...NEXT };
  keepRecord({ ...RECORD, step: 3, worked: false });
  const taken = await run();
  expect(taken.err).not.toContain("To go back");
  stage.edge.switches.transformations = true;
  site.deployed = { ...NEW, AWS_SECRET_ACCESS_KEY: "half", ...NEXT };
  keepRecord({ ...RECORD, step: 5, worked: false });
  const half = await run({ keyFile: undefined });
  expect(half.err).toContain("Step 5 has not begun");
  expect(half.err).toContain("S3 answers SignatureDoesNotMatch for the current slot");
  expect(half.err).toContain("There is no way back: S3 refused the old key.");
});

test.each<[number, boolean, string]>([
  [2, true, "No slot of a bucket works: make another key, and start again"],
  [4, true, "No slot of a bucket works: put the old key back into the current slot."],
  [4, false, "No slot of a bucket works: make another key, and start again"],
  [5, false, "No slot of a bucket works: make another key, and start again"],
])("no slot works after step %d (the old key did: %s)", async (step, worked, says) => {
  if (step === 2) revoke();
  if (!worked) revoke();
  site.during = (times) => {
    if (times === [2, 4, 5].indexOf(step) + 1) stage.s3.keys.delete(ID);
    return {};
  };
  const { code, err } = await run();
  expect([code, err]).toEqual([2, expect.stringContaining(says)]);
});

test.each<[step: number, secrets: object, says: string]>([
  [3, { ...OLD, ...NEXT }, "S3 does not accept the new key:"],
  [5, { ...NEW, ...NEXT }, "Step 5 has not begun"],
])("taken up in step %d where S3 knows no key any more", async (step, secrets, says) => {
  stage.s3.keys.clear();
  site.deployed = { ...secrets };
  keepRecord({ ...RECORD, step, worked: false });
  const err = await refusedRun({ keyFile: step > 4 ? undefined : "key.json" });
  expect(err).toContain(says);
  expect(err).toContain("make another key, and start again: npx vitrine rotate");
  expect(err).not.toMatch(/until step 2|Nothing has been changed/);
});

test("what serves one bucket is not given up for another one", async () => {
  addBucket("extra", "AWS");
  revoke();
  site.during = () => {
    sayHealth({
      media: { current: ["…MPLE", "InvalidAccessKeyId"], next: ["…TKEY", "ok"] },
      extra: { current: ["…MPLE", "ok"], next: ["…TKEY", "AccessDenied"] },
    });
    return {};
  };
  const { code, err } = await run();
  expect([code, err]).toEqual([
    2,
    expect.stringContaining("extra: S3 answers AccessDenied for the"),
  ]);
  expect(err).toContain("Leave the next slot as it is: a bucket has no other slot that works.");
  expect(err).not.toContain("To go back");
});

const OUTAGE = "S3 itself is down or busy. The keys are not the cause.";

test("an outage of S3 is no fault of a key: at the beginning", async () => {
  stage.s3.faults.add("ServiceUnavailable");
  const err = await refusedRun();
  expect(err).toContain("media: S3 answers ServiceUnavailable for the current slot");
  expect(err).toContain(OUTAGE);
  expect(err).not.toContain("until step 2 is done");
});

test.each<[what: string, begins: () => void, says: string]>([
  ["of S3", () => stage.s3.faults.add("ServiceUnavailable"), OUTAGE],
  [
    "of all",
    () => network.use(http.all(`${URL}/*`, () => HttpResponse.error())),
    "The state of the slots is unknown. Leave them as they are.",
  ],
  [
    "of the edge",
    () => (stage.edge.switches.transformations = false),
    `The slots are as they must be, and S3 accepts the key. Look for another cause: npx vitrine doctor --url ${URL}\n`,
  ],
])("an outage %s is no fault of a step", async (_what, begins, says) => {
  site.during = (times) => {
    if (times === 3) begins();
    return {};
  };
  const { code, err } = await run();
  expect([code, now()]).toEqual([2, NEW]);
  expect(err).toContain("After step 5");
  expect(err).toContain(says);
  expect(err).not.toMatch(/Is the Worker|old key|To go back|no slot that works/);
  const again = await run({ keyFile: undefined });
  expect([again.code, again.err]).toEqual([2, expect.not.stringMatching(/To go back|old key/)]);
});

test("S3 that is busy with one slot says nothing of its key", async () => {
  site.during = (times) => {
    if (times === 2) {
      sayHealth({ media: { current: ["…TKEY", "SlowDown"], next: ["…TKEY", "ok"] } });
    }
    return {};
  };
  const { code, err } = await run();
  expect([code, err]).toEqual([2, expect.stringContaining(OUTAGE)]);
  expect(err).not.toContain("old key");
});

test("an outage between two questions is no contradiction", async () => {
  const answers = QUESTIONS.slice(0, 2).map((question) => [question, "y"] as const);
  const { code, err } = await typing([...KEY, ...answers], {}, (left) => {
    if (left === 0) stage.edge.switches.transformations = false;
  });
  expect([code, site.ran.length]).toEqual([2, 1]);
  expect(err).toContain("Step 4 has not begun: something is wrong.");
  expect(err).toContain("the edge answers off for the canary of media");
  expect(err).not.toContain("start again");
});

test("what others wrote moves no cursor", async () => {
  const evil = "\u001b]0;evil\u0007\u001b[2Jplain\rover\u202e";
  site.during = (times) => {
    if (times === 2) {
      const headers = { "content-type": "text/x\u009b2J" };
      network.use(
        http.get(`${URL}/images/*`, () => new HttpResponse("", { headers }), { once: true }),
      );
    }
    return { says: `\u001b[31mred\u001b[0m ${evil}` };
  };
  const { code, out, err } = await run();
  expect(code).toBe(1);
  expect(err).toContain("  red ");
  expect(err).toContain("answers 200, text/x\\u009b2J");
  // biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
  expect(out + err).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]/);
});

test("a bucket that the old key opens by another name is told before it is deactivated", async () => {
  addBucket("other", "OTHER");
  const { accessKeyId, secretAccessKey } = CREDENTIALS;
  const other = { OTHER_ACCESS_KEY_ID: accessKeyId, OTHER_SECRET_ACCESS_KEY: secretAccessKey };
  site.deployed = { ...OLD, ...other };
  const { code, err } = await run({ bucket: "media", url: URL, wait: 1 });
  expect([code, err]).toEqual([1, expect.anything()]);
  expect(err).toContain("other: its current slot holds a key that ends in …MPLE, too.");
  expect(err).toContain(`npx vitrine rotate --url ${URL} --bucket other --wait 1 --restart\n`);
});
