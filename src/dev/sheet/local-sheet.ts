// What the contact sheet of the local run shows and does. The configuration is read for each request,
// so the sheet always shows the current one.

import { devVarsOf } from "../../cli/project/vars.ts";
import { type Project, readProject } from "../read-project.ts";
import { contentsOf, describeFixtures } from "./contents.ts";
import { readLocalConfig } from "./local-config.ts";
import { forgetOwnImage, listOwnImages, putOwnImage } from "./own-images.ts";
import type { Sheet } from "./serve-sheet.ts";
import { answerWith } from "./try/answer.ts";
import { makeTry } from "./try/make-try.ts";
import { tellFact } from "./try/tell-fact.ts";
import { createTurns } from "./try/turns.ts";

/** How many tries run at once, and how many wait. */
const TRIES = 2;
const WAITING = 8;

/** @param endpoint the URL of the local S3 */
export async function localSheet(project: Project, endpoint: string): Promise<Sheet> {
  const { own, environment } = project;
  const read = () => readLocalConfig(project, endpoint);
  const turns = createTurns(TRIES, WAITING);
  const fixtures = own ? [] : await describeFixtures();
  return {
    contents: async () => {
      const now = readProject(endpoint, environment);
      if ("mistakes" in now) return now;
      try {
        const known = own ? [] : [...listOwnImages(), ...fixtures];
        return await contentsOf(now.config, now.started, known, !own, Date.now());
      } catch (error) {
        return { mistakes: [`${error}`] };
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
    attempt: (search) => answerWith(makeTry, read, search, turns),
    fact: (search) => answerWith(tellFact, read, search, turns),
  };
}
