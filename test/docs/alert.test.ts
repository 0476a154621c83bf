// The commands of docs/doctor.md, “Alert”: each is run on what the Worker really answers at /healthz. They need jq.

import { spawnSync } from "node:child_process";
import { describe, expect, test } from "vitest";
import { HEALTH_TOKEN, NEXT, NEXT_CREDENTIALS, VARS } from "../support/env.ts";
import { bridgeEvent } from "../support/events.ts";
import { get, postPurge, settle, stage, wait } from "../support/run-worker.ts";
import { envWith, store } from "../support/worker-with-store.ts";
import { readPage } from "./pages.ts";

const [, section = ""] = readPage("docs/doctor.md").split("\n## Alert\n");
const FILTERS = Array.from(section.matchAll(/ jq -e '([^']+)'/g), ([, filter = ""]) => filter);
const [MISSED = "", SOON = "", EVENTS = ""] = FILTERS;

const { media } = VARS.BUCKETS;
const CANARY = { BUCKETS: { media: { ...media, canary: "key.jpg" } } };
const BOTH_SLOTS = { ...NEXT, ...CANARY, HEALTH_TOKEN };
const NO_STORE = { ANSWERS: VARS.ANSWERS };
const FOLLOWED = {
  BUCKETS: {
    ...CANARY.BUCKETS,
    other: { ...media, prefix: "published/photos/", canary: "fig.jpg" },
  },
  ROUTES: [{ path: "/images/:preset/*", object: ["media/*", "other/*"] }],
};

/** Asks /healthz as the commands do. @returns whether each of them is content */
async function alerts(change: object = {}) {
  const init = { headers: { authorization: `Bearer ${HEALTH_TOKEN}` } };
  const answer = await get("/healthz", init, envWith({ ...BOTH_SLOTS, ...change }));
  const text = await answer.text();
  const isContent = (filter: string, input: string) => {
    const { status, error } = spawnSync("jq", ["-e", filter], { input });
    if (error) throw new Error(`install jq: ${error.message}`);
    return status === 0;
  };

  // `curl -f` prints nothing of an answer that is no success.
  const missed = isContent(MISSED, answer.ok ? text : "");
  return { missed, soon: isContent(SOON, text), events: isContent(EVENTS, text) };
}

describe("the commands of “Alert”", () => {
  test("are content where all is well, with and without a store", async () => {
    stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
    const well = { missed: true, soon: true };
    expect(await alerts()).toMatchObject(well);
    expect(await alerts(NO_STORE)).toMatchObject(well);
    expect(await alerts({ ...NO_STORE, ...FOLLOWED })).toMatchObject(well);
  });

  const mayNotList = () => void stage.s3.faults.add("no-list-bucket");
  const makeNothing = () => {
    stage.edge.switches.transformations = false;
  };
  const isDead = () => void stage.s3.keys.delete(NEXT_CREDENTIALS.accessKeyId);

  test.each<[what: string, arrange: () => void, change: object, missed: boolean, soon: boolean]>([
    ["the store is dead", () => void store.faults.add("gone"), {}, true, false],
    ["the key may not list, and there is a store", mayNotList, {}, true, false],
    [
      "the key may not list, and a bucket follows",
      mayNotList,
      { ...NO_STORE, ...FOLLOWED },
      true,
      false,
    ],
    ["the key may not list, and need not", mayNotList, NO_STORE, true, true],
    ["one of two keys is dead", isDead, {}, true, false],
    ["both keys are dead", () => stage.s3.keys.clear(), {}, false, false],
    ["the edge makes nothing", makeNothing, {}, false, true],
    ["a secret is missing", () => {}, { URL_SIGNING_KEYS: "" }, false, false],
    [
      "the token is another",
      () => {},
      { HEALTH_TOKEN: "another-token-of-30-characters" },
      false,
      false,
    ],
  ])("see that %s, or that it does no harm", async (_what, arrange, change, missed, soon) => {
    stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
    arrange();
    expect(await alerts(change)).toMatchObject({ missed, soon });
  });

  test("see that no event came for a day", async () => {
    const event = bridgeEvent("acme-media", "published/key.jpg");
    expect(await alerts()).toMatchObject({ events: false });

    // jq has the clock of this machine, so the event comes earlier.
    wait(-2 * 86_400);
    await postPurge(event, envWith());
    await settle();
    wait(2 * 86_400);
    expect(await alerts()).toMatchObject({ events: false });

    await postPurge(event, envWith());
    await settle();
    expect(await alerts()).toMatchObject({ events: true });
  });
});
