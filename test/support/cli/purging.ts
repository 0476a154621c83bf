// Runs vitrine purge in a copy of the project, with stand-ins for the Worker's /purge and S3 on the network.

import { HttpResponse, http } from "msw";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { runFast } from "../clock.ts";
import { PURGE_TOKEN, SECRETS } from "../env.ts";
import { copyWithDomain, editFile, removeCopies } from "../local-run.ts";
import { network, setUp } from "../stand.ts";
import { type Given, vitrine } from "./vitrine.ts";

export const env = { PURGE_TOKEN };
const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = SECRETS;
/** With a key that may list the bucket. */
export const keyed = { ...env, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };

/** Answers in place of the Worker; undefined: the Worker purges all. */
export type Trouble = (names: readonly string[], index: number) => Response | undefined;

/** The stand-ins on the network. */
export const net = {
  /** The names of each request. */
  calls: [] as (readonly string[])[],
  /** The names that are purged, in order. */
  purged: [] as string[],
  ...setUp(),
};

/** The Worker's answer that names what is not purged. */
export function notPurged(names: readonly string[], reason: string, status = 502): Response {
  const not_purged = names.map((object) => ({ object, reason }));
  const headers = { "retry-after": "1" };
  return HttpResponse.json({ ok: false, purged: [], not_purged }, { status, headers });
}

/** Puts the Worker onto the network, with its trouble. */
export function arrange(trouble: Trouble = () => undefined): void {
  const { calls, purged } = Object.assign(net, setUp(), { calls: [], purged: [] });
  network.use(
    http.post("https://images.example.com/purge", async ({ request }) => {
      if (request.headers.get("authorization") !== `Bearer ${PURGE_TOKEN}`) {
        return new HttpResponse("Unauthorized\n", { status: 401 });
      }
      const { objects }: { objects: readonly string[] } = JSON.parse(await request.text());
      if (objects.length > 200) throw new Error("too many objects");
      net.calls.push(objects);
      const instead = trouble(objects, calls.length - 1);
      if (instead) return instead;
      purged.push(...objects);
      return HttpResponse.json({ ok: true, purged: objects, not_purged: [] });
    }),
  );
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

export const nameOf = (key: string) => `media/${key}`;
export const linesIn = (text: string) => text.split("\n").slice(0, -1);
export const some = (many: number) => Array.from({ length: many }, (_, at) => `photos/${at}.jpg`);
