// What a Worker is deployed with, of a file or of vars alone.

import { isPlainObject, parseJson, tableOf } from "../worker/util/json.ts";

/** What a Worker is deployed with, besides its secrets. */
export type Setup = {
  readonly vars: Readonly<Record<string, unknown>>;
  readonly r2Buckets: readonly { readonly binding: string; readonly name: string | undefined }[];
  readonly host: string | undefined;
  /** Whether the Worker consumes a queue of events. */
  readonly hasConsumer: boolean;
  /** Whether /purge hands events on to that queue. */
  readonly hasProducer: boolean;
  /** How many requests of a visitor the rate limiter lets through. */
  readonly limit: { readonly limit: number; readonly period: number } | undefined;
};

/** The setup of vars without a file. The bindings follow from the vars. */
export function setupOf(vars: Readonly<Record<string, unknown>>): Setup {
  const bindings = new Map<string, string | undefined>();
  for (const settings of Object.values(tableOf(vars["BUCKETS"]))) {
    const { binding, bucket } = tableOf(settings);
    if (typeof binding === "string") bindings.set(binding, nameOf(bucket));
  }

  const { store } = tableOf(vars["ANSWERS"]);
  if (typeof store === "string") bindings.set(store, undefined);

  return {
    vars,
    r2Buckets: [...bindings].map(([binding, name]) => ({ binding, name })),
    host: undefined,
    hasConsumer: true,
    hasProducer: false,
    limit: undefined,
  };
}

function nameOf(value: unknown): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/**
 * Returns the vars with a key in place of each role of AWS: nothing here plays AWS's STS. As in the local run, the Worker
 * then fetches the originals itself.
 */
export function withoutRoles(vars: Setup["vars"]): Setup["vars"] {
  const buckets: unknown = parseJson(vars["BUCKETS"]);
  if (!isPlainObject(buckets)) return vars;

  const replaced: Record<string, unknown> = {};
  for (const [name, settings] of Object.entries(buckets)) {
    const { role, sts: _sts, ...rest } = tableOf(settings);
    replaced[name] = role === undefined ? settings : { ...rest, engine: "binding" };
  }
  return { ...vars, BUCKETS: replaced };
}
