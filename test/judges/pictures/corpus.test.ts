// The properties of the corpus (test/worker/corpus), over pictures of others.

import sharp from "sharp";
import { seeded } from "../../bench/random.ts";
import { createCases, type Subject, shuffle } from "../../worker/corpus/cases.ts";
import { SEED, tryCases } from "../../worker/corpus/try-cases.ts";
import { type Original, readOriginals } from "./originals.ts";

const COUNT = 1_000;

/** Reads what is known of a picture. Undefined: it is broken, or the engines do not read its type. */
async function readSubject({ key, bytes }: Original): Promise<Subject | undefined> {
  const open = () => sharp(bytes, { failOn: "error" });
  try {
    const { format } = await open().metadata();
    if (!["jpeg", "png", "gif", "webp"].includes(format)) return undefined;

    const pixels = open().autoOrient().toColourspace("srgb").ensureAlpha().raw({ depth: "uchar" });
    const { data, info } = await pixels.toBuffer({ resolveWithObject: true });
    const { width, height } = info;
    const isTransparent = data.some((byte, at) => at % 4 === 3 && byte < 255);
    return { name: key, width, height, isTransparent, readBytes: async () => bytes };
  } catch {
    return undefined;
  }
}

const originals = await readOriginals();
const read = await Promise.all(originals.map(readSubject));
const subjects = read.filter((subject) => subject !== undefined);
const random = seeded(SEED);

tryCases("Pictures of others", shuffle(createCases(subjects, random), random).slice(0, COUNT));
