// Some cases with small pictures of the corpus. pairs.test.ts tries all.

import { seeded } from "../../bench/random.ts";
import { CORPUS, corpusBytes } from "../../support/corpus.ts";
import { createCases, shuffle } from "./cases.ts";
import { SEED, tryCases } from "./try-cases.ts";

const COUNT = 100;

const small = CORPUS.filter(({ weight }) => weight === "small");
const subjects = small.map((picture) => ({
  ...picture,
  readBytes: () => corpusBytes(picture.name),
}));
const random = seeded(SEED);

tryCases("A draw of the corpus", shuffle(createCases(subjects, random), random).slice(0, COUNT));
