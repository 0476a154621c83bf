// What the contact sheet of the local run shows and does. The configuration is read for each request,
// so the sheet always shows the current one.

import { devVarsOf } from "../../cli/project/vars.ts";
import { mistakeText } from "../../worker/base/mistake.ts";
import { readConfig } from "../../worker/config/config.ts";
import { type Project, readProject } from "../read-project.ts";
import { contentsOf, describeFixtures } from "./contents.ts";
import { forgetOwnImage, listOwnImages, putOwnImage } from "./own-images.ts";
import type { Sheet } from "./serve-sheet.ts";

/** @param endpoint the URL of the local S3 */
export async function localSheet(project: Project, endpoint: string): Promise<Sheet> {
  const { own, buckets, environment } = project;
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
      const now = readProject(endpoint, environment);
      if ("mistakes" in now) return now.mistakes.join("; ");
      const local = readConfig({ ...now.started, ...now.secrets, BUCKETS: buckets });
      if ("mistakes" in local) return local.mistakes.map(mistakeText).join("; ");
      return putOwnImage(local, file, body, type, Date.now());
    },
    forget: forgetOwnImage,
  };
}
