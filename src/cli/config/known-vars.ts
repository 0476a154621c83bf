// What the configuration and .dev.vars say of one environment, as wrangler reads them.

import { isPlainObject, parseJson } from "../../worker/base/json.ts";
import type { Vars } from "../../worker/config/schema.ts";
import type { Place } from "../wrangler/environment.ts";
import type { CacheSettings } from "./cache-settings.ts";

/** A domain that the configuration deploys to. */
type Domain = {
  /** `images.example.com`, or `*.example.com`. */
  readonly host: string;
};

/** What a Worker sees that is deployed from this folder, and one that is started in it. */
export type KnownVars = Place & {
  /** The keys that this environment sets itself. It inherits others. */
  readonly own: ReadonlySet<string>;
  /** The path of the file that a deploy uploads. */
  readonly main: string | undefined;
  /** The name of the Worker in this environment. */
  readonly worker: string | undefined;
  /** The vars of the file, and stand-ins for its bindings. */
  readonly deployed: Vars;
  /** The same, with what .dev.vars replaces and adds. */
  readonly started: Vars;
  /** The names that .dev.vars gives a value. */
  readonly local: ReadonlySet<string>;
  /** The names that `[secrets] required` lists. */
  readonly secrets: readonly string[];
  readonly limiters: readonly {
    readonly name: string;
    readonly namespace_id: string;
    readonly simple: { readonly limit: number; readonly period: number };
  }[];
  /** The name of the Images binding, if there is one. */
  readonly images: string | undefined;
  /** The R2 buckets that are bound. Without a name of its own, one is made by a deploy. */
  readonly r2Buckets: readonly R2Binding[];
  /** The datasets of Analytics Engine. Without a name of its own, one is called like its binding. */
  readonly datasets: readonly { readonly binding: string; readonly dataset?: string }[];
  /** Whether a deploy would also serve from a workers.dev address. */
  readonly workersDev: boolean;
  /** Cloudflare's cache in front of the Worker's entrypoints. */
  readonly cache: CacheSettings;
  /** The domains and routes that it deploys to: `images.example.com`, `images.example.com/*`. */
  readonly patterns: readonly string[];
  /** Those of them that are custom domains. */
  readonly customDomains: readonly string[];
  /** All of them, with what the configuration says of their zones. */
  readonly domains: readonly Domain[];
};

export type R2Binding = {
  readonly binding: string;
  readonly bucket_name?: string;
  readonly jurisdiction?: string;
  /** Whether `wrangler dev` uses the bucket of the account. */
  readonly remote?: boolean;
};

/** A table of the configuration, or a string of JSON in .dev.vars. */
export function tableOf(value: unknown): Readonly<Record<string, unknown>> {
  const table = parseJson(value);
  return isPlainObject(table) ? table : {};
}
