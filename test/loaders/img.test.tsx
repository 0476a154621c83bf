// The attributes that imgProps returns, in an <img> of each framework: open, and signed by the server.

import { URL_SIGNING_KEYS } from "vitrine:strict-worker";
import { renderToString as renderReact } from "react-dom/server";
import { renderToString as renderSolid } from "solid-js/web";
import { render as renderSvelte } from "svelte/server";
import { expect, test, vi } from "vitest";
import { createSSRApp } from "vue";
import { renderToString as renderVue } from "vue/server-renderer";
import { FRIENDS, HARD } from "./keys.ts";
import { at, expectNoKey, expectSigned, signedUrlsIn, TIMES } from "./opens.ts";
import { candidatesIn, elements, expectPlaceholder, heroOf, shownBy } from "./page.ts";
import { Fig } from "./react/Fig.tsx";
import { Friends } from "./react/Friends.tsx";
import { friends, signed } from "./sign.ts";
import { Fig as SolidFig } from "./solid/Fig.tsx";
import { Friends as SolidFriends } from "./solid/Friends.tsx";
import SvelteFig from "./svelte/Fig.svelte";
import SvelteFriends from "./svelte/Friends.svelte";
import { type ImgProps, privateImages } from "./vitrine.ts";
import VueFig from "./vue/Fig.vue";
import VueFriends from "./vue/Friends.vue";

vi.stubEnv("URL_SIGNING_KEYS", URL_SIGNING_KEYS);

type Rendered = string | Promise<string>;

/** What the server of each framework makes of an open picture, and of the attributes of a signed one. */
const FRAMEWORKS: [string, () => Rendered, (friends: ImgProps) => Rendered][] = [
  ["React", () => renderReact(<Fig />), (friends) => renderReact(<Friends friends={friends} />)],
  [
    "Vue",
    () => renderVue(createSSRApp(VueFig)),
    (friends) => renderVue(createSSRApp(VueFriends, { friends })),
  ],
  [
    "Svelte",
    () => renderSvelte(SvelteFig).body,
    (friends) => renderSvelte(SvelteFriends, { props: { friends } }).body,
  ],
  [
    "Solid",
    () => renderSolid(() => SolidFig()),
    (friends) => renderSolid(() => SolidFriends({ friends })),
  ],
];

test.each(FRAMEWORKS)("%s renders what imgProps returns, without a warning", async (_, render) => {
  const warned = [vi.spyOn(console, "error"), vi.spyOn(console, "warn")];
  const [img] = elements(await render(), "img");
  const { srcset, src, ...attributes } = img ?? {};
  expect([candidatesIn(srcset), shownBy(src)]).toEqual([
    heroOf("photos/fig.jpg"),
    "hero photos/fig.jpg",
  ]);
  expect(attributes).toMatchObject({
    alt: "A fig",
    loading: "lazy",
    decoding: "async",
    sizes: "50vw",
  });
  for (const spy of warned) expect(spy).not.toHaveBeenCalled();
});

test.each(FRAMEWORKS)(
  "%s: each URL of a signed srcset opens, until it expires, whatever the key",
  async (_, _open, render) => {
    const html = await at(TIMES.early, async () => render(await friends()));
    await expectSigned(html, [FRIENDS], TIMES.early);
    expectPlaceholder(html);
    expectNoKey(html);

    // Within a step, a page that is made again is the same. After it, its pictures open for another hour.
    expect(await at(TIMES.sameStep, async () => render(await friends()))).toBe(html);
    const next = await at(TIMES.next, async () => render(await friends()));
    expect(signedUrlsIn(next).filter((url) => html.includes(url))).toEqual([]);
    await expectSigned(next, [FRIENDS], TIMES.next);

    const hard = await at(TIMES.early, async () => {
      const query = await signed(HARD, "hero");
      return render(privateImages.imgProps(HARD, "hero", { alt: "", sizes: "50vw", query }));
    });
    await expectSigned(hard, [HARD], TIMES.early);
  },
);
