// What compiles, and what does not. `npm run check` compiles this file. types.test.ts compiles it again
// without these comments, with the `Env` that wrangler itself generates from test/support/wrangler.toml, with
// `strict` and without it. Some mistakes are found only with it: their comments end with the reason.

import { angularLoader, angularPreset } from "../../src/client/angular.ts";
import { astroService } from "../../src/client/astro.ts";
import {
  createClient,
  type Fact,
  type FactsAnswer,
  imageUrl,
  imgProps,
  openSite,
  srcset,
  urlForWidth,
} from "../../src/client/index.ts";
import { nextLoader, nextSrc } from "../../src/client/next.ts";
import { nuxtPresets, nuxtProvider } from "../../src/client/nuxt.ts";
import { thumbHash } from "../../src/client/placeholder.ts";
import { createSigner } from "../../src/client/sign.ts";
import { unpicTransformer } from "../../src/client/unpic.ts";

/** The part of the generated `Env` of test/support/wrangler.toml that clients read. */
type TestEnv = {
  ROUTES: [
    { path: "/images/:preset/*"; object: "media/*" },
    {
      path: "/avatars/:user/:preset";
      object: "media/users/:user/avatar.png";
      presets: ["thumbnail"];
    },
  ];
  PRESETS: {
    thumbnail: { width: 160; height: 160; fit: "cover"; dpr: [1, 2] };
    card: { width: 480; dpr: [1, 1.5, 2] };
    hero: { width: 1920; widths: [640, 960, 1280, 1920]; quality: 80 };
  };
};

declare const env: TestEnv;

const { ROUTES, PRESETS } = env;
const images = createClient({ baseUrl: "", route: ROUTES[0], presets: PRESETS });
const avatars = createClient({ baseUrl: "", route: ROUTES[1], presets: PRESETS });
const site = openSite({ baseUrl: "", route: ROUTES[0], presets: PRESETS });
const size = { width: 3, height: 2 };
const term = { expires: 1 };
const plain = { type: "image/jpeg", bytes: 9, color: "#8a5b3c", thumbhash: "aa==" } as const;
const facts = {
  "a.jpg": { width: 3, height: 2, ...plain },
  "b.png": { width: 9, height: 9, ...plain, alpha: true },
  "c.svg": { width: 9, height: 9, type: "image/svg+xml", bytes: 9, alpha: true }, // no ThumbHash
} as const satisfies Record<string, Fact>;
/** As TypeScript reads a JSON file. */
const json = { "b.png": { width: 3, height: 2, ...plain, type: "image/png" as string, alpha: !0 } };
const byKey: Readonly<Record<string, Fact>> = facts;
declare const factKey: keyof typeof facts;
declare const answer: FactsAnswer;
const describe = (fact: Fact) => `${fact.color} ${fact.bytes}`;

