import { NgOptimizedImage } from "@angular/common";
import { Component } from "@angular/core";
import { angularSrcset, images } from "../../../vitrine.ts";

@Component({
  selector: "app-more",
  imports: [NgOptimizedImage],
  template: `
    <img ngSrc="photos/fig.jpg" [loaderParams]="{ preset: 'card' }" width="480" height="325" alt="fixed">
    <img ngSrc="photos/fig.jpg" [loaderParams]="{ preset: 'card' }" [ngSrcset]="densities"
      width="480" height="325" alt="densities">
    <img [ngSrc]="hard" [loaderParams]="{ preset: 'card' }" width="480" height="325" priority alt="hard">
    <img ngSrc="photos/fig.jpg" [loaderParams]="{ preset: 'hero' }" [ngSrcset]="widths"
      fill placeholder alt="fill">
  `,
})
export class More {
  readonly densities = angularSrcset(images.site, "card");
  readonly widths = angularSrcset(images.site, "hero");
  readonly hard = "keys/1+1=2 (ü).jpg";
}
