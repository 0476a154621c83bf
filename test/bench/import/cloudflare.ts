// Where the Worker's code runs: invocations with a number of subrequests (L3), isolates that remember, the purge of Workers
// Cache with its limit (W10), and R2 as the store. Each of these calls takes its time, and some of them fail.

import { AsyncLocalStorage } from "node:async_hooks";
import type { PurgeOptions, PurgeResult } from "../../../src/emulator/cache/entrypoint.ts";
import { createPurgeLimit, purgeRefusalOf } from "../../../src/emulator/cache/purge.ts";
import type { GatewayContext } from "../../../src/worker/cache/loopback.ts";
import type { Random } from "../random.ts";
import type { Clock } from "./clock.ts";
import type { RunOutcome } from "./queue.ts";

/** What is assumed of calls, since nobody says it: ms. */
const PURGE_MS = 200;
const STORE_MS = 100;
const SEND_MS = 50;

/** What is stored was stored before the import began: ms since 1970. */
const BEFORE_THE_IMPORT = 0;

export type Faults = {
  /** How many of 1,000 purges fail. */
  readonly purges: number;
  /** How many of 1,000 calls of the store fail. */
  readonly storeCalls: number;
  /** How many of 1,000 runs of the consumer die on their way. */
  readonly runs: number;
};

type Invocation = { subrequests: number; isDead: boolean };

/** After how long a run dies at the latest: ms. */
const MAX_LIFE_MS = 10_000;

type Purger = { purge(options: PurgeOptions): Promise<PurgeResult> };

/** What the simulation needs of the entrypoint `Renditions`: its own method purges (W10). */
type CreatePurger = (context: ExecutionContext, env: object) => Purger;

export type CloudflareSettings = {
  readonly maxSubrequests: number;
  readonly faults: Faults;
  readonly createPurger: CreatePurger;
  /** Called with the tags of each purge that has succeeded. */
  readonly didPurge: (tags: readonly string[]) => void;
};

export type Cloudflare = ReturnType<typeof createCloudflare>;

