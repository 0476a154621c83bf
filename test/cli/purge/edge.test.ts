// Sends what vitrine purge sends to the strict edge: proves that these are the right URLs.

import { afterAll, beforeAll, expect, test } from "vitest";
import { readVars } from "../../../src/cli/project/read-vars.ts";
import { createCloudflare } from "../../support/cli/cloudflare.ts";
import { vitrine } from "../../support/cli/vitrine.ts";
import { CLOUDFLARE_API_TOKEN, SECRETS } from "../../support/env.ts";
import { copyWithDomain, removeCopies } from "../../support/local-run.ts";
import { get, keepNothing, MODERN, stage } from "../../support/play.ts";
import { file, network } from "../../support/stand.ts";

let folder = "";
beforeAll(() => {
  folder = copyWithDomain((text) =>
    text
      .replace(
        "[vars.PRESETS.thumbnail]",
        '[[vars.ROUTES]]\npath = "/private/:preset/*"\nobject = "media/*"\nsigned = true\n$&',
      )
      .replace('"AWS_SECRET_ACCESS_KEY"]', '"AWS_SECRET_ACCESS_KEY", "URL_SIGNING_KEYS"]'),
  );
});
afterAll(removeCopies);
keepNothing(); // by-worker.test.ts has Workers Cache

const KEY = "keys/who? #1 100%/日本.jpg";
const VARIANTS = ["thumbnail", "thumbnail@2x", "card", "card@1.5x", "hero@640w", "hero@960w"];
const ACCEPTS = [MODERN.accept, "image/webp", "*/*"];

test("a purge drops what the edge has kept: all variants, all formats, all versions (C1, C3)", async () => {
  const known = readVars(folder);
  if ("fault" in known) throw new Error(known.fault);
  const env = { ...known.deployed, ...SECRETS };
  const put = (name: string) =>
    stage.s3.objects.set(`published/${KEY}`, { body: file(name), type: "image/jpeg" });
  const signing = [
    "--preset",
    "card",
    "--expires",
    "1h",
    "--v",
    "7",
    "--url",
    "https://images.example",
  ];
  const { out } = await vitrine(["sign", KEY, ...signing], { folder, env: SECRETS });
  const path = `/${KEY.split("/").map(encodeURIComponent).join("/")}`;
  const urls = [...VARIANTS.map((variant) => `/images/${variant}${path}`), out.trim()];
  const showAll = async () => {
    const tags: (string | null)[] = [];
    for (const url of urls) {
      for (const accept of ACCEPTS) {
        const answer = await get(url, { headers: { accept } }, env);
        expect([url, answer.status]).toEqual([url, 200]);
        tags.push(answer.headers.get("etag"));
      }
    }
    return tags;
  };

  put("made/key.jpg");
  const before = await showAll();
  put("made/rotated-gps.jpg");
  expect(await showAll()).toEqual(before); // The edge has kept them.
  const { originFetches } = stage.edge;
  const fetched = originFetches.length;

  const cloudflare = createCloudflare();
  network.use(...cloudflare.handlers);
  const purge = async (...args: string[]) => {
    const given = { folder, env: { CLOUDFLARE_API_TOKEN } };
    expect(await vitrine(["purge", ...args], given)).toMatchObject({ code: 0 });
    for (const url of cloudflare.purged.splice(0)) stage.edge.purge(url);
  };
  await purge(KEY);
  const after = await showAll();
  const old = after.filter((tag, at) => tag === before[at]);
  expect(old).toHaveLength(ACCEPTS.length); // A version has a source of its own.
  expect(originFetches).toHaveLength(fetched + 1);
  await purge(KEY, "--v", "7");
  const fresh = await showAll();
  expect(fresh.filter((tag, at) => tag === before[at])).toEqual([]);
  expect(originFetches).toHaveLength(fetched + 3);

  put("made/key.jpg");
  await purge(
    `https://images.example.com/images/card${path}`,
    `${urls.at(-1)?.replace("images.example", "$&.com")}`,
  );
  expect(await showAll()).toEqual(before);
});
