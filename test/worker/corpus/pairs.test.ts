// All pairs of a picture of the corpus, a variant, an Accept, a switch of the edge and an engine. It takes long.

import { seeded } from "../../bench/random.ts";
import { CORPUS, corpusBytes } from "../../support/corpus.ts";
import { createCases } from "./cases.ts";
import { SEED, tryCases } from "./try-cases.ts";

const subjects = CORPUS.map((picture) => ({
  ...picture,
  readBytes: () => corpusBytes(picture.name),
}));

tryCases("All pairs of the corpus", createCases(subjects, seeded(SEED)));
