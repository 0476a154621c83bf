// Compiled, never run: the loaders have the types that the frameworks ask for. nuxt-app is compiled with the
// types that Nuxt generates for it.

import type { ImageProvider } from "@nuxt/image";
import { Image } from "@unpic/react/base";
import type { ImageLoader } from "next/image";
import type { ImgHTMLAttributes } from "react";
import type { Operations, TransformerFunction } from "unpic";
import { signed } from "./sign.ts";
import {
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
  reactProps(
    images.imgProps("a.jpg", "card", { alt: "" }),
  ) satisfies ImgHTMLAttributes<HTMLImageElement>,
];
const promise = signed("a.jpg", "hero");

export const wrong = (
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
