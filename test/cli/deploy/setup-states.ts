// Zones and tokens as `vitrine deploy --setup` may meet them, and what must be true of each after it.

import { expect } from "vitest";
import type { DeployOptions } from "../../../src/cli/deploy/index.ts";
import { beginSetup, ENTRY, ORIGIN, setUp } from "../../support/cli/run-setup.ts";
import type { CommandResult } from "../../support/cli/vitrine.ts";
import {
  type Right,
  SETUP_TOKEN,
  type Token,
  WRANGLER_TOKEN,
} from "../../support/cloudflare/account.ts";
import { createRule, createRuleset, type Rule, type Zone } from "../../support/cloudflare/zone.ts";

/** The rule of docs/deploy.md, for those who make it by hand. */
const BY_HAND = createRule("block", '(starts_with(http.request.uri.path, "/cdn-cgi/image/"))');
const LOGS = createRule("log", 'http.host eq "www.example.com"', { logging: { enabled: true } });
const FULL = [1, 2, 3, 4, 5].map((number) => createRule("block", `ip.src eq 192.0.2.${number}`));
const SKIPS = createRule("skip", "ip.src eq 198.51.100.7", {
  action_parameters: { ruleset: "current" },
});
const DESCRIPTION = "Vitrine vitrine: nobody asks for /cdn-cgi/image/";
const DOOR_PATH = 'lower(url_decode(http.request.uri.path, "r"))';
const IS_DOOR = `(${["/cdn-cgi/image/", "//cdn-cgi/", "/cdn-cgi//"].map((start) => `starts_with(${DOOR_PATH}, "${start}")`).join(" or ")})`;
const IMAGES_HOST = 'starts_with(lower(http.host), "images.example.com")';

const ours = (expression: string, more: object = {}): Rule =>
  createRule("block", expression, { description: DESCRIPTION, ...more });
const OURS = `${IS_DOOR} and (${IMAGES_HOST} or ${DOOR_PATH} contains "${ORIGIN}")`;

const withRights = (...rights: Right[]): Token[] => [WRANGLER_TOKEN, { ...SETUP_TOKEN, rights }];

/** What a zone and a token are like before the deploy. */
export type SetupState = {
  readonly zone?: Partial<Zone>;
  readonly tokens?: readonly Token[];
  readonly options?: DeployOptions;
  readonly env?: Readonly<Record<string, string | undefined>>;
  /** How many writes are sent. */
  readonly writes: number;
};

export const STATES: Readonly<Record<string, SetupState>> = {
  "nothing is set": { writes: 3 },
  "all is set by hand": {
    zone: { ruleset: createRuleset([BY_HAND]), sources: ENTRY, transformations: "on" },
    writes: 0,
  },
  "transformations are open, and nothing else is set": {
    zone: { transformations: "open" },
    writes: 2,
  },
  "Sources has *, and transformations are on": {
    zone: { sources: "*", transformations: "on" },
    writes: 1,
  },
  "Sources has *, and transformations are off": { zone: { sources: "*" }, writes: 2 },
  "the list of rules is full": { zone: { ruleset: createRuleset(FULL) }, writes: 0 },
  "the list is full, and one of them is the rule of the docs": {
    zone: { ruleset: createRuleset([BY_HAND, ...FULL.slice(1)]) },
    writes: 2,
  },
  "the list is full on the free plan, and larger on this one": {
    zone: { ruleset: createRuleset(FULL), plan: "pro" },
    writes: 3,
  },
  "a ruleset without rules": { zone: { ruleset: createRuleset([]) }, writes: 3 },
  "rules and entries of others, with odd spaces": {
    zone: {
      ruleset: createRuleset([LOGS, SKIPS]),
      sources: " cdn.example.org ,  *.example.net/a,,Example.ORG/x ",
    },
    writes: 3,
  },
  "an entry of a form that nobody knows": { zone: { sources: "a.example, a b" }, writes: 1 },
  "entries of others, and a comma at the end": {
    zone: { sources: "cdn.example.org/photos/,*.example.net,", transformations: "on" },
    writes: 2,
  },
  "a wider entry of somebody": { zone: { sources: `*.amazonaws.com, ${ORIGIN}/` }, writes: 2 },
  "our rule is switched off": {
    zone: { ruleset: createRuleset([LOGS, ours(OURS, { enabled: false })]) },
    writes: 3,
  },
  "our rule leaves out the origin": {
    zone: {
      ruleset: createRuleset([ours(`${IS_DOOR} and (${IMAGES_HOST})`), LOGS]),
      ...{ sources: ENTRY, transformations: "on" },
    },
    writes: 1,
  },
  "our rule has another action": {
    zone: { ruleset: createRuleset([{ ...ours(OURS), action: "log" }]) },
    writes: 3,
  },
  "somebody has changed our rule": {
    zone: { ruleset: createRuleset([ours(`${OURS} and ip.src ne 198.51.100.7`)]) },
    writes: 0,
  },
  "a rule of others skips ours": {
    zone: {
      ruleset: createRuleset([SKIPS, ours(OURS)]),
      ...{ sources: ENTRY, transformations: "on" },
    },
    writes: 1,
  },
  "a rule of others skips the one of the docs": {
    zone: { ruleset: createRuleset([SKIPS, BY_HAND]) },
    writes: 3,
  },
  "the settings cannot be changed on this plan": { zone: { isEditable: false }, writes: 2 },
  "the settings cannot be changed on this plan, and Sources has the entry": {
    zone: { isEditable: false, sources: ENTRY },
    writes: 2,
  },
  "the zone is not active": { zone: { status: "pending" }, writes: 0 },
  "the zone is in another account": { zone: { account: "f".repeat(32) }, writes: 0 },
  "the token is for another zone": {
    tokens: [WRANGLER_TOKEN, { ...SETUP_TOKEN, zones: ["example.org"] }],
    writes: 0,
  },
  "the token has no right": { tokens: withRights(), writes: 0 },
  "the token may only read": {
    tokens: withRights("Zone Read", "Zone Settings Read", "Zone WAF Read"),
    writes: 1,
  },
  "the token may not read rules": {
    tokens: withRights("Zone Read", "Zone Settings Write"),
    writes: 0,
  },
  "the token may not change settings": {
    tokens: withRights("Zone Read", "Zone Settings Read", "Zone WAF Write"),
    writes: 2,
  },
  "the token is not known": { tokens: [WRANGLER_TOKEN], writes: 0 },
  "the token has ended": {
    tokens: [WRANGLER_TOKEN, { ...SETUP_TOKEN, isExpired: true }],
    writes: 0,
  },
  "no token": {
    env: { CLOUDFLARE_SETUP_TOKEN: undefined, CLOUDFLARE_API_TOKEN: undefined },
    writes: 0,
  },
  "wrangler's token alone, without rights for zones": {
    env: { CLOUDFLARE_SETUP_TOKEN: undefined },
    writes: 0,
  },
  "a dry run": { options: { dryRun: true }, writes: 0 },
  "no terminal, and no --yes": { options: { yes: undefined }, writes: 0 },
};

