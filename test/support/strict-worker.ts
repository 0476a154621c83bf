// The Worker as a function, on the strict edge with a strict S3 behind it, for tests that have packages and a
// runner of their own. Its clock is Date. run-worker.ts has more, for this project's own runner.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { createCache, createEdge, createS3 } from "../../src/emulator/index.ts";
import worker, { Renditions } from "../../src/worker/index.ts";
import { BUCKET_URL, CREDENTIALS, ENV, SECRETS, VARS } from "./env.ts";

const OBJECTS = join(import.meta.dirname, "../../fixtures/objects");

/** What signs its public URLs. */
export const { URL_SIGNING_KEYS } = SECRETS;

const HEADERS = { accept: "image/avif,image/webp,image/*,*/*;q=0.8" };

/**
 * Starts it. What it fetches with `cf` goes to the edge, and what it asks S3 for goes to the bucket. All other
 * requests go to the network.
 * @param objects the objects of the bucket: a file of fixtures/objects/ for each key
 * @param vars in place of those of env.ts
 * @returns sends a request for a URL of the Worker
 */
export function startStrictWorker(
  objects: Readonly<Record<string, string>>,
  vars: { readonly ROUTES: readonly object[]; readonly PRESETS: object },
): (url: string) => Promise<Response> {
  const { endpoint, bucket, region, prefix } = VARS.BUCKETS.media;
  const now = () => Date.now();
  const s3 = createS3({ endpoint, bucket, region, credentials: CREDENTIALS, now });

  for (const [key, name] of Object.entries(objects)) {
    const type = `image/${name.replace(/.*\./, "").replace("jpg", "jpeg")}`;
    s3.objects.set(prefix + key, { body: readFileSync(join(OBJECTS, name)), type });
  }

  const zone = "images.example.com";
  const edge = createEdge({ zone, sources: [new URL(BUCKET_URL).host], fetch: s3.fetch, now });
  const send = globalThis.fetch;
  globalThis.fetch = (input, init) => {
    if (init?.cf !== undefined) return edge.fetch(`${input}`, init);
    return `${input}`.startsWith(BUCKET_URL) ? s3.fetch(`${input}`, init) : send(input, init);
  };

  // A global of the Workers runtime. No test waits for what it delays.
  Object.assign(globalThis, { scheduler: { wait: async () => {} } });

  const env = { ...ENV, ...vars };
  const cache = createCache({ now });
  const waitUntil = () => {};
  const loopback = cache.entrypoint((run: ExecutionContext) => new Renditions(run, env));

  return async (url) => {
    const request = new Request(url, { headers: HEADERS });
    const answer = await cache.at("here", () =>
      worker.fetch(request, env, { waitUntil, exports: { Renditions: loopback } }),
    );
    await cache.settled(); // a test may move the clock: S3 refuses what was signed before
    return answer;
  };
}
