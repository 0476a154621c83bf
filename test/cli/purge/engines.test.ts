// vitrine purge of buckets that the edge never fetches from: only the Worker's cache has their renditions.

import { expect, test } from "vitest";
import { createCloudflare, ZONE_ID } from "../../support/cli/cloudflare.ts";
import { BOUND, makeProject, STAGED } from "../../support/cli/folder.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { CLOUDFLARE_API_TOKEN, SECRETS, VARS } from "../../support/env.ts";
import "../../support/play.ts";
import { network } from "../../support/stand.ts";

const { env: _env, ...TOP } = STAGED;
const vars = {
  BUCKETS: { media: VARS.BUCKETS.media, bound: { binding: "MEDIA_BUCKET" } },
  ROUTES: [
    { path: "/images/:preset/*", object: "media/*" },
    { path: "/bound/:preset/*", object: "bound/*" },
  ],
  PRESETS: { card: { width: 9 } },
};
const folder = makeProject({ ...TOP, ...BOUND, vars });
const API = { CLOUDFLARE_API_TOKEN, CLOUDFLARE_ZONE_ID: ZONE_ID };

/** Purges objects with the token of Cloudflare's API alone. @returns also the URLs that the API gets */
async function purge(...keys: string[]) {
  const urls: string[] = [];
  const cloudflare = createCloudflare(async (call) => {
    urls.push(...call.files);
    return Response.json({ success: true, result: [] });
  });
  network.use(...cloudflare.handlers);
  const said = await vitrine(["purge", ...keys], { folder, env: { ...SECRETS, ...API } });
  return { ...said, urls };
}

test("Cloudflare's API gets no URL of an R2 binding", async () => {
  const { urls, out, code } = await purge("media/a.jpg", "bound/a.jpg");
  expect(urls.every((url) => url.startsWith("https://"))).toBe(true);
  expect(urls).toHaveLength(1);
  expect([code, out]).toEqual([1, "bound/a.jpg\n"]);
});

test("without the Worker's token it says what is missing, and prints the key", async () => {
  const { urls, out, err } = await purge("bound/a.jpg");
  expect([urls, out]).toEqual([[], "bound/a.jpg\n"]);
  expect(err).toContain("PURGE_TOKEN is missing");
});
