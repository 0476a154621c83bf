import { defineNuxtConfig } from "nuxt/config";
import { images, nuxtPresets } from "../vitrine.ts";

export default defineNuxtConfig({
  compatibilityDate: "2026-11-01",
  modules: ["@nuxt/image"],
  image: {
    provider: "vitrine",
    providers: { vitrine: { provider: "~/vitrine-provider.ts" } },
    presets: nuxtPresets(images.site),
  },
  nitro: { prerender: { routes: ["/"] } },
});
