import { IMAGE_LOADER } from "@angular/common";
import { angularLoader, images, privateImages } from "../../../vitrine.ts";

export const imageLoader = {
  provide: IMAGE_LOADER,
  useValue: angularLoader(images.site, privateImages.site),
};
