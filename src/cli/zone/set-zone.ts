// Sets what a zone lacks: first the rule that shuts the side door, then the allowed origins, and at last transformations.
// Each is read right before it is written, and again after that. If one is not certainly there, the next ones stay as
// they are: otherwise anybody could have pictures transformed at the owner's cost. It adds, and takes nothing away.

import { type ApiReply, isForbidden, writeApi, type ZoneApi } from "./api.ts";
import { doorRuleDescription } from "./door-rule.ts";
import {
  RIGHTS,
  RULES_PHASE,
  readDoorRule,
  readSources,
  readTransformations,
  type ZoneNeed,
} from "./observe-zones.ts";
import { addEntries, lostEntries } from "./sources.ts";
import type { DoorRule, Sources, Transformations, Unread, Zone } from "./zone-state.ts";

export const PARTS = ["rule", "sources", "transformations"] as const;
export type Part = (typeof PARTS)[number];

export type PartResult =
  /** It was there before. */
  | { readonly kind: "there"; readonly part: Part }
  /** This run has set it, and has read it back. */
  | {
      readonly kind: "set";
      readonly part: Part;
      /** What is new, as text. */
      readonly added: readonly string[];
      /** What was there in its place, as text; undefined: nothing. */
      readonly previous?: string;
    }
  /** It is not certainly there. */
  | {
      readonly kind: "failed";
      readonly part: Part;
      readonly reason: string;
      /** The permission that the token lacks. */
      readonly right: string | undefined;
    }
  | { readonly kind: "interrupted"; readonly part: Part };

/** Sets a part. It sends nothing more after Ctrl-C. */
export async function setPart(
  api: ZoneApi,
  zone: Zone,
  need: ZoneNeed,
  part: Part,
): Promise<PartResult> {
  if (api.world.interrupted.aborted) return { kind: "interrupted", part };

  switch (part) {
    case "rule":
      return setRule(api, zone, need);
    case "sources":
      return setSources(api, zone, need);
    case "transformations":
      return setTransformations(api, zone, need);
    default:
      return part satisfies never;
  }
}

/** What was written is read back after Ctrl-C, too: else it would be called missing, and nothing would say how to undo it. */
function uninterrupted(api: ZoneApi): ZoneApi {
  return { ...api, world: { ...api.world, interrupted: new AbortController().signal } };
}

async function setRule(api: ZoneApi, zone: Zone, need: ZoneNeed): Promise<PartResult> {
  const before = await readWholeRule(api, zone, need);
  if (before.kind === "shut") return { kind: "there", part: "rule" };
  if (before.kind !== "missing" && before.kind !== "incomplete") return ruleFailure(before);

  if (api.world.interrupted.aborted) return { kind: "interrupted", part: "rule" };

  const reply = await writeRule(api, zone, need, before);
  const after = await readWholeRule(uninterrupted(api), zone, need);
  if (after.kind === "shut") {
    const added = [doorRuleDescription(need.worker)];
    if (before.kind === "missing") return { kind: "set", part: "rule", added };
    return { kind: "set", part: "rule", added, previous: before.previous };
  }

  if (reply.kind !== "answered") return writeFailure("rule", reply, RIGHTS.rules);
  return ruleFailure(after);
}

async function readWholeRule(api: ZoneApi, zone: Zone, need: ZoneNeed): Promise<DoorRule> {
  const transformations = await readTransformations(api, zone.id);
  const sources = await readSources(api, zone.id, need);
  return readDoorRule(api, zone, need, { sources, transformations });
}

/** Writes our own rule, in front of all others: a rule that skips the rest would let the door open. */
function writeRule(
  api: ZoneApi,
  zone: Zone,
  { worker }: ZoneNeed,
  state: Extract<DoorRule, { kind: "missing" | "incomplete" }>,
): Promise<ApiReply> {
  const zone_id = zone.id;
  const rule = {
    action: "block" as const,
    description: doorRuleDescription(worker),
    expression: state.expression,
    enabled: true,
  };
  const position = { index: 1 };

  if (state.kind === "incomplete") {
    const { rulesetId, ruleId } = state;
    const params = { ruleset_id: rulesetId, zone_id, ...rule, position };
    return writeApi(api, (client) => client.rulesets.rules.edit(ruleId, params));
  }

  const { rulesetId } = state;
  if (rulesetId !== undefined) {
    const params = { zone_id, ...rule, position };
    return writeApi(api, (client) => client.rulesets.rules.create(rulesetId, params));
  }
  return writeApi(api, (client) =>
    client.rulesets.create({
      zone_id,
      kind: "zone",
      phase: RULES_PHASE,
      name: "default",
      rules: [rule],
    }),
  );
}

