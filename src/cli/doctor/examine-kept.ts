// Asks for an image twice, as a visitor does, to see whether Cloudflare keeps renditions (W11).

import type { Project } from "../config/project.ts";
import { ACCEPTS, askSite, type Visit } from "./ask-site.ts";
import { diagnoseKept, type Said, saidBy } from "./diagnose-kept.ts";
import { type Finding, note } from "./finding.ts";

const TIMES = 2;

/** @param visit an image that the site has just shown */
export async function examineKept(
  { config, local }: Project,
  { base, path, query, route }: Visit,
): Promise<Finding> {
  const about = { about: base + path, bucket: route.bucket.name };
  if (local)
    return { ...about, ...note("kept", "the local run has no Workers Cache: that is right") }; // W15
  const said: Said[] = [];
  while (said.length < TIMES && !said.some(({ did }) => did === "kept")) {
    const answer = await askSite(base + path + query, { headers: { accept: ACCEPTS[0][1] } });
    said.push(saidBy(answer));
  }
  return { ...about, ...diagnoseKept(said, config.answers.keep) };
}
