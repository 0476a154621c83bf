// Which part of the Worker makes pictures in this isolate: the cached entrypoint, or the gateway, the entrypoint that runs
// for every request. Nobody outside of Cloudflare knows whether the image edge transforms for an entrypoint that another one
// calls (W13 in docs/rules.md), or only in some places. So the gateway takes over only after both were tried with one
// request: the entrypoint got no picture from the edge, and the gateway did. Any other fault costs one request, and changes
// nothing here. Pure: `now` is passed in, in ms since 1970.

import { isWithin } from "../util/time.ts";

export type EngineMode =
  /** The cached entrypoint makes pictures. */
  | { readonly kind: "entrypoint" }
  /** The gateway makes pictures. The entrypoint only shows what is cached, unchanged or stored. */
  | {
      readonly kind: "gateway";
      /** When the entrypoint was last asked to make a picture; undefined: the next request asks it to. */
      readonly probedAt: number | undefined;
    };

export type EngineEvent =
  /** The edge did not transform for the entrypoint. For the gateway, it did so with the same request. */
  | { readonly type: "only-gateway-rendered"; readonly now: number }
  /** A request goes to the entrypoint, which may make the picture, although the gateway makes all others. */
  | { readonly type: "probe-sent"; readonly now: number }
  /** The entrypoint has made a picture. */
  | { readonly type: "entrypoint-rendered" }
  /** The probe needed no picture, or failed for another reason. */
  | { readonly type: "probe-unclear" };

export const START_MODE: EngineMode = { kind: "entrypoint" };

export function nextMode(mode: EngineMode, event: EngineEvent): EngineMode {
  switch (event.type) {
    case "only-gateway-rendered":
      return { kind: "gateway", probedAt: event.now };
    case "entrypoint-rendered":
      return START_MODE;
    case "probe-sent":
      return mode.kind === "gateway" ? { ...mode, probedAt: event.now } : mode;
    case "probe-unclear":
      return mode.kind === "gateway" ? { ...mode, probedAt: undefined } : mode;
  }
}

/** The entrypoint is asked for a picture once in this time while the gateway makes all others: ms. */
const PROBE_PERIOD_MS = 60_000;

/** Returns whether the entrypoint may make the picture of the next request. */
export function mayUseEntrypoint(mode: EngineMode, now: number): boolean {
  if (mode.kind === "entrypoint") return true;
  return !isWithin(PROBE_PERIOD_MS, mode.probedAt, now);
}
