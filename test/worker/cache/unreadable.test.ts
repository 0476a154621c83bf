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

/** Certainly no image, by its first bytes. */
const PAGE = file("broken/page.jpg");

/** Begins like a JPEG. An engine that cannot decode it says the same where its own download or work has failed. */
const HALF = file("broken/truncated.jpg");

describe.each<EngineName>(["cf", "binding"])("with %s", (engine) => {
  beforeEach(() => {
    env = envOf(engine, { PURGE_TOKEN });
  });

  test("a page is fetched once a minute, for any number of visitors", async () => {
    put("a.jpg", PAGE);
    for (let second = 0; second < 60; second++) {
      expect((await requestPicture("a.jpg"))[0]).toBe(415);
      wait(1);
    }

    expect(fetched()).toBe(1);
    expect(stage.cache.runs.length).toBe(1);
    expect((await requestPicture("a.jpg"))[0]).toBe(415);
    expect(stage.cache.runs).toHaveLength(2);
  });

  test("a page that is repaired shows within a minute, and no browser caches the 415 for longer", async () => {
    put("a.jpg", PAGE);
    expect(await requestPicture("a.jpg")).toEqual([415, MINUTE]);

    put("a.jpg", "made/key.jpg");
    wait(50);
    expect(await requestPicture("a.jpg")).toEqual([415, "public, max-age=10"]);

    wait(10);
    expect((await requestPicture("a.jpg"))[0]).toBe(200);
  });

  test("half a JPEG is tried twice for each visitor, and shows at once when it is repaired", async () => {
    put("a.jpg", HALF);
    for (let times = 1; times <= 3; times++) {
      expect(await requestPicture("a.jpg")).toEqual([502, "no-store"]);
      // The edge keeps the original that it has fetched. The binding keeps nothing.
      const originals = engine === "cf" ? 1 : times * 2;
      expect(fetched(), `time ${times}`).toEqual(times + originals);
    }

    put("a.jpg", "made/key.jpg");
    expect((await requestPicture("a.jpg"))[0]).toBe(200);
  });

  test("half a JPEG in place of a picture leaves the older one", async () => {
    put("a.jpg", "made/key.jpg");
    expect((await requestPicture("a.jpg"))[0]).toBe(200);

    put("a.jpg", HALF);
    for (let day = 0; day < 3; day++) {
      wait(86_400);
      expect((await requestPicture("a.jpg"))[0]).toBe(200);
    }
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
