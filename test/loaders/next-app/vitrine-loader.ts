import { images, nextLoader, privateImages } from "../vitrine.ts";

export default nextLoader(images.site, privateImages.site);
