// The types of a strict STS.

import type { FetchInit, FetchInput, Network } from "../fetch.ts";
import type { Sessions } from "../sessions.ts";
import type { STS_FAULTS } from "./faults.ts";

/**
 * An OIDC provider of the account.
 * @example
 * const provider: StsProvider = { clientIds: ["sts.amazonaws.com"] };
 */
export type StsProvider = {
  /** The audiences that it takes. */
  readonly clientIds: readonly string[];
};

/**
 * A condition of a trust policy: `host:aud` or `host:sub`, and what it must be.
 * @example
 * const condition: StsCondition = { "images.example:sub": "vitrine" };
 */
export type StsCondition = Readonly<Record<string, string | readonly string[]>>;

/**
 * A role, and whom it trusts.
 * @example
 * const role: StsRole = {
 *   trusts: "https://images.example",
 *   StringEquals: { "images.example:aud": "sts.amazonaws.com", "images.example:sub": "vitrine" },
 * };
 */
export type StsRole = {
  /** The issuer whose provider is the policy's principal. */
  readonly trusts: string;
  readonly StringEquals?: StsCondition;
  /** `*` and `?` stand for any characters, and for one. */
  readonly StringLike?: StsCondition;
  /** The longest session, in seconds. Left out: an hour. */
  readonly maxSession?: number;
};

/**
 * What a strict STS is made with.
 * @example
 * const settings: StsSettings = {
 *   fetch: (input) => worker.fetch(new Request(input)),
 *   providers: { "https://images.example": { clientIds: ["sts.amazonaws.com"] } },
 *   roles: { "arn:aws:iam::123456789012:role/images": { trusts: "https://images.example" } },
 * };
 */
export type StsSettings = {
  /** The network, on which the issuers are. */
  readonly fetch: Network;
  /** By the URL of the issuer. */
  readonly providers: Readonly<Record<string, StsProvider>>;
  /** By their ARNs. */
  readonly roles: Readonly<Record<string, StsRole>>;
  /** Left out: `https://sts.eu-west-1.amazonaws.com`. */
  readonly endpoint?: string;
  /** ms since 1970. Left out: the clock of this machine. */
  readonly now?: () => number;
  /** K5, open: for how many seconds STS keeps the keys of an issuer. Left out: a day. */
  readonly keysKept?: number;
  /** K5, open: whether an unknown key id makes STS ask the issuer again before that. Left out: no. */
  readonly asksAgain?: boolean;
};

/**
 * What a strict STS can be made to do wrong.
 * @example
 * sts.faults.add("Throttling" satisfies StsFault);
 */
export type StsFault = (typeof STS_FAULTS)[number];

/**
 * What STS answered. Without a status, no answer came.
 * @example
 * expect(sts.calls).toEqual([{ role: "arn:aws:iam::123456789012:role/images", status: 200 } satisfies StsCall]);
 */
export type StsCall = { readonly role: string; readonly status?: number; readonly code?: string };

/**
 * A strict STS.
 * @example
 * const sts: Sts = createSts(settings);
 * const s3 = createS3({ ...ofTheBucket, sessions: sts.sessions });
 */
export type Sts = {
  /** May be changed at any time. */
  readonly providers: Map<string, StsProvider>;
  readonly roles: Map<string, StsRole>;
  readonly faults: Set<StsFault>;
  /** The sessions that it gave, for `createS3`. */
  readonly sessions: Sessions;
  /** All calls, in order. */
  readonly calls: StsCall[];
  /** The URLs that it asked of issuers, in order. */
  readonly asked: string[];
  /** Whether a URL leads to this STS. */
  matches(input: FetchInput): boolean;
  /** Answers `AssumeRoleWithWebIdentity`. */
  fetch(input: FetchInput, init?: StsInit): Promise<Response>;
  /** Denies the role's sessions what they may do, as IAM's "Revoke sessions" does (K9). New ones are good. */
  revoke(role: string): void;
};

/**
 * What STS reads of the second argument of `fetch`.
 * @example
 * const init: StsInit = { method: "POST", body: new URLSearchParams({ Version: "2011-06-15" }) };
 */
export type StsInit = FetchInit & { readonly body?: string | URLSearchParams | null };
