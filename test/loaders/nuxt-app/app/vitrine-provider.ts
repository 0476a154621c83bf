import { defineProvider } from "@nuxt/image/runtime";
import { images, nuxtProvider } from "../../vitrine.ts";

export default defineProvider(nuxtProvider(images.site));
