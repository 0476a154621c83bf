// The configuration of an isolate, read and checked once. Secrets of a Secrets Store may change there without a
// deploy: they are read again every minute.

import { isWithin } from "./base/time.ts";
import { type Broken, type Config, readConfig } from "./config/config.ts";
import { sameSecrets } from "./config/read-secrets.ts";
import type { Vars } from "./config/schema.ts";
import { askStores, fillIn, type Given, type Stores, storesOf } from "./config/store.ts";
import { carryOverMemories } from "./origin/memories.ts";

/** After how long a Secrets Store is read again, also where its values break the configuration: ms. */
const STORED_MS = 60_000;
const BROKEN_MS = 5_000;

type Checked = {
  readonly vars: Vars;
  readonly config: Config | Broken;
  /** The last configuration that was right. */
  readonly right: Config | undefined;
  /** When it was read: ms since 1970. */
  readonly at: number;
  /** What the stores gave last. */
  readonly given: Given;
};

const checked = new WeakMap<object, Checked>();

/**
 * Where a store does not give a secret, its last value is used.
 * @param now ms since 1970
 */
export async function currentConfig(env: object, now: number): Promise<Config | Broken> {
  const known = checked.get(env);
  const stores = storesOf(env);
  if (!known) return check(env, stores, await askStores(stores), now);
  const lasts = "mistakes" in known.config ? BROKEN_MS : STORED_MS;
  if (stores.size === 0 || isWithin(lasts, known.at, now)) return known.config;
  checked.set(env, { ...known, at: now }); // other requests use what is known meanwhile
  return check(env, stores, await askStores(stores), now);
}

/** Checks the configuration with what the stores gave. */
function check(env: object, stores: Stores, asked: Given, now: number): Config | Broken {
  const known = checked.get(env);
  const given = new Map([...(known?.given ?? []), ...asked]);
  const vars = fillIn(env, stores, given);
  const isSame = known && sameSecrets(vars, known.vars);
  const config = isSame ? known.config : readConfig(vars);
  const right = "mistakes" in config ? known?.right : config;
  if (!("mistakes" in config) && !isSame && known?.right) carryOverMemories(config, known.right);
  checked.set(env, { vars, config, right, at: now, given });
  return config;
}
