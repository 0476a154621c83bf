// Apps that use the file of `vitrine client`, for the configuration of configuration.ts.

/** Uses it as it is meant. It exports five URLs. */
export const RIGHT = `declare const SIGNING_KEYS: string;
import { createSigner, images, imgProps, imgPropsImages, privateImages } from "./vitrine.ts";
import type { ImagesPreset, ImagesVariant, ImgProps } from "./vitrine.ts";
const preset: ImagesPreset = "hero";
const variant: ImagesVariant = "hero@640w";
const props: ImgProps = imgProps(images.site, "key.jpg", preset, { alt: "", sizes: "9px" });
const sign = createSigner(privateImages.site, SIGNING_KEYS);
const query = await sign("key.jpg", "card", { expires: Math.floor(Date.now() / 1000) + 60 });
const urls = [
  images.imageUrl("key.jpg", "card@2x"),
  images.imageUrl("key.jpg", variant),
  props.src,
  privateImages.imageUrl("key.jpg", "card@2x", query),
  imgPropsImages.imageUrl("users/7.jpg", "2x"),
];
export default urls.join("\\n");
`;

/** Has a mistake in each line but the first. */
export const WRONG = `import { images, nextSrc, privateImages, privateImagesSite, srcset } from "./vitrine.ts";
images.imageUrl("key.jpg", "crad");
images.imageUrl("key.jpg", "card@3x");
images.srcset("key.jpg", "hidden");
privateImages.imageUrl("key.jpg", "hero");
images.imgProps("key.jpg", "hero", { alt: "" });
images.imgProps("key.jpg", "card", {});
srcset(privateImagesSite, "key.jpg", "hero");
nextSrc(privateImagesSite, "key.jpg", "hero");
images.imgProps("key.jpg", "card" as "card" | "hero", { alt: "" });
`;

/** Where the compiler has to find them. */
export const WRONG_LINES = [2, 3, 4, 5, 6, 7, 8, 9, 10].map((line) => `wrong.ts:${line}`);
