// unpic's components in React, Vue, Svelte and Solid. astro.test.ts has Astro.

import { URL_SIGNING_KEYS } from "vitrine:strict-worker";
import { renderToStaticMarkup } from "react-dom/server";
import { renderToString as renderSolid } from "solid-js/web";
import { render as renderSvelte } from "svelte/server";
import { test, vi } from "vitest";
import { createSSRApp } from "vue";
import { renderToString as renderVue } from "vue/server-renderer";
import { FRIENDS, HARD } from "./keys.ts";
import { at, expectNoKey, expectOpen, expectSigned, TIMES } from "./opens.ts";
import { expectHeroes } from "./page.ts";
import { signed } from "./sign.ts";
import SvelteHero from "./unpic/Hero.svelte";
import { Hero as ReactHero } from "./unpic/Hero.tsx";
import VueHero from "./unpic/Hero.vue";
import { Hero as SolidHero } from "./unpic/hero-solid.ts";
import { signedSrc } from "./vitrine.ts";

vi.stubEnv("URL_SIGNING_KEYS", URL_SIGNING_KEYS);

/** Renders a hero of an object with each framework's server. */
const RENDERED: Record<string, (src: string) => string | Promise<string>> = {
  React: (src) => renderToStaticMarkup(<ReactHero src={src} />),
  Vue: (src) => renderVue(createSSRApp(VueHero, { src })),
  Svelte: (src) => renderSvelte(SvelteHero, { props: { src } }).body,
  Solid: (src) => renderSolid(() => SolidHero({ src })),
};

test.each(Object.entries(RENDERED))(
  "%s: all widths of the preset, and each URL of a signed srcset opens",
  async (_, rendered) => {
    for (const src of ["photos/fig.jpg", "keys/1+1=2 (ü).jpg"]) {
      const html = await rendered(src);
      expectHeroes(html, [src]);
      await expectOpen(html);
    }
    const keys = [FRIENDS, HARD];
    const queries = await at(TIMES.early, () =>
      Promise.all(keys.map((key) => signed(key, "hero"))),
    );
    const html = await Promise.all(
      keys.map((key, nth) => rendered(signedSrc(key, queries[nth] ?? ""))),
    );
    await expectSigned(html.join(), keys, TIMES.early);
    expectNoKey(...html);
  },
);
