import { NgOptimizedImage } from "@angular/common";
import { Component } from "@angular/core";
import { facts } from "../../../facts.ts";
import { angularSrcset, images } from "../../../vitrine.ts";

@Component({
  selector: "app-fig",
  imports: [NgOptimizedImage],
  template: `
    <img ngSrc="photos/fig.jpg" [loaderParams]="{ preset: 'hero' }" [ngSrcset]="srcset" sizes="50vw"
      [width]="fact.width" [height]="fact.height" alt="A fig">
  `,
})
export class Fig {
  readonly srcset = angularSrcset(images.site, "hero");
  readonly fact = facts["photos/fig.jpg"];
}