const isWrite = (call: string) => !call.startsWith("GET ");

/** Sets a state up, twice. @returns the first run, with what it read and wrote above what it said */
export async function checkState({
  zone: settings,
  tokens,
  options,
  env = {},
  writes,
}: SetupState): Promise<CommandResult> {
  const { account, zone } = await beginSetup(settings, tokens);
  const before = structuredClone(zone);

  const first = await setUp(account, options, { env });
  expect(first.calls.filter(isWrite)).toHaveLength(writes);
  expect(account.harm).toEqual([]);
  for (const token of [SETUP_TOKEN, WRANGLER_TOKEN]) {
    expect(first.out + first.err).not.toContain(token.value);
  }
  expect(first.isDeployed).toBe(options?.dryRun !== true);
  if (first.code === 0 || before.transformations === "off") {
    expect(account.openDoors()).toEqual([]);
  }

  const state = structuredClone(zone);
  const second = await setUp(account, options, { env });
  const isComplete = first.code === 0 && options?.dryRun !== true;
  if (isComplete) expect(second.calls.filter(isWrite)).toEqual([]);
  expect([zone, account.harm]).toEqual([state, []]);
  return goldenOf(first.calls, first);
}

/** The part of the output that is about zones, behind the calls. Expressions are left out: other tests read them. */
function goldenOf(calls: readonly string[], { code, out, err }: CommandResult): CommandResult {
  const [setupText = ""] = out.split(/^Worker vitrine/m);
  const shorten = (text: string) => text.replaceAll(/\(?starts_with\(.*$/gm, "EXPRESSION");
  return {
    code,
    out: `${linesOf(calls).join("\n")}\n${shorten(setupText)}`,
    err: shorten(err.replace(/^S3 accepts .*\n|^To go back, [\s\S]*/gm, "")),
  };
}

/** The calls: what is read between two writes is in one line. */
function linesOf(calls: readonly string[]): string[] {
  const lines: string[] = [];
  let names: string[] = [];
  for (const call of calls) {
    if (isWrite(call)) {
      lines.push(`  reads ${names.join(", ")}`, `  ${withoutExpression(call)}`);
      names = [];
    } else {
      const name = /(?:name=(?<zone>\S+)|(?<setting>\w+))$/.exec(call)?.groups ?? {};
      names.push(name["zone"] ?? name["setting"] ?? call);
    }
  }
  return [...lines, ...(names.length === 0 ? [] : [`  reads ${names.join(", ")}`])];
}

const withoutExpression = (call: string) =>
  call.replace(/"expression":"(?:[^"\\]|\\.)*"/, '"expression":"EXPRESSION"');
