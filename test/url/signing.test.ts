// The known answers of fixtures/vectors/signing.json are those of this project's own code, and the Worker opens
// them and refuses the wrong ones. test/signing/ has the programs in other languages.

import { beforeEach, describe, expect, test } from "vitest";
import vectors from "../../fixtures/vectors/signing.json" with { type: "json" };
import { createClient } from "../../src/client/index.ts";
import { createSigner, signCookie } from "../../src/client/sign.ts";
import type { PresetTable } from "../../src/client/types.ts";
import { cookieTextToSign } from "../../src/url/cookie.ts";
import { textToSign } from "../../src/url/grant.ts";
import { ENV } from "../support/env.ts";
import { get, lines, put, stopDates } from "../support/run-worker.ts";

const { keys, urls, cookies, wrong } = vectors;
const PRESETS: PresetTable = {
  hero: { width: 1920, widths: [640, 1920] },
  card: { width: 160, dpr: [1.5, 2] },
};
const HOUR_BEFORE = (Math.min(...urls.map(({ expires }) => expires)) - 3600) * 1000;
stopDates(HOUR_BEFORE);

const secretOf = (kid: string) => Object.entries(keys).find(([name]) => name === kid)?.[1] ?? "";

const getStatus = async (url: string, route: object, headers = {}) => {
  const env = { ...ENV, ROUTES: [route], PRESETS, URL_SIGNING_KEYS: JSON.stringify(keys) };
  return (await get(url, { headers }, env)).status;
};

/** The case from which a wrong one was made. */
const caseOf = <Case extends { name: string }>(cases: readonly Case[], name: string): Case => {
  const match = cases.find((one) => one.name === name);
  if (!match) throw new Error(`There is no case "${name}"`);
  return match;
};

describe("URLs", () => {
  const routeOf = ({ route, folder }: (typeof urls)[number]) => ({
    ...{ path: route, object: `media/${folder}*`, signed: true, max_age: 86_400 },
  });
  beforeEach(() => {
    for (const { key } of urls) put(key, "made/key.jpg");
  });

  test.each(urls)("the client makes it, and it opens: $name", async (vector) => {
    const { site, kid, variant, preset, key, expires, version } = vector;
    const client = createClient({ baseUrl: site, route: routeOf(vector), presets: PRESETS });
    const sign = createSigner(client.site, JSON.stringify({ [kid]: secretOf(kid) }));
    const query = await sign(key, preset, { expires, ...(version && { version }) });
    const url = client.imageUrl(key, variant, query);
    expect({ ...vector, text: textToSign(vector, kid), query, url }).toEqual(vector);
    expect(await getStatus(url, routeOf(vector))).toBe(200);
  });

  test.each(wrong.urls)("it is refused: $mistake", async ({ name, url }) => {
    const right = caseOf(urls, name);
    expect(url).not.toBe(right.url);
    expect(await getStatus(url, routeOf(right))).toBe(404);
    expect(lines()).toMatchObject([{ event: "signature-wrong" }]);
  });
});

describe("cookies", () => {
  type Case = (typeof cookies)[number];
  const routeOf = ({ route: path }: Case) => ({
    ...{ path, object: "media/*", signed: true, max_age: 86_400, cookie: true },
  });
  const clientOf = (vector: Case) => {
    const baseUrl = new URL(vector.opens).origin;
    return createClient({ baseUrl, route: routeOf(vector), presets: PRESETS });
  };
  const open = (vector: Case, value: string) => {
    put(clientOf(vector).parseUrl(vector.opens)?.key ?? "", "made/key.jpg");
    return getStatus(vector.opens, routeOf(vector), { cookie: `vitrine=${value}` });
  };

  test.each(cookies)("the client makes it, and it opens: $name", async (vector) => {
    const { kid } = vector;
    const secrets = JSON.stringify({ [kid]: secretOf(kid) });
    const { value } = await signCookie(clientOf(vector).site, secrets, vector);
    expect({ ...vector, text: cookieTextToSign(vector, kid), value }).toEqual(vector);
    expect(await open(vector, value)).toBe(200);
  });

  test.each(wrong.cookies)("it is refused: $mistake", async ({ name, value }) => {
    const right = caseOf(cookies, name);
    expect(value).not.toBe(right.value);
    expect(await open(right, value)).toBe(404);
    expect(lines()).toMatchObject([{ event: "signature-wrong" }]);
  });
});
