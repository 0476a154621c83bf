// The doctor on a real S3: faults that are set up one at a time, each named by its check alone, and nothing found where
// all is well. What this server cannot have, such as another region, is in test/cli/doctor, on the strict S3.

import { beforeAll, expect, test } from "vitest";
import type { Check, Finding } from "../../src/cli/doctor/finding.ts";
import type { Credentials } from "../../src/worker/config/slot.ts";
import { createFolder } from "../support/cli/folder.ts";
import { vitrine } from "../support/cli/vitrine.ts";
import { SECRETS } from "../support/env.ts";
import { createBucket, type Grant, letRead, putObject, setPolicy } from "./client.ts";
import { draw } from "./pictures.ts";
import { secretsOf, varsFor } from "./run-vitrine.ts";
import { USERS, type User } from "./world.ts";

const mediaBucket = { bucket: "doctor", prefix: "published/" };
const READ = "s3:GetObject";
const LIST = "s3:ListBucket";

beforeAll(async () => {
  for (const bucket of [mediaBucket.bucket, "doctor-open"]) {
    await createBucket(bucket);
    await putObject(bucket, "published/a.png", await draw(1), "image/png");
  }
  await letRead(mediaBucket.bucket, "reader");
});

type SetUp = {
  readonly key?: Credentials;
  /** What replaces the settings of the bucket, and the objects to look at. */
  readonly media?: object;
  readonly objects?: readonly string[];
  /** How far this machine's clock is ahead: s. */
  readonly ahead?: number;
  /** The policy of the second bucket, which this is about. */
  readonly policy?: readonly Grant[];
};

/** Runs the doctor. @returns what is wrong; http:// alone is a mistake in wrangler.toml, which all have here */
async function examine(setUp: SetUp): Promise<Finding[]> {
  const { key = USERS.reader, media, objects = ["a.png"], policy } = setUp;
  if (policy) await setPolicy("doctor-open", policy);
  const vars = varsFor(policy ? { ...mediaBucket, bucket: "doctor-open" } : mediaBucket);
  const BUCKETS = { media: { ...vars.BUCKETS.media, ...media } };
  const folder = createFolder({ ...vars, BUCKETS });
  const now = () => Date.now() + (setUp.ahead ?? 0) * 1000;
  const options = { folder, now, env: { ...SECRETS, ...secretsOf(key) } };
  const { out } = await vitrine(["doctor", "--json", ...objects], options);
  const { findings }: { findings: Finding[] } = JSON.parse(out);
  const isWrong = ({ severity }: Finding) => severity === "error" || severity === "warning";
  return findings.filter((one) => isWrong(one) && one.check !== "configuration");
}

const user = (name: User, ...actions: string[]): Grant => ({ user: name, actions });
const anyone = (...actions: string[]): Grant => ({ user: undefined, actions });

/** What is set up, and the checks that name it with what is seen last. */
const FAULTS: Readonly<
  Record<string, readonly [() => SetUp | Promise<SetUp>, readonly Check[], RegExp?]>
> = {
  "all is well": [() => ({}), []],
  "a key that may list and write": [() => ({ key: USERS.owner }), []],
  "a key that may list": [() => ({ policy: [user("reader", READ, LIST)] }), []],
  "a misspelt bucket": [() => ({ media: { bucket: "doctors" } }), ["bucket"], /"doctors"/],
  "this machine's clock is behind": [() => ({ ahead: -1_200 }), ["clock"], /ahead/],
  "this machine's clock is ahead": [() => ({ ahead: 1_200 }), ["clock"], /behind/],
  "an object that is missing": [
    () => ({ objects: ["nothing.png"] }),
    ["sample"],
    /nothing\.png is missing, .* or denied/,
  ],
  "an object that is missing, for a key that may list": [
    () => ({ policy: [user("reader", READ, LIST)], objects: ["nothing.png"] }),
    ["sample"],
    /nothing\.png is missing \(NoSuchKey\)/,
  ],
  "a prefix that is not there": [
    () => ({ media: { prefix: "publishd/" }, key: USERS.owner }),
    ["prefix"],
    /no object below the prefix "publishd\/"/,
  ],
  "a policy that denies the objects": [
    () => ({ policy: [user("reader", LIST)] }),
    ["sample"],
    /a\.png is there, and denied/,
  ],
  "a bucket that anyone may read": [
    () => ({ policy: [user("reader", READ), anyone(READ)] }),
    ["public"],
    /anyone can download published\/a\.png without/,
  ],
  "a bucket that anyone may list": [
    () => ({ policy: [user("reader", READ), anyone(LIST)] }),
    ["public"],
    /anyone can list it without/,
  ],
  "a bucket that anyone may read, list and write": [
    () => ({ policy: [anyone(READ, LIST, "s3:PutObject")] }),
    ["public"],
    /download published\/a\.png and list it without a key/,
  ],
};

test.for(Object.entries(FAULTS))("on %s (A6, A7, A13)", async ([_title, [setUp, checks, seen]]) => {
  const wrong = await examine(await setUp());
  expect(wrong.map(({ check }) => check)).toEqual(checks);
  if (seen) expect(wrong.at(-1)?.seen).toMatch(seen);
});
