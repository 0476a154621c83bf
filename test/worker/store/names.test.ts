// The names of stored renditions. A change of a name makes everybody pay for all renditions once more.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { readConfig } from "../../../src/worker/config/config.ts";
import { isRefusal } from "../../../src/worker/http/refusal.ts";
import { possibleFormats } from "../../../src/worker/request/accept.ts";
import { storedName } from "../../../src/worker/store/entries.ts";
import { ROOT } from "../../support/built.ts";

const VECTORS = "fixtures/vectors/stored-names.json";

type Vectors = {
  readonly vars: Readonly<Record<string, unknown>>;
  readonly keys: readonly string[];
  /** By `BUCKET/key VARIANT formats`. */
  readonly names: Readonly<Record<string, string>>;
};

const { vars, keys, names }: Vectors = JSON.parse(readFileSync(join(ROOT, VECTORS), "utf8"));

/** The names that the configuration of the vectors gives. */
async function namesNow(): Promise<Record<string, string>> {
  const config = readConfig({ ...vars, IMAGES: { input() {}, info() {} } });
  if (isRefusal(config)) throw new Error(JSON.stringify(config));

  const storedNames: Record<string, string> = {};
  for (const bucket of config.buckets) {
    for (const [name, variant] of config.variants) {
      for (const formats of possibleFormats(variant)) {
        for (const key of keys) {
          const rendition = { bucket, key: bucket.prefix + key, version: "7", variant, formats };
          storedNames[`${bucket.name}/${key} ${name} ${formats}`] = await storedName({
            ...rendition,
            isStorable: true,
            lifetimes: undefined,
          });
        }
      }
    }
  }

  return storedNames;
}

test("the names of all renditions are as in fixtures/vectors, the order of options too", async () => {
  const hint = "stored pictures would be made anew: a new option has no default (CONTRIBUTING.md)";
  expect(await namesNow(), hint).toEqual(names);
});
