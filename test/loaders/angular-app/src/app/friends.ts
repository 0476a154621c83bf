import { NgOptimizedImage } from "@angular/common";
import { httpResource } from "@angular/common/http";
import { Component } from "@angular/core";
import { angularPreset, type ImgProps, privateImages } from "../../../vitrine.ts";

@Component({
  selector: "app-friends",
  imports: [NgOptimizedImage],
  template: `
    @if (friends.value(); as friends) {
      <img [ngSrc]="friends.src" [loaderParams]="hero.loaderParams" [ngSrcset]="hero.ngSrcset"
        sizes="50vw" [width]="friends.width" [height]="friends.height" [style]="friends.style" [alt]="friends.alt">
      <img [ngSrc]="friends.hard" [loaderParams]="hero.loaderParams" [ngSrcset]="hero.ngSrcset"
        priority width="1920" height="1080" alt="hard">
    }
  `,
})
export class Friends {
  readonly hero = angularPreset(privateImages.site, "hero");
  readonly friends = httpResource<ImgProps & { readonly hard: string }>(() => "/api/friends");
}