export function createCloudflare(
  clock: Clock,
  random: Random,
  { maxSubrequests, faults, createPurger, didPurge }: CloudflareSettings,
) {
  const invocations = new AsyncLocalStorage<Invocation>();
  const isAllowed = createPurgeLimit(clock.now());
  const counts = { purges: 0, refusedPurges: 0, busiestMinute: 0, maxSubrequests: 0, diedRuns: 0 };
  const stored = createStoredNames();

  /** Makes a call of Cloudflare out of the running invocation. @throws where no subrequest is left */
  async function call<Value>(ms: number, take: () => Value | Promise<Value>): Promise<Value> {
    const invocation = invocations.getStore();
    if (!invocation) throw new Error("nothing of the Worker is running");

    invocation.subrequests += 1;
    if (invocation.subrequests > maxSubrequests) {
      throw new Error("Too many subrequests by single Worker invocation.");
    }
    counts.maxSubrequests = Math.max(counts.maxSubrequests, invocation.subrequests);

    await clock.sleep(ms);
    await stopIfDead(invocation);
    return take();
  }

  /** Purges that the limit has allowed ahead of their calls. */
  let allowedAhead = 0;

  function takeAllowed(): boolean {
    if (allowedAhead === 0) return isAllowed(clock.now());
    allowedAhead -= 1;
    return true;
  }

  /** Returns whether the limit would refuse a purge now, and counts that refusal. */
  function wouldRefusePurge(): boolean {
    if (takeAllowed()) {
      allowedAhead += 1;
      return false;
    }
    counts.purges += 1;
    counts.refusedPurges += 1;
    return true;
  }

  /** The purges of the last minute: ms since 1970. */
  const recentPurges: number[] = [];

  function countPurge(): void {
    counts.purges += 1;
    recentPurges.push(clock.now());
    while ((recentPurges[0] ?? Infinity) <= clock.now() - 60_000) recentPurges.shift();
    counts.busiestMinute = Math.max(counts.busiestMinute, recentPurges.length);
  }

  async function purge(options: PurgeOptions): Promise<PurgeResult> {
    countPurge();
    const refusal = purgeRefusalOf(options, takeAllowed());
    if (refusal) {
      counts.refusedPurges += 1;
      return refusal;
    }
    if (random() * 1_000 < faults.purges) {
      return { success: false, errors: [{ code: 0, message: "internal error" }] };
    }
    didPurge(options.tags ?? []);
    return { success: true, errors: [] };
  }

  /** The context of an invocation. Its cache is that of the gateway, which nobody may purge (W10). */
  function contextOf(env: object): GatewayContext {
    const cache = { purge };
    const purger = Object.assign(Object.create(null), { cache, waitUntil: () => {} });
    const renditions = {
      fetch: () => Promise.reject(new Error("no picture is shown here")),
      purge: (options: PurgeOptions) =>
        call(PURGE_MS, () => createPurger(purger, env).purge(options)),
    };
    return { waitUntil: () => {}, exports: { Renditions: renditions } };
  }

  function storeCall<Value>(take: () => Value): Promise<Value> {
    return call(STORE_MS, () => {
      if (random() * 1_000 >= faults.storeCalls) return take();
      throw new Error("store: We encountered an internal error. Please try again. (10001)");
    });
  }

  const store = {
    head: () => storeCall(() => null),
    get: () => storeCall(() => null),
    put: () => storeCall(() => null),
    delete: (names: readonly string[]) => storeCall(() => stored.remove(names)),
    list: ({ prefix }: { readonly prefix: string }) =>
      storeCall(() => {
        const uploaded = new Date(BEFORE_THE_IMPORT);
        const objects = stored.list(prefix).map((key) => ({ key, uploaded }));
        return { objects, truncated: false };
      }),
  };

  /** Runs a request to the Worker. */
  function invoke<Value>(run: () => Promise<Value>): Promise<Value> {
    return invocations.run({ subrequests: 0, isDead: false }, run);
  }

  /** Runs the consumer's handler, which may die. */
  function invokeConsumer(run: () => Promise<void>): Promise<RunOutcome> {
    const invocation = { subrequests: 0, isDead: false };
    const ended = invocations.run(invocation, run).then(
      (): RunOutcome => "returned",
      (): RunOutcome => "threw",
    );
    if (random() * 1_000 >= faults.runs) return ended;

    counts.diedRuns += 1;
    const died = clock.sleep(random() * MAX_LIFE_MS).then((): RunOutcome => {
      invocation.isDead = true;
      return "died";
    });
    return Promise.race([ended, died]);
  }

  return {
    ...{ counts, stored, store, call, contextOf },
    ...{ invoke, invokeConsumer, wouldRefusePurge },
  };
}

/** The names in the store, by all that is before their last slash: the Worker lists what is stored of an object. */
function createStoredNames() {
  const groups = new Map<string, Set<string>>();
  const groupOf = (name: string) => name.slice(0, name.lastIndexOf("/") + 1);

  function add(name: string): void {
    const group = groupOf(name);
    groups.set(group, (groups.get(group) ?? new Set()).add(name));
  }
  function remove(names: readonly string[]): void {
    for (const name of names) groups.get(groupOf(name))?.delete(name);
  }
  const list = (group: string) => [...(groups.get(group) ?? [])];
  const all = () => [...groups.values()].flatMap((names) => [...names]);
  return { add, remove, list, all };
}

/** Nothing goes on in an isolate that has died. */
async function stopIfDead({ isDead }: Invocation): Promise<void> {
  if (isDead) await new Promise<never>(() => {});
}

/** Sends messages as a producer's binding does (Q3). */
export function createProducer(cloudflare: Cloudflare, send: (body: unknown) => void) {
  return {
    sendBatch: (messages: Iterable<MessageSendRequest>) =>
      cloudflare.call(SEND_MS, () => {
        for (const { body } of messages) send(JSON.parse(JSON.stringify(body)));
      }),
  };
}
