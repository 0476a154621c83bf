// The files of a new project, in the order in which they are told.

import type { Settings } from "../read-answers.ts";
import { DEPENDABOT_YML } from "./dependabot-yml.ts";
import { BOUND_DEV_VARS_EXAMPLE, DEV_VARS_EXAMPLE } from "./dev-vars-example.ts";
import { GITIGNORE } from "./gitignore.ts";
import { INDEX_TS } from "./index-ts.ts";
import { packageJson } from "./package-json.ts";
import { readmeMd } from "./readme-md.ts";
import { TSCONFIG_JSON } from "./tsconfig-json.ts";
import { WORKFLOW_YML } from "./workflow-yml.ts";
import { wranglerToml } from "./wrangler-toml.ts";

export type ProjectFile = {
  /** From the project's folder, with slashes. */
  readonly path: string;
  /** What it is for, in a few words. */
  readonly what: string;
  readonly text: string;
};

/**
 * @param version that of Vitrine
 * @param vitrine the range or the file that package.json has for it
 */
export function projectFiles(
  settings: Settings,
  version: string,
  vitrine: string,
): readonly ProjectFile[] {
  return [
    {
      path: "wrangler.toml",
      what: "all settings: the bucket, routes and presets",
      text: wranglerToml(settings, version),
    },
    { path: "package.json", what: "the commands and the packages", text: packageJson(vitrine) },
    { path: "src/index.ts", what: "the Worker, out of the package vitrine", text: INDEX_TS },
    { path: "tsconfig.json", what: "how npm run check checks it", text: TSCONFIG_JSON },
    {
      path: ".dev.vars.example",
      what: "the names of the secrets, without values",
      text: settings.s3 === undefined ? BOUND_DEV_VARS_EXAMPLE : DEV_VARS_EXAMPLE,
    },
    { path: ".gitignore", what: "what is made again, and secrets", text: GITIGNORE },
    {
      path: ".github/workflows/vitrine.yml",
      what: "checks each change, and deploys main",
      text: WORKFLOW_YML,
    },
    {
      path: ".github/dependabot.yml",
      what: "keeps the packages and the actions up to date",
      text: DEPENDABOT_YML,
    },
    {
      path: "README.md",
      what: "the next steps and the commands",
      text: readmeMd(settings, vitrine),
    },
  ];
}
