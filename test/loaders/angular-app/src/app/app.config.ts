import { IMAGE_LOADER } from "@angular/common";
import type { ApplicationConfig } from "@angular/core";
import { provideClientHydration } from "@angular/platform-browser";
import { provideRouter } from "@angular/router";
import { angularLoader, images, privateImages } from "../../../vitrine.ts";
import { Fig } from "./fig.ts";
import { Friends } from "./friends.ts";
import { More } from "./more.ts";

export const appConfig: ApplicationConfig = {
  providers: [
    { provide: IMAGE_LOADER, useValue: angularLoader(images.site, privateImages.site) },
    provideRouter([
      { path: "", component: Fig },
      { path: "more", component: More },
      { path: "friends", component: Friends },
    ]),
    provideClientHydration(),
  ],
};
