// What Cloudflare's API answers about zones: their list, the two settings of transformations, and the custom rules. It
// refuses what the API refuses. It checks no token: account.ts does.

import { tableOf } from "../../../src/worker/util/json.ts";
import { type ApiAnswer, type ApiRequest, accept, refuse } from "./api-answer.ts";
import { parseExpression } from "./rule-expression.ts";
import {
  ACTIONS,
  idOf,
  MAX_RULES,
  PHASE,
  type Rule,
  type Ruleset,
  TRANSFORMATIONS,
  type Zone,
} from "./zone.ts";

const now = () => new Date().toISOString();

/** @param zones those that the token sees */
export function listZones(zones: readonly Zone[], { query }: ApiRequest): ApiAnswer {
  const name = query.get("name");
  const account = query.get("account.id");
  const matching = zones.filter((zone) => {
    const isNamed = name === null || name === zone.name;
    const isOfAccount = account === null || account === zone.account;
    return isNamed && isOfAccount;
  });

  const count = matching.length;
  const pages = { page: 1, per_page: 20, count, total_count: count, total_pages: 1 };
  const isFirstPage = Number(query.get("page") ?? "1") <= 1;
  const described = isFirstPage ? matching.map(describeZone) : [];

  return { ...accept(described), result_info: pages };
}

function describeZone({ id, name, account, status, plan }: Zone): object {
  return {
    id,
    name,
    status,
    paused: false,
    type: "full",
    development_mode: 0,
    name_servers: ["ada.ns.cloudflare.com", "bob.ns.cloudflare.com"],
    account: { id: account, name: "Acme" },
    plan: { id: idOf(plan), name: `${plan} plan`, legacy_id: plan, is_subscribed: false },
  };
}

const RULES_PATH = /^rulesets\/(?<ruleset>\w+)\/rules(?:\/(?<rule>\w+))?$/;

type Groups = { readonly [name: string]: string | undefined };

/** The named groups of a pattern: none if it does not match. */
function groupsOf(pattern: RegExp, text: string): Groups {
  const match = pattern.exec(text);
  return match?.groups ?? {};
}

/** @param path below the zone */
export function answerZone(zone: Zone, path: string, request: ApiRequest): ApiAnswer {
  const { method, body } = request;
  if (path === "" && method === "GET") return accept(describeZone(zone));

  const { setting } = groupsOf(/^settings\/(?<setting>\w+)$/, path);
  if (setting !== undefined) return answerSetting(zone, setting, method, tableOf(body));

  if (path === `rulesets/phases/${PHASE}/entrypoint` && method === "GET") return readRules(zone);
  if (path === "rulesets" && method === "POST") return createRules(zone, tableOf(body));

  const { ruleset, rule } = groupsOf(RULES_PATH, path);
  if (ruleset !== undefined) {
    if (ruleset !== zone.ruleset?.id) return refuse(404, 10003, "could not find ruleset");
    if (rule === undefined && method === "POST") return addRule(zone, zone.ruleset, tableOf(body));
    if (rule !== undefined && method === "PATCH") {
      return editRule(zone, zone.ruleset, rule, tableOf(body));
    }
  }

  if (path.startsWith("workers/routes")) return accept(method === "GET" ? [] : { id: idOf(body) });

  return refuse(404, 7000, "No route for that URI");
}

type Body = Readonly<Record<string, unknown>>;

/** The setting whose page is called Sources. */
const SOURCES_SETTING = "transformations_allowed_origins";

function answerSetting(zone: Zone, setting: string, method: string, body: Body): ApiAnswer {
  const isSetting = setting === "image_resizing" || setting === SOURCES_SETTING;
  if (!isSetting) return refuse(404, 1003, "Invalid or missing zone setting");
  if (method !== "GET" && method !== "PATCH") return refuse(405, 10405, "Method not allowed");

  if (method === "PATCH") {
    if (!zone.isEditable) return refuse(400, 1015, `Not allowed to edit setting for ${setting}`);

    const isChanged = changeSetting(zone, setting, body["value"]);
    if (!isChanged) return refuse(400, 1007, `Invalid value for zone setting ${setting}`);
  }

  return accept({
    id: setting,
    value: setting === SOURCES_SETTING ? zone.sources : zone.transformations,
    editable: zone.isEditable,
    modified_on: now(),
  });
}

/** @returns whether the setting takes the value */
function changeSetting(zone: Zone, setting: string, value: unknown): boolean {
  if (setting === SOURCES_SETTING) {
    if (typeof value !== "string") return false;

    zone.sources = value;
    return true;
  }

  const transformations = TRANSFORMATIONS.find((state) => state === value);
  if (transformations === undefined) return false;

  zone.transformations = transformations;
  return true;
}

const NO_RULESET = `could not find entrypoint ruleset in the ${PHASE} phase`;

function readRules({ ruleset }: Zone): ApiAnswer {
  return ruleset === undefined ? refuse(404, 10003, NO_RULESET) : accept(ruleset);
}

