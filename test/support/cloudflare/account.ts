// An account of Cloudflare on loopback, for the package `cloudflare` and for wrangler: zones, tokens with rights, and what
// wrangler deploys. It records each call, and each write that changed what belongs to somebody else, did something twice,
// or opened the side door (E10). Its faults are those of a network and of an API that is busy.
//
//     const zone = createZone("example.com");
//     const account = await startCloudflareAccount({ zones: [zone] });
//     account.intervene = ({ number }) => (number === 2 ? { kind: "lost", done: true } : undefined);
//     … run a command with account.env …
//     expect(account.harm).toEqual([]);

import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import { buffer } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { listenLocally } from "../../../src/emulator/local-server.ts";
import { parseJson } from "../../../src/worker/util/json.ts";
import { type ApiAnswer, type ApiRequest, envelopeOf, refuse } from "./api-answer.ts";
import { answerWorkers, type WorkersState } from "./workers-api.ts";
import { ACCOUNT, doorOf, entriesOf, idOf, type Rule, type Zone } from "./zone.ts";
import { answerZone, listZones } from "./zone-api.ts";

/** The rights of a token. Each Write includes its Read. */
export type Right =
  | "Zone Read"
  | "Zone Settings Read"
  | "Zone Settings Write"
  | "Zone WAF Read"
  | "Zone WAF Write"
  | "Workers Scripts Write";

export type Token = {
  readonly name: string;
  readonly value: string;
  readonly rights: readonly Right[];
  /** The names of the zones that it is for. Left out: all. */
  readonly zones?: readonly string[];
  readonly isExpired?: boolean;
};

export type Call = {
  /** From 1 on. */
  readonly number: number;
  readonly method: string;
  readonly path: string;
  /** With its `?`, if there is one. */
  readonly query: string;
  /** The name of the token. Undefined: no known one was sent. */
  readonly token: string | undefined;
  readonly agent: string;
  readonly body: unknown;
};

export type Intervention =
  | {
      readonly kind: "status";
      readonly status: number;
      readonly retryAfter?: string;
      readonly isHtml?: boolean;
      /** What the API says of it. */
      readonly message?: string;
    }
  /** The connection breaks. `done`: after the API has done what was asked. */
  | { readonly kind: "lost"; readonly done: boolean };

type AccountSettings = {
  readonly zones?: readonly Zone[];
  readonly tokens?: readonly Token[];
  /** Requests to `/cdn-cgi/image/` that must not be opened by a write. */
  readonly doors?: readonly string[];
  /** What an own rule's description begins with. */
  readonly ownRules?: RegExp;
};

/** A token as Cloudflare's: 40 characters. */
export const WRANGLER_TOKEN: Token = {
  name: "wrangler's",
  value: "wrangler-token-of-an-emulated-account-01",
  rights: ["Workers Scripts Write"],
};

export const SETUP_TOKEN: Token = {
  name: "setup",
  value: "setup-token-of-an-emulated-account-00001",
  rights: ["Zone Read", "Zone Settings Write", "Zone WAF Write"],
};

export type CloudflareAccount = WorkersState & {
  readonly url: string;
  /** In which wrangler asks this account. */
  readonly env: Readonly<Record<string, string>>;
  readonly zones: readonly Zone[];
  tokens: readonly Token[];
  readonly calls: readonly Call[];
  /** What calls have done that nobody of ours may do, a line each. */
  readonly harm: readonly string[];
  /** The doors that are open now. */
  openDoors(): string[];
  /** Is called before each call. A test may replace it. */
  intervene: (call: Call) => Promise<Intervention | undefined> | Intervention | undefined;
  /** Is called when a call has changed what it changes, before its answer is sent. A test may replace it. */
  onDone: (call: Call) => Promise<void> | void;
  /** What a token without the right gets that asks for zones: whether it is a refusal or an empty list is open. */
  listsWithoutRight: "refusal" | "empty";
};

