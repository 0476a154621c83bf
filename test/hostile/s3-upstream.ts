// S3 and R2 as the Worker sees them: the strict emulators, replies in place of an object, and objects with defects.

import { hash } from "node:crypto";
import type { FetchInit } from "../../src/emulator/fetch.ts";
import { createR2 } from "../../src/emulator/r2/r2.ts";
import { createS3, type S3 } from "../../src/emulator/s3/s3.ts";
import { CREDENTIALS, NEXT_CREDENTIALS } from "../support/env.ts";
import { sessionsOf } from "./engines.ts";
import { fileOf, METADATA, ORIGINAL, streamOf } from "./files.ts";
import { spellPath } from "./spelling.ts";
import { changed, isMark, moodOf, pick, record, state, TYPES } from "./visit-state.ts";

/** What S3 can reply in place of an object. Only outages, which come first, are no word on the object. */
export const REPLIES = [
  [0, "", "outage"],
  [500, "InternalError", "outage"],
  [503, "SlowDown", "outage"],
  [429, "TooManyRequests", "outage"],
  [403, "InvalidAccessKeyId", "outage"],
  [302, "", "outage"],
  [403, "RequestTimeTooSkewed", "outage"],
  [404, "NoSuchKey", "gone"],
  [404, "", "word"],
  [404, "NoSuchBucket", "word"],
  [403, "AccessDenied", "word"],
  [403, "InvalidObjectState", "word"],
  [400, "Weird", "word"],
] as const;

type Reply = readonly [status: number, code: string, meaning?: string];
/** What S3 does: it replies with a failure, or with an object of a type, which may be a lie. */
type S3Behaviour = {
  readonly reply?: Reply;
  readonly defect?: Defect | undefined;
  readonly type: string;
};

const OUT_OF_REACH: ReadonlySet<number | undefined> = new Set([9505, 9509, 9510, 9518, 9519]);
const RESET: Reply = [0, ""];
const REDIRECT: Reply = [302, ""];

function s3BehaviourOf(url: string, isOfEdge: boolean): S3Behaviour {
  const { fault, s3, replaced } = state.mood;
  const { down, type, outcome, failure, edgeFault } = moodOf(url);
  if (isMark(url)) return { type: "image/png" };
  if (down !== undefined) return { type, reply: pick(REPLIES, down) };
  if (isOfEdge) return { type: replaced === undefined ? type : pick(TYPES, replaced) };
  if (edgeFault?.status === 404) return { type, reply: [404, "NoSuchKey"] };
  const isOwn = failure === undefined; // else it fails in that way alone
  const isDenied = (isOwn && outcome === "fault" && fault % 3 === 0) || edgeFault?.code === 9408;
  if (isDenied && s3 % 4 !== 0) return { type, reply: pick(REPLIES, s3 >> 2) };
  const isLarge = (isOwn && outcome === "too-large") || edgeFault?.code === 9402;
  const isDefect = isOwn && outcome === "odd" && fault % 2 === 0;
  const defect = isLarge ? "too-large" : isDefect ? pick(DEFECTS, fault >> 1) : undefined;
  // Where Images fails, the object itself is one that it reads.
  const sent = { defect, type: isOwn || TYPES.indexOf(type) < 4 ? type : "image/png" };
  // With "cf", most of what fails there is the edge's own fault.
  if (state.engine === "cf" && s3 % 3 !== 0) return sent;
  if (OUT_OF_REACH.has(edgeFault?.code)) {
    const reply: Reply = [pick([500, 503, 502, 429], s3 >> 1), "InternalError"];
    return { type, reply: s3 % 2 === 0 ? RESET : reply };
  }
  if (edgeFault?.code === 9420) return { type, reply: REDIRECT };
  if (outcome === "broken" && isOwn) return { type, reply: fault % 2 === 0 ? RESET : REDIRECT };
  return edgeFault?.code === 9412 ? { ...sent, type: "text/html" } : sent;
}

/** S3's ETag of an object, without quotes. */
const etagOf = (revision: number) => `s3-etag-of-the-original-${revision}`;

