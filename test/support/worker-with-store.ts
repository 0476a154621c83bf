// A Worker with a store of renditions, and what happens to the one object that it shows.

import { beforeEach } from "vitest";
import { createR2, type R2 } from "../../src/emulator/r2/r2.ts";
import { ENV, PURGE_TOKEN, VARS } from "./env.ts";
import { getAndSettle, MODERN, put, stage, stopDate } from "./run-worker.ts";

export const KEY = "key.jpg";
export const PATH = `/images/card/${KEY}`;

export const ANSWERS = { ...VARS.ANSWERS, keep: 300, store: "RENDITIONS" };

export let store: R2;

beforeEach(() => {
  stopDate();
  // The clock of now, also after a test has stopped another one.
  store = createR2({}, { limitsWrites: ["put", "delete"], now: () => Date.now() });
});

/** The `env` of a new isolate with that store. */
export const envWith = (change: object = {}): object => ({
  ...ENV,
  ANSWERS,
  RENDITIONS: store,
  PURGE_TOKEN,
  ...change,
});

/** Visits with a modern browser, and waits for what is done after the answer. */
export const getAsBrowser = (env: object, path = PATH, dataCenter = "here"): Promise<Response> =>
  getAndSettle(path, { headers: MODERN }, env, dataCenter);

/** Puts another object in the place of one. @param name a file of fixtures/objects/ */
export const replace = (name: string, key = KEY) => put(key, name, { lastModified: new Date() });

export const remove = () => void stage.s3.objects.delete(`published/${KEY}`);

/** S3 does not say whether the object is gone (A6). */
export function deny(): void {
  remove();
  stage.s3.faults.add("no-list-bucket");
}

/** The names in the store, without those under which the Worker keeps when it was last told to purge. */
export const storedNames = () =>
  [...store.objects.keys()].filter((name) => !name.startsWith("vitrine/"));

export const storedEntry = () => {
  const [entry] = store.objects;
  if (entry === undefined) throw new Error("nothing is stored");
  return entry;
};
