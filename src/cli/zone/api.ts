// Cloudflare's API, by the official package `cloudflare`: the few requests by which Vitrine reads and sets a zone. A read
// is sent again after 429, 5xx and a lost answer. A write is sent once: whoever sends it reads afterwards what is there.
// It never sends a PUT or a DELETE. No answer and no message has the token.

import type { Cloudflare } from "cloudflare";
import { isPlainObject } from "../../worker/util/json.ts";
import { type CommandFault, isFault, type World } from "../command.ts";
import { isHere } from "../config/site-url.ts";
import { sleep } from "../http/retry.ts";
import { loadCloudflare } from "../wrangler/packages.ts";

/** In this order: the second one is wrangler's own. */
const TOKEN_NAMES = ["CLOUDFLARE_SETUP_TOKEN", "CLOUDFLARE_API_TOKEN"] as const;

export type ZoneToken = {
  /** The variable that has it. */
  readonly name: string;
  readonly value: string;
};

/** @returns undefined if there is none */
export function findZoneToken({ env }: Pick<World, "env">): ZoneToken | undefined {
  for (const name of TOKEN_NAMES) {
    const value = env[name]?.trim();
    if (value) return { name, value };
  }
  return undefined;
}

export type ApiReply =
  | { readonly kind: "answered"; readonly result: unknown }
  | ApiRefusal
  /** Nobody knows whether the API has done what was asked. */
  | { readonly kind: "lost"; readonly reason: string };

type ApiRefusal = {
  readonly kind: "refused";
  readonly status: number;
  readonly reason: string;
  /** The token lacks a permission. */
  readonly isAboutRights: boolean;
  readonly retryAfterMs: number;
};

export type ZoneApi = {
  /** The variable that has the token. */
  readonly tokenName: string;
  readonly client: Cloudflare;
  readonly world: World;
  readonly wait: typeof sleep;
  readonly isApiError: (error: unknown) => boolean;
};

/** A request has so long: ms. */
const TIMEOUT_MS = 20_000;

/** @param wait a test does not wait */
export function createZoneApi(
  world: World,
  token: ZoneToken,
  wait = sleep,
): ZoneApi | CommandFault {
  const library = loadCloudflare();
  if (isFault(library)) return library;

  const baseURL = world.env["CLOUDFLARE_API_BASE_URL"] || "https://api.cloudflare.com/client/v4";
  if (!isPrivate(baseURL)) {
    return {
      fault: `CLOUDFLARE_API_BASE_URL is ${baseURL}: it gets a token, so it must begin with https://`,
    };
  }

  // No header may have it, and the error that says so would have the token in its text.
  if (!/^[\x21-\x7e]+$/.test(token.value)) return { fault: formFault(token.name) };

  const client = new library.Cloudflare({
    baseURL,
    apiToken: token.value,
    // Otherwise the package reads these from the environment.
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    // This file sends again what may be sent again.
    maxRetries: 0,
    timeout: TIMEOUT_MS,
    logLevel: "off",
  });
  const isApiError = (error: unknown) => error instanceof library.CloudflareError;
  return { tokenName: token.name, client, world, wait, isApiError };
}

/** Returns whether nobody on the way can read what is sent to a URL. */
function isPrivate(url: string): boolean {
  return url.startsWith("https://") || isHere(url);
}

const READ_ATTEMPTS = 3;
const DEFAULT_PAUSE_MS = 1_000;

/** A longer `retry-after` is not waited for. */
const MAX_PAUSE_MS = 30_000;

/** Reads: sends again what may succeed by that. */
export async function readApi(
  api: ZoneApi,
  send: (client: Cloudflare, signal: AbortSignal) => PromiseLike<unknown>,
): Promise<ApiReply> {
  const { interrupted } = api.world;
  for (let attempt = 1; ; attempt += 1) {
    const reply = await askOnce(api, (client) => send(client, interrupted));
    if (attempt === READ_ATTEMPTS || interrupted.aborted) return reply;

    const pause = pauseAfter(reply);
    if (pause === undefined) return reply;

    await api.wait(pause, interrupted);
    if (interrupted.aborted) return reply;
  }
}

