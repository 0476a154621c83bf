// The bindings of the Worker that a bucket may need: Cloudflare Images, and an R2 bucket.

import { has } from "../base/json.ts";
import type { Schema } from "./schema.ts";

/** Cloudflare's Images binding. */
export type Images = Pick<ImagesBinding, "input" | "info">;

/** The binding of an R2 bucket. */
export type R2Source = Pick<R2Bucket, "get" | "head">;

export const imagesSchema = binding(isImages, "an Images binding", '[images] binding = "IMAGES"');
export const r2Schema = binding(isR2, "an R2 bucket's binding", "it to [[r2_buckets]]");

/**
 * A binding. No message repeats a value: under a wrong name, it may be a secret.
 * @param remedy what to add to the configuration if there is no such binding
 */
function binding<T>(test: (value: unknown) => value is T, what: string, remedy: string): Schema<T> {
  return (value, path, report) => {
    if (test(value)) return value;
    report(path, value === undefined ? `is missing: add ${remedy}` : `is not ${what}`);
    return undefined;
  };
}

function isImages(value: unknown): value is Images {
  return has(value, "input") && typeof value.input === "function" && has(value, "info");
}

function isR2(value: unknown): value is R2Source {
  return has(value, "get") && typeof value.get === "function" && has(value, "head");
}
