// With what the strict edge of the local run is made: it may ask only the buckets of the project, and keeps
// nothing. No I/O.

import type { EdgeSettings } from "../emulator/edge/settings.ts";
import { bucketsOf } from "../worker/config/routes.ts";
import type { Project } from "./read-project.ts";

/** @param endpoint the URL of the local S3 */
export function edgeSettings({ own, config }: Project, endpoint: string): EdgeSettings {
  const bases = own ? [...bucketsOf(config.routes)].map(({ base }) => base) : [endpoint];
  const urls = bases.map((base) => new URL(base));
  return {
    // Not the host of this run. The local S3 has the same host, and would always be allowed (E5).
    zone: "images.example",
    sources: urls.map(({ host }) => host),
    plain: urls.filter(({ protocol }) => protocol === "http:").map(({ host }) => host), // E6
    fetch,
    cache: false,
    quota: Number.POSITIVE_INFINITY,
    unplayable: "left-out",
  };
}
