import { Image } from "@unpic/react/base";
import { images, privateImages, unpicTransformer } from "../vitrine.ts";

const transformer = unpicTransformer(images.site, privateImages.site);

export function Hero({ src }: { readonly src: string }) {
  return (
    <Image
      transformer={transformer}
      options={{ preset: "hero" }}
      breakpoints={images.widths("hero")}
      src={src}
      layout="fullWidth"
      background="auto"
      alt="A fig"
    />
  );
}
