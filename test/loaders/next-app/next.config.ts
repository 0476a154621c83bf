import { resolve } from "node:path";
import type { NextConfig } from "next";
import { images } from "../vitrine.ts";

const small = [...images.widths("thumbnail"), ...images.widths("card")];

const config: NextConfig = {
  images: {
    loader: "custom",
    loaderFile: "./vitrine-loader.ts",
    deviceSizes: images.widths("hero"), // for images with `fill`, or with `vw` in their `sizes`
    imageSizes: small.filter((width) => width < 640), // those below the first of these
  },
  turbopack: { root: resolve("../../..") }, // here, the client is in src/
};
export default config;
