// Runs vitrine purge in a copy of the project, with stand-ins for Cloudflare's API and S3 on the network.

import { afterAll, beforeAll, beforeEach } from "vitest";
import { originUrl } from "../../../src/worker/origin/object-url.ts";
import { runFast } from "../clock.ts";
import { BASE, CLOUDFLARE_API_TOKEN } from "../env.ts";
import { copyWithDomain, editFile, removeCopies } from "../local-run.ts";
import { network, setUp } from "../stand.ts";
import { createCloudflare, type Trouble } from "./cloudflare.ts";
import { type Given, vitrine } from "./vitrine.ts";

export const env = { CLOUDFLARE_API_TOKEN };

/** The stand-ins on the network. */
export const net = { cloudflare: createCloudflare(), ...setUp() };

/** Puts the API onto the network, with its trouble. */
export function arrange(trouble?: Trouble): void {
  Object.assign(net, setUp(), { cloudflare: createCloudflare(trouble) });
  network.use(...net.cloudflare.handlers);
}

let folder = "";

/** Changes wrangler.toml for all tests of a file. */
export function edit(change: (text: string) => string): void {
  editFile(`${folder}/wrangler.toml`, change);
}

beforeAll(() => {
  network.listen();
  folder = copyWithDomain((text) =>
    text
      .replace(
        "[vars.PRESETS.thumbnail]",
        '[[vars.ROUTES]]\npath = "/private/:preset/*"\nobject = "media/private/*"\nsigned = true\n$&',
      )
      .replace('"AWS_SECRET_ACCESS_KEY"]', '"AWS_SECRET_ACCESS_KEY", "URL_SIGNING_KEYS"]'),
  );
});
afterAll(() => {
  network.close();
  removeCopies();
});
beforeEach(() => {
  runFast();
  arrange();
});

export const purge = (args: readonly string[], given: Given = {}) =>
  vitrine(["purge", ...args], { folder, env, ...given });

export const sourceOf = (key: string, version?: string) =>
  originUrl(BASE, `published/${key}`, version);
export const linesIn = (text: string) => text.split("\n").slice(0, -1);
export const some = (many: number) => Array.from({ length: many }, (_, at) => `photos/${at}.jpg`);
