// What an app's test wants to see of its Vitrine, whatever it has built around it.

import { expect } from "vitest";

export type AppVitrine = {
  readonly fetch: (path: string) => Promise<Response>;
  /** The URL of a signed picture. */
  readonly signedPath: () => Promise<string>;
  readonly breakS3: () => void;
  readonly repairS3: () => void;
  /** Replaces the object `photos/fig.jpg`, and delivers its event. */
  readonly replace: () => Promise<void>;
  readonly advance: (days: number) => Promise<void>;
};

export async function expectPromises(app: AppVitrine): Promise<void> {
  // An open and a signed picture.
  const before = await app.fetch("/images/card/photos/fig.jpg");
  expect(before.status).toBe(200);
  const signed = await app.signedPath();
  expect((await app.fetch(signed)).status).toBe(200);
  expect((await app.fetch(signed.replace(/\?.*/, ""))).status).toBe(404);

  // An outage of S3.
  app.breakS3();
  await app.advance(1);
  expect((await app.fetch("/images/card/photos/fig.jpg")).status).toBe(200);
  expect((await app.fetch("/images/card/photos/new.jpg")).status).toBe(502);
  app.repairS3();

  // A replaced object.
  await app.replace();
  const after = await app.fetch("/images/card/photos/fig.jpg");
  expect(after.status).toBe(200);
  expect(after.headers.get("etag")).not.toBe(before.headers.get("etag"));

  // The signature is over by now.
  expect((await app.fetch(signed)).status).toBe(410);
}
