// The known answers of fixtures/vectors/signing.json are those of this project's own code, and the Worker opens
// them and refuses the wrong ones. test/signing/ has the programs in other languages.

import { beforeEach, expect, test } from "vitest";
import vectors from "../../fixtures/vectors/signing.json" with { type: "json" };
import { createClient } from "../../src/client/index.ts";
import { createSigner } from "../../src/client/sign.ts";
import type { PresetTable } from "../../src/client/types.ts";
import { textToSign } from "../../src/url/grant.ts";
import { ENV } from "../support/env.ts";
import { get, lines, put, stopDates } from "../support/play.ts";

const { keys, urls, wrong } = vectors;
const PRESETS: PresetTable = {
  hero: { width: 1920, widths: [640, 1920] },
  card: { width: 160, dpr: [1.5, 2] },
};
type Case = (typeof urls)[number];

const HOUR_BEFORE = (Math.min(...urls.map(({ expires }) => expires)) - 3600) * 1000;
stopDates(HOUR_BEFORE);
beforeEach(() => {
  for (const { key } of urls) put(key, "made/key.jpg");
});

const routeOf = ({ route, folder }: Case) => ({
  ...{ path: route, object: `media/${folder}*`, signed: true, max_age: 86_400 },
});
const ask = async (url: string, of: Case) => {
  const env = { ...ENV, ROUTES: [routeOf(of)], PRESETS, URL_SIGNING_KEYS: JSON.stringify(keys) };
  return (await get(url, {}, env)).status;
};

test.each(urls)("a signed URL: $name", async (known) => {
  const { site, kid, variant, preset, key, expires, version } = known;
  const client = createClient({ baseUrl: site, route: routeOf(known), presets: PRESETS });
  const secret = Object.entries(keys).find(([name]) => name === kid)?.[1];
  const sign = createSigner(client.site, JSON.stringify({ [kid]: secret }));
  const query = await sign(key, preset, { expires, ...(version && { version }) });
  const url = client.imageUrl(key, variant, query);
  expect({ ...known, text: textToSign(known, kid), query, url }).toEqual(known);
  expect(await ask(url, known)).toBe(200);
});

test.each(wrong.urls)("a wrong URL is refused: $mistake", async ({ name, url }) => {
  const [of] = urls.filter((one) => one.name === name);
  if (!of) throw new Error(`There is no case "${name}"`);
  expect(url).not.toBe(of.url);
  expect(await ask(url, of)).toBe(404);
  expect(lines()).toMatchObject([{ event: "signature-wrong" }]);
});