const bodyOf = (url: string, type: string) => {
  const revision = isMark(url) ? 0 : (state.mood.revision ?? 0);
  return fileOf(type, `${ORIGINAL} ${url} ${revision}`, `${METADATA} ${ORIGINAL}`);
};

export const BUCKET =
  /^https:\/\/(?:([\w-]+)\.s3\.eu-west-1\.amazonaws\.com|s3\.other\.example\/([\w-]+))\//;
/** By engine and URL. */
const buckets = new Map<string, S3>();

/** @throws if there is no bucket */
function bucketOf(url: string): { readonly s3: S3; readonly key: string } {
  const [bucketUrl = "", ofAws, ofOther] = BUCKET.exec(url) ?? [];
  const bucket = ofAws ?? ofOther;
  if (bucket === undefined) throw new TypeError(`no route to ${url}`);
  const { engine } = state;
  const cached = buckets.get(`${engine} ${bucketUrl}`);
  const s3 =
    cached ??
    createS3({
      endpoint: ofAws ? "https://s3.eu-west-1.amazonaws.com" : "https://s3.other.example",
      ...{ bucket, region: bucket === "acme-other" ? "auto" : "eu-west-1" },
      ...{ credentials: CREDENTIALS, sessions: sessionsOf(engine), now: () => state.clock },
      dialect: ofAws ? "aws" : "r2",
    });
  if (!cached) for (const [id, secret] of KEYS) s3.keys.set(id, secret);
  buckets.set(`${engine} ${bucketUrl}`, s3);
  return { s3, key: decodeURIComponent(url.slice(bucketUrl.length).replace(/\?.*/s, "")) };
}

/** Credentials that a deploy may give a bucket of its own. */
export const OTHER_SECRETS = {
  OTHER_ACCESS_KEY_ID: "AKIAQYLPMN5HHHFPTYPO",
  OTHER_SECRET_ACCESS_KEY: "s3cret".repeat(6),
};

const KEYS = [
  [NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey],
  [OTHER_SECRETS.OTHER_ACCESS_KEY_ID, OTHER_SECRETS.OTHER_SECRET_ACCESS_KEY],
] as const;

type FromS3 = { readonly response: Response; readonly label: string };

/**
 * Asks S3 for an object, which it then has.
 * @throws if the connection is lost
 */
export async function askS3(url: string, init: FetchInit, isOfEdge = false): Promise<FromS3> {
  const { mood } = state;
  const { reply, defect, type } = s3BehaviourOf(url, isOfEdge);
  const { s3, key } = bucketOf(url);
  const body = bodyOf(url, type);
  const isOld = isOfEdge && mood.replaced !== undefined;
  const etag = isOld ? "y" : mood.twist === "no-etag" ? null : etagOf(mood.revision ?? 0);
  // The edge contradicts S3 if both its tag and its date are other ones.
  const day = isOld && Number(mood.replaced) % 2 ? 2 : 3;
  const lastModified = new Date(Date.UTC(2026, 10, day, 9));
  s3.objects.set(key, { body, type, etag, lastModified, metadata: { owner: "acme-ada" } });
  const response = await s3.fetch(url, init);
  s3.objects.clear();
  s3.requests.length = 0;
  s3.answers.length = 0;
  if (!response.ok) {
    const [, code = ""] = /<Code>(\w+)/.exec(await response.clone().text()) ?? [];
    state.requests.refused.push(code);
    return { response, label: code };
  }
  const credential = new Headers(init.headers).get("authorization");
  if (credential?.includes(`=${mood.denied}/`)) return replyOf([403, "AccessDenied"]);
  return reply
    ? replyOf(reply)
    : { response: withDefect(response, body, url, defect), label: defect ?? "" };
}

/** @throws if the connection is lost */
function replyOf([status, code]: Reply): FromS3 {
  if (status === 0) throw new TypeError("Network connection lost.");
  if (status === 302) return { response: redirectAway(), label: "" };
  const xml = `<Error><Code>${code}</Code><Region>${state.mood.resized}</Region></Error>`;
  const headers = { date: state.mood.etag };
  return { response: new Response(xml, { status, headers }), label: code };
}

