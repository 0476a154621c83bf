// The configurations of a bucket by what makes its renditions, each on the emulators of the current test.

import { createR2 } from "../../src/emulator/r2/r2.ts";
import { ENV, RASTER, VARS } from "./env.ts";
import { stage } from "./run-worker.ts";

export const ENGINES = ["cf", "binding", "R2"] as const;

export type Env = Readonly<Record<string, unknown>>;

export type EngineName = (typeof ENGINES)[number];

const R2_BUCKET = { binding: "MEDIA_BUCKET", bucket: "acme-media", prefix: "published/" };

/** The `env` of the Worker with an engine. Call it in a test: each test has its own emulators. */
export function envOf(engine: EngineName, vars: object = {}): Env {
  const { images: IMAGES } = stage.edge;
  const media = VARS.BUCKETS.media;

  switch (engine) {
    case "cf":
      return { ...ENV, ...vars };
    case "binding":
      return {
        ...ENV,
        ROUTES: RASTER,
        IMAGES,
        BUCKETS: { media: { ...media, engine: "binding" } },
        ...vars,
      };
    case "R2":
      return {
        ...VARS,
        ROUTES: RASTER,
        IMAGES,
        URL_SIGNING_KEYS: ENV.URL_SIGNING_KEYS,
        BUCKETS: { media: R2_BUCKET },
        MEDIA_BUCKET: createR2(Object.fromEntries(stage.s3.objects)),
        ...vars,
      };
  }
}