function ruleFailure(state: Exclude<DoorRule, { kind: "shut" }>): PartResult {
  const failed = (reason: string, right?: string): PartResult => {
    return { kind: "failed", part: "rule", reason, right };
  };
  switch (state.kind) {
    case "missing":
      return failed("the rule was written, and is not there");

    case "incomplete":
      return failed(`the rule was written, and ${state.fault}`);

    case "edited":
      return failed("somebody has changed Vitrine's rule by hand, so it is not touched");

    case "full":
      return failed(
        `the zone has ${state.count} custom rules, and its plan has room for no more: remove one that nobody needs`,
      );

    case "unread":
      return failed(state.reason, state.right);

    default:
      return state satisfies never;
  }
}

async function setSources(
  api: ZoneApi,
  zone: Zone,
  need: Pick<ZoneNeed, "entries">,
): Promise<PartResult> {
  const before = await readSources(api, zone.id, need);
  switch (before.kind) {
    case "unread":
      return unreadFailure("sources", before);

    case "any":
      return { kind: "there", part: "sources" };

    case "list":
      if (before.missing.length === 0) return { kind: "there", part: "sources" };
      return writeSources(api, zone, need, before);

    default:
      return before satisfies never;
  }
}

/** Adds entries behind the text that was read. */
async function writeSources(
  api: ZoneApi,
  zone: Zone,
  need: Pick<ZoneNeed, "entries">,
  { text, missing }: Extract<Sources, { kind: "list" }>,
): Promise<PartResult> {
  if (api.world.interrupted.aborted) return { kind: "interrupted", part: "sources" };

  const zone_id = zone.id;
  const value = addEntries(text, missing);
  const reply = await writeApi(api, (client) =>
    client.zones.transformationsAllowedOrigins.edit({ zone_id, value }),
  );

  const after = await readSources(uninterrupted(api), zone_id, need);
  if (after.kind === "unread") return unreadFailure("sources", after);
  const lost = after.kind === "list" ? lostEntries(text, after.text) : [];
  if (lost.length > 0) {
    const reason = `${lost.join(", ")} was in the list before, and is not any more: somebody else may have written it at the same time. Before: “${text}”`;
    return { kind: "failed", part: "sources", reason, right: undefined };
  }

  if (after.kind === "any" || after.missing.length === 0) {
    return { kind: "set", part: "sources", added: missing };
  }
  if (reply.kind !== "answered") return writeFailure("sources", reply, RIGHTS.settings);

  const reason = `${after.missing.join(", ")} was added to the list, and is not there`;
  return { kind: "failed", part: "sources", reason, right: undefined };
}

/** Switches transformations on, if the rule and the origins are certainly there. Nothing else is ever written. */
async function setTransformations(api: ZoneApi, zone: Zone, need: ZoneNeed): Promise<PartResult> {
  const part = "transformations";
  const before = await readTransformations(api, zone.id);
  if (before.kind === "unread") return unreadFailure(part, before);
  if (before.kind !== "off") return { kind: "there", part };

  // Somebody may have changed the list since it was written. What cannot be read is no proof.
  const sources = await readSources(api, zone.id, need);
  if (sources.kind === "unread") return unreadFailure(part, sources);
  const missing = sources.kind === "list" ? sources.missing : [];
  if (missing.length > 0) {
    const reason = `${missing.join(", ")} is not in Sources any more: run this again`;
    return { kind: "failed", part, reason, right: undefined };
  }

  const rule = await readDoorRule(api, zone, need, { sources, transformations: before });
  if (rule.kind !== "shut") {
    const reason =
      "the rule does not block all that it has to, since something was changed meanwhile: run this again";
    return { kind: "failed", part, reason, right: undefined };
  }

  if (api.world.interrupted.aborted) return { kind: "interrupted", part };

  const reply = await writeApi(api, (client) =>
    client.zones.settings.edit("image_resizing", { zone_id: zone.id, value: "on" }),
  );

  const after = await readTransformations(uninterrupted(api), zone.id);
  return transformationsResult(after, reply);
}

function transformationsResult(after: Transformations, reply: ApiReply): PartResult {
  const part = "transformations";
  switch (after.kind) {
    case "on":
    case "open":
      return { kind: "set", part, added: [] };

    case "unread":
      return unreadFailure(part, after);

    case "off": {
      if (reply.kind !== "answered") return writeFailure(part, reply, RIGHTS.settings);

      const reason = "transformations were switched on, and are still off";
      return { kind: "failed", part, reason, right: undefined };
    }
    default:
      return after satisfies never;
  }
}

/**
 * Adds the host of each entry of ours that has a path, without the path: all that the host has is allowed then. The list
 * is read anew: a question stood before this, and somebody else may have written meanwhile.
 */
export function addBareHosts(
  api: ZoneApi,
  zone: Zone,
  hosts: readonly string[],
): Promise<PartResult> {
  return setSources(api, zone, { entries: hosts });
}

function unreadFailure(part: Part, { reason, right }: Unread): PartResult {
  return { kind: "failed", part, reason, right };
}

function writeFailure(
  part: Part,
  reply: Exclude<ApiReply, { kind: "answered" }>,
  right: string,
): PartResult {
  const missingRight = isForbidden(reply) ? right : undefined;
  return { kind: "failed", part, reason: reply.reason, right: missingRight };
}
