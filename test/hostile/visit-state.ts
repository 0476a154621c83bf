// The state of a visit: the mood, which says how S3 and the edge behave, and the requests of the Worker.

import { FAULTS, type Fault } from "../../src/emulator/edge/faults.ts";
import { type Engine, MARK } from "./engines.ts";

export const MEDIA_ORIGIN = "https://acme-media.s3.eu-west-1.amazonaws.com/";
export const OTHER_ORIGIN = "https://s3.other.example/acme-other/";

/** The default time of a visit: ms since 1970. Findings must be reproducible. */
export const NOW = Date.UTC(2026, 10, 24, 12) + 400;

/** The same in whole seconds, for signing. */
export const NOW_S = Math.floor(NOW / 1000);

/** The fallback object of each route that has one. */
export const FALLBACKS: Readonly<Record<string, string>> = {
  "/images/:preset/*": `${OTHER_ORIGIN}none/%401.png`,
  "/private/:preset/*": `${MEDIA_ORIGIN}published/a.jpg`,
};

export const TYPES = [
  "image/jpeg",
  "image/png",
  "image/webp",
  "image/gif",
  "image/svg+xml",
  "text/html",
];
export const OUTCOMES = ["made", "off", "smaller", "too-large", "fault", "broken", "odd"] as const;

/** How the edge and S3 behave, separately for a fallback. Each number chooses from a list, modulo its length. */
export type Mood = {
  readonly outcome: number;
  readonly type: number;
  readonly fault: number;
  readonly s3: number;
  /** Whether the limiter refuses this visitor. */
  readonly spent: boolean;
  /** The headers of the edge with the outcome "odd". */
  readonly resized: string;
  readonly contentType: string;
  readonly etag: string;
  readonly warning: string;
  /** The type of an object that this one took the place of, if the edge still has that one (C1). */
  readonly replaced?: number | undefined;
  /** How the edge fails, whatever the outcome is; not for a fallback. */
  readonly failure?: Fault | undefined;
  /** How STS fails; undefined: it does not. */
  readonly sts?: number | undefined;
  /** What S3 replies in place of the object, (REPLIES), whatever the edge does; not for a fallback. */
  readonly down?: number | undefined;
  /** How the object, or what is made of it, is not as it should be. */
  readonly twist?: Twist | undefined;
  /** What is so as soon as a rendition is made. */
  readonly meanwhile?: Partial<Mood> | undefined;
  /** Which bytes the object has now, and so which ETag. */
  readonly revision?: number | undefined;
  /** The id of an access key that may not read any object. */
  readonly denied?: string | undefined;
  /** Whether no issuer of visitors' tokens answers. */
  readonly isIssuerDown?: boolean | undefined;
};

/** S3 names no bytes; the rendition breaks off, or is shorter than it says; or has a type in place of another. */
export const TWISTS = ["no-etag", "half", "short", "stand-in"] as const;
type Twist = (typeof TWISTS)[number];

/** One call of fetch, or of R2. */
export type Call = {
  readonly url: string;
  readonly method: string;
  readonly headers: Headers;
  readonly cf: RequestInitCfProperties | undefined;
  readonly redirect: string | undefined;
  readonly cache: string | undefined;
  /** What came back: the status with the edge's result, or with S3's code or lie; undefined if nothing did. */
  reply: string | undefined;
};

/** What the Images binding was asked to make of the object of a URL, as far as the bytes say it. */
export type BindingCall = {
  readonly url: string;
  /** The type of its first bytes. */
  readonly type: string | undefined;
  readonly transforms: readonly object[];
  readonly output: Readonly<Record<string, string>>;
  readonly overlays: readonly { readonly url: string; readonly options: object }[];
};

/** What the Worker asked. */
export type Requests = {
  calls: Call[];
  /** The calls for what is drawn on a picture. */
  drawn: Call[];
  bound: BindingCall[];
  /** Why the strict S3 refused a request, whatever it then replied. */
  refused: string[];
};

/** The state of a visit. */
export const state: { mood: Mood; engine: Engine; clock: number; requests: Requests } = {
  mood: {
    ...{ outcome: 0, type: 0, fault: 0, s3: 0, spent: false },
    ...{ resized: "", contentType: "", etag: "", warning: "" },
  },
  ...{ engine: "cf", clock: 0, requests: { calls: [], drawn: [], bound: [], refused: [] } },
};

export const pick = <T>(list: readonly T[], at: number): T => {
  const one = list[at % list.length];
  if (one === undefined) throw new Error("nothing to choose from");
  return one;
};

/** The URL of an object, of the URL of its bytes that the edge is asked for. */
export const withoutSource = (url: string) => url.replace(/\?x-vitrine=[0-9a-f]{32}$/, "");

/** Returns whether a URL is of an overlay. No visitor asks for one. */
export const isMark = (url: string) =>
  url.endsWith(`/${encodeURIComponent(MARK.key).replace("%2F", "/")}`);

export function record(url: string, init: RequestInit<RequestInitCfProperties>): Call {
  const { method = "GET", redirect, cache, cf } = init;
  const headers = new Headers(init.headers);
  const call: Call = { url, method, headers, cf, redirect, cache, reply: undefined };
  state.requests[isMark(url) ? "drawn" : "calls"].push(call);
  return call;
}

/** The failures of the edge. The spent quota is more than one of them: nothing else leads to a 503. */
const EDGE_FAULTS = [...FAULTS, ...Array<Fault>(5).fill({ code: 9422, status: 429 })];

/** The mood for an object: a fallback has its own. `edgeFault` is how the edge and the binding fail. */
export function moodOf(url: string) {
  const { mood } = state;
  const isOther = Object.values(FALLBACKS).includes(withoutSource(url));
  const [type, at] = isOther ? [mood.s3 >> 4, mood.s3] : [mood.type, mood.outcome];
  const [failure, down] = isOther ? [] : [mood.failure, mood.down];
  const outcome = pick(OUTCOMES, at);
  const edgeFault = failure ?? (outcome === "fault" ? pick(EDGE_FAULTS, mood.fault) : undefined);
  return { down, type: pick(TYPES, type), outcome, failure, edgeFault };
}

/** A header of "" is removed. */
export function changed(headers: Headers, change: Readonly<Record<string, string>>): Headers {
  const all = new Headers(headers);
  for (const [name, value] of Object.entries(change)) {
    if (value === "") all.delete(name);
    else all.set(name, value);
  }
  return all;
}
