// Two buckets of one route, each an S3 or an R2, with a different picture of one key in each.
//
//     const { media, archive, env } = createTwoBuckets(["cf", "R2"]);
//     media.setState("missing"); // then visitors get the picture of archive
//     const answer = await get(`/images/card/${KEY}`, {}, env);

import { createR2 } from "../../src/emulator/r2/r2.ts";
import { createS3, type Stored } from "../../src/emulator/s3/s3.ts";
import { file } from "./emulators.ts";
import { BUCKET_URL, CREDENTIALS, ENV, VARS } from "./env.ts";
import { handlersOf, network } from "./network.ts";
import { arrange, stage } from "./run-worker.ts";

export const KEY = "trip/key.jpg";

/** What makes the pictures of the first and of the second bucket. */
export const WORLDS = [
  ["cf", "cf"],
  ["R2", "R2"],
  ["binding", "cf"],
] as const;

export type Kind = (typeof WORLDS)[number][number];

/** How a bucket answers for the key. `404`: without S3's code. `silent`: not at all. */
export type State = "has" | "missing" | "denied" | "404" | "busy" | "reset" | "silent";

export type TestBucket = {
  /** Puts a picture under the key. @param name a file of fixtures/objects/ */
  readonly put: (name?: string, key?: string) => void;
  readonly remove: (key?: string) => void;
  /** Changes how the bucket answers. In the state `has`, the object is there if it was put. */
  readonly setState: (state: State) => void;
  readonly requestCount: () => number;
  /** Whether its key may list: else what is missing is denied (A6). */
  readonly setMayList: (may: boolean) => void;
  readonly settings: object;
  readonly bindings: object;
};

const BUCKETS = {
  media: { ...VARS.BUCKETS.media, file: "made/key.jpg" },
  archive: {
    endpoint: "https://s3.eu-central-1.wasabisys.com",
    bucket: "acme-archive",
    region: "eu-central-1",
    prefix: "old/photos/",
    file: "made/rotated-gps.jpg",
  },
} as const;

export const ROUTES = [
  { path: "/images/:preset/*", object: ["media/*", "archive/*"], facts: true },
  { path: "/media/:preset/*", object: "media/*" },
  { path: "/archive/:preset/*", object: "archive/*" },
  { path: "/signed/:preset/*", object: ["media/*", "archive/*"], signed: true },
];

/** Sets up both buckets, each with its picture, and the vars of a Worker in front of them. */
export function createTwoBuckets([first, second]: readonly [Kind, Kind]) {
  const sources = [new URL(BUCKET_URL).host, new URL(BUCKETS.archive.endpoint).host];
  arrange({ sources, firewall: true });
  const media = first === "R2" ? r2Side("media") : s3Side("media", first);
  const archive = second === "R2" ? r2Side("archive") : s3Side("archive", second);

  media.put();
  archive.put();

  const env = {
    ...ENV,
    ROUTES,
    BUCKETS: { media: media.settings, archive: archive.settings },
    IMAGES: stage.edge.images,
    ...media.bindings,
    ...archive.bindings,
  };

  return { media, archive, env };
}

function s3Side(name: keyof typeof BUCKETS, engine: "cf" | "binding"): TestBucket {
  const { file: usual, ...bucket } = BUCKETS[name];
  const { prefix, ...settings } = bucket;
  const now = () => stage.clock.now;
  const isFirst = name === "media";
  const s3 = isFirst ? stage.s3 : createS3({ ...settings, credentials: CREDENTIALS, now });
  if (!isFirst) network.use(...handlersOf(s3));

  const { fetch } = s3;
  const put = (fileName: string = usual, key = KEY) => {
    const stored: Stored = { body: file(fileName), type: "image/jpeg", lastModified: new Date() };
    s3.objects.set(prefix + key, stored);
  };
  const remove = (key = KEY) => void s3.objects.delete(prefix + key);

  const setState = (state: State) => {
    s3.faults.clear();
    s3.fetch = fetch;

    if (state === "missing" || state === "denied") remove();
    if (state === "denied") s3.faults.add("no-list-bucket");
    if (state === "busy") s3.faults.add("ServiceUnavailable");
    if (state === "reset") s3.faults.add("reset");
    if (state === "silent") s3.faults.add("stall");
    if (state === "404") s3.fetch = async () => new Response(null, { status: 404 });
  };

  const requestCount = () => s3.requestsBy("worker").length;
  const setMayList = (may: boolean) => {
    if (may) s3.faults.delete("no-list-bucket");
    else s3.faults.add("no-list-bucket");
  };
  const methods = { put, remove, setState, requestCount, setMayList };

  return { ...methods, settings: { ...bucket, engine }, bindings: {} };
}

function r2Side(name: keyof typeof BUCKETS): TestBucket {
  const { file: usual, bucket, prefix } = BUCKETS[name];
  const r2 = createR2();
  const binding = `${name.toUpperCase()}_BUCKET`;
  const put = (fileName: string = usual, key = KEY) =>
    void r2.objects.set(prefix + key, { body: file(fileName), type: "image/jpeg" });
  const remove = (key = KEY) => void r2.objects.delete(prefix + key);

  const setState = (state: State) => {
    if (state === "denied" || state === "404") throw new Error("a binding has no such answer");
    r2.faults.clear();
    if (state === "missing") remove();
    if (state === "busy" || state === "reset") r2.faults.add("throws");
    if (state === "silent") r2.faults.add("stall");
  };

  const settings = { binding, bucket, prefix };
  const requestCount = () => r2.calls.length;
  const methods = { put, remove, setState, requestCount, setMayList: () => {} };

  return { ...methods, settings, bindings: { [binding]: r2 } };
}
