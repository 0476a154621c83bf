// What the contact sheet of the local run shows and does. For each request it tells the mistakes in the
// files as they are now, and shows what the Worker runs with.

import { hash } from "node:crypto";
import { devVarsOf } from "../../cli/project/read-vars.ts";
import type { ImagesBinding } from "../../emulator/images/types.ts";
import { readConfig } from "../../worker/config/config.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { type Project, readProject } from "../read-project.ts";
import { rememberChanges, settingsOf } from "./changed-at.ts";
import { contentsOf } from "./contents.ts";
import type { SheetAnswer, SheetData } from "./data.ts";
import { describeFixtures } from "./describe.ts";
import { readLocalConfig } from "./local-config.ts";
import { forgetOwnImage, listOwnImages, putOwnImage } from "./own-images.ts";
import type { Sheet } from "./serve-sheet.ts";
import { answerWith, says } from "./try/answer.ts";
import { makeTry } from "./try/make-try.ts";
import { tellFact } from "./try/tell-fact.ts";
import { createTurns } from "./try/turns.ts";

/** How many tries run at once, and how many wait. */
const TRIES = 2;
const WAITING = 8;

/**
 * @param project as the local run was started with it
 * @param endpoint the URL of the local S3
 * @param images the Images binding of the local edge
 */
export async function localSheet(
  project: Project,
  endpoint: string,
  images: ImagesBinding,
): Promise<Sheet> {
  const { own, buckets, environment } = project;
  const read = () => readLocalConfig(project, endpoint, images);
  const turns = createTurns(TRIES, WAITING);
  const fixtures = own ? [] : await describeFixtures();
  // The browser keeps renditions by the origin, which has the port.
  const changes = `.wrangler/local/${new URL(endpoint).port}.changed.json`;
  let last = project;

  /** The sheet as the Worker serves it, whatever is written meanwhile. */
  const contents = async (running: Vars): Promise<SheetData | undefined> => {
    const vars = { ...last.vars, BUCKETS: own ? last.vars["BUCKETS"] : buckets, ...running };
    const config = readConfig(vars);
    if ("mistakes" in config) return undefined;
    const now = Date.now();
    const seen = rememberChanges(changes, settingsOf(vars), now);
    const known = own ? [] : [...listOwnImages(), ...fixtures];
    return await contentsOf(config, vars, known, !own, seen, now);
  };

  /** A try asks for no signature: what is private of that S3 stays so. The sheet shows nothing of it. */
  const notOwn = () => {
    return says(400, `nothing is tried with the S3 that ${devVarsOf(".", environment)} names`);
  };

  return {
    answer: async (running) => {
      const now = readProject(endpoint, environment, "quiet");
      if (!("mistakes" in now)) last = now;
      const mistakes = "mistakes" in now ? now.mistakes : [];
      try {
        return tagged(mistakes, await contents(running));
      } catch (error) {
        return tagged([...mistakes, `${error}`], undefined);
      }
    },
    put: async (file, body, type) => {
      if (own)
        return `npx vitrine dev adds nothing to the S3 that ${devVarsOf(".", environment)} names`;
      const local = read();
      if ("mistakes" in local) return local.mistakes.join("; ");
      return putOwnImage(local.config, file, body, type, Date.now());
    },
    forget: forgetOwnImage,
    attempt: async (search) => (own ? notOwn() : answerWith(makeTry, read, search, turns)),
    fact: async (search) => (own ? notOwn() : answerWith(tellFact, read, search, turns)),
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
