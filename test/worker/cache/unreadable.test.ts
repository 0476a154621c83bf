// An object that is no image: visitors do not cause a fetch each time, and once it is repaired it is soon shown.

import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test } from "vitest";
import { file, network } from "../../support/emulators.ts";
import { type EngineName, envOf } from "../../support/engines.ts";
import { PURGE_TOKEN } from "../../support/env.ts";
import { getAndSettle, MODERN, put, stage, stopDates, wait } from "../../support/run-worker.ts";

const MINUTE = "public, max-age=60";

stopDates(Date.UTC(2026, 10, 26));

let env: object;

async function requestPicture(key: string) {
  const { status, headers } = await getAndSettle(`/images/card/${key}`, { headers: MODERN }, env);
  return [status, headers.get("cache-control")];
}

/** How often the object was fetched. */
const fetched = () => stage.s3.requests.length;

/** Begins like a JPEG. A binding may fail to read it, or to write a picture: its error is the same. */
const BROKEN = file("broken/truncated.jpg");

/** Certainly no image, by its first bytes. */
const PAGE = file("broken/page.jpg");

/** The requests to S3 for one answer: first bytes show a page, and the engine alone what is broken. */
const REQUESTS = new Map([
  [BROKEN, 2],
  [PAGE, 1],
]);

describe.each<[EngineName, what: string, Uint8Array, certain: boolean]>([
  ["cf", "half a JPEG", BROKEN, true],
  ["cf", "a page", PAGE, true],
  ["binding", "half a JPEG", BROKEN, false],
  ["binding", "a page", PAGE, true],
])("with %s, %s", (engine, _what, bytes, certain) => {
  beforeEach(() => {
    env = envOf(engine, { PURGE_TOKEN });
    put("a.jpg", bytes);
  });

  test("is fetched once a minute, for any number of visitors", async () => {
    for (let second = 0; second < 60; second++) {
      expect((await requestPicture("a.jpg"))[0]).toBe(415);
      wait(1);
    }
    expect([fetched(), stage.cache.runs.length]).toEqual([REQUESTS.get(bytes), 1]);
    expect((await requestPicture("a.jpg"))[0]).toBe(415);
    expect(stage.cache.runs).toHaveLength(2);
  });

  test("shows within a minute once it is repaired, and no browser caches the 415 for longer", async () => {
    expect(await requestPicture("a.jpg")).toEqual([415, certain ? MINUTE : "no-store"]);
    put("a.jpg", "made/key.jpg");
    wait(50);
    expect(await requestPicture("a.jpg")).toEqual([
      415,
      certain ? "public, max-age=10" : "no-store",
    ]);
    wait(10);
    expect((await requestPicture("a.jpg"))[0]).toBe(200);
  });
});

test("an overlay that is no image any more does not replace an older picture", async () => {
  const url = "https://brand.example/mark.png";
  let mark = file("made/transparent.png");
  network.use(http.get(url, () => new HttpResponse(mark.slice())));
  stage.edge.switches.cache = false;
  env = envOf("cf", { PRESETS: { card: { width: 90, draw: [{ url }] } } });
  expect((await requestPicture("key.jpg"))[0]).toBe(200);
  mark = PAGE;
  put("key.jpg", "photos/fig.jpg"); // an unchanged object needs no engine
  wait(3 * 86_400);
  for (let times = 0; times < 3; times++) expect((await requestPicture("key.jpg"))[0]).toBe(200);
});
