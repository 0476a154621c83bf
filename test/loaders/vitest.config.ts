import { join } from "node:path";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

const at = (path: string) => join(import.meta.dirname, path);

export default defineConfig({
  root: import.meta.dirname,
  plugins: [svelte({ configFile: false }), vue()],
  resolve: {
    alias: {
      "cloudflare:workers": at("../../src/emulator/cloudflare-workers.ts"),
      "vitrine:strict-worker": at("../support/strict-worker.ts"),
      "solid-js/jsx-runtime": at("solid/jsx.ts"),
      "solid-js/jsx-dev-runtime": at("solid/jsx.ts"),
    },
  },
  test: {
    include: ["*.test.{ts,tsx}"],
    testTimeout: 120_000,
    hookTimeout: 120_000,
    restoreMocks: true,
  },
});
