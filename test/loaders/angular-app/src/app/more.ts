import { NgOptimizedImage } from "@angular/common";
import { Component } from "@angular/core";
import { angularPreset, images } from "../../../vitrine.ts";

@Component({
  selector: "app-more",
  imports: [NgOptimizedImage],
  template: `
    <img ngSrc="photos/fig.jpg" [loaderParams]="card.loaderParams" width="480" height="325" alt="fixed">
    <img ngSrc="photos/fig.jpg" [loaderParams]="card.loaderParams" [ngSrcset]="card.ngSrcset"
      width="480" height="325" alt="densities">
    <img [ngSrc]="hard" [loaderParams]="card.loaderParams" width="480" height="325" priority alt="hard">
    <img ngSrc="photos/fig.jpg" [loaderParams]="hero.loaderParams" [ngSrcset]="hero.ngSrcset"
      fill placeholder alt="fill">
  `,
})
export class More {
  readonly card = angularPreset(images.site, "card");
  readonly hero = angularPreset(images.site, "hero");
  readonly hard = "keys/1+1=2 (ü).jpg";
}
