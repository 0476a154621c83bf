// The keys for which requests are signed: the naughty strings, our own hostile keys, and random ones from a seed.

import naughty from "big-list-of-naughty-strings/blns.json" with { type: "json" };
import fc from "fast-check";
import { HARD_KEYS } from "../../../src/dev/objects.ts";
import { IMPOSSIBLE, KEYS, NEAR, TRICKS } from "../../hostile/spelling.ts";
import { hardKeys } from "../../s3/hard-keys.ts";

const SEED = 20_261_129;
const RANDOM = 20_000;

const words = [...KEYS, ...TRICKS, ...IMPOSSIBLE];
const hostile = [...HARD_KEYS, ...hardKeys(SEED, 500), ...words].flatMap((key) => [
  key,
  ...(key.isWellFormed() ? NEAR.map((near) => near(key)) : []),
]);

const piece = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 4 }), // all planes of Unicode
  fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 4 }),
  fc.constantFrom(...`/ / // . .. ... + % %2F %2f %25 %252F %2e * ' ( ) ! ~ ? # & = ;`.split(" ")),
  fc.constantFrom(" ", "  ", "\t", "\n", "\0", "\\", "\u00a0", "\u0085", "\ud800", "a", "é", "😀"),
);
const random = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(""));

/** By where they come from, without the empty key: it names no object. */
export const KEY_LISTS = {
  "naughty strings": distinct(naughty),
  "hostile keys": distinct(hostile),
  "random keys": fc.sample(random, { seed: SEED, numRuns: RANDOM }),
};

function distinct(keys: readonly string[]): string[] {
  return [...new Set(keys)].filter((key) => key !== "");
}
