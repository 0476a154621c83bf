// The objects that an engine could not read, for a minute. Each of them has many variants and formats, and each would make
// the Images binding, or the edge, fetch all of its bytes again. An object that is replaced has another validator (what
// names its bytes), and is tried at once. The accepted risk: an object that is replaced while it is rendered, and then put
// back, is refused for this minute, though the engine has read the other one. Pure, except for the map of the isolate.

import type { Bucket } from "../config/bucket.ts";
import { isCertain, type Refusal } from "../http/refusal.ts";
import { memoize } from "../util/memoize.ts";
import { isWithin } from "../util/time.ts";
import type { OpenedObject } from "./opened-object.ts";

/** What was asked of the engine: it may describe what it does not render, and pass an SVG on. */
type Purpose = "picture" | "svg" | "facts";

/** An attempt to render an object. */
type Attempt = {
  /** With the bucket's prefix. */
  readonly key: string;
  readonly purpose: Purpose;
  readonly validator: OpenedObject["validator"];
};

type Unreadable = {
  readonly validator: string;
  readonly refusal: Refusal;
  /** ms since 1970 */
  readonly refusedAt: number;
};

/** By purpose and key, the oldest first. */
export type UnreadableObjects = ReadonlyMap<string, Unreadable>;

/** For how long an object is not tried again: ms. */
const REFUSED_MS = 60_000;

/** So many objects of a bucket are remembered. A bucket with more broken ones forgets the oldest. */
const MAX_OBJECTS = 1_000;

/** Remembers a refusal, if it proves that the engine cannot read this very object. @param now ms since 1970 */
export function rememberUnreadable(
  objects: UnreadableObjects,
  { key, purpose, validator }: Attempt,
  refusal: Refusal,
  now: number,
): UnreadableObjects {
  const isUnreadable = refusal.event === "source-unreadable" && isCertain(refusal);
  if (!isUnreadable || validator === undefined) return objects;

  const name = `${purpose} ${key}`;
  const next = new Map(objects);
  next.delete(name); // so that it becomes the newest
  next.set(name, { validator, refusal, refusedAt: now });

  const [oldest] = next.keys();
  if (next.size > MAX_OBJECTS && oldest !== undefined) next.delete(oldest);
  return next;
}

/** Returns why this very object was refused within the last minute. @param now ms since 1970 */
export function findUnreadable(
  objects: UnreadableObjects,
  { key, purpose, validator }: Attempt,
  now: number,
): Refusal | undefined {
  const unreadable = objects.get(`${purpose} ${key}`);
  const isSame = unreadable !== undefined && unreadable.validator === validator;
  if (!isSame || !isWithin(REFUSED_MS, unreadable.refusedAt, now)) return undefined;
  return unreadable.refusal;
}

/** What this isolate remembers of a bucket. */
export const unreadableObjectsOf = memoize((_bucket: Bucket) => {
  const none: UnreadableObjects = new Map();
  return { objects: none };
});
