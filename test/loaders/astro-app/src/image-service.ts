import { thumbHash } from "../../../../src/client/placeholder.ts";
import { factOf } from "../../facts.ts";
import { signed } from "../../sign.ts"; // for signed pictures alone
import { astroService, images, privateImages } from "../../vitrine.ts";

export default astroService([privateImages.site, images.site], {
  factOf,
  placeholder: thumbHash,
  sign: signed,
});
