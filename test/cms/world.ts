// What the CMSs meet here: an S3 that takes their writes, and Vitrine's Worker with the strict edge and Workers Cache,
// which shows the same bucket. The fetch of this process leads to Vitrine.

import { createServer } from "node:http";
import { createClient } from "../../src/client/index.ts";
import { createCache, createEdge, createS3 } from "../../src/emulator/index.ts";
import { listenLocally } from "../../src/emulator/local-server.ts";
import worker, { Renditions } from "../../src/worker/index.ts";
import { BUCKET_URL, CREDENTIALS, ENV, PURGE_TOKEN, VARS } from "../support/env.ts";

const { endpoint, bucket, region } = VARS.BUCKETS.media;
const VITRINE_URL = "https://images.example.com";

/** The bucket. Vitrine reads it with the checks of the strict S3. */
export const s3 = createS3({ endpoint, bucket, region, credentials: CREDENTIALS });

/** What became of the requests of the CMS to S3, such as `PUT fig.jpg`. */
export const writes: string[] = [];

const route = { path: "/images/:preset/*", object: "media/*" };
const presets = {
  card: { width: 50, height: 50, fit: "cover", gravity: "object" },
  hero: { width: 1200 },
};
export const images = createClient({ baseUrl: VITRINE_URL, route, presets });

const env = {
  ...ENV,
  PURGE_TOKEN,
  BUCKETS: { media: { endpoint, bucket, region } },
  ROUTES: [route],
  PRESETS: presets,
  ANSWERS: { keep: 604_800 }, // for a week, only a purge shows a change
};
const edge = createEdge({
  ...{ zone: "images.example.com", sources: [new URL(BUCKET_URL).host] },
  fetch: s3.fetch,
});
const cache = createCache();
const loopback = cache.entrypoint((run: ExecutionContext) => new Renditions(run, env));

/** Whether Vitrine is down for the CMS. */
export const vitrine = { isDown: false };

const send = globalThis.fetch;
globalThis.fetch = async (input, init) => {
  if (init?.cf !== undefined) return edge.fetch(`${input}`, init);
  if (`${input}`.startsWith(BUCKET_URL)) return s3.fetch(`${input}`, init);
  if (!`${input}`.startsWith(VITRINE_URL)) return send(input, init);
  if (vitrine.isDown) throw new TypeError("fetch failed");
  return askVitrine(new Request(input, init));
};

async function askVitrine(request: Request): Promise<Response> {
  const after: Promise<unknown>[] = [];
  const waitUntil = (work: Promise<unknown>) => void after.push(work);
  const context = { waitUntil, exports: { Renditions: loopback } };
  const answer = await cache.at("here", () => worker.fetch(request, env, context));
  await Promise.all(after);
  await cache.settled();
  return answer;
}

/** What a visitor gets of an upload: a picture, or the status. */
export async function show(key: string): Promise<Uint8Array | number> {
  const url = images.imageUrl(key, "card");
  const answer = await askVitrine(new Request(url, { headers: { accept: "image/webp" } }));
  return answer.ok ? new Uint8Array(await answer.arrayBuffer()) : answer.status;
}

/** Starts the S3 of a CMS. @returns the environment of the CMS */
export async function startS3() {
  const server = createServer(async (request, response) => {
    const {
      status,
      type = "application/xml",
      body = "",
    } = answerCms({
      ...{ method: request.method ?? "", url: request.url ?? "" },
      headers: new Headers(
        Object.entries(request.headers).map(([name, value]) => [name, `${value}`]),
      ),
      body: new Uint8Array(Buffer.concat(await request.toArray())),
    });
    const head = { "content-type": type, "content-length": body.length, etag: '"etag"' };
    response.writeHead(status, head).end(body); // Node.js leaves out the body of a HEAD
  });
  return {
    ...{ S3_BUCKET: bucket, VITRINE_URL, PURGE_TOKEN },
    ...{ AWS_ENDPOINT_URL: (await listenLocally(server, 0)).url, AWS_REGION: region },
    AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
    AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  };
}

type CmsRequest = { method: string; url: string; headers: Headers; body: Uint8Array };
type Answer = { status: number; type?: string; body?: Uint8Array | string };

/** Takes what a CMS sends, as a bucket without ACLs does. */
function answerCms({ method, url, headers, body }: CmsRequest): Answer {
  const keyOf = (path = "") => decodeURIComponent(path).split(`${bucket}/`).at(-1) ?? "";
  const key = keyOf(url.split("?")[0]);
  const object = s3.objects.get(key);
  if (headers.has("x-amz-acl")) return { status: 400, body: "AccessControlListNotSupported" };
  if (method === "GET" || method === "HEAD")
    return object ? { status: 200, ...object } : { status: 404 };
  writes.push(`${method} ${key}`);
  if (method === "DELETE") return { status: s3.objects.delete(key) ? 204 : 404 };
  const type = headers.get("content-type") ?? "binary/octet-stream";
  const metadataHeaders = [...headers].filter(([name]) => name.startsWith("x-amz-meta-"));
  const metadata = Object.fromEntries(
    metadataHeaders.map(([name, value]) => [name.slice(11), value]),
  );
  const source = headers.get("x-amz-copy-source");
  if (source === null) {
    s3.objects.set(key, { body, type, metadata });
    return { status: 200 };
  }
  const copied = s3.objects.get(keyOf(source));
  if (copied === undefined) return { status: 404 };
  if (headers.get("x-amz-metadata-directive") !== "REPLACE")
    return { status: 400, body: "InvalidRequest" };
  s3.objects.set(key, { ...copied, type, metadata });
  return { status: 200, body: "<CopyObjectResult><ETag>etag</ETag></CopyObjectResult>" };
}
