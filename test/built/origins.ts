// Runs the built Worker with the engine "binding" as several deployed versions. Each has its own vars and
// secrets, and knows nothing that another one learnt.

import worker, { Renditions } from "built-worker";
import { throughImages } from "../../src/emulator/worker.ts";

type OriginsEnv = {
  readonly IMAGES: ImagesBinding;
  readonly MEDIA_BUCKET: R2Bucket;
  readonly LOCAL_EDGE: string;
};

/** The value of the header `version`. */
export type Deployed = {
  readonly name: string;
  /** Whose Images binding it has: wrangler's own, or the strict edge's. */
  readonly images: "wrangler's" | "strict";
  /** Its vars and secrets. */
  readonly settings: Readonly<Record<string, unknown>>;
};

const versions = new Map<string, object>();

function versionOf(env: OriginsEnv, { name, images, settings }: Deployed): object {
  const isStrict = images === "strict";
  const IMAGES = isStrict ? throughImages(fetch, env.LOCAL_EDGE) : env.IMAGES;
  const version = versions.get(name) ?? { ...env, IMAGES, ...settings };
  versions.set(name, version);
  return version;
}

export default {
  async fetch(request, env, context) {
    if (request.method === "PUT") {
      const key = new URL(request.url).pathname.slice(1);
      await env.MEDIA_BUCKET.put(key, await request.arrayBuffer());
      return new Response(null, { status: 204 });
    }
    const version = versionOf(env, JSON.parse(request.headers.get("version") ?? ""));
    const own = { Renditions: new Renditions(context, version) };
    const waitUntil = (work: Promise<unknown>) => context.waitUntil(work);
    return worker.fetch(request, version, { waitUntil, exports: own });
  },
} satisfies ExportedHandler<OriginsEnv>;