function createRules(zone: Zone, body: Body): ApiAnswer {
  const { name, kind, phase, rules = [] } = body;
  if (typeof name !== "string" || name === "") return invalid("name", name, "it cannot be blank");
  if (kind !== "zone") return invalid("kind", kind, "it is not allowed here");
  if (phase !== PHASE) return invalid("phase", phase, "it is unknown here");
  if (zone.ruleset !== undefined) {
    return invalid("kind", kind, `exceeded maximum number of zone rulesets for phase ${phase}`);
  }

  const definitions = [rules].flat().map(tableOf);
  for (const definition of definitions) {
    const fault = faultOf(definition);
    if (fault !== undefined) return fault;
  }

  const tooMany = refuseAbove(zone, definitions.length);
  if (tooMany !== undefined) return tooMany;

  const ruleset: Ruleset = {
    id: idOf(`${zone.name} ${now()}`),
    name,
    kind,
    phase,
    version: "1",
    last_updated: now(),
    rules: definitions.map((definition) => ruleOf(definition)),
  };

  zone.ruleset = ruleset;
  return accept(ruleset);
}

function addRule(zone: Zone, ruleset: Ruleset, { position, ...definition }: Body): ApiAnswer {
  const rules = [...ruleset.rules];
  const fault = faultOf(definition);
  if (fault !== undefined) return fault;

  const tooMany = refuseAbove(zone, rules.length + 1);
  if (tooMany !== undefined) return tooMany;

  const index = indexOf(rules, position);
  if (index === undefined) return refuse(400, 20219, "position is not valid");

  rules.splice(index, 0, ruleOf(definition));
  return saveRules(zone, ruleset, rules);
}

/** With a definition, the rule becomes that: what the definition leaves out is gone. A position alone moves the rule. */
function editRule(zone: Zone, ruleset: Ruleset, id: string, body: Body): ApiAnswer {
  const { position, ...definition } = body;
  const present = ruleset.rules.findIndex((rule) => rule.id === id);
  const before = ruleset.rules[present];
  if (before === undefined) return refuse(404, 10003, `could not find rule '${id}'`);

  let after = before;
  const isOnlyMoved = Object.keys(definition).length === 0 && position !== undefined;

  if (!isOnlyMoved) {
    const fault = faultOf(definition);
    if (fault !== undefined) return fault;
    after = ruleOf(definition, before);
  }

  if (position === undefined) {
    return saveRules(zone, ruleset, ruleset.rules.with(present, after));
  }

  const others = ruleset.rules.filter((rule) => rule.id !== id);
  const index = indexOf(others, position);
  if (index === undefined) return refuse(400, 20219, "position is not valid");

  return saveRules(zone, ruleset, others.toSpliced(index, 0, after));
}

function saveRules(zone: Zone, ruleset: Ruleset, rules: readonly Rule[]): ApiAnswer {
  const version = `${Number(ruleset.version) + 1}`;
  zone.ruleset = { ...ruleset, version, last_updated: now(), rules };
  return accept(zone.ruleset);
}

/** @param value undefined: it is missing */
function invalid(name: string, value: unknown, reason: string): ApiAnswer {
  const message = `'${value ?? ""}' is not a valid value for ${name} because ${reason}`;
  return refuse(400, 20217, message, { source: { pointer: `/${name}` } });
}

/** What is wrong with the definition of a rule. */
function faultOf({ action, expression, action_parameters }: Body): ApiAnswer | undefined {
  if (action === undefined && action_parameters !== undefined) {
    return refuse(400, 20125, "action is required for action parameters");
  }
  if (!ACTIONS.includes(`${action}`)) {
    return invalid("action", action, "the action is unknown");
  }
  if (action === "skip" && action_parameters === undefined) {
    return refuse(400, 20125, "action parameters are required for skip");
  }

  const parsed = parseExpression(`${expression ?? ""}`);
  if (parsed.kind === "expression") return undefined;

  return invalid("expression", expression, parsed.message);
}

function refuseAbove({ plan }: Zone, count: number): ApiAnswer | undefined {
  const limit = MAX_RULES[plan];
  if (count <= limit) return undefined;
  const message = `exceeded the maximum number of rules in the phase ${PHASE}: ${count} out of ${limit}`;
  return refuse(400, 50001, message);
}

function ruleOf(definition: Body, before?: Rule): Rule {
  const { action, expression } = definition;
  const newId = idOf(`${JSON.stringify(definition)} ${now()} ${Math.random()}`);
  const { id = newId, version = "0" } = before ?? {};

  return {
    ref: id,
    description: "",
    enabled: true,
    ...definition,
    id,
    action: `${action}`,
    expression: `${expression}`,
    last_updated: now(),
    version: `${Number(version) + 1}`,
  };
}

/** Where among the others a rule goes. @returns undefined if the position is not valid */
function indexOf(others: readonly Rule[], position: unknown): number | undefined {
  const { length } = others;
  if (position === undefined) return length;

  const { index, before, after } = tableOf(position);
  if (typeof index === "number") {
    const isValid = Number.isInteger(index) && index >= 1 && index <= length + 1;
    return isValid ? index - 1 : undefined;
  }
  if (before === "") return 0;
  if (after === "") return length;

  const neighbour = others.findIndex(({ id }) => id === before || id === after);
  if (neighbour < 0) return undefined;

  return before === undefined ? neighbour + 1 : neighbour;
}
