// A site for `vitrine purge`: the whole Worker answers, behind the strict cache, as the folder's configuration deploys it.

import { http } from "msw";
import { afterAll, beforeAll, beforeEach, onTestFinished, vi } from "vitest";
import { stopClock, watchWork } from "../clock.ts";
import { network } from "../emulators.ts";
import { PURGE_TOKEN, SECRETS } from "../env.ts";
import { copyWithDomain, removeCopies } from "../local-run.ts";
import { get, stage } from "../run-worker.ts";
import { readProject } from "./run-init.ts";
import { type CommandResult, vitrine, type WorldOptions } from "./vitrine.ts";

export const SITE = "https://images.example.com";

/** The site of the current test. `env` is what the Worker is deployed with. */
export const site = {
  folder: "",
  env: {} as Record<string, unknown>,
  /** The URLs of the requests for pictures that came. */
  urls: [] as string[],
};

/** Puts the site onto the network in each test. @param change of the wrangler.toml that is also deployed */
export function serveSite(change?: (text: string) => string): void {
  beforeAll(() => {
    site.folder = copyWithDomain(change);
  });
  afterAll(removeCopies);

  beforeEach(() => {
    site.env = { ...readProject(site.folder).deployedVars, ...SECRETS, PURGE_TOKEN };
    site.urls = [];

    network.use(
      http.all(`${SITE}/*`, async ({ request }) => {
        const { method, headers, url } = request;
        if (method === "GET") site.urls.push(url);
        const body = method === "GET" ? null : await request.text();
        const answer = await get(url, { method, headers: new Headers(headers), body }, site.env);
        return new Response(answer.body, answer);
      }),
    );
  });
}

/** Runs `vitrine purge` with the token of the Worker. */
export function purge(args: readonly string[], world: WorldOptions = {}): Promise<CommandResult> {
  const { env, ...others } = world;
  return vitrine(["purge", ...args], {
    folder: site.folder,
    ...others,
    env: { PURGE_TOKEN, ...env },
  });
}

/** Lets a second pass, also for the cache, each time that only the clock is waited for. */
export function hurry(): void {
  const finishWork = watchWork();
  let isOver = false;
  stopClock();
  onTestFinished(() => {
    isOver = true;
  });

  const run = async () => {
    while (!isOver) {
      stage.clock.now = Date.now();
      await finishWork();
      if (!isOver) vi.advanceTimersByTime(1_000);
    }
  };

  void run();
}
