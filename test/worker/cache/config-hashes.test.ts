// The hashes by which an operator sees before a deploy what it changes: a rendition is made anew if its name changes.

import { expect, test } from "vitest";
import { hashConfig } from "../../../src/worker/cache/config-hashes.ts";
import { renditionName } from "../../../src/worker/cache/rendition-url.ts";
import type { Config } from "../../../src/worker/config/config.ts";
import { configOf } from "../../support/config-of.ts";
import { ENV, HEALTH_TOKEN, RASTER, VARS } from "../../support/env.ts";
import { get, stage } from "../../support/run-worker.ts";

const { card, hero } = VARS.PRESETS;
const { media } = VARS.BUCKETS;
const presets = (change: object) => ({ PRESETS: { ...VARS.PRESETS, ...change } });
const bucket = (change: object) => ({ BUCKETS: { media: { ...media, ...change } } });
const route = (change: object) => {
  const [first, ...others] = VARS.ROUTES;
  return { ROUTES: [{ ...first, ...change }, ...others] };
};

/** Changes of the configuration, and the names whose hashes are new. Nothing else changes. */
const CHANGES: readonly [title: string, change: object, changed: readonly string[]][] = [
  ["nothing", {}, []],
  ["a default is written", presets({ card: { ...card, metadata: "none" } }), []],
  [
    "the order of options",
    presets({ hero: Object.fromEntries(Object.entries(hero).reverse()) }),
    [],
  ],
  [
    "an option of a preset",
    presets({ card: { ...card, quality: 70 } }),
    ["card", "card@1x", "card@2x"],
  ],
  ["one more size", presets({ card: { ...card, dpr: [1, 1.5, 2] } }), ["card@1.5x"]],
  ["its format", presets({ tall: { width: 1200, format: "jpeg" } }), ["tall"]],
  ["a new preset", presets({ new: { width: 8 } }), ["new"]],
  ["the bucket", bucket({ bucket: "acme-other" }), ["media"]],
  ["the endpoint", bucket({ endpoint: "https://s3.example" }), ["media"]],
  ["the key's secrets", { ...bucket({ credentials: "MEDIA" }), ...secretsOf("MEDIA") }, ["media"]],
  [
    "the engine",
    { ...bucket({ engine: "binding" }), ROUTES: RASTER, IMAGES: stage.edge.images },
    ["media", "/icons/:preset/*"],
  ],
  ["the canary, and what else is not in a name", bucket({ canary: "a.jpg", prefix: "a/" }), []],
  ["an option of a route", route({ facts: true }), ["/images/:preset/*"]],
  [
    "the path of a route",
    route({ path: "/new/:preset/*" }),
    ["/images/:preset/*", "/new/:preset/*"],
  ],
];

function secretsOf(prefix: string) {
  return {
    [`${prefix}_ACCESS_KEY_ID`]: ENV.AWS_ACCESS_KEY_ID,
    [`${prefix}_SECRET_ACCESS_KEY`]: ENV.AWS_SECRET_ACCESS_KEY,
  };
}

async function hashesOf(change: object): Promise<ReadonlyMap<string, string>> {
  const vars = { ...ENV, ...change };
  const { buckets, routes, variants } = await hashConfig(configOf(change), vars);
  return new Map([buckets, routes, variants].flatMap((hashes) => Object.entries(hashes)));
}

test.each(CHANGES)("a hash changes with what is behind it: %s", async (_title, change, changed) => {
  const [before, after] = await Promise.all([hashesOf({}), hashesOf(change)]);
  const names = [...new Set([...before.keys(), ...after.keys()])];
  expect(names.filter((name) => before.get(name) !== after.get(name))).toEqual(changed);
});

/** The names of the renditions of one object. */
const namesOf = ({ buckets, variants }: Config) =>
  [...variants.values()].flatMap((variant) =>
    buckets.map((one) =>
      renditionName({
        bucket: one,
        key: "published/a.jpg",
        version: undefined,
        variant,
        formats: "webp",
        isStorable: true,
        lifetimes: undefined,
      }),
    ),
  );

test("a rendition is made anew exactly where the hash of its bucket or its variant is new", async () => {
  const before = await hashConfig(configOf(), ENV);
  const stored = namesOf(configOf());
  const hashes = (config: typeof before) => Object.values(config.variants);

  for (const [title, change] of CHANGES) {
    const after = await hashConfig(configOf(change), { ...ENV, ...change });
    const isSameBucket = after.buckets["media"] === before.buckets["media"];
    const isNew = hashes(after).map((hash) => !(isSameBucket && hashes(before).includes(hash)));
    const isMissing = namesOf(configOf(change)).map((name) => !stored.includes(name));
    expect(isMissing, title).toEqual(isNew);
  }
});

test("/healthz shows them to whoever has the token", async () => {
  const headers = { authorization: `Bearer ${HEALTH_TOKEN}` };
  const answer = await get("/healthz", { headers }, { ...ENV, HEALTH_TOKEN });
  expect(JSON.parse(await answer.text()).hashes).toEqual(await hashConfig(configOf(), ENV));
});
