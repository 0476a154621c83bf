// A private S3 bucket, as strict as the real one. What S3 does wrong is a switch.

import { checkSettings, NameSet } from "../check.ts";
import { type FetchInit, type FetchInput, inputUrlOf, unlessAborted } from "../fetch.ts";
import { answerRequest } from "./answer-request.ts";
import {
  connectionError,
  isS3ErrorReply,
  S3_FAULTS,
  S3_GRANTS,
  type S3Fault,
  type S3Grant,
  writeErrorReply,
} from "./faults.ts";
import { Objects, type Stored } from "./objects.ts";
import { clockOf, S3_SETTING_RULES, type S3Settings } from "./settings.ts";
import type { Session } from "./signature.ts";

export type { S3Fault, S3Grant, S3Settings, Session, Stored };

/**
 * What S3 answered: its status, and its code if it refused. Without a status, no answer came.
 * @example
 * expect(s3.answers).toEqual([{ status: 403, code: "SignatureDoesNotMatch" } satisfies S3Answer]);
 */
export type S3Answer = { readonly status?: number; readonly code?: string };

/**
 * A private bucket.
 * @example
 * const s3: S3 = createS3(settings);
 * s3.faults.add("revoked-key");
 */
export type S3 = {
  readonly settings: S3Settings;
  readonly objects: Map<string, Stored>;
  /** The keys that open the bucket: secrets by access key id. May be changed at any time. */
  readonly keys: Map<string, string>;
  readonly faults: Set<S3Fault>;
  readonly grants: Set<S3Grant>;
  /** All requests, as they arrived: without what the edge has dropped. */
  readonly requests: Request[];
  /** The requests that the image edge sent, or that the Worker sent itself. */
  requestsBy(sender: "edge" | "worker"): Request[];
  /** All answers, in order. The edge shows only some of their statuses, and never their codes. */
  readonly answers: S3Answer[];
  /** Whether a URL leads to this S3: to its endpoint, with the bucket in the host or not. */
  matches(input: FetchInput): boolean;
  /**
   * Answers as the bucket would. Where no answer comes, it fails as the global `fetch` does: with a
   * TypeError. A URL that is not of this S3 leads nowhere (`ENOTFOUND`). It follows no redirect.
   */
  fetch(input: FetchInput, init?: FetchInit): Promise<Response>;
};

/**
 * Creates an empty bucket, path-style and virtual-hosted (A4), in every region of its S3 (A5). It
 * answers a request only if its signature is right.
 * @throws {TypeError} if a setting is wrong or unknown
 * @example
 * const s3 = createS3({ endpoint, bucket: "acme-media", region: "eu-west-1", credentials });
 * s3.objects.set("fig.jpg", { body, type: "image/jpeg" });
 */
export function createS3(settings: S3Settings): S3 {
  checkSettings("createS3", settings, S3_SETTING_RULES);
  const { accessKeyId, secretAccessKey } = settings.credentials;
  const urlPattern = urlPatternOf(settings.endpoint, settings.region);

  const s3: S3 = {
    settings,
    objects: new Objects(),
    keys: new Map([[accessKeyId, secretAccessKey]]),
    faults: new NameSet("s3.faults", S3_FAULTS),
    grants: new NameSet("s3.grants", S3_GRANTS),
    requests: [],
    requestsBy: (sender) => s3.requests.filter((request) => senderOf(request) === sender),
    answers: [],
    matches(input) {
      const url = URL.parse(inputUrlOf(input));
      return url !== null && urlPattern.test(url.href);
    },
    async fetch(input, init) {
      const request = new Request(input, init);
      request.signal.throwIfAborted();
      if (!s3.matches(request)) throw connectionError("ENOTFOUND", request.url);

      return unlessAborted(answerAndRecord(urlPattern, s3, request), request.signal);
    },
  };
  return s3;
}

/** The edge names itself in `via` (E3). */
function senderOf({ headers }: Request): "edge" | "worker" {
  const via = headers.get("via");
  return via?.includes("image-resizing") ? "edge" : "worker";
}

/**
 * Answers a request, and records both in `requests` and `answers`.
 * @param urlPattern matches the URLs of the S3
 * @throws {TypeError} if no answer comes, as the global `fetch` does
 */
export async function answerAndRecord(
  urlPattern: RegExp,
  s3: S3,
  { url, method, headers, signal }: Request,
): Promise<Response> {
  const request = new Request(url, { method, headers, signal });
  s3.requests.push(request);

  const result = await answerRequest(request, urlPattern, s3).catch((error) => {
    s3.answers.push({ code: error.cause.code });
    throw error;
  });

  const response = isS3ErrorReply(result) ? writeErrorReply(method, result) : result;
  response.headers.set("date", new Date(clockOf(s3)).toUTCString());

  const { status } = response;
  s3.answers.push(isS3ErrorReply(result) ? { status, code: result.code } : { status });
  return response;
}

/**
 * Matches the URLs of an S3, with the bucket in the host or not, in any region if `region` is given:
 * `https://s3.eu-west-1.amazonaws.com` and `https://acme-media.s3.us-east-1.amazonaws.com` are of one S3.
 */
export function urlPatternOf(endpoint: string, region?: string): RegExp {
  const { host, protocol } = new URL(endpoint);
  const fixedParts = region === undefined ? [host] : host.split(region);
  const escapedParts = fixedParts.map((part) => part.replace(/[^a-z0-9]/g, "\\$&"));
  const anyHost = escapedParts.join("([a-z0-9-]+)");
  return new RegExp(`^${protocol}//(?:(.+)\\.)?${anyHost}/`);
}
