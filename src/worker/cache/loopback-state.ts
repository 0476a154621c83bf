// Whether the gateway can use the cached entrypoint (W13, W15). (state, event) → { state, effects }. Pure.

import { isWithin } from "../base/is-within.ts";
import type { Notice } from "../base/notice.ts";

export type LoopbackState = {
  /** When the cached entrypoint was found to be unusable: ms since 1970. */
  readonly unusableAt?: number;
  /** When a rendition failed both ways: the cached entrypoint is not the reason. */
  readonly failedAt?: number;
};

/** What became of a rendition that the gateway made itself, after the cached entrypoint had failed. */
export type LoopbackEvent = {
  readonly type: "made-directly" | "failed-directly";
  /** Why the cached entrypoint is in doubt. */
  readonly doubt: string;
  readonly now: number;
};

/** For how long the gateway makes all renditions itself; for how long it does not try that again: ms. */
const UNUSABLE_MS = 600_000;
const FAILED_MS = 60_000;

export function isUsable({ unusableAt }: LoopbackState, now: number): boolean {
  return !isWithin(UNUSABLE_MS, unusableAt, now);
}

/** Returns whether a doubt is worth another request to the edge. */
export function mayTryDirectly({ failedAt }: LoopbackState, now: number): boolean {
  return !isWithin(FAILED_MS, failedAt, now);
}

export function learnLoopback(
  state: LoopbackState,
  { type, doubt, now }: LoopbackEvent,
): { readonly state: LoopbackState; readonly effects: readonly Notice[] } {
  if (type === "failed-directly") return { state: { ...state, failedAt: now }, effects: [] };
  const isNews = isUsable(state, now);
  const reason = `${doubt}: each place makes its own renditions for ten minutes`;
  return {
    state: { unusableAt: now },
    effects: isNews ? [{ event: "cache-unusable", reason }] : [],
  };
}
