// `imgProps` in apps that SvelteKit and TanStack Start themselves build and serve, and sign on their servers.

import { beforeAll, describe, expect, test } from "vitest";
import { FRIENDS } from "./keys.ts";
import {
  expectFriends,
  expectNoKey,
  expectOpen,
  expectSigned,
  signedPagesOf,
  signingAt,
  TIMES,
} from "./opens.ts";
import { candidatesIn, heroOf, imgOf, shownBy } from "./page.ts";
import { pagesOf, run, textsIn } from "./run.ts";

const VITE = "../node_modules/.bin/vite";
const FIG = "photos/fig.jpg";

describe.each([
  {
    framework: "SvelteKit",
    app: "svelte-app",
    server: ["build/index.js"],
    files: { all: "svelte-app/build", browser: "svelte-app/build/client" },
  },
  {
    framework: "TanStack Start",
    app: "tanstack-app",
    server: [VITE, "preview"],
    files: { all: "tanstack-app/dist", browser: "tanstack-app/dist/client" },
  },
])("$framework", ({ app, server, files }) => {
  beforeAll(() => run(app, ["vite", "build"]));

  test("a page has all widths of the preset, and the size of the fact", async () => {
    const [html = ""] = await pagesOf(app, server, ["/"], {});
    const { srcset, src, ...img } = imgOf(html, "A fig");
    expect([candidatesIn(srcset), shownBy(src)]).toEqual([heroOf(FIG), `hero ${FIG}`]);
    expect(img).toMatchObject({ width: "1920", height: "1299", sizes: "50vw" });
    await expectOpen(html);
  });

  test("each URL of a signed srcset opens, until it expires, and the browser gets no key", async () => {
    const [friends = "", hard = ""] = await signedPagesOf(app, server, ["/friends", "/hard"]);
    await expectFriends(friends, hard);

    const scripts = textsIn(files.browser, ".js");
    expect(scripts).not.toMatch(/HMAC|URL_SIGNING_KEYS/);
    expectNoKey(friends, hard, scripts, textsIn(files.all));
  });

  test("the dev server shows the same", async () => {
    const [friends = ""] = await pagesOf(app, [VITE, "dev"], ["/friends"], signingAt(TIMES.early));
    await expectSigned(friends, [FRIENDS], TIMES.early);
  });
});
