// A configuration for tests of the file that `vitrine client` writes for apps.

import { SECRETS } from "../env.ts";

export const VARS = {
  BUCKETS: {
    "acme-media": {
      endpoint: "https://s3.eu-west-1.amazonaws.com",
      bucket: "acme-media",
      region: "eu-west-1",
      prefix: "published/",
      canary: "canary.png",
    },
  },
  ROUTES: [
    { path: "/images/:preset/*", object: "acme-media/*", presets: ["card", "hero", "2x"] },
    { path: "/private/:preset/*", object: "acme-media/*", presets: ["card"], signed: true },
    {
      path: "/:preset/img-props/:id",
      object: "acme-media/users/:id.jpg",
      presets: ["2x"],
      fallback: "acme-media/fallback.png",
      origins: ["https://secret.example"],
    },
  ],
  PRESETS: {
    card: { width: 160, height: 160, fit: "cover", dpr: [1, 2], gravity: "object" },
    hero: {
      width: 1920,
      widths: [640, 1920],
      rotate: 90,
      quality: 77,
      trim: { top: 33 },
      background: "hotpink",
    },
    "2x": { height: 20, border: { color: "tomato", width: 3 }, gravity: "left" },
    hidden: { width: 999, draw: [{ url: "https://overlay.example/mark.png" }] },
  },
  ANSWERS: { timeout: 19 },
  COSTS: { most: 66, objects: { "acme-media": 4321 } },
};
/** Texts that must not get into apps, and texts that make no difference to them. */
export const SECRET =
  /acme|amazonaws|eu-west|published|canary|AWS|fallback\.png|secret\.example|overlay/;
export const LOST = /hotpink|tomato|quality|left|77|33|999|66|4321|hidden/;

export const PROJECT = {
  compatibility_date: "2026-11-01",
  name: "vitrine",
  vars: VARS,
  secrets: { required: Object.keys(SECRETS) },
  routes: [{ pattern: "images.example", custom_domain: true }],
};
