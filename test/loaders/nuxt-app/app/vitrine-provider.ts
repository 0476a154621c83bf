import { defineProvider } from "@nuxt/image/runtime";
import { images, nuxtProvider, privateImages } from "../../vitrine.ts";

export default defineProvider(nuxtProvider(images.site, privateImages.site));
