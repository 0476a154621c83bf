// What each code of the edge and of the Images binding leads to in Workers Cache: whether the refusal is kept, and what
// becomes of an older picture. Statuses, tries and log lines: ../refusals.test.ts and ../binding/hostile.test.ts.

import { describe, expect, test, vi } from "vitest";
import { isEdgeFault } from "../../../src/emulator/edge/faults.ts";
import { type EngineName, envOf } from "../../support/engines.ts";
import {
  failures,
  getAndSettle,
  put,
  settle,
  stage,
  stopDates,
  wait,
} from "../../support/run-worker.ts";
import { EDGE_CODES, REFUSALS } from "../../support/tables/edge-codes.ts";

const PATH = "/images/card/key.jpg";
const COLD = "/images/card/cold.jpg";
const KEEP = 300;

stopDates(Date.UTC(2026, 10, 26));

/** The `env` of the current test. */
let env: object;

async function arrangeEngine(engine: EngineName): Promise<void> {
  put("cold.jpg", "made/key.jpg");
  env = envOf(engine);
  vi.spyOn(stage.edge.images, "input");
  expect((await getAndSettle(PATH, {}, env)).status).toBe(200);
}

/** How often an engine was to render. */
const countTries = () =>
  stage.edgeRequests.length + vi.mocked(stage.edge.images.input).mock.calls.length;

/** The status of an answer, and the engine's tries for it. */
async function request(path: string) {
  const triesBefore = countTries();
  const { status, headers } = await getAndSettle(path, {}, env);
  return { status, headers, tries: countTries() - triesBefore };
}

/** Replaces the object of PATH, and waits until Workers Cache asks for it in the background. */
async function replaceInBackground() {
  put("key.jpg", "made/key.jpg", { etag: "another" });
  wait(KEEP + 1);
  const stale = await request(PATH);
  await settle();
  return stale;
}

const cases = EDGE_CODES.flatMap((row) => {
  const engines: EngineName[] = row.engine === "both" ? ["cf", "binding"] : ["cf"];
  return engines.map((engine) => ({ ...row, engine }));
});

test.each(cases)(
  "$engine, $code with $status: $event (R3, B3, W8)",
  async ({ engine, code, status, event }) => {
    await arrangeEngine(engine);
    const fault = { code: Number(code), status };
    stage.edge.switches.failure = isEdgeFault(fault) ? fault : expect.unreachable();

    const { answered, isKept } = REFUSALS[event];

    // Without an older picture.
    const first = await request(COLD);
    expect(first.status).toEqual(answered);
    expect(first.headers.get("vary")).toBe("accept");

    const caching = isKept ? "public, max-age=60" : "no-store";
    expect(first.headers.get("cache-control")).toBe(caching);
    expect(first.headers.get("retry-after")).toBe(answered === 503 ? "3600" : null);

    wait(1);
    const second = await request(COLD);
    expect(second.status).toEqual(answered);
    expect(second.tries).toEqual(isKept ? 0 : first.tries);

    // With one, of an object that was replaced.
    expect((await replaceInBackground()).status).toBe(200);
    expect((await request(PATH)).status).toBe(isKept ? answered : 200);
  },
);

const text = (latin1: string) => Uint8Array.from(latin1, (letter) => letter.charCodeAt(0));
const CONTAINER = "\0\0\0\x0cJXL \r\n\x87\n\0\0\0\x14ftypjxl ";

describe.each<EngineName>(["cf", "binding"])("with %s", (engine) => {
  test.each([
    ["a JPEG XL", text("\xff\x0a\xfa\x7f\x01\x90\x08\x06\x01\x00")],
    ["a JPEG XL in a container", text(CONTAINER)],
  ])(
    "%s costs one request of the edge a minute, however many visitors come (R3, L1)",
    async (_what, bytes) => {
      await arrangeEngine(engine);
      put("a.jxl", bytes, { type: "image/jxl" });

      const first = await request("/images/card/a.jxl");
      const tries = engine === "cf" ? 1 : 0; // the binding gets no object of an unknown type
      expect(first.status).toBe(415);
      expect(first.tries).toEqual(tries);
      expect(first.headers.get("cache-control")).toBe("public, max-age=60");
      expect(first.headers.get("vary")).toBe("accept");

      for (let second = 1; second < 60; second++) {
        wait(1);
        const next = await request("/images/card/a.jxl");
        expect(next.status).toBe(415);
        expect(next.tries).toBe(0);
      }

      expect(failures()).toEqual([]);
    },
  );

  test("a download that fails once in the background leaves no gap (R3, W8)", async () => {
    await arrangeEngine(engine);
    const { status } = await request(PATH);
    stage.edge.switches.failure = { code: 9523, status: 422 };

    expect(status).toBe(200);
    expect((await replaceInBackground()).status).toBe(200);

    stage.edge.switches.failure = undefined;
    for (let minute = 0; minute < 3; minute++) {
      expect((await request(PATH)).status).toBe(200);
      wait(60);
    }

    const fields = { failure: "edge-failed", edge: "9523", bucket: "media" };
    expect(failures()).toMatchObject([fields]);
  });
});
