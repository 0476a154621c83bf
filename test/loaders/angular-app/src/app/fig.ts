import { NgOptimizedImage } from "@angular/common";
import { Component } from "@angular/core";
import { angularPreset, images } from "../../../vitrine.ts";

@Component({
  selector: "app-fig",
  imports: [NgOptimizedImage],
  template: `
    <img ngSrc="photos/fig.jpg" [loaderParams]="hero.loaderParams" [ngSrcset]="hero.ngSrcset"
      sizes="50vw" width="2572" height="1740" alt="A fig">
  `,
})
export class Fig {
  readonly hero = angularPreset(images.site, "hero");
}
