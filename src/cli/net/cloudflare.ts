// The part of Cloudflare's API that a purge needs. The token is sent to it, and never printed.

import { isTable, json } from "../../worker/base/json.ts";
import type { World } from "../command.ts";
import { visible } from "../terminal/visible.ts";
import { createPace } from "./pace.ts";
import { answerOf, failureOf, type Retrying, retrying, waitOf } from "./retrying.ts";

const API = "https://api.cloudflare.com/client/v4";

/** How many URLs a request may have; on the Enterprise plan 500. */
export const MOST_FILES = 100;

/**
 * Every plan allows at least 800 URLs a second. The whole API allows a user 1,200 requests in five
 * minutes, and refuses all for five more: some are left for other programs.
 */
const BOUNDS = [
  { most: 8, ms: 1_000 },
  { most: 1_100, ms: 300_000 },
];

/** Milliseconds. */
const TIMEOUT = 30_000;
const LONGEST_WAIT = 310_000;
const TOLD_WAIT = 5_000;

/**
 * Why the API did not do what it was asked. `access`: this token may not do this in this zone. `trouble`: the
 * API or the network failed, also when tried again. `request`: the API refuses this request alone.
 */
export type Refused = {
  readonly reason: string;
  readonly kind: "access" | "trouble" | "request" | "interrupted";
};

export type Zone = { readonly id: string; readonly name: string };

export type Api = ReturnType<typeof cloudflareApi>;

/** @param tell is called with the milliseconds that the API asks to wait, if they are many */
export function cloudflareApi(
  { now, interrupted: signal }: Pick<World, "now" | "interrupted">,
  token: string,
  tell: (ms: number) => void,
) {
  const pace = createPace(BOUNDS, now, signal);
  const settings: Retrying = {
    limit: 5,
    statuses: [408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 530],
    longestWait: LONGEST_WAIT,
    beyond: "wait",
    timeout: TIMEOUT,
    signal,
    before: pace.turn,
    async send(request) {
      const answer = await fetch(request);
      if (answer.status === 429) {
        const wait = Math.min(waitOf(answer, now()), LONGEST_WAIT);
        pace.hold(wait); // for all requests under way
        if (wait >= TOLD_WAIT) tell(wait);
      }
      return answerOf(answer, await answer.text());
    },
  };
  const client = retrying(settings).extend({ headers: { authorization: `Bearer ${token}` } });

  async function ask(path: string, files?: readonly string[]): Promise<Said | Refused> {
    try {
      const answer = await (files === undefined
        ? client.get(API + path)
        : client.post(API + path, { json: { files } }));
      const said = readSaid(await answer.text());
      return said?.success ? said : refusedBy(answer.status, said, token);
    } catch (error) {
      const failure = failureOf(error, settings);
      if (failure === undefined) return { kind: "interrupted", reason: "interrupted" };
      if (typeof failure === "string") return { kind: "trouble", reason: failure };
      return refusedBy(failure.status, readSaid(await failure.text()), token);
    }
  }
  return {
    /** Purges up to 100 URLs (C3). @returns undefined if it is done */
    async purge(zone: string, files: readonly string[]): Promise<Refused | undefined> {
      const said = await ask(`/zones/${zone}/purge_cache`, files);
      return "kind" in said ? said : undefined;
    },
    /** The zones of this name that the token may see: one or none. */
    async zones(name: string): Promise<readonly Zone[] | Refused> {
      const said = await ask(`/zones?name=${encodeURIComponent(name)}`);
      return "kind" in said ? said : zonesIn(said.result);
    },
  };
}

type Said = NonNullable<ReturnType<typeof readSaid>>;

function readSaid(text: string) {
  const said = json(text);
  const { success, errors, result } = isTable(said) ? said : {};
  if (typeof success !== "boolean") return undefined;
  return { success, result, errors: Array.isArray(errors) ? errors.filter(isTable) : [] };
}

/** Codes for a wrong token or zone. Some come with a status of 200 or 400. */
const ACCESS = new Set([1001, 6003, 6111, 7000, 7003, 9106, 9107, 9109, 10000, 10001]);
const LONGEST_REASON = 200;

function refusedBy(status: number, said: Said | undefined, token: string): Refused {
  const errors = (said?.errors ?? []).map(({ code, message }) => `${message} (${code})`);
  const words = said === undefined ? "the answer is not one of the API" : errors.join("; ");
  // Before the text is cut, or a part of the token could stay.
  const told = `${status} ${words}`.replaceAll(token, "***");
  const reason = visible(told.trim().replace(/[\p{Cc}\s]+/gu, " "));
  const denied = [401, 403, 404].includes(status);
  const known = said?.errors.some(({ code }) => typeof code === "number" && ACCESS.has(code));
  const strange = said === undefined && status < 400;
  const busy = strange || status === 408 || status === 429 || status >= 500;
  const kind = denied || known ? "access" : busy ? "trouble" : "request";
  return { kind, reason: reason.slice(0, LONGEST_REASON) };
}

function zonesIn(result: unknown): Zone[] {
  const tables = Array.isArray(result) ? result.filter(isTable) : [];
  return tables.flatMap(({ id, name }) =>
    typeof id === "string" && typeof name === "string" ? [{ id, name }] : [],
  );
}
