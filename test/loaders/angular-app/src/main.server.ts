import { mergeApplicationConfig } from "@angular/core";
import { type BootstrapContext, bootstrapApplication } from "@angular/platform-browser";
import { provideServerRendering, RenderMode, withRoutes } from "@angular/ssr";
import { appConfig } from "./app/app.config.ts";
import { App } from "./app/app.ts";

const providers = [
  provideServerRendering(
    withRoutes([
      { path: "friends", renderMode: RenderMode.Server }, // signed at each request
      { path: "**", renderMode: RenderMode.Prerender },
    ]),
  ),
];

export default function bootstrap(context: BootstrapContext) {
  return bootstrapApplication(App, mergeApplicationConfig(appConfig, { providers }), context);
}
