// The configuration of an isolate, read and checked once. Secrets of a Secrets Store may change there without a
// deploy: they are read again every minute, once at a time, while the known ones are used.

import { isWithin } from "./base/is-within.ts";
import type { Context } from "./base/request-scope.ts";
import { LATE, within } from "./base/time-limit.ts";
import { type Broken, type Config, readConfig } from "./config/config.ts";
import { sameSecrets } from "./config/read-secrets.ts";
import type { Vars } from "./config/schema.ts";
import { askStores, fillIn, type Given, type Stores, storesOf } from "./config/store.ts";
import { carryOverMemories } from "./origin/memories.ts";

/** After how long a Secrets Store is read again, also where its values break the configuration: ms. */
const STORED_MS = 60_000;
const BROKEN_MS = 5_000;

/** How long known secrets are used while they are read again: ms. An isolate can sleep for hours. */
const MEANWHILE_MS = 60_000;

/** How long a request waits for a reading that another request began: ms. If that request is cut off, it never ends. */
const READING_MS = 5_000;

type Checked = {
  readonly vars: Vars;
  readonly config: Config | Broken;
  /** The last configuration that was right. */
  readonly right: Config | undefined;
  /** When it was read, and for how long it is used before the stores are read again: ms. */
  readonly at: number;
  readonly lasts: number;
  /** What the stores gave last. */
  readonly given: Given;
};

/** The last reading of the stores. */
type Reading = { readonly ended: Promise<Config | Broken>; readonly began: number };

const checked = new WeakMap<object, Checked>();
const readings = new WeakMap<object, Reading>();

/**
 * Where the store does not give a secret, its last value is used.
 * @param now ms since 1970
 */
export function currentConfig(
  env: object,
  now: number,
  context: Context,
): Config | Broken | Promise<Config | Broken> {
  const before = checked.get(env);
  if (before && isWithin(before.lasts, before.at, now)) return before.config;
  const stores = storesOf(env);
  if (stores.size === 0) return check(env, stores, new Map(), now);

  const running = readings.get(env);
  const isRunning = running !== undefined && isWithin(READING_MS, running.began, now);
  const { ended } = isRunning ? running : readStores(env, stores, now, context);
  const isRight = before && !("mistakes" in before.config);
  if (isRight && isWithin(STORED_MS + MEANWHILE_MS, before.at, now)) return before.config;
  if (!isRunning) return ended;
  return within(READING_MS, ended).then((config) =>
    config === LATE ? currentConfig(env, now + READING_MS, context) : config,
  );
}

function readStores(env: object, stores: Stores, now: number, context: Context): Reading {
  const ended = askStores(stores).then((asked) => check(env, stores, asked, now));
  const reading = { ended, began: now };
  readings.set(env, reading);
  context.waitUntil(ended); // others use it, also when this visitor has left
  return reading;
}

/** Checks the configuration with what the stores gave. */
function check(env: object, stores: Stores, asked: Given, now: number): Config | Broken {
  const known = checked.get(env);
  const given = new Map([...(known?.given ?? []), ...asked]);
  const vars = fillIn(env, stores, given);
  const isSame = known && sameSecrets(vars, known.vars);
  const config = isSame ? known.config : readConfig(vars);
  const isBroken = "mistakes" in config;
  const right = isBroken ? known?.right : config;
  if (!isBroken && !isSame && known?.right) carryOverMemories(config, known.right);
  const isFinal = stores.size === 0;
  const lasts = isFinal ? Number.POSITIVE_INFINITY : isBroken ? BROKEN_MS : STORED_MS;
  checked.set(env, { vars, config, right, at: now, lasts, given });
  return config;
}
