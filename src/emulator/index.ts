// `vitrine/testing`: Cloudflare's image edge, its Workers Cache, a private S3 and an issuer of tokens, as strict as in
// production, for the tests of any Worker. docs/testing.md shows how to use them.

export {
  type Cache,
  type CacheSettings,
  type CacheSwitches,
  createCache,
  type Run,
} from "./cache/cache.ts";
export type { RunContext } from "./cache/entrypoint.ts";
export { createEdge, type Edge } from "./create-edge.ts";
export type { Fault } from "./edge/faults.ts";
export type { ImageOptions } from "./edge/options.ts";
export type { Refusal } from "./edge/refusal.ts";
export type { EdgeInit, EdgeSettings } from "./edge/settings.ts";
export type { Switches } from "./edge/switches.ts";
export type { Network } from "./fetch.ts";
export {
  createIssuer,
  type Issuer,
  type IssuerAlgorithm,
  type IssuerSettings,
  type IssuerSwitches,
  type TokenOptions,
} from "./issuer.ts";
export { createR2, type R2, type R2Fault, type R2Stored } from "./r2/r2.ts";
export {
  createS3,
  type S3,
  type S3Answer,
  type S3Fault,
  type S3Grant,
  type S3Settings,
  type Session,
  type Stored,
} from "./s3/s3.ts";
export { type Served, serveEdge, serveS3 } from "./serve.ts";
export { deployedEnv } from "./variables.ts";
