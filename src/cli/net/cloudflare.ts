// Cloudflare's API, as far as purging needs it.

import { isTable } from "../../worker/base/json.ts";
import type { World } from "../command.ts";
import { visible } from "../terminal/visible.ts";
import { createPace } from "./pace.ts";
import { answerOf, type Failure, failureOf, type Retrying, retrying, waitOf } from "./retrying.ts";

const API = "https://api.cloudflare.com/client/v4";

/** How many URLs a request may hold; the Enterprise plan's may hold 500. */
export const MOST_FILES = 100;

/**
 * The least that any plan allows: 800 URLs a second. And all of the API takes 1,200 requests of a user in
 * five minutes, then none for five more: a few are left to others.
 */
const BOUNDS = [
  { most: 8, ms: 1_000 },
  { most: 1_100, ms: 300_000 },
];

/** Milliseconds. */
const TIMEOUT = 30_000;
const LONGEST_WAIT = 310_000;
const TOLD_WAIT = 5_000;

/** Why the API did not do what it was asked. */
export type Refused = {
  /** In words. */
  readonly reason: string;
  /**
   * `access`: nothing of the kind will be done, with this token and zone. `trouble`: it, or the network,
   * failed again and again. `request`: it does not want this one. `interrupted`: by Ctrl-C.
   */
  readonly kind: "access" | "trouble" | "request" | "interrupted";
};

export type Zone = { readonly id: string; readonly name: string };

export type Api = {
  /** Purges up to 100 URLs (C3). @returns undefined where that is done */
  purge(zone: string, files: readonly string[]): Promise<Refused | undefined>;
  /** The zones of that name that the token may see: one or none. */
  zones(name: string): Promise<readonly Zone[] | Refused>;
};

/**
 * @param token is sent, and told to nobody
 * @param tell is told how many milliseconds the API wants to be left alone, where that is long
 */
export function cloudflareApi(
  { now, interrupted: signal }: Pick<World, "now" | "interrupted">,
  token: string,
  tell: (ms: number) => void,
): Api {
  const pace = createPace(BOUNDS, now, signal);
  const settings: Retrying = {
    limit: 5,
    statuses: [408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524, 530],
    longestWait: LONGEST_WAIT,
    beyond: "wait",
    timeout: TIMEOUT,
    signal,
    before: () => pace.turn(),
    async send(request) {
      const answer = await fetch(request);
      if (answer.status === 429) {
        const wait = Math.min(waitOf(answer, now()), LONGEST_WAIT);
        pace.hold(wait); // for all that are under way
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
      return refusal(failureOf(error, settings), token);
    }
  }
  return {
    async purge(zone, files) {
      const said = await ask(`/zones/${zone}/purge_cache`, files);
      return "kind" in said ? said : undefined;
    },
    async zones(name) {
      const said = await ask(`/zones?name=${encodeURIComponent(name)}`);
      return "kind" in said ? said : zonesIn(said.result);
    },
  };
}

/** What every answer of the API is. */
type Said = {
  readonly success: boolean;
  readonly errors: readonly { readonly code: unknown; readonly message: unknown }[];
  readonly result: unknown;
};

function readSaid(text: string): Said | undefined {
  const said = parse(text);
  if (!isTable(said) || typeof said["success"] !== "boolean") return undefined;
  const errors: unknown = said["errors"];
  const tables = Array.isArray(errors) ? errors.filter(isTable) : [];
  return {
    success: said["success"],
    errors: tables.map(({ code, message }) => ({ code, message })),
    result: said["result"],
  };
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

async function refusal(failure: Failure, token: string): Promise<Refused> {
  if ("network" in failure) {
    return failure.network === undefined
      ? { kind: "interrupted", reason: "interrupted" }
      : { kind: "trouble", reason: failure.network };
  }
  return refusedBy(failure.response.status, readSaid(await failure.response.text()), token);
}

/** Of tokens that are none or may not, and of zones that are none: also with a status of 200 or 400. */
const ACCESS = new Set([1001, 6003, 6111, 7000, 7003, 9106, 9107, 9109, 10000, 10001]);
const LONGEST_REASON = 200;

function refusedBy(status: number, said: Said | undefined, token: string): Refused {
  const errors = (said?.errors ?? []).map(({ code, message }) => `${message} (${code})`);
  const words = said === undefined ? "an answer that is not the API's" : errors.join("; ");
  // Before it is cut off: a part of the token is not found any more.
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
