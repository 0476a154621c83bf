// A visitor who reads slowly. Workers Cache may keep an answer only when all of it has come, so later than all passes of an
// event: the older picture must not stay.

import { beforeEach, expect, test, vi } from "vitest";
import type { Loopback } from "../../../src/worker/cache/loopback.ts";
import { Renditions } from "../../../src/worker/index.ts";
import { VARS } from "../../support/env.ts";
import { r2Notification } from "../../support/events.ts";
import { messageOf } from "../../support/queue.ts";
import {
  deliver,
  forgetCached,
  get,
  MODERN,
  settle,
  stage,
  wait,
} from "../../support/run-worker.ts";
import {
  envWith,
  getAsBrowser,
  KEY,
  PATH,
  replace,
  storedNames,
} from "../../support/worker-with-store.ts";

const RUN_S = VARS.ANSWERS.timeout + 30;
const DAY = 86_400;
const ANSWERS = { ...VARS.ANSWERS, keep: 30 * DAY, stale: 7 * DAY, store: "RENDITIONS" };
const EVENT = r2Notification("acme-media", `published/${KEY}`);

beforeEach(() => {
  vi.stubGlobal("scheduler", { wait: async (ms: number) => wait(ms / 1000) });
  replace("made/key.jpg");
});

/** Passes a body on once the gate is open. */
function passSlowly(answer: Response, gate: Promise<void>): Response {
  const reader = answer.body?.getReader();
  const body = new ReadableStream<Uint8Array>(
    {
      async pull(controller) {
        await gate;
        const chunk = await reader?.read();
        if (chunk?.value) controller.enqueue(chunk.value);
        else controller.close();
      },
    },
    { highWaterMark: 0 },
  );

  return new Response(body, answer);
}

/** The next answer of the cached entrypoint comes when the gate opens. */
function slowDown(env: object) {
  const gate = Promise.withResolvers<void>();
  const work: Promise<unknown>[] = [];
  let isSlow = true;

  stage.exported = (): Loopback =>
    stage.cache.entrypoint(
      (run: ExecutionContext) => {
        const { waitUntil } = run;
        const keepWork = (promise: Promise<unknown>) => {
          work.push(promise);
          waitUntil(promise);
        };
        const renditions = new Renditions(Object.assign(run, { waitUntil: keepWork }), env);

        return {
          purge: (options) => renditions.purge(options),
          fetch: async (request) => {
            const answer = await renditions.fetch(request);
            if (!isSlow) return answer;
            isSlow = false;
            return passSlowly(answer, gate.promise);
          },
        };
      },
      { version: "slow" },
    );

  return { open: gate.resolve, work };
}

/** Delivers an event until it is acknowledged. */
async function purgeByEvent(env: object): Promise<void> {
  const sentAt = Date.now();
  for (let attempts = 1; attempts < 9; attempts++) {
    const message = messageOf(EVENT, { age: (Date.now() - sentAt) / 1000, attempts });
    await deliver([message], env);
    if (message.settled() === "ack") return;
    wait(RUN_S);
  }

  throw new Error("the event goes on for ever");
}

test.each(["made", "stored"])(
  "an older picture (%s) whose last byte comes after the event is not kept (W5)",
  async (origin) => {
    const env = envWith({ ANSWERS });
    if (origin === "stored") {
      await getAsBrowser(env);
      await settle();
      forgetCached();
    }

    const { open, work } = slowDown(env);
    const asking = get(PATH, { headers: MODERN }, env);

    // The picture is on its way; it is stored, and S3 was asked once more.
    await vi.waitUntil(() => work.length > 0 && storedNames().length > 0);
    if (origin === "made") await work[0];

    replace("made/rotated-gps.jpg");
    await purgeByEvent(env);

    open();
    const older = await (await asking).bytes();
    await settle();
    await Promise.all(work);

    wait(20 * DAY);
    const later = await getAsBrowser(env);
    expect(await later.bytes()).not.toEqual(older);
  },
);
