// Reads the configuration of the local run as it is now, with its buckets on this machine.

import type { ImagesBinding } from "../../emulator/images/types.ts";
import { mistakeText } from "../../worker/base/mistake.ts";
import { type Config, readConfig } from "../../worker/config/config.ts";
import type { Vars } from "../../worker/config/schema.ts";
import { type Mistakes, type Project, readProject } from "../read-project.ts";

export type LocalConfig = {
  readonly config: Config;
  /** The vars as they are written. */
  readonly started: Vars;
};

/**
 * @param project as it was at the start: the local run does not take up changed buckets
 * @param endpoint the URL of the local S3
 * @param images that of the local edge
 */
export function readLocalConfig(
  { own, buckets, environment }: Project,
  endpoint: string,
  images: ImagesBinding,
): LocalConfig | Mistakes {
  const now = readProject(endpoint, environment);
  if ("mistakes" in now) return now;
  const { started, secrets } = now;
  if (own) return { config: now.config, started };
  const config = readConfig({
    ...{ ...started, ...secrets, BUCKETS: buckets },
    ...(started["IMAGES"] !== undefined && { IMAGES: images }),
  });
  return "mistakes" in config
    ? { mistakes: config.mistakes.map(mistakeText) }
    : { config, started };
}
