// What the contact sheet of the local run shows and does: what the Worker runs with, and the mistakes in the files.

import { hash } from "node:crypto";
import { mistakeText } from "../../worker/base/refusal.ts";
import { readConfig } from "../../worker/config/config.ts";
import type { Follower } from "../follow-files.ts";
import type { Mistakes } from "../read-project.ts";
import { rememberChanges, settingsOf } from "./changed-at.ts";
import { contentsOf } from "./contents.ts";
import type { SheetAnswer, SheetData } from "./data.ts";
import { describeFixtures } from "./describe.ts";
import { forgetOwnImage, listOwnImages, putOwnImage } from "./own-images.ts";
import type { Sheet } from "./serve-sheet.ts";
import { answerWith, type LocalConfig } from "./try/answer.ts";
import { makeTry } from "./try/make-try.ts";
import { tellFact } from "./try/tell-fact.ts";
import { createTurns } from "./try/turns.ts";

/** How many tries run at once, and how many wait. */
const TRIES = 2;
const WAITING = 8;

/**
 * @param follower knows what the Worker runs with
 * @param images the Images binding of the local edge
 */
export async function localSheet(
  follower: () => Pick<Follower, "current" | "mistakes">,
  port: number,
  images: ImagesBinding,
): Promise<Sheet> {
  const turns = createTurns(TRIES, WAITING);
  const fixtures = await describeFixtures();
  // The browser keeps renditions by the origin, which has the port.
  const changes = `.wrangler/vitrine/dev-${port}.changed.json`;

  const readLocal = (): LocalConfig | Mistakes => {
    const { own, vars, buckets, started, devVars } = follower().current();
    // A try asks for no signature: what is private of that S3 stays so. The sheet shows nothing of it.
    if (own) return { mistakes: [`nothing is put into or shown of the S3 that ${devVars} names`] };
    const config = readConfig({
      ...{ ...vars, BUCKETS: buckets },
      ...(started["IMAGES"] !== undefined && { IMAGES: images }),
    });
    if (!("mistakes" in config)) return { config, started };
    return { mistakes: config.mistakes.map(mistakeText) };
  };

  /** The sheet as the Worker serves it, whatever is written meanwhile. */
  const contents = async (): Promise<SheetData | undefined> => {
    const { config, own, vars } = follower().current();
    if (config === undefined) return undefined;
    const now = Date.now();
    const seen = rememberChanges(changes, settingsOf(vars), now);
    const known = own ? [] : [...listOwnImages(), ...fixtures];
    return contentsOf(config, vars, known, !own, seen, now);
  };

  return {
    answer: async () => {
      const mistakes = follower().mistakes();
      try {
        return tagged(mistakes, await contents());
      } catch (error) {
        return tagged([...mistakes, `${error}`], undefined);
      }
    },
    put: async (file, body, type) => {
      const local = readLocal();
      if ("mistakes" in local) return local.mistakes.join("; ");
      return putOwnImage(local.config, file, body, type, Date.now());
    },
    forget: forgetOwnImage,
    attempt: (search) => answerWith(makeTry, readLocal, search, turns),
    fact: (search) => answerWith(tellFact, readLocal, search, turns),
  };
}

/** The tag does not change with the time of a signature. */
export function tagged(mistakes: readonly string[], sheet: SheetData | undefined): SheetAnswer {
  const pictures = sheet?.pictures.map(({ renditions, ...picture }) => {
    return { ...picture, renditions: renditions.map(({ query: _, ...one }) => one) };
  });
  const tag = hash("sha256", JSON.stringify({ mistakes, sheet: { ...sheet, pictures } }));
  return { tag, mistakes, ...(sheet && { sheet }) };
}