/** Starts an account, which ends with the test. */
export async function startCloudflareAccount({
  zones = [],
  tokens = [WRANGLER_TOKEN, SETUP_TOKEN],
  doors = [],
  ownRules = /^Vitrine /,
}: AccountSettings = {}): Promise<CloudflareAccount> {
  const calls: Call[] = [];
  const harm: string[] = [];
  const openDoors = () => doors.filter((url) => isDoorOpen(zones, url));

  async function serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    const request = await readRequest(message);
    const token = account.tokens.find(({ value }) => isBearer(message, value));
    const { method, path } = request;
    const call: Call = {
      number: calls.length + 1,
      method,
      path,
      token: token?.name,
      query: request.query.size === 0 ? "" : `?${request.query}`,
      agent: `${message.headers["user-agent"]}`,
      body: parseJson(request.body),
    };

    calls.push(call);

    const intervention = await account.intervene(call);
    if (intervention?.kind === "status") {
      sendFailure(response, intervention);
      return;
    }
    if (intervention?.kind === "lost" && !intervention.done) {
      response.destroy();
      return;
    }

    const zonesBefore = structuredClone(zones);
    const openBefore = openDoors();
    const answer = answerCall(account, token, message, request);

    for (const text of findHarm(zonesBefore, zones, ownRules)) {
      harm.push(`${callText(call)}: ${text}`);
    }
    for (const doorUrl of openDoors()) {
      if (!openBefore.includes(doorUrl)) harm.push(`${callText(call)}: opened ${doorUrl}`);
    }

    await account.onDone(call);

    if (intervention?.kind === "lost") {
      response.destroy();
      return;
    }

    response.writeHead(answer.status, { "content-type": "application/json" });
    response.end(envelopeOf(answer));
  }

  const server = createServer(async (message, response) => {
    try {
      await serve(message, response);
    } catch (error) {
      harm.push(`the account itself failed: ${error}`);
      response.destroy();
    }
  });

  const { url, close } = await listenLocally(server, 0);
  onTestFinished(close);

  const account: CloudflareAccount = {
    uploaded: [],
    buckets: [],
    url,
    zones,
    tokens,
    calls,
    harm,
    openDoors,
    env: {
      CLOUDFLARE_API_BASE_URL: url,
      CLOUDFLARE_API_TOKEN: WRANGLER_TOKEN.value,
      CLOUDFLARE_ACCOUNT_ID: ACCOUNT,
      NO_COLOR: "1",
    },
    intervene: () => undefined,
    onDone: () => {},
    listsWithoutRight: "refusal",
  };

  return account;
}

const callText = ({ method, path }: Pick<Call, "method" | "path">) => `${method} ${path}`;

type Calls = Pick<CloudflareAccount, "calls">;

/** The calls that ask for zones, or change them. */
export function zoneCallsOf({ calls }: Calls): Call[] {
  return calls.filter(({ path }) => path.startsWith("/zones"));
}

export function zoneWritesOf(account: Calls): Call[] {
  return zoneCallsOf(account).filter(({ method }) => method !== "GET");
}

async function readRequest(message: IncomingMessage): Promise<ApiRequest> {
  const { method = "", url = "", headers } = message;
  const { pathname, searchParams } = new URL(url, "http://api");
  const jurisdiction = headers["cf-r2-jurisdiction"];
  const isJson = headers["content-type"]?.startsWith("application/json");

  return {
    method,
    path: pathname,
    query: searchParams,
    body: (await buffer(message)).toString(isJson ? "utf8" : "latin1"),
    jurisdiction: typeof jurisdiction === "string" ? jurisdiction : undefined,
  };
}

const isBearer = ({ headers }: IncomingMessage, value: string) =>
  headers.authorization === `Bearer ${value}`;

/** Returns whether the zone of the URL transforms what anybody asks for there. */
function isDoorOpen(zones: readonly Zone[], url: string): boolean {
  const zone = zones.find((candidate) => isInZone(candidate, url));
  return zone !== undefined && doorOf(zone, url) === "open";
}

function isInZone({ name }: Zone, url: string): boolean {
  const { hostname } = new URL(url);
  return hostname === name || hostname.endsWith(`.${name}`);
}

const ACCOUNT_PATH = /^\/accounts\/(?<accountId>\w+)\/(?<below>.*)$/;
const ZONE_PATH = /^\/zones\/(?<zoneId>\w+)\/?(?<rest>.*)$/;

function answerCall(
  account: CloudflareAccount,
  token: Token | undefined,
  { headers: { authorization } }: IncomingMessage,
  request: ApiRequest,
): ApiAnswer {
  if (token === undefined) return refuseToken(authorization);
  if (token.isExpired) return refuse(401, 1000, "Invalid API Token");

  const { path, method } = request;
  const ofAccount = ACCOUNT_PATH.exec(path);
  if (ofAccount !== null) {
    const { accountId, below = "" } = ofAccount.groups ?? {};
    const isAllowed = accountId === ACCOUNT && token.rights.includes("Workers Scripts Write");
    if (!isAllowed) return refuse(403, 10000, "Authentication error");
    return answerWorkers(account, { ...request, path: below });
  }

  const isForAll = token.zones === undefined;
  const visible = account.zones.filter(({ name }) => isForAll || token.zones?.includes(name));
  if (path === "/zones" && method === "GET") {
    if (token.rights.includes("Zone Read")) return listZones(visible, request);
    if (account.listsWithoutRight === "empty") return listZones([], request);
    const right = "com.cloudflare.api.account.zone.list";
    const actor = `com.cloudflare.api.token.${idOf(token.name)}`;
    return refuse(403, 0, `Actor '${actor}' requires permission '${right}' to list zones`);
  }

  const ofZone = ZONE_PATH.exec(path);
  if (ofZone === null) return refuse(404, 7000, "No route for that URI");

  const { zoneId, rest = "" } = ofZone.groups ?? {};
  const zone = visible.find(({ id }) => id === zoneId);
  if (zone === undefined) {
    const message = `Could not route to ${path}, perhaps your object identifier is invalid?`;
    return refuse(404, 7003, message);
  }

  const refusal = refuseWithoutRight(token, method, rest);
  return refusal ?? answerZone(zone, rest, request);
}

