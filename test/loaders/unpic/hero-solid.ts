import { Image } from "@unpic/solid/base";
import { createComponent } from "solid-js";
import { images, privateImages, unpicTransformer } from "../vitrine.ts";

const transformer = unpicTransformer(images.site, privateImages.site);

/** The code that JSX compiles to, because only one compiler, React's, can handle `.tsx` files here. */
export function Hero({ src }: { readonly src: string }) {
  return createComponent(Image<{ width?: number }, { preset: "hero" }>, {
    transformer,
    options: { preset: "hero" },
    breakpoints: images.widths("hero"),
    src,
    layout: "fullWidth",
    background: "auto",
    alt: "A fig",
  });
}
