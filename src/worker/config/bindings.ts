// The bindings that the Worker uses: objects of Cloudflare, which the Worker gets under the names that wrangler.toml
// gives them. A schema only tests whether an object has the methods of its kind, and calls none of them.

import { isDataset } from "../log/metrics.ts";
import { hasMethods } from "../util/json.ts";
import { custom, type Schema, textLike } from "./schema.ts";

/** Cloudflare's Images binding. */
export type Images = Pick<ImagesBinding, "input" | "info">;

/** The binding of an R2 bucket that has originals. */
export type R2Source = Pick<R2Bucket, "get" | "head" | "list">;

/** The binding of an R2 bucket that holds renditions. */
export type Store = Pick<R2Bucket, "head" | "get" | "put" | "delete" | "list">;

/** A rate limiting binding. */
export type Limiter = Pick<RateLimit, "limit">;

/** The binding of the queue into which /purge puts events. */
export type EventQueue = Pick<Queue, "sendBatch">;

export const bindingName = textLike("the name of a binding", /^[A-Za-z_]\w*$/);

export const imagesSchema = bindingSchema(
  hasMethods<Images>("input", "info"),
  'is missing: add [images] binding = "IMAGES"',
  "is not an Images binding",
);

const R2_MISSING = "is missing: add it to [[r2_buckets]]";
const NOT_R2 = "is not an R2 bucket's binding";
const isR2Source = hasMethods<R2Source>("get", "head", "list");
const isStore = hasMethods<Store>("head", "get", "put", "delete", "list");

export const r2Schema = bindingSchema(isR2Source, R2_MISSING, NOT_R2);
export const storeSchema = bindingSchema(isStore, R2_MISSING, NOT_R2);

// These three bindings are optional, so there is no message for a missing one. Their names are fixed, and no secret has
// such a name: so `custom` may repeat a wrong value.
export const limiterSchema = custom("a rate limiting binding", hasMethods<Limiter>("limit"));
export const queueSchema = custom(
  "a queue's producer binding",
  hasMethods<EventQueue>("sendBatch"),
);
export const datasetSchema = custom("an Analytics Engine binding", isDataset);

/**
 * A binding. No message repeats its value: if the configuration has a wrong name for it, such as that of a secret, the
 * value is the secret.
 */
function bindingSchema<T>(
  isBinding: (value: unknown) => value is T,
  missingMessage: string,
  wrongMessage: string,
): Schema<T> {
  return (value, path, report) => {
    if (isBinding(value)) return value;

    report(path, value === undefined ? missingMessage : wrongMessage);
    return undefined;
  };
}
