// A stored rendition that is large is passed on as it comes: a client that reads slowly must not hold it in the memory.

import { expect, test } from "vitest";
import {
  ANSWERS,
  envWith,
  getAsBrowser,
  replace,
  store,
  storedEntry,
} from "../../support/worker-with-store.ts";

const LARGE = 300 * 1024;
const CHUNK = 16 * 1024;

/** Makes what is stored as long as a large rendition: zeros follow the picture. @returns its bytes */
async function storeLarge(env: object): Promise<Uint8Array> {
  await getAsBrowser(env);
  const [name, entry] = storedEntry();
  const body = new Uint8Array(LARGE);
  body.set(entry.body);

  const customMetadata = { ...entry.customMetadata, length: `${LARGE}` };
  store.objects.set(name, { ...entry, body, customMetadata });

  return body;
}

/** Has the store count how many of its bodies are cancelled. */
function watchBodies() {
  const counts = { cancelled: 0 };
  const { get } = store;

  Object.assign(store, {
    get: async (key: string) => {
      const object = await get(key);
      if (!object) return null;

      const bytes = await object.bytes();
      let sent = 0;

      const body = new ReadableStream<Uint8Array>(
        {
          pull(controller) {
            if (sent >= bytes.length) return controller.close();
            controller.enqueue(bytes.slice(sent, sent + CHUNK));
            sent += CHUNK;
          },
          cancel() {
            counts.cancelled += 1;
          },
        },
        { highWaterMark: 0 },
      );

      return { ...object, body };
    },
  });

  return counts;
}

const direct = { ANSWERS: { ...ANSWERS, keep: 0 } };

test("a large stored rendition is shown, byte for byte", async () => {
  const env = envWith(direct);
  const stored = await storeLarge(env);
  const counts = watchBodies();

  const answer = await getAsBrowser(env);
  expect(answer.status).toBe(200);
  expect(answer.headers.get("server-timing")).toBe("cache;desc=stored");
  expect(answer.headers.get("content-length")).toBe(`${LARGE}`);
  expect(await answer.bytes()).toEqual(stored);
  expect(counts.cancelled).toBe(0);
});

test.for([
  ["its object was replaced", () => replace("made/rotated-gps.jpg")],
  [
    "its content is not what its metadata say",
    () => {
      const [name, entry] = storedEntry();
      store.objects.set(name, { ...entry, body: new Uint8Array(LARGE) });
    },
  ],
] as const)(
  "a large stored rendition that is not shown, as %s, is cancelled",
  async ([, change]) => {
    const env = envWith(direct);
    await storeLarge(env);
    change();

    const counts = watchBodies();

    const answer = await getAsBrowser(env);
    expect(answer.headers.get("server-timing")).toMatch(/^cache;desc=direct/);
    expect(counts.cancelled).toBeGreaterThan(0);
  },
);
