// An app that imports from every entry of the package. It runs wherever WebCrypto exists. .ci/run runs it, and
// types.test.ts compiles and runs it.

import { angularLoader } from "vitrine/angular";
import { astroService } from "vitrine/astro";
import { createClient } from "vitrine/client";
import { nextLoader } from "vitrine/next";
import { nuxtProvider } from "vitrine/nuxt";
import { thumbHash } from "vitrine/placeholder";
import { createSigner } from "vitrine/sign";
import { unpicTransformer } from "vitrine/unpic";

const route = { path: "/images/:preset/*", object: "media/*" };
const images = createClient({ baseUrl: "", route, presets: { card: { width: 9, dpr: [1, 2] } } });
const sign = createSigner(images.site, JSON.stringify({ k1: "k".repeat(32) }));
const query = await sign("a b.jpg", "card", { expires: 2_000_000_000 });
const url = images.imageUrl("a b.jpg", "card@2x", query);

// Calculated with node:crypto.
const sig = "dK8llbGMw_Gkq9Jy436mBeiTPkq3woYvKBdCnV0oicM";
if (url !== `/images/card@2x/a%20b.jpg?exp=2000000000&kid=k1&sig=${sig}`) throw new Error(url);
const others = [nextLoader, nuxtProvider, unpicTransformer, astroService, angularLoader, thumbHash]
  .map(({ name }) => name)
  .join(", ");
console.log(`The package runs here: ${url}, with ${others}`);
