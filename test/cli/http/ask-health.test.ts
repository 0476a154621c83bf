// What a command makes of the answer at /healthz: of the Worker's own, of an older Worker's, and of somebody else's.

import { HttpResponse, http } from "msw";
import { describe, expect, test } from "vitest";
import { fetchHealth } from "../../../src/cli/http/ask-health.ts";
import { VERSION } from "../../../src/cli/wrangler/packages.ts";
import { network } from "../../support/emulators.ts";
import { HEALTH_TOKEN } from "../../support/env.ts";
import { get, postPurge, settle } from "../../support/run-worker.ts";
import { envWith, store } from "../../support/worker-with-store.ts";

const URL = "https://images.example";

/** Serves the Worker at /healthz. */
function serveWorker(change: object = {}): void {
  const env = envWith({ HEALTH_TOKEN, ...change });
  const serving = http.get(`${URL}/healthz`, ({ request }) => {
    const authorization = request.headers.get("authorization") ?? "";
    return get("/healthz", { headers: { authorization } }, env);
  });
  network.use(serving);
}

function serve(status: number, body: object | string): void {
  const answer = () =>
    typeof body === "string"
      ? new HttpResponse(body, { status })
      : HttpResponse.json(body, { status });
  network.use(http.get(`${URL}/healthz`, answer));
}

const TAIL = "npx wrangler tail --env staging";

const fetchReport = () => fetchHealth(URL, HEALTH_TOKEN, TAIL);

describe("of the Worker itself", () => {
  test("its version, its store and the last calls of /purge are read", async () => {
    await postPurge({ bucket: "media" }, envWith());
    await settle();
    serveWorker();
    const report = await fetchReport();
    expect(report).toMatchObject({ version: VERSION, store: { state: "ok" } });
    expect(report).toHaveProperty("last_purge");
    expect(report).not.toHaveProperty("last_event");
  });

  test.each(["0.2.0", "0.3.0-dev.2336+73d24ae7.changed-0123456789ab", "0.3.0+f80c1696"])(
    "the version of a build is read: %s",
    async (version) => {
      serveWorker();
      const report = await fetchReport();
      serve(200, { ...report, version });
      expect(await fetchReport()).toMatchObject({ version, buckets: expect.anything() });
      serve(500, { version, mistakes: ["ROUTES: is missing"] });
      expect(await fetchReport()).toMatchObject({ mistakes: ["ROUTES: is missing"] });
    },
  );

  test("a dead store is read as R2's code", async () => {
    store.faults.add("gone");
    serveWorker();
    expect(await fetchReport()).toMatchObject({ store: { state: "10006" } });
  });

  test("a secret that is missing is named", async () => {
    serveWorker({ AWS_SECRET_ACCESS_KEY: "" });
    const mistake = expect.stringMatching(/^AWS_SECRET_ACCESS_KEY: is missing/);
    expect(await fetchReport()).toEqual({
      kind: "no-answer",
      status: 500,
      reason: expect.stringContaining("AWS_SECRET_ACCESS_KEY: is missing"),
      mistakes: [mistake],
    });
  });

  test("while the configuration is broken, another token gets no names", async () => {
    serveWorker({ AWS_SECRET_ACCESS_KEY: "" });
    const failure = await fetchHealth(URL, "another-token-of-30-characters", TAIL);
    expect(failure).toMatchObject({
      status: 500,
      reason: expect.stringContaining(TAIL),
    });
    expect(failure).not.toHaveProperty("mistakes");
  });
});

const BUCKETS = [{ bucket: "media", slots: [], edge: "on" }];
const OLD = { ok: true, configuration: "3f9a", buckets: BUCKETS };

test("a Worker of an earlier version says less", async () => {
  serve(200, OLD);
  expect(await fetchReport()).toEqual(OLD);
});

test.each<[what: string, body: object]>([
  ["a state of the store that is no word", { store: { state: "ok\n\u001b[2J" } }],
  ["a store that is a text", { store: "ok" }],
  ["a time that is a number", { last_event: 1_764_547_200 }],
  ["a time that is no word", { last_purge: "\u202e now" }],
  ["a version with an end of line", { version: "0.2.0\nall is well" }],
  ["a need that is a text", { buckets: [{ ...BUCKETS[0], needs_list: "yes" }] }],
])("%s is no report of a Vitrine", async (_what, change) => {
  serve(200, { ...OLD, ...change });
  expect(await fetchReport()).toMatchObject({ kind: "no-answer", status: 200 });
});

test.each<[what: string, status: number, body: object | string]>([
  ["a text", 500, "Internal error\n"],
  ["no list of mistakes", 500, { ok: false, mistakes: "AWS_SECRET_ACCESS_KEY" }],
  ["an empty list", 500, { ok: false, mistakes: [] }],
  ["a list of numbers", 500, { ok: false, mistakes: [1] }],
  ["a list of very long texts", 500, { ok: false, mistakes: ["x".repeat(1_001)] }],
  ["mistakes under another status", 502, { ok: false, mistakes: ["A: is missing"] }],
])("%s with %i gives no mistakes", async (_what, status, body) => {
  serve(status, body);
  const failure = await fetchReport();
  expect(failure).toMatchObject({ kind: "no-answer", status });
  expect(failure).not.toHaveProperty("mistakes");
});

test("a server that repeats the token gets it into no mistake", async () => {
  const [first = "", ...rest] = HEALTH_TOKEN;
  const code = first.charCodeAt(0).toString(16).padStart(4, "0");
  for (const repeated of [HEALTH_TOKEN, `\\u${code}${rest.join("")}`]) {
    serve(500, `{"mistakes":["PURGE_TOKEN: ${repeated}"]}`);
    expect(JSON.stringify(await fetchReport())).not.toContain(HEALTH_TOKEN);
  }
});

const SLOT = { slot: "current", state: "ok", access_key: "…MPLE" };
test.each<[what: string, slot: object, isBelieved: boolean]>([
  ["what the Worker sends", {}, true],
  ["a whole key id", { access_key: "AKIAIOSFODNN7EXAMPLE" }, false],
  ["a line of its own", { access_key: "\n 0 errors" }, false],
  ["a host in place of a region", { region: "evil.example" }, false],
])("%s in a slot is believed or not", async (_what, slot, isBelieved) => {
  const bucket = { bucket: "media", edge: "on", slots: [{ ...SLOT, ...slot }] };
  serve(200, { ok: true, buckets: [bucket] });
  expect("kind" in (await fetchReport())).toBe(!isBelieved);
});
