// A configuration and credentials for tests. The credentials are from AWS's documentation: they open nothing.

import type { TransformRequest } from "../../src/worker/request/transform-request.ts";

export const CREDENTIALS = {
  accessKeyId: "AKIAIOSFODNN7EXAMPLE",
  secretAccessKey: "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
};

/** The keys that replace these in a rotation. */
export const NEXT_CREDENTIALS = {
  accessKeyId: "AKIAI44QH8DHBNEXTKEY",
  secretAccessKey: "je7MtGbClwBF/2Zp9Utk/h3yCo8nvbNEXTSECRETA",
};

/** The key of a local run. Each project has a secret of its own. */
export const LOCAL_KEYS = {
  accessKeyId: "vitrine-local-key-id",
  secretAccessKey: "vitrine-local-a-secret-of-43-characters-0123456789-abcde",
};

export const SECRETS = {
  AWS_ACCESS_KEY_ID: CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY: CREDENTIALS.secretAccessKey,
  URL_SIGNING_KEYS: JSON.stringify({
    new: "the-key-that-signs-public-URLs-now-01",
    old: "the-key-that-signed-them-before-0001",
  }),
};

export const NEXT = {
  AWS_ACCESS_KEY_ID_NEXT: NEXT_CREDENTIALS.accessKeyId,
  AWS_SECRET_ACCESS_KEY_NEXT: NEXT_CREDENTIALS.secretAccessKey,
};

export const HEALTH_TOKEN = "a token that is not to be guessed";

export const PURGE_TOKEN = "a-token-that-purges-and-is-not-to-be-guessed";

export const VARS = {
  BUCKETS: {
    media: {
      endpoint: "https://s3.eu-west-1.amazonaws.com",
      bucket: "acme-media",
      region: "eu-west-1",
      prefix: "published/",
    },
  },
  ROUTES: [
    { path: "/images/:preset/*", object: "media/*" },
    { path: "/avatars/:user/:preset", object: "media/users/:user/avatar.png", presets: ["card"] },
    { path: "/icons/:preset/*", object: "media/icons/*", svg: true },
    { path: "/private/:preset/*", object: "media/*", signed: true, max_age: 86_400 },
    { path: "/app/:preset/*", object: "media/*", origins: ["https://app.example"] },
  ],
  PRESETS: {
    card: { width: 160, height: 160, fit: "cover", dpr: [1, 2] },
    hero: { width: 1920, height: 1080, widths: [640, 1920], quality: 80 },
    wide: { width: 1000, widths: [200, 400, 600, 800, 1000] },
    tall: { width: 1200 },
    moving: { width: 200, anim: true },
    plain: { width: 200, format: "jpeg" },
  },
  ANSWERS: { max_age: 600, timeout: 15 },
};

/** The routes without the one that shows SVGs, which the Images binding does not read. */
export const RASTER = VARS.ROUTES.filter(({ svg }) => !svg);

export const SHIPPED_PRESETS = {
  thumbnail: { width: 160, height: 160, fit: "cover", dpr: [1, 2] },
  card: { width: 480, dpr: [1, 1.5, 2] },
  hero: { width: 1920, widths: [640, 960, 1280, 1920], quality: 80 },
};

export const ENV = { ...VARS, ...SECRETS };

/** The same with a short timeout, for tests in which the edge does not answer. */
export const IMPATIENT = { ...ENV, ANSWERS: { timeout: 1 } };

/** The URL of the bucket of VARS. A key follows it. */
export const BUCKET_URL = "https://acme-media.s3.eu-west-1.amazonaws.com/";

const CARD_IMAGE = {
  width: 160,
  height: 160,
  fit: "cover",
  metadata: "none",
  anim: false,
} as const;

/** What a modern browser asks for with the preset card. */
export const TRANSFORM_REQUEST: TransformRequest = {
  variant: {
    preset: "card",
    format: "auto",
    avif: true,
    image: CARD_IMAGE,
  },
  image: CARD_IMAGE,
  accepts: { avif: true, webp: true },
  svg: false,
  format: "avif",
  isStill: true,
  source: { type: "unknown" },
};