// Right.
images.imageUrl("a", "card");
images.imageUrl("a", "card@1.5x", "?q");
images.imageUrl("a", "hero@640w");
imageUrl(site, "a", "thumbnail@2x");
srcset(site, "a", "hero");
urlForWidth(site, "a", "hero", 300);
images.imgProps("a", "card", { alt: "", loading: "eager", query: "?q", original: size });
images.imgProps("a", "hero", { alt: "", sizes: "100vw", original: undefined });
avatars.imgProps("a", "thumbnail", { alt: "" });
images.imgProps("a", "card", { alt: "", original: facts["a.jpg"], placeholder: thumbHash });
images.imgProps("a", "card", { alt: "", original: facts[factKey], placeholder: thumbHash });
images.imgProps("a", "card", { alt: "", original: facts["c.svg"], placeholder: thumbHash });
images.imgProps("a", "card", { alt: "", original: facts["b.png"], placeholder: describe });
images.imgProps("a", "card", { alt: "", original: json["b.png"], placeholder: thumbHash });
images.imgProps("a", "card", { alt: "", original: byKey["a.jpg"], placeholder: thumbHash });
imgProps(site, "a", "card", { alt: "", original: byKey["a.jpg"], placeholder: (one) => one.color });
images.imgProps("a", "card", { alt: "", original: { ...size, color: "#8a5b3c" } });
images.factsUrl("a", "hero", "?q");
const upload: number | undefined = answer.original?.width;
createSigner(site, "")("a", "card", term).then((query) => images.srcset("a", "card", query));
const parsedPreset: "thumbnail" | "card" | "hero" | undefined = images.parseUrl("")?.preset;
const parsedAvatarPreset: "thumbnail" | undefined = avatars.parseUrl("")?.preset;
nextLoader(images.site, avatars.site)({ src: nextSrc(images.site, "a", "card"), width: 9 });
nuxtProvider(images.site, avatars.site).getImage("a", {
  modifiers: { preset: "card", width: "9" },
});
nuxtPresets(images.site, avatars.site);
const transform = unpicTransformer(avatars.site, images.site);
transform("a", { width: 9 }, { preset: "hero" });
angularLoader(images.site, avatars.site)({ src: "a", width: 9, loaderParams: { preset: "card" } });
angularPreset(images.site, "card");
astroService([avatars.site, images.site], {
  factOf: (key) => byKey[key],
  placeholder: thumbHash,
  // For the presets of its own site alone.
  sign: (key: string, preset: "thumbnail") => createSigner(avatars.site, "")(key, preset, term),
});

// Wrong presets.
// @ts-expect-error
nextSrc(images.site, "a", "crad");
// @ts-expect-error
transform("a", { width: 9 }, { preset: "crad" });
// @ts-expect-error
angularPreset(images.site, "crad");
// @ts-expect-error
astroService([images.site], { sign: (_key: string, _preset: "crad") => Promise.resolve("") });
// @ts-expect-error
images.imageUrl("a", "crad");
// @ts-expect-error
images.srcset("a", "crad");
// @ts-expect-error
urlForWidth(site, "a", "crad", 300);
// @ts-expect-error
images.widths("crad");
// @ts-expect-error
createSigner(site, "")("a", "crad", term);

// No route.
// @ts-expect-error
nextLoader();
// @ts-expect-error
nuxtProvider();
// @ts-expect-error
unpicTransformer();
// @ts-expect-error
angularLoader();
// @ts-expect-error
astroService([]);

// Wrong facts.
// @ts-expect-error: not without `noImplicitAny`
images.imgProps("a", "card", { alt: "", original: facts["d.jpg"] });
// @ts-expect-error
images.imgProps("a", "card", { alt: "", original: { width: 3 } });
// @ts-expect-error
images.imgProps("a", "card", { alt: "", original: size, placeholder: thumbHash });
// @ts-expect-error
images.imgProps("a", "card", { alt: "", original: facts["a.jpg"], placeholder: "thumbHash" });
// @ts-expect-error
images.factsUrl("a", "crad");
// @ts-expect-error
astroService([images.site], { factOf: () => ({ width: 3 }) });

// Wrong descriptors.
// @ts-expect-error
images.imageUrl("a", "card@3x");
// @ts-expect-error
images.imageUrl("a", "card@480w");
// @ts-expect-error
images.srcset("a", "card@2x");
// @ts-expect-error
createSigner(site, "")("a", "card@2x", term);

// Presets that only another route shows.
// @ts-expect-error
avatars.imageUrl("a", "card");
// @ts-expect-error
avatars.imgProps("a", "hero", { alt: "", sizes: "100vw" });
// @ts-expect-error
const invalidPreset: "card" | undefined = avatars.parseUrl("")?.preset;

// Wrong or missing attributes of an <img>.
// @ts-expect-error
images.imgProps("a", "card", {});
// @ts-expect-error
images.imgProps("a", "hero", { alt: "" });
// @ts-expect-error
images.imgProps("a", "card", { alt: "", loading: "soon" });

export { invalidPreset as other, parsedAvatarPreset as only, parsedPreset as asked, upload };
