// What `createVitrine` takes and returns. Only the emulators' types are named here, so an app needs no others.

import type { Cache } from "../emulator/cache/cache.ts";
import type { Edge } from "../emulator/create-edge.ts";
import type { Issuer, TokenOptions } from "../emulator/issuer.ts";
import type { R2 } from "../emulator/r2/r2.ts";
import type { S3 } from "../emulator/s3/s3.ts";
import type { Duration } from "./clock.ts";

/** An original: its bytes, or its bytes with more. */
export type VitrineObject =
  | Uint8Array
  | {
      readonly body: Uint8Array;
      /** Its content-type. Left out: what its bytes say. */
      readonly type?: string;
      /** `x-amz-meta-…` by the names without that prefix, such as `focus`. Left out: none. */
      readonly metadata?: Readonly<Record<string, string>>;
    };

/** The objects of a bucket: a folder, or a table by their keys, which are those below the bucket's prefix. */
export type VitrineObjects = string | Readonly<Record<string, VitrineObject>>;

/** What a Vitrine under test is made with: a configuration, and the originals. */
export type VitrineSettings = {
  /** The configuration file of the project, read by the project's wrangler. Either this or `vars`. */
  readonly config?: string;
  /** An environment of that file. Left out: the top level, whatever CLOUDFLARE_ENV says. */
  readonly environment?: string;
  /** The vars themselves: BUCKETS, ROUTES, PRESETS. wrangler need not be installed then. */
  readonly vars?: Readonly<Record<string, unknown>>;
  /**
   * The originals. With several buckets, a table by the names of buckets: `{ media: "objects", archive: {…} }`. Left out:
   * there are none.
   */
  readonly objects?: VitrineObjects | Readonly<Record<string, VitrineObjects>>;
  /**
   * Secrets that the test wants to know, such as URL_SIGNING_KEYS of an app that signs. Left out: all of them are made. A key
   * of S3 opens its bucket, in both slots. A secret that the configuration does not know throws.
   */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Where Vitrine is. Left out: the first domain of the configuration, or https://images.example. */
  readonly url?: string;
  /** When the clock stands: ms since 1970. Left out: now. */
  readonly now?: number;
};

/** A bucket of the configuration. */
export type VitrineBucket = {
  /** The S3, with its `faults`; undefined: it is an R2 bucket. Its keys begin with the bucket's prefix. */
  readonly s3: S3 | undefined;
  /** The R2 bucket, with its `faults`; undefined: it is an S3. */
  readonly r2: R2 | undefined;
  /** Puts an object, and tells nobody. */
  put(key: string, object: VitrineObject): void;
  /** Puts an object in place of another one. The bucket's event goes through the queue, and the Worker purges by it. */
  replace(key: string, object: VitrineObject): Promise<void>;
  /** Deletes an object. The bucket's event goes through the queue, and the Worker purges by it. */
  delete(key: string): Promise<void>;
};

/** By which route `url` shows an object. */
export type VitrineUrlOptions = {
  /**
   * The `path` of the route, as the configuration has it: `/private/:preset/*`. Left out: the only route that shows the
   * object. If there are several, `url` throws: one may be open, and another one signed.
   */
  readonly route?: string;
};

/** A line that the Worker logged. */
export type VitrineLogLine = {
  readonly level: "debug" | "log" | "info" | "warn" | "error";
  /** The fields of the line, such as `event`. */
  readonly line: Readonly<Record<string, unknown>>;
};

/** A Vitrine under test. */
export type Vitrine = {
  /** Where it is, without a slash at the end. */
  readonly origin: string;
  /**
   * Asks the Worker, as a visitor does. It returns when the Worker has done all that it does for the request, also in the
   * background.
   * @param input a path, or a URL
   */
  fetch(input: string | URL | Request, init?: RequestInit): Promise<Response>;
  /** Returns whether a URL leads here. */
  matches(input: string | URL | Request): boolean;
  /**
   * Returns the URL of an object; if its route is signed, with a signature of an hour.
   * @throws {TypeError} if no route shows the object at this preset, or if several do and `route` names none of them
   */
  url(key: string, preset: string, options?: VitrineUrlOptions): Promise<string>;
  /**
   * Returns a token of a login, which has the issuer and the audience of the first route with `token`.
   * @throws {TypeError} if no route needs a token
   */
  token(claims?: Readonly<Record<string, unknown>>, options?: TokenOptions): Promise<string>;
  /** Asks for a purge, by /purge. @param body `{ objects: ["media/photos/fig.jpg"] }`, or `{ everything: true }` */
  purge(body: Readonly<Record<string, unknown>>): Promise<Response>;
  /** The buckets, by their names in the configuration. */
  readonly buckets: Readonly<Record<string, VitrineBucket>>;
  /** The bucket of renditions; undefined: the configuration has none. */
  readonly store: R2 | undefined;
  readonly edge: Edge;
  readonly cache: Cache;
  /** The logins that sign tokens, by their URLs. */
  readonly issuers: ReadonlyMap<string, Issuer>;
  /** All secrets, such as URL_SIGNING_KEYS. */
  readonly secrets: Readonly<Record<string, string>>;
  readonly clock: {
    /** ms since 1970. */
    readonly now: number;
    /** Moves the time, and delivers the events that are due by then. */
    advance(duration: Duration): Promise<void>;
  };
  /** What the Worker logged, in order. */
  readonly logs: readonly VitrineLogLine[];
  /** Starts a new isolate, as a deploy does: the Worker forgets what it has in memory. */
  restart(): void;
};