export const redirectAway = () =>
  new Response(null, { status: 302, headers: { location: "https://evil.example/" } });

type Sent = { body?: ReadableStream; headers?: Record<string, string>; status?: number };

/** The most bytes of an object that the binding reads (B1). */
const MAX_BYTES = 20_000_000;

/** How an object comes that is not as it should be: always whole. A header of "" is missing. */
const DEFECTIVE = {
  "no-length": () => ({ headers: { "content-length": "" } }),
  longer: (whole) => ({ body: streamOf(Buffer.concat([whole, Buffer.alloc(9000, ORIGINAL)])) }),
  shorter: (whole) => ({ body: streamOf(whole.subarray(0, whole.length - 5)) }),
  "odd-length": (_, url) => {
    return { headers: { "content-length": hash("sha1", url).startsWith("7") ? "-1" : "0x20" } };
  },
  "too-large": (whole) => ({
    body: streamOf(whole, undefined, MAX_BYTES + 1 - whole.length),
    headers: { "content-length": `${MAX_BYTES + 1}` },
  }),
  gzip: () => ({ headers: { "content-encoding": "gzip" } }),
  part: ({ length }) => ({ headers: { "content-range": `bytes 0-9/${length}` }, status: 206 }),
  empty: () => ({ body: streamOf(Buffer.alloc(0)), headers: { "content-length": "0" } }),
  cut: (whole) => ({ body: streamOf(whole.subarray(0, 2)), headers: { "content-length": "2" } }),
  breaks: (whole) => ({ body: streamOf(whole.subarray(0, 40), new Error("Connection lost.")) }),
  "foreign-type": () => ({ headers: { "content-type": "image/png" } }),
  "two-types": () => ({ headers: { "content-type": "image/jpeg, text/html" } }),
} as const satisfies Record<string, (whole: Buffer, url: string) => Sent>;

type Defect = keyof typeof DEFECTIVE;
const isDefect = (name: string): name is Defect => Object.hasOwn(DEFECTIVE, name);
export const DEFECTS = Object.keys(DEFECTIVE).filter(isDefect);

/** The response with an object, as it is right or spoilt. These short objects are whole in each range. */
function withDefect(
  right: Response,
  whole: Buffer,
  url: string,
  defect: Defect | undefined,
): Response {
  if (!defect) return new Response(streamOf(whole), right);
  const {
    body = streamOf(whole),
    status = 200,
    headers = {},
  }: Sent = DEFECTIVE[defect](whole, url);
  const defaults = { "content-range": "", "content-length": `${whole.length}` };
  return new Response(body, {
    status,
    headers: changed(right.headers, { ...defaults, ...headers }),
  });
}

/** The binding of an R2 bucket. Its calls are noted as if they went to a URL. */
export function createR2Source(bucketUrl: string): object {
  const get = async (key: string, options: R2GetOptions = {}) => {
    const url = bucketUrl + spellPath(key).replaceAll("@", "%40");
    const call = record(url, { redirect: "manual", cache: "no-store" });
    const { reply, defect, type } = s3BehaviourOf(url, false);
    if (reply) {
      const { response, label } = replyOf(reply);
      call.reply = `${response.status} ${label}`;
      if (response.status === 404) return null;
      throw new Error(`get: Unspecified error (0) ${ORIGINAL}`);
    }
    const body = bodyOf(url, type);
    const r2 = createR2({ [key]: { body, type, customMetadata: { owner: "acme-ada" } } });
    const object = await r2.get(key, options);
    const plain = new Response(null, {
      headers: { "content-type": type, "content-length": `${body.length}` },
    });
    const { headers, body: stream } = withDefect(plain, body, url, defect);
    call.reply = `200 ${defect ?? ""}`;
    const contentType = headers.get("content-type") ?? "";
    const contentEncoding = headers.get("content-encoding") ?? undefined;
    const size = Number(headers.get("content-length") ?? 0);
    return { ...object, size, body: stream, httpMetadata: { contentType, contentEncoding } };
  };
  const list = () => Promise.reject(new Error(`list: Unspecified error (0) ${ORIGINAL}`));
  return { get, head: get, list };
}
