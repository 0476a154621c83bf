import { NgOptimizedImage } from "@angular/common";
import { Component } from "@angular/core";
import { facts } from "../../../facts.ts";
import { angularPreset, images } from "../../../vitrine.ts";

@Component({
  selector: "app-fig",
  imports: [NgOptimizedImage],
  template: `
    <img ngSrc="photos/fig.jpg" [loaderParams]="hero.loaderParams" [ngSrcset]="hero.ngSrcset"
      sizes="50vw" [width]="fact.width" [height]="fact.height" alt="A fig">
  `,
})
export class Fig {
  readonly hero = angularPreset(images.site, "hero");
  readonly fact = facts["photos/fig.jpg"];
}
