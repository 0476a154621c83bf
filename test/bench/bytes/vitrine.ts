// What a browser gets from Vitrine: the whole Worker, with the presets that `init` writes, on the strict edge with a
// private S3 behind it. Each rendition is made once, also if the Worker changes.

import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { createEdgeWith } from "../../../src/emulator/edge/edge.ts";
import { type renderWithSharp, SHARP_RENDERER } from "../../../src/emulator/edge/render.ts";
import { createS3 } from "../../../src/emulator/s3/s3.ts";
import { ROOT } from "../../support/built.ts";
import { BUCKET_URL, CREDENTIALS, SECRETS, SHIPPED_PRESETS, VARS } from "../../support/env.ts";
import type { Answer } from "./answer.ts";
import { remember, sha1 } from "./disk.ts";
import type { Picture } from "./pictures.ts";
import { SHARP, useDefaultEffort } from "./sharp.ts";

const RUNTIME = pathToFileURL(join(ROOT, "src/emulator/cloudflare-workers.ts")).href;

/** The files that decide which bytes a rendition has. */
const RENDERING = ["decode", "encode", "filters", "geometry", "options", "render", "transform"]
  .map((name) => readFileSync(join(ROOT, `src/emulator/edge/${name}.ts`), "utf8"))
  .join("");

const RENDERED_BY = sha1(`${RENDERING}${SHARP} with the default effort`);

const renderOnce: typeof renderWithSharp = (original, image, overlays, settings) => {
  const { bytes, type, frames } = original;
  const key = ["render", RENDERED_BY, sha1(bytes), type, frames, image, settings.qualities];
  return remember(key, () => SHARP_RENDERER.render(original, image, overlays, settings));
};

/** Replaces the network and the log by those of the Worker, and returns what asks it for a picture. */
export async function startVitrine(pictures: readonly Picture[]) {
  useDefaultEffort();

  const { prefix, ...bucket } = VARS.BUCKETS.media;
  const s3 = createS3({ ...bucket, credentials: CREDENTIALS, readable: prefix });
  for (const { key, bytes } of pictures) {
    s3.objects.set(prefix + key, { body: bytes, type: "application/octet-stream" });
  }

  const edge = createEdgeWith(
    { ...SHARP_RENDERER, render: renderOnce },
    {
      zone: "images.example",
      sources: [new URL(BUCKET_URL).host],
      fetch: s3.fetch,
      cache: false,
      quota: Number.POSITIVE_INFINITY,
    },
  );
  globalThis.fetch = edge.fetch;
  Object.assign(globalThis, { scheduler: { wait: async () => {} } });
  for (const level of ["info", "warn", "error"] as const) console[level] = () => {};

  registerHooks({
    resolve: (specifier, context, next) =>
      next(specifier === "cloudflare:workers" ? RUNTIME : specifier, context),
  });
  const { default: worker } = await import("../../../src/worker/index.ts");
  const env = {
    ...SECRETS,
    BUCKETS: VARS.BUCKETS,
    ROUTES: [{ path: "/images/:preset/*", object: "media/*" }],
    PRESETS: SHIPPED_PRESETS,
    ANSWERS: { timeout: 60 },
  };

  return async (key: string, variant: string, accept: string): Promise<Answer> => {
    const url = `https://images.example/images/${variant}/${key}`;
    const request = new Request(url, { headers: { accept } });
    const answer = await worker.fetch(request, env, { waitUntil: () => {} });
    const bytes = new Uint8Array(await answer.arrayBuffer());
    if (answer.ok) return { kind: "picture", bytes };

    return { kind: "nothing", status: answer.status };
  };
}