/** Writes: sent once, and not broken off by Ctrl-C, because nobody would know what is there. */
export function writeApi(
  api: ZoneApi,
  send: (client: Cloudflare) => PromiseLike<unknown>,
): Promise<ApiReply> {
  return askOnce(api, send);
}

/** @returns undefined if another attempt would not help */
function pauseAfter(reply: ApiReply): number | undefined {
  switch (reply.kind) {
    case "answered":
      return undefined;

    case "lost":
      return DEFAULT_PAUSE_MS;

    case "refused": {
      const mayPass = reply.status === 429 || reply.status >= 500;
      if (!mayPass || reply.retryAfterMs > MAX_PAUSE_MS) return undefined;
      return Math.max(DEFAULT_PAUSE_MS, reply.retryAfterMs);
    }

    default:
      return reply satisfies never;
  }
}

async function askOnce(
  { client, isApiError, tokenName }: ZoneApi,
  send: (client: Cloudflare) => PromiseLike<unknown>,
): Promise<ApiReply> {
  try {
    const result = await send(client);
    return { kind: "answered", result };
  } catch (error) {
    // A body that is no JSON is a lost answer, too, and so is one without an object, in which the package looks for a result.
    const isOtherBody = error instanceof SyntaxError || error instanceof TypeError;
    if (!isApiError(error) && !isOtherBody) throw error;
    const reply = replyOf(error, tokenName);
    // A server may repeat the token that it got.
    const reason = reply.reason.replaceAll(`${client.apiToken}`, "…");
    return { ...reply, reason };
  }
}

/** @param error of the package: `status` is that of the answer, if there is one */
function replyOf(error: unknown, tokenName: string): Exclude<ApiReply, { kind: "answered" }> {
  const { status, headers, errors, cause, message } = Object(error);
  if (typeof status !== "number") {
    const causeText = cause instanceof Error ? ` (${cause.message})` : "";
    return { kind: "lost", reason: `Cloudflare's API does not answer: ${message}${causeText}` };
  }

  const apiError = firstErrorOf(errors);
  const tokenFault = tokenFaultOf(status, apiError, tokenName);
  if (tokenFault !== undefined) {
    return {
      kind: "refused",
      status,
      reason: tokenFault,
      isAboutRights: false,
      retryAfterMs: retryAfterMs(headers),
    };
  }

  const { code, message: apiMessage } = apiError;
  const oneLine = `${apiMessage}`.replaceAll(/\s+/g, " ");
  return {
    kind: "refused",
    status,
    reason:
      apiMessage === undefined
        ? `Cloudflare's API answers ${status}`
        : `Cloudflare's API answers ${status}: ${oneLine} [code: ${code}]`,
    // Another server on the way may answer 403, too: its page has no code of the API.
    isAboutRights: status === 403 && code !== undefined,
    retryAfterMs: retryAfterMs(headers),
  };
}

/** An error in the API's JSON. */
type ApiErrorDetails = {
  readonly code?: unknown;
  readonly message?: unknown;
};

function firstErrorOf(errors: unknown): ApiErrorDetails {
  const [first] = Array.isArray(errors) ? errors : [];
  return isPlainObject(first) ? first : {};
}

function retryAfterMs(headers: unknown): number {
  if (!(headers instanceof Headers)) return 0;

  const seconds = Number(headers.get("retry-after"));
  return Number.isFinite(seconds) ? seconds * 1000 : 0;
}

function formFault(tokenName: string): string {
  return `what ${tokenName} has is not of the form of a token. Copy it again, or make a new one`;
}

/** The codes of a header that cannot be a token's. */
const MALFORMED: readonly unknown[] = [6003, 6111];

/** What is wrong with the token itself. @returns undefined if nothing is known to be */
function tokenFaultOf(
  status: number,
  { code, message }: ApiErrorDetails,
  tokenName: string,
): string | undefined {
  if (MALFORMED.includes(code)) return formFault(tokenName);

  const isUnknown = status === 401 || /invalid (?:access|api) token/i.test(`${message}`);
  if (!isUnknown) return undefined;
  return `Cloudflare does not know the token in ${tokenName}, or it has ended. Make a new one`;
}

/** Returns whether the token lacks a permission. */
export function isForbidden(reply: ApiReply): boolean {
  return reply.kind === "refused" && reply.isAboutRights;
}
