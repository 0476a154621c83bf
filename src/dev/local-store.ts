// The store of the local run: wrangler's own R2 on this machine, which no configuration has to name. Pure.

import { secretPrefixesOf } from "../cli/config/buckets.ts";
import type { LocalRun } from "../cli/config/local-run.ts";
import { isPlainObject, parseJson, tableOf } from "../worker/base/json.ts";
import { secretNames } from "../worker/config/read-secrets.ts";
import type { Vars } from "../worker/config/schema.ts";
import type { Credentials } from "../worker/config/slot.ts";

/** The binding of the store of a project that has none. */
export const LOCAL_STORE = "LOCAL_RENDITIONS";

/**
 * `ANSWERS` with the store of the local run, or without one; empty where nobody can read it.
 * @param started the vars of the local run
 * @param keys what opens the local S3
 */
export function localAnswers(
  started: Vars,
  { own, buckets, secrets }: Pick<LocalRun, "own" | "buckets" | "secrets">,
  keys: Credentials,
): Vars {
  const written = started["ANSWERS"];
  if (written !== undefined && !isPlainObject(parseJson(written))) return {};
  const { store = LOCAL_STORE, ...rest } = tableOf(written);
  const given = own ? [] : keysOf(buckets, secrets);
  return { ANSWERS: isStoring(started["EDGE"], given, keys) ? { ...rest, store } : rest };
}

/**
 * Returns whether the local run stores renditions. A fault that is simulated must be seen: a switch of the edge, or
 * a key that does not open the local buckets. The switch `store` has the last word.
 */
function isStoring(edge: unknown, given: readonly unknown[], { secretAccessKey }: Credentials) {
  const switches = parseJson(edge ?? {});
  if (!isPlainObject(switches)) return false; // the edge keeps its last switches
  const { store, ...faults } = switches;
  if (typeof store === "boolean") return store;
  return Object.keys(faults).length === 0 && given.every((key) => key === secretAccessKey);
}

/** The secret halves of the current slots. */
function keysOf(buckets: unknown, secrets: Vars): unknown[] {
  return [...secretPrefixesOf(buckets).values()].map(
    (prefix) => secrets[secretNames(prefix).secretAccessKey],
  );
}