/** The API looks at the form of a token before it looks whether there is such a token. */
function refuseToken(authorization: string | undefined): ApiAnswer {
  if (authorization === undefined) {
    return refuse(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers");
  }
  if (!/^Bearer [\w-]{20,}$/.test(authorization)) {
    const chain = [{ code: 6111, message: "Invalid format for Authorization header" }];
    return refuse(400, 6003, "Invalid request headers", { error_chain: chain });
  }

  return refuse(403, 9109, "Invalid access token");
}

function refuseWithoutRight(
  { rights }: Token,
  method: string,
  rest: string,
): ApiAnswer | undefined {
  const has = (name: "Zone Settings" | "Zone WAF") =>
    rights.includes(`${name} Write`) || (method === "GET" && rights.includes(`${name} Read`));
  if (rest.startsWith("settings/") && !has("Zone Settings")) {
    return refuse(403, 9109, "Unauthorized to access requested resource");
  }
  if (rest.startsWith("rulesets") && !has("Zone WAF")) {
    return refuse(403, 10000, "Authentication error");
  }
  if (rest === "" && !rights.includes("Zone Read")) {
    return refuse(403, 9109, "Unauthorized to access requested resource");
  }

  return undefined;
}

function sendFailure(
  response: ServerResponse,
  {
    status,
    retryAfter,
    isHtml = false,
    message = FAILED,
  }: Extract<Intervention, { kind: "status" }>,
): void {
  if (retryAfter !== undefined) response.setHeader("retry-after", retryAfter);

  if (isHtml) {
    response.writeHead(status, { "content-type": "text/html" });
    response.end(`<html><title>${status}</title></html>`);
    return;
  }

  response.writeHead(status, { "content-type": "application/json" });
  response.end(envelopeOf(status === 429 ? TOO_MANY : refuse(status, 10002, message)));
}

const TOO_MANY = refuse(429, 971, "More than 1200 requests per 300 seconds reached. Please wait");
const FAILED = "Internal server error";

/** What a call has changed that it may not change. @param ownRules what the descriptions of our rules match */
function findHarm(before: readonly Zone[], after: readonly Zone[], ownRules: RegExp): string[] {
  const harm: string[] = [];

  for (const [index, zone] of after.entries()) {
    const { [index]: earlier } = before;
    if (earlier === undefined) continue;

    harm.push(...findHarmToRules(earlier, zone, ownRules));
    harm.push(...findHarmToSources(earlier, zone));
    harm.push(...findHarmToTransformations(earlier, zone));
  }

  return harm;
}

function findHarmToRules(before: Zone, after: Zone, ownRules: RegExp): string[] {
  const harm: string[] = [];
  const rulesBefore = splitRules(before, ownRules);
  const rulesAfter = splitRules(after, ownRules);

  if (JSON.stringify(rulesBefore.foreign) !== JSON.stringify(rulesAfter.foreign)) {
    harm.push("changed the rules of others");
  }

  const descriptions = rulesAfter.ours.map(({ description }) => description);
  if (hasTwice(descriptions)) harm.push("added a rule twice");

  return harm;
}

function splitRules({ ruleset }: Zone, ownRules: RegExp) {
  const ours: Rule[] = [];
  const foreign: Rule[] = [];

  for (const rule of ruleset?.rules ?? []) {
    const { description = "" } = rule;
    if (ownRules.test(description)) ours.push(rule);
    else foreign.push(rule);
  }

  return { ours, foreign };
}

function findHarmToSources(before: Zone, after: Zone): string[] {
  if (before.sources === after.sources) return [];

  const harm: string[] = [];
  if (!after.sources.startsWith(before.sources)) {
    harm.push(`changed Sources from “${before.sources}” to “${after.sources}”`);
  }
  if (entriesOf(before.sources).includes("*")) harm.push("changed Sources that have *");
  if (hasTwice(entriesOf(after.sources))) harm.push("added an entry twice");

  return harm;
}

function findHarmToTransformations(before: Zone, after: Zone): string[] {
  if (before.transformations === after.transformations) return [];

  const isSwitchedOn = before.transformations === "off" && after.transformations === "on";
  if (isSwitchedOn) return [];

  return [`set transformations from ${before.transformations} to ${after.transformations}`];
}

const hasTwice = (texts: readonly unknown[]) => new Set(texts).size < texts.length;
