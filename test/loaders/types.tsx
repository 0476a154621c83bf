/// <reference types="astro/client" />
// Compiled, never run: the loaders have the types that the frameworks ask for. nuxt-app is compiled with the
// types that Nuxt generates for it.

import type { RemoteImageProps } from "astro:assets";
import type { ImageLoader as AngularLoader } from "@angular/common";
import type { ImageProvider } from "@nuxt/image";
import { Image } from "@unpic/react/base";
import type { ExternalImageService } from "astro";
import type { ImageLoader } from "next/image";
import type { ImgHTMLAttributes } from "react";
import type { Operations, TransformerFunction } from "unpic";
import { signed } from "./sign.ts";
import {
  angularLoader,
  angularPreset,
  astroService,
  images,
  nextLoader,
  nextSrc,
  nuxtProvider,
  privateImages,
  reactProps,
  signedSrc,
  unpicTransformer,
} from "./vitrine.ts";

type Preset = "thumbnail" | "card" | "hero";

const transformer = unpicTransformer(images.site);
const hero = { transformer, src: "a.jpg", layout: "fullWidth" } as const;

export const all = [
  nextLoader(images.site) satisfies ImageLoader,
  nextLoader(images.site, privateImages.site) satisfies ImageLoader,
  nuxtProvider(images.site) satisfies ImageProvider<Record<string, unknown>>,
  transformer satisfies TransformerFunction<Operations, { preset: Preset }>,
  angularLoader(images.site, privateImages.site) satisfies AngularLoader,
  astroService([privateImages.site, images.site], { sign: signed }) satisfies ExternalImageService,
  // @ts-expect-error no such preset
  angularPreset(images.site, "poster"),
  reactProps(
    images.imgProps("a.jpg", "card", { alt: "" }),
  ) satisfies ImgHTMLAttributes<HTMLImageElement>,
];

const fig = { src: "a.jpg", inferSize: true, alt: "" } as const;
export const props: RemoteImageProps[] = [
  { ...fig, preset: "hero" },
  { src: "a.jpg", width: 3, height: 2, alt: "", preset: "card" },
  // @ts-expect-error no such preset: astro-app/src/env.d.ts has those that there are
  { ...fig, preset: "poster" },
];
const promise = signed("a.jpg", "hero");

export const mistyped = (
  <>
    {/* @ts-expect-error no such preset */}
    <Image {...hero} options={{ preset: "poster" }} />
    {/* @ts-expect-error a preset with widths needs sizes */}
    <img alt="" {...reactProps(images.imgProps("a.jpg", "hero", { alt: "" }))} />
    {/* @ts-expect-error no such preset */}
    <img alt="" src={nextSrc(images.site, "a.jpg", "poster")} />
    {/* @ts-expect-error a promise, not the query */}
    <img alt="" src={nextSrc(privateImages.site, "a.jpg", "hero", { query: promise })} />
    {/* @ts-expect-error a promise, not the query */}
    <Image {...hero} src={signedSrc("a.jpg", promise)} />
    {/* @ts-expect-error no such preset */}
    <img alt="" {...reactProps(privateImages.imgProps("a.jpg", "poster", { alt: "" }))} />
  </>
);
