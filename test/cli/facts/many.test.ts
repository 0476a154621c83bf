// vitrine facts on many objects, with an S3 that fails now and then. `npm run bench:facts` does it with 10,000.

import { expect, test } from "vitest";
import { seeded } from "../../bench/random.ts";
import { at, facts, instead, put, read, refusal } from "../../support/cli/facts.ts";
import { runFast } from "../../support/clock.ts";
import { makeSamples, type Sample, wrongKeys } from "../../support/pictures.ts";

const MANY = 150;

/** Fills the bucket. @returns what is in it, by key */
async function fill(many: number): Promise<Map<string, Sample>> {
  const samples = await makeSamples();
  const objects = new Map<string, Sample>();
  for (let index = 0; index < many; index += 1) {
    const sample = samples[index % samples.length];
    if (sample === undefined) throw new Error("no sample");
    const key = `photos/${index % 7}/ü ${index}%+&'.jpg`;
    objects.set(key, sample);
    put(key, sample.stored.body);
  }
  return objects;
}

test("with 4 % of 429 and 2 % of 500, and interrupted twice, every fact is right or named", async () => {
  runFast(50);
  const objects = await fill(MANY);
  const random = seeded(21);
  let [troubles, gets, most] = [0, 0, 50];
  let interrupt = new AbortController();
  instead((key) => {
    if (key !== "") gets += 1;
    if (gets >= most) interrupt.abort();
    const chance = random();
    if (chance >= 0.06) return undefined;
    troubles += 1;
    return chance < 0.04 ? refusal(429, "SlowDown") : refusal(500, "InternalError");
  });
  const args = ["--out", "facts.json"];
  for (const run of [1, 2]) {
    const ended = await facts(args, { interrupted: interrupt.signal });
    expect([run, ended.code]).toEqual([run, 130]);
    expect(ended.err).toMatch(
      /Stopped: \d+ originals not read\. With --out, the next run goes on\./,
    );
    const part = Object.keys(JSON.parse(read("facts.json"))).length;
    expect(part).toBeGreaterThan(30 * run);
    expect(part).toBeLessThan(50 * run);
    interrupt = new AbortController();
    most += 50;
  }
  most = Number.POSITIVE_INFINITY;
  const ended = await facts(args);
  expect(ended.code).toBe(1);
  expect(await wrongKeys(objects, read("facts.json"), ended.err)).toEqual([]);
  expect(troubles).toBeGreaterThan(4);
  // What was read is not read again.
  const whole = at.s3.answers.filter(({ status }) => status === 200).length;
  expect(whole).toBeLessThan(MANY + 30);
});
