// Reads an answer of the cached entrypoint. It may be days old, and of an earlier deploy: each value is
// checked. Pure.

import { isTable, json } from "../base/json.ts";
import type { CacheState } from "../base/log.ts";
import { type Refusal, type RefusedSlot, UPSTREAM_EVENTS } from "../base/refusal.ts";
import { SLOT_NAMES } from "../base/slot-name.ts";
import { readFacts, renditionOf } from "../edge/facts.ts";
import { typeOf } from "../edge/judge.ts";
import type { Rendition } from "../edge/rendition.ts";
import { STANDS_IN } from "./kept-answer.ts";

/** @returns undefined if the cached entrypoint cannot have written the answer */
export function readImage({ status, headers, body }: Response): Rendition | undefined {
  const type = typeOf(headers);
  if (!/^image\/[\w.+-]+$/.test(type)) return undefined;
  return { status, headers, body, text: "", type, standsIn: headers.has(STANDS_IN) };
}

/** @returns undefined if the cached entrypoint cannot have written the answer. Its body may be left unread */
export async function readKeptFacts(answer: Response): Promise<Rendition | undefined> {
  const isJson = typeOf(answer.headers) === "application/json";
  const facts = isJson ? readFacts(await answer.text()) : undefined;
  return facts && renditionOf(facts, answer.headers);
}

const STATES: Readonly<Record<string, CacheState>> = {
  HIT: "hit",
  REVALIDATED: "hit",
  STALE: "stale",
  UPDATING: "stale",
};

/** Where an answer came from (W11). Without the header nothing is kept: it was made now (W15). */
export function cacheStateOf({ headers }: Pick<Response, "headers">): CacheState {
  return STATES[headers.get("cf-cache-status") ?? ""] ?? "miss";
}

/**
 * @param text the whole body of an answer without an image
 * @returns undefined if the cached entrypoint cannot have written it
 */
export function readRefusal(text: string): Refusal | undefined {
  const facts = json(text);
  if (!isTable(facts)) return undefined;
  const [reason, origin] = [textIn(facts["reason"]), textIn(facts["origin"])];
  const told = { reason: reason ?? "", repeated: !!facts["repeated"] };
  if (facts["event"] === "slots-refused") {
    const slots = Array.isArray(facts["slots"]) ? facts["slots"].flatMap(readSlot) : [];
    return { event: "slots-refused", slots, ...told };
  }
  if (facts["event"] === "role-refused") {
    const role = textIn(facts["role"]) ?? "";
    return { event: "role-refused", role, origin: origin ?? "", ...told };
  }
  const event = UPSTREAM_EVENTS.find((one) => one === facts["event"]);
  const { certain, status, type } = facts;
  return (
    event && {
      event,
      reason,
      edge: textIn(facts["edge"]),
      origin,
      ...(typeof certain === "boolean" && { certain }),
      ...(typeof status === "number" && { status }),
      ...(typeof type === "string" && { type }),
    }
  );
}

function readSlot(entry: unknown): RefusedSlot[] {
  const { slot: name, origin, access_key } = isTable(entry) ? entry : {};
  const slot = SLOT_NAMES.find((one) => one === name);
  if (!slot || typeof origin !== "string" || typeof access_key !== "string") return [];
  return [{ slot, origin, access_key }];
}

function textIn(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}
