// Runs vitrine warm in a copy of the project, with a stand-in for a Vitrine on the network.

import { rmSync } from "node:fs";
import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { runFast } from "../clock.ts";
import { copyProject, editFile, removeCopies } from "../local-run.ts";
import { network } from "../stand.ts";
import { type Given, vitrine } from "./vitrine.ts";

export const SITE = "https://images.example";

/** The requests to the stand-in, and how many there were at once at most. */
export const site = { asked: [] as { path: string; accept: string }[], most: 0 };

/** Answers in place of an image; undefined: an image comes. */
type Instead = (path: string, index: number) => Response | undefined;

/** Puts a Vitrine onto the network, with its trouble. */
export function arrange(instead: Instead = () => undefined): void {
  Object.assign(site, { asked: [], most: 0 });
  let running = 0;
  network.resetHandlers(
    http.get(`${SITE}/*`, async ({ request }) => {
      running += 1;
      site.most = Math.max(site.most, running);
      const { pathname: path } = new URL(request.url);
      const accept = request.headers.get("accept") ?? "";
      const index = site.asked.push({ path, accept }) - 1;
      await new Promise((settle) => setTimeout(settle, ((index % 5) + 1) * 100));
      running -= 1;
      const type = /^image\/(?:avif|webp)/.exec(accept)?.[0] ?? "image/jpeg";
      const image = new HttpResponse(new Uint8Array(1_000), { headers: { "content-type": type } });
      return instead(path, index) ?? image;
    }),
  );
}

let copy = "";
export const folder = () => copy;

beforeAll(() => {
  network.listen();
  copy = copyProject();
  editFile(`${copy}/wrangler.toml`, (text) =>
    text.replace(/^# routes = .*/m, `routes = ["${new URL(SITE).host}/*"]`),
  );
});
afterAll(() => {
  network.close();
  removeCopies();
});
beforeEach(() => {
  runFast();
  arrange();
  rmSync(`${copy}/.wrangler`, { recursive: true, force: true });
});

export const warm = (keys: readonly string[], args: readonly string[] = [], given: Given = {}) =>
  vitrine(["warm", "--url", SITE, ...args], { folder: copy, stdin: keys.join("\n"), ...given });
export const some = (many: number) => Array.from({ length: many }, (_, at) => `photos/${at}.jpg`);
