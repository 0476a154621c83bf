// When an event of S3 last came, by /purge or by the queue, and when somebody last purged by hand. An isolate knows only its own calls, so the
// store keeps both for the whole site, as two small objects beside the renditions. Their names are no names of renditions:
// nothing shows them, and no purge deletes them (OWN_NAME in delete.ts). The time of a call is that of its object, by R2's
// clock. Codes such as T3 are rules of docs/rules.md.

import type { Store } from "../config/bindings.ts";
import { isWithin, TIMED_OUT, withTimeout } from "../util/time.ts";
import { callStore } from "./entries.ts";

/** The names of the objects. */
const NAMES = { event: "vitrine/last-event", purge: "vitrine/last-purge" } as const;

/** An event of S3, which came by /purge or by the queue; or a purge by hand. */
export type PurgeCall = keyof typeof NAMES;

/** What a person reads who finds the objects. */
const CONTENT = "Vitrine wrote this when /purge was called. See docs/doctor.md, Health.\n";

/** R2 takes one write of a name in a second (T3), and bills each (T5). So an isolate writes once in this time: ms. */
const WRITE_PERIOD_MS = 60_000;

/** When an isolate last wrote, by the kind of the call: ms since 1970. */
type WrittenAt = Readonly<Partial<Record<PurgeCall, number | undefined>>>;

const writtenAtOf = new WeakMap<Store, WrittenAt>();

/** Notes that such a call came now. A store that fails is logged, and no purge fails with it. */
export async function recordCall(store: Store, call: PurgeCall, now: number): Promise<void> {
  const writtenAt = writtenAtOf.get(store) ?? {};
  if (isWithin(WRITE_PERIOD_MS, writtenAt[call], now)) return;

  writtenAtOf.set(store, { ...writtenAt, [call]: now });
  const isWritten = await callStore(store, "put", async () => {
    await store.put(NAMES[call], CONTENT);
    return true;
  });
  // The next call tries again.
  if (!isWritten) writtenAtOf.set(store, { ...writtenAtOf.get(store), [call]: undefined });
}

type StoreHealth = {
  /** `ok`, the code of R2's error, or `unreachable`. */
  state: string;
};

/** What the store says, as /healthz reports it. */
export type StoreReport = {
  store: StoreHealth;
  /** When an event of S3 last came: ISO 8601. Absent: never. */
  last_event?: string | undefined;
  /** When somebody last purged by hand: ISO 8601. Absent: never. */
  last_purge?: string | undefined;
};

/** Asks the store for the last calls, which shows whether it answers. @param deadline ms since 1970 */
export async function checkStore(store: Store, deadline: number): Promise<StoreReport> {
  try {
    const asking = Promise.all([store.head(NAMES.event), store.head(NAMES.purge)]);
    const answer = await withTimeout(deadline - Date.now(), asking);
    if (answer === TIMED_OUT) return { store: { state: "unreachable" } };

    const [event, purge] = answer;
    return {
      store: { state: "ok" },
      last_event: event?.uploaded.toISOString(),
      last_purge: purge?.uploaded.toISOString(),
    };
  } catch (error) {
    return { store: { state: errorCode(`${error}`) ?? "unreachable" } };
  }
}

/** Returns the code of R2's error: `head: The specified bucket does not exist. (10006)`. */
function errorCode(text: string): string | undefined {
  return /\((?<code>\d{5})\)/.exec(text)?.groups?.["code"];
}
