// The client and unpic's component in an app that Astro itself builds.

import { beforeAll, expect, test } from "vitest";
import { FRIENDS, HARD } from "./keys.ts";
import { expectNoKey, expectSigned, signedUrlsIn, signingAt, TIMES } from "./opens.ts";
import { expectHeroes, expectPlaceholder } from "./page.ts";
import { run, textsIn } from "./run.ts";

/** Builds the app at a time. */
const build = (time: number) => run("astro-app", ["astro", "build"], signingAt(time));
/** The text of a page. */
const page = (name: string) => textsIn(`astro-app/dist/${name}`, ".html");

beforeAll(() => build(TIMES.early));

test("unpic's component has all widths, and each URL of a signed srcset opens, until it expires, and the pages hold no key", async () => {
  expectHeroes(page("unpic"), ["photos/fig.jpg", "keys/1+1=2 (ü).jpg"]);
  const friends = page("friends");
  await expectSigned(friends, [FRIENDS], TIMES.early);
  expectPlaceholder(friends);
  await expectSigned(page("hard"), [HARD], TIMES.early);
  expectNoKey(textsIn("astro-app/dist"));

  // Pages that are built again within the same step have the same URLs.
  await build(TIMES.late);
  expect(signedUrlsIn(page("friends"))).toEqual(signedUrlsIn(friends));
});
