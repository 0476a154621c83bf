// The bindings of the Worker that a bucket may need: Cloudflare Images, and an R2 bucket.

import { has } from "../base/json.ts";
import { custom, type Schema } from "./schema.ts";

/** Cloudflare's Images binding. */
export type Images = Pick<ImagesBinding, "input" | "info">;

/** The binding of an R2 bucket. */
export type R2Source = Pick<R2Bucket, "get" | "head">;

export const imagesSchema = binding(
  '[images] binding = "IMAGES"',
  custom("an Images binding", isImages),
);
export const r2Schema = binding("it to [[r2_buckets]]", custom("an R2 bucket's binding", isR2));

/** @param remedy what to add to the configuration if there is no such binding */
function binding<T>(remedy: string, schema: Schema<T>): Schema<T> {
  return (value, path, report) => {
    if (value !== undefined) return schema(value, path, report);
    report(path, `is missing: add ${remedy}`);
    return undefined;
  };
}

function isImages(value: unknown): value is Images {
  return has(value, "input") && typeof value.input === "function" && has(value, "info");
}

function isR2(value: unknown): value is R2Source {
  return has(value, "get") && typeof value.get === "function" && has(value, "head");
}
