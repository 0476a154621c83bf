import { images, nextLoader } from "../vitrine.ts";

export default nextLoader(images.site);
