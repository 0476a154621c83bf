import { svelte } from "@sveltejs/vite-plugin-svelte";
import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vitest/config";

export default defineConfig({
  root: import.meta.dirname,
  plugins: [svelte({ configFile: false }), vue()],
  test: { include: ["*.test.{ts,tsx}"], testTimeout: 20_000, hookTimeout: 120_000 },
});
