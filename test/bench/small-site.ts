// The site of the simulation with small and therefore fast renditions, and how each design asks the strict
// edge for them.

import { AwsV4Signer } from "aws4fetch";
import { expect } from "vitest";
import type { Edge } from "../../src/emulator/served.ts";
import { mistakeText } from "../../src/worker/base/mistake.ts";
import { readConfig } from "../../src/worker/config/config.ts";
import { sign } from "../../src/worker/origin/sigv4.ts";
import { CREDENTIALS, NEXT, SECRETS, VARS } from "../support/env.ts";
import { get } from "../support/play.ts";
import { chosen, variantsByPreset } from "./choice.ts";
import { createDesigns, type DesignName, keyOf, SITE } from "./designs.ts";
import type { Visit } from "./trace.ts";

export const SMALL = {
  ...SITE,
  ...SECRETS,
  ...NEXT,
  BUCKETS: VARS.BUCKETS,
  PRESETS: {
    thumbnail: { width: 8, height: 8, fit: "cover", dpr: [1, 2] },
    card: { width: 12, dpr: [1, 1.5, 2] },
    hero: { width: 40, widths: [16, 24, 32, 40], quality: 80 },
  },
} as const;
export const designs = createDesigns(SMALL);

/**
 * Has an image made: this design with the whole Worker, the others as their Workers would.
 * @param edge that of the visitor's place
 * @param env the vars and secrets; the Worker knows nothing of earlier requests with another object
 * @returns whether there is an image
 */
export type Ask = (visit: Visit, edge: Edge | undefined, env: object) => Promise<boolean>;

export const ASKING: Readonly<Record<DesignName, Ask>> = {
  vitrine: async (visit, _edge, env) => {
    const { name } = chosen(variants.get(visit.preset) ?? [], visit);
    const path = `/images/${name}/${keyOf(visit.object)}`;
    const answer = await get(path, { headers: { accept: visit.accept } }, env, `${visit.place}`);
    expect([200, 502]).toContain(answer.status);
    return answer.ok;
  },
  free: async (visit, edge) => {
    const { source, image } = designs.free.call(visit);
    const headers = await sign(source, "eu-west-1", CREDENTIALS, visit.at);
    return (await edge?.fetch(source, { headers, cf: { image } }))?.ok === true;
  },
  presigned: async (visit, edge) => {
    const { image } = designs.presigned.call(visit);
    const url = await presign(visit.object, visit.at);
    return (await edge?.fetch(url, { cf: { image } }))?.ok === true;
  },
};

/** A presigned URL of S3. */
export async function presign(object: number, at: number): Promise<string> {
  const datetime = new Date(at).toISOString().replace(/[:-]|\.\d{3}/g, "");
  const place = { service: "s3", region: "eu-west-1", signQuery: true, datetime };
  const url = designs.presigned.purged(object);
  return (await new AwsV4Signer({ ...CREDENTIALS, ...place, url }).sign()).url.href;
}

const config = readConfig(SMALL);
if ("mistakes" in config) throw new Error(config.mistakes.map(mistakeText).join());
const variants = variantsByPreset(config.variants);
