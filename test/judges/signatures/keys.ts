// The keys for which requests are signed: the naughty strings, our own hostile keys, and random ones from a seed.

import naughty from "big-list-of-naughty-strings/blns.json" with { type: "json" };
import fc from "fast-check";
import { IMPOSSIBLE, KEYS, NEAR, TRICKS } from "../../hostile/spelling.ts";
import { hardKeys } from "../../s3/hard-keys.ts";

const SEED = 20_261_129;

const hostile = [...hardKeys(SEED, 500), ...KEYS, ...TRICKS, ...IMPOSSIBLE];
const near = hostile
  .filter((key) => key.isWellFormed())
  .flatMap((key) => NEAR.map((spell) => spell(key)));

const piece = fc.oneof(
  fc.string({ unit: "binary", minLength: 1, maxLength: 4 }), // all planes of Unicode
  fc.string({ unit: "binary-ascii", minLength: 1, maxLength: 4 }),
  fc.constantFrom(...`/ / // . .. ... + % %2F %2f %25 %252F %2e * ' ( ) ! ~ ? # & = ;`.split(" ")),
  fc.constantFrom(" ", "  ", "\t", "\n", "\0", "\\", "\u00a0", "\u0085", "\ud800", "a", "é", "😀"),
);
const random = fc.array(piece, { minLength: 1, maxLength: 8 }).map((pieces) => pieces.join(""));

export const KEY_LISTS = {
  "naughty strings": naughty,
  "hostile keys": [...new Set([...hostile, ...near])],
  "random keys": fc.sample(random, { seed: SEED, numRuns: 20_000 }),
};
