// The line of the cached entrypoint: visitors may not notice that a rendition cannot be made, the operator does.

import { expect, test } from "vitest";
import { ENV, SECRETS, VARS } from "../../support/env.ts";
import { failures, get, stage, stopDates, wait } from "../../support/run-worker.ts";

stopDates();

test("a bucket has one line a minute, which counts those since the line before", async () => {
  stage.s3.faults.add("SlowDown");
  for (let second = 0; second < 180; second++) {
    expect((await get(`/images/card/${second}.jpg`)).status).toBe(502);
    wait(1);
  }
  const line = { event: "rendition-failed", bucket: "media", failure: "origin-failed" };
  const said = { origin: "SlowDown", status: 503 };
  expect(failures()).toMatchObject([
    { ...line, ...said, key: "published/0.jpg", times: 1 },
    { ...line, ...said, key: "published/60.jpg", times: 60 },
    { ...line, ...said, key: "published/120.jpg", times: 60 },
  ]);
});

test("each bucket has its own", async () => {
  const other = { ...VARS.BUCKETS.media, prefix: "published/photos/", credentials: "OTHER" };
  const env = {
    ...ENV,
    BUCKETS: { media: VARS.BUCKETS.media, other },
    OTHER_ACCESS_KEY_ID: SECRETS.AWS_ACCESS_KEY_ID,
    OTHER_SECRET_ACCESS_KEY: SECRETS.AWS_SECRET_ACCESS_KEY,
    ROUTES: [
      { path: "/images/:preset/*", object: "media/*" },
      { path: "/other/:preset/*", object: "other/*" },
    ],
  };
  stage.s3.faults.add("reset");
  for (const path of ["/images/card/key.jpg", "/other/card/fig.jpg"]) {
    for (const _ of [1, 2]) expect((await get(path, {}, env)).status).toBe(502);
  }
  expect(failures()).toMatchObject([
    { bucket: "media", key: "published/key.jpg", times: 1 },
    { bucket: "other", key: "published/photos/fig.jpg", times: 1 },
  ]);
});
