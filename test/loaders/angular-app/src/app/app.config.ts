import type { ApplicationConfig } from "@angular/core";
import { provideClientHydration } from "@angular/platform-browser";
import { provideRouter } from "@angular/router";
import { Fig } from "./fig.ts";
import { Friends } from "./friends.ts";
import { imageLoader } from "./image-loader.ts";
import { More } from "./more.ts";

export const appConfig: ApplicationConfig = {
  providers: [
    imageLoader,
    provideRouter([
      { path: "", component: Fig },
      { path: "more", component: More },
      { path: "friends", component: Friends },
    ]),
    provideClientHydration(),
  ],
};
