// Asks the strict Worker for the pictures of a page with signed URLs.

import { startStrictWorker, URL_SIGNING_KEYS } from "vitrine:strict-worker";
import { expect, vi } from "vitest";
import { FRIENDS, HARD } from "./keys.ts";
import { expectPlaceholder } from "./page.ts";
import { pagesOf } from "./run.ts";
import { createSigner, presets, privateImages } from "./vitrine.ts";

const OTHER_KEY = "private/fig.jpg";
const OPEN = ["photos/fig.jpg", "photos/unknown.jpg", "keys/1+1=2 (ü).jpg"];

const get = startStrictWorker(
  Object.fromEntries([FRIENDS, HARD, OTHER_KEY, ...OPEN].map((key) => [key, "made/key.jpg"])),
  {
    ROUTES: [
      { path: "/private/:preset/*", object: "media/private/*", signed: true, max_age: 3600 },
      { path: "/images/:preset/photos/*", object: "media/photos/*" },
      { path: "/images/:preset/keys/*", object: "media/keys/*" },
    ],
    PRESETS: presets,
  },
);
const sign = createSigner(privateImages.site, URL_SIGNING_KEYS);

/** The beginning of a step of `within: 3600` in the future, and times within it and in the next. */
const STEP = 1_800_000;
const begin = (Math.floor(Date.now() / STEP) + 10) * STEP;
export const TIMES = {
  early: begin + 60_000,
  sameStep: begin + 1_200_000,
  next: begin + STEP + 60_000,
};

/** The environment of a framework's process that signs at a time. Its clock goes on from then. */
export function signingAt(at: number) {
  return {
    URL_SIGNING_KEYS,
    CLOCK_AHEAD: `${at - Date.now()}`,
    NODE_OPTIONS: `--import ${new URL("clock.js", import.meta.url)}`,
  };
}

/** Gets pages of a server that signs at the time `early`. Within the same step, it makes the same URLs. */
export async function signedPagesOf(app: string, server: readonly string[], paths: string[]) {
  const pages = await pagesOf(app, server, paths, signingAt(TIMES.early));
  const [sameStep = ""] = await pagesOf(app, server, paths, signingAt(TIMES.sameStep));
  expect(signedUrlsIn(sameStep)).toEqual(signedUrlsIn(pages[0] ?? ""));
  return pages;
}

/** Runs a function, in this process, at a time. */
export async function at<T>(time: number, work: () => Promise<T>): Promise<T> {
  vi.useFakeTimers({ toFake: ["Date"], now: time });
  try {
    return await work();
  } finally {
    vi.useRealTimers();
  }
}

/** Returns the signed URLs in the elements of a page, each once. */
export function signedUrlsIn(html: string): string[] {
  return urlsIn(html, /https:\/\/images\.example\.com\/private\/[^\s"'),;]+/g);
}

/** Returns what matches in the elements of a page, each once. */
function urlsIn(html: string, pattern: RegExp): string[] {
  const page = html.replace(/<script\b.*?<\/script>/gs, "").replaceAll("&amp;", "&");
  return [...new Set(page.match(pattern))];
}

/** Expects that the Worker opens each URL of some pages that needs no signature. */
export async function expectOpen(...pages: readonly string[]): Promise<void> {
  const urls = urlsIn(pages.join(), /https:\/\/images\.example\.com\/images\/[^\s"'),;&]+/g);
  expect(urls.length).toBeGreaterThan(0);
  const opened = urls.map((url) => [url, "200 image"]);
  expect(await answersAt(Date.now(), urls)).toEqual(opened);
}

/**
 * Expects that a page shows exactly the widths of the preset hero of some objects, all with URLs that the Worker
 * opens from `time` on until they expire, within the hour, and not then.
 */
export async function expectSigned(html: string, keys: readonly string[], time: number) {
  vi.spyOn(console, "warn").mockImplementation(() => {});
  const urls = signedUrlsIn(html);
  const parsedUrls = urls.map((url) => privateImages.parseUrl(url));
  const variants = ["hero", "hero@640w", "hero@960w", "hero@1280w"];
  const expectedVariants = keys.flatMap((key) => variants.map((variant) => `${variant} ${key}`));
  expect(parsedUrls.map((one) => `${one?.variant} ${one?.key}`).sort()).toEqual(
    expectedVariants.sort(),
  );

  const expired = Number(/\?exp=(\d+)&/.exec(urls[0] ?? "")?.[1]) * 1000;
  expect(expired).toBeGreaterThanOrEqual(time + STEP);
  expect(expired).toBeLessThanOrEqual(time + 2 * STEP);
  const all = (status: string) => urls.map((url) => [url, status]);
  expect(await answersAt(time, urls)).toEqual(all("200 image"));
  expect(await answersAt(expired - 1, urls)).toEqual(all("200 image"));
  expect(await answersAt(expired, urls)).toEqual(all("410 text"));

  // Another preset, or another object, does not open with a query of the page.
  const query = new URL(urls[0] ?? "").search;
  const unsignedUrls = [
    privateImages.imageUrl(keys[0] ?? "", "card", query),
    privateImages.imageUrl(OTHER_KEY, "hero", query),
    privateImages.imageUrl(keys[0] ?? "", "hero", "?"),
  ];
  for (const [, answer] of await answersAt(time, unsignedUrls)) expect(answer).toMatch(/^404 /);
  const ownQuery = await sign(OTHER_KEY, "hero", { expires: expired / 1000 });
  const [opened] = await answersAt(time, [privateImages.imageUrl(OTHER_KEY, "hero", ownQuery)]);
  expect(opened?.[1]).toBe("200 image");
}

/** Expects the pages of the two signed pictures, made at the time `early`: the first has a placeholder. */
export async function expectFriends(friends: string, hard: string): Promise<void> {
  await expectSigned(friends, [FRIENDS], TIMES.early);
  expectPlaceholder(friends);
  await expectSigned(hard, [HARD], TIMES.early);
}

/** Returns each URL with the status and the kind of its answer at a time. */
function answersAt(time: number, urls: readonly string[]): Promise<[string, string][]> {
  return at(time, async () => {
    const answers: [string, string][] = [];
    for (const url of urls) {
      const { status, headers } = await get(url);
      const [kind] = (headers.get("content-type") ?? "").split("/");
      answers.push([url, `${status} ${kind}`]);
    }
    return answers;
  });
}

export function expectNoKey(...texts: readonly string[]): void {
  const keys: string[] = Object.values(JSON.parse(URL_SIGNING_KEYS));
  expect(texts.length).toBeGreaterThan(0);
  for (const key of keys) expect(texts.some((text) => text.includes(key))).toBe(false);
}
