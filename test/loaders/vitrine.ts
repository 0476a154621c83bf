// Stands for the file that `npx vitrine client` writes into an app: an open route, and a signed one.

import { createClient } from "../../src/client/index.ts";

export * from "../../src/client/angular.ts";
export * from "../../src/client/astro.ts";
export * from "../../src/client/index.ts";
export * from "../../src/client/next.ts";
export * from "../../src/client/nuxt.ts";
export * from "../../src/client/sign.ts";
export * from "../../src/client/unpic.ts";

const baseUrl = "https://images.example.com";
export const presets = {
  thumbnail: { width: 160, height: 160, fit: "cover", dpr: [1, 2] },
  card: { width: 480, dpr: [1, 1.5, 2] },
  hero: { width: 1920, widths: [640, 960, 1280, 1920], quality: 80 },
} as const;

export const images = createClient({
  baseUrl,
  route: { path: "/images/:preset/*", object: "media/*" },
  presets,
});
export const privateImages = createClient({
  baseUrl,
  route: { path: "/private/:preset/*", object: "media/private/*", signed: true },
  presets,
});
export type ImagesPreset = keyof typeof presets;
export type PrivateImagesPreset = keyof typeof presets;
