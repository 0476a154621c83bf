// Runs the built Worker as several deployed versions. Each version has its own vars and secrets, and knows nothing
// that another version learnt. A PUT stores an object in the R2 bucket.

import worker, { Renditions } from "built-worker";
import { throughEdge, throughImages } from "../../src/emulator/worker.ts";

type VersionsEnv = {
  readonly LOCAL_EDGE: string;
  readonly IMAGES?: ImagesBinding;
  readonly MEDIA_BUCKET?: R2Bucket;
};

/** The value of the header `version`: the version to ask. */
export type Version = {
  readonly name: string;
  /** Whose Images binding it has: wrangler's own, or the strict edge's. */
  readonly images: "wrangler's" | "strict";
  /** Its vars and secrets. */
  readonly settings: Readonly<Record<string, unknown>>;
};

const send = globalThis.fetch;
const versions = new Map<string, object>();

function createVersion(env: VersionsEnv, { images, settings }: Version): object {
  const IMAGES = images === "strict" ? throughImages(send, env.LOCAL_EDGE) : env.IMAGES;
  return { ...env, IMAGES, ...settings };
}

export default {
  async fetch(request, env, context) {
    if (request.method === "PUT") {
      const key = new URL(request.url).pathname.slice(1);
      await env.MEDIA_BUCKET?.put(key, await request.arrayBuffer());
      return new Response(null, { status: 204 });
    }
    globalThis.fetch = throughEdge(send, env.LOCAL_EDGE);
    const requested: Version = JSON.parse(request.headers.get("version") ?? "");
    const version = versions.get(requested.name) ?? createVersion(env, requested);
    versions.set(requested.name, version);
    const cached = new Renditions(context, version);
    const loopback = {
      fetch: (url: string, init: RequestInit) => cached.fetch(new Request(url, init)),
      purge: (options: Parameters<typeof cached.purge>[0]) => cached.purge(options),
    };
    const waitUntil = (work: Promise<unknown>) => context.waitUntil(work);
    return worker.fetch(request, version, { waitUntil, exports: { Renditions: loopback } });
  },
} satisfies ExportedHandler<VersionsEnv>;
