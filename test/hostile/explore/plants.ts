// Planted bugs, which show that each invariant can fail. Each is put around the Worker, or into a model: none knows the
// Worker's code.

import type { PurgeOptions } from "../../../src/worker/cache/loopback.ts";
import type { Batch, BatchMessage } from "./deliveries.ts";
import type { InvariantName } from "./invariants.ts";
import type { Picture } from "./picture.ts";
import type { StoreModel } from "./store-model.ts";

type Store = StoreModel["binding"];

export type Plant = {
  readonly world: string;
  readonly invariant: InvariantName;
  /** Changes the store's binding. */
  readonly store?: (store: Store, process: () => string) => Store;
  /** Changes what a purge of Workers Cache names, or which tiers it reaches. */
  readonly purge?: (options: PurgeOptions) => PurgeOptions;
  readonly reaches?: (tier: string) => boolean;
  /** Whether S3 answers the question after the edge's answer as it answered the first one. */
  readonly isNotAskedAgain?: boolean;
  /** Changes what the edge renders. */
  readonly edge?: (picture: Picture) => Picture;
  /** Changes what the consumer gets of the queue. */
  readonly batch?: (batch: Batch) => Batch;
  /** Changes the key of Workers Cache. */
  readonly cacheKey?: (url: string) => string;
};

const isPurge = (process: string) => process === "the purge";

/** A purge finds nothing in the store. */
const withoutPurges: NonNullable<Plant["store"]> = (store, process) => ({
  ...store,
  list: async (options) => {
    const listing = await store.list(options);
    return isPurge(process()) ? { ...listing, objects: [] } : listing;
  },
});

function eachMessage(change: (message: BatchMessage) => BatchMessage) {
  return (batch: Batch): Batch => ({ ...batch, messages: batch.messages.map(change) });
}

/** Whatever is to be retried soon, after a failure, is acknowledged. A second pass comes later. */
const withoutRetries = eachMessage((message) => ({
  ...message,
  retry: (options) => {
    const isSecondPass = options?.delaySeconds === SECOND_PASS_S;
    if (isSecondPass) message.retry(options);
    else message.ack();
  },
}));

/** After how long a message comes again that was purged: s. It is the `timeout` of stage.ts, and 30 s. */
const SECOND_PASS_S = 45;

export const PLANTS = {
  "a purge that leaves the store": {
    world: "a replacement of what is stored",
    invariant: "purged",
    store: withoutPurges,
  },
  "an event that leaves the store": {
    world: "a deletion of what is stored",
    invariant: "deleted",
    store: withoutPurges,
  },
  "a run that does not ask again": {
    world: "a replacement",
    invariant: "purged",
    isNotAskedAgain: true,
  },
  "a question before the put": {
    world: "a replacement",
    invariant: "purged",
    store: (store) => ({
      ...store,
      put: async (...args) => {
        void store.put(...args); // the answer is there before the put takes effect
        return null as never;
      },
    }),
  },
  "a purge that reaches one tier only": {
    world: "a replacement of what is fresh",
    invariant: "purged",
    reaches: (tier) => tier === "Oslo",
  },
  "a purge with a wrong tag": {
    world: "a replacement of what is fresh",
    invariant: "purged",
    purge: ({ tags = [], ...options }) => ({ ...options, tags: tags.map((tag) => `${tag}0`) }),
  },
  "an edge that renders what it fetched before": {
    world: "a replacement, and no purge",
    invariant: "current",
    edge: ({ key }) => ({ key, epoch: 1 }),
  },
  "a message that is acknowledged before its purge": {
    world: "a message, and the limit of purges",
    invariant: "event",
    batch: (batch) => {
      batch.ackAll();
      return batch;
    },
  },
  "a message with one pass": {
    world: "a message, without a store, and an isolate that dies",
    invariant: "event",
    batch: eachMessage((message) => ({ ...message, timestamp: new Date(0) })),
  },
  "a batch that is acknowledged after one failure": {
    world: "a message, one of another object, and a store that fails",
    invariant: "event",
    batch: withoutRetries,
  },
  "a message that leaves Workers Cache": {
    world: "a message, and the limit of purges",
    invariant: "event",
    purge: (options) => ({ ...options, tags: [] }),
  },
  "two buckets joined by the key alone": {
    world: "a message, and one of the same key in another bucket",
    invariant: "event",
    batch: (batch) => {
      const [first] = batch.messages;
      return eachMessage((message) => ({ ...message, body: first?.body }))(batch);
    },
  },
  "a consumer that throws": {
    world: "a message, without a store, and an isolate that dies",
    invariant: "lost",
    batch: () => {
      throw new Error("planted");
    },
  },
  "one key for all": {
    world: "two objects, one in trouble",
    invariant: "apart",
    cacheKey: (url) => url.replace("b.jpg", "a.jpg"),
  },
} as const satisfies Readonly<Record<string, Plant>>;

export type PlantName = keyof typeof PLANTS;
