// What is not certain is not kept: a 404 or 415 that is a guess, whoever answers it, is `no-store`.

import { HttpResponse, http } from "msw";
import { beforeEach, describe, expect, test, vi } from "vitest";
import { signGrant } from "../../src/url/grant.ts";
import { ENV, NEXT, NEXT_CREDENTIALS, SECRETS, VARS } from "../support/env.ts";
import { get, keepNothing, lines, stage, wait } from "../support/play.ts";
import { file, network } from "../support/stand.ts";

keepNothing(); // each request is to reach the edge

const KEPT = "public, max-age=60";
const OVERLAY = "https://brand.example/mark.png";

/** The `env` of the current test. */
let env: object;

beforeEach(() => {
  vi.useFakeTimers({ toFake: ["Date"] });
  env = { ...ENV };
  return () => vi.useRealTimers();
});

/** Asks for an object. @returns the status, and for how long caches may keep the answer */
async function ask(path: string) {
  const answer = await get(path.startsWith("/") ? path : `/images/card/${path}`, {}, env);
  return [answer.status, answer.headers.get("cache-control")];
}

const fallback = { path: "/images/:preset/*", object: "media/*", fallback: "media/photos/fig.jpg" };

describe.each([
  ["a plain answer", {}],
  ["a fallback", { ROUTES: [fallback] }],
])("as %s", (_what, change) => {
  beforeEach(() => {
    env = { ...ENV, ...change };
    stage.s3.faults.add("no-list-bucket");
  });

  test("a 404 by S3's word on this object is kept, and one by its word on another is not (A6)", async () => {
    expect(await ask("nothing.jpg")).toEqual([404, KEPT]);
    expect(await ask("nothing-2.jpg")).toEqual([404, "no-store"]);
    expect(stage.probes).toHaveLength(1);
    expect(lines()).toMatchObject([{ certain: true }, { certain: false }]);
  });

  test("a 404 by S3's word from before is not kept, and is once S3 said it again (A6)", async () => {
    expect(await ask("nothing.jpg")).toEqual([404, KEPT]);
    expect(await ask("nothing.jpg")).toEqual([404, "no-store"]);
    wait(4);
    expect(await ask("nothing.jpg")).toEqual([404, KEPT]);
    expect(stage.probes).toHaveLength(2);
  });

  test("only the answer for which S3 was asked is kept, of many at once (A6)", async () => {
    const answers = await Promise.all(Array.from({ length: 9 }, () => ask("nothing.jpg")));
    expect(answers.filter(([, kept]) => kept === KEPT)).toHaveLength(1);
    expect(answers.filter(([, kept]) => kept === "no-store")).toHaveLength(8);
    expect(stage.probes).toHaveLength(1);
  });

  test("a 404 that is a guess for one of two slots is not kept (A6)", async () => {
    env = { ...env, ...NEXT };
    stage.s3.keys.set(NEXT_CREDENTIALS.accessKeyId, NEXT_CREDENTIALS.secretAccessKey);
    expect(await ask("nothing.jpg")).toEqual([404, KEPT]);
    expect(await ask("nothing-2.jpg")).toEqual([404, "no-store"]);
    expect(stage.probes).toHaveLength(2);
  });

  test("a 404 that S3 gives the edge, and the edge's own 415, are kept (R3)", async () => {
    stage.s3.faults.clear();
    for (let times = 0; times < 2; times++) {
      expect(await ask("nothing.jpg")).toEqual([404, KEPT]);
      expect(await ask("broken/page.jpg")).toEqual([415, KEPT]);
      expect(await ask("broken/script.svg")).toEqual([415, KEPT]);
    }
  });
});

test.each<[string, number, () => Response]>([
  ["missing", 404, () => new HttpResponse(null, { status: 404 })],
  ["no image", 415, () => new HttpResponse("a page", { headers: { "content-type": "text/html" } })],
])("where the object or an overlay is %s, the %d is not kept (O12)", async (_what, ...expected) => {
  const [status, answer] = expected;
  network.use(http.get(OVERLAY, answer));
  const over = { width: 9, draw: [{ url: OVERLAY }] };
  env = { ...ENV, PRESETS: { ...VARS.PRESETS, over } };
  expect(await ask("/images/over/key.jpg")).toEqual([status, "no-store"]);
});

test("an object that was missing is shown at once: the edge is told to keep no 404 (C1, C4)", async () => {
  expect(await ask("late.jpg")).toEqual([404, KEPT]);
  stage.s3.objects.set("published/late.jpg", { body: file("made/key.jpg"), type: "image/jpeg" });
  expect(await ask("late.jpg")).toEqual([200, "public, max-age=600"]);
});

describe("just after S3 said that an object is missing,", () => {
  beforeEach(async () => {
    stage.s3.faults.add("no-list-bucket");
    expect(await ask("nothing.jpg")).toEqual([404, KEPT]);
    stage.logged = [];
  });

  test.each(["nothing.jpg", "key.jpg"])(
    "a wrong region is a 502 for %s: S3 is asked again (A5, R3)",
    async (key) => {
      stage.s3.faults.add("elsewhere-400");
      expect(await ask(key)).toEqual([502, "no-store"]);
      const reason = "the bucket is in eu-central-1: set region (and endpoint)";
      expect(lines()).toMatchObject([{ event: "origin-denied", edge: "9519", reason }]);
    },
  );

  test.each(["elsewhere-301", "elsewhere-307"] as const)(
    "a redirect that the edge cannot follow is a 502: %s (A5, E7)",
    async (fault) => {
      stage.s3.faults.add(fault);
      stage.edge.switches.trouble = "9420/415";
      expect(await ask("nothing.jpg")).toEqual([502, "no-store"]);
      const reason = "the bucket is in eu-central-1: set region (and endpoint)";
      expect(lines()).toMatchObject([{ event: "origin-denied", edge: "9420", reason }]);
    },
  );

  test("an encryption key that cannot be used is a 502, with its own code (R3)", async () => {
    const denied = "<Error><Code>KMS.DisabledException</Code></Error>";
    network.use(http.get(/amazonaws/, () => new HttpResponse(denied, { status: 400 })));
    expect(await ask("nothing.jpg")).toEqual([502, "no-store"]);
    expect(lines()).toMatchObject([{ event: "origin-denied", origin: "KMS.DisabledException" }]);
  });

  test("a 401 is asked about, too (A7)", async () => {
    network.use(http.get(/amazonaws/, () => new HttpResponse(null, { status: 401 })));
    expect(await ask("key.jpg")).toEqual([502, "no-store"]);
    expect(lines()).toMatchObject([{ event: "slots-refused" }]);
  });

  test("denials of two kinds in turn cost one question each every few seconds (A5, A6)", async () => {
    network.use(
      http.get(/amazonaws.*bad/, () => new HttpResponse("<Code>KMS</Code>", { status: 400 })),
    );
    for (let each = 0; each < 50; each++) {
      expect(await ask(`bad-${each}.jpg`)).toEqual([502, "no-store"]);
      expect(await ask(`nothing-${each}.jpg`)).toEqual([404, "no-store"]);
    }
    expect(stage.probes).toHaveLength(2);
  });
});

test("what S3 says about a bad request says nothing about a missing object (A5, A6)", async () => {
  stage.s3.faults.add("no-list-bucket");
  stage.s3.faults.add("elsewhere-400");
  expect(await ask("nothing.jpg")).toEqual([502, "no-store"]);
  stage.s3.faults.delete("elsewhere-400");
  expect(await ask("nothing.jpg")).toEqual([404, KEPT]);
});

describe("of a signed URL", () => {
  const KEYS: Record<string, string> = JSON.parse(SECRETS.URL_SIGNING_KEYS);
  const sign = (change: { kid?: string; secret?: string; seconds?: number } = {}) => {
    const { kid = "new", secret = KEYS["new"] ?? "", seconds = 3600 } = change;
    const expires = Math.floor(Date.now() / 1000) + seconds;
    const grant = { route: "/private/:preset/*", preset: "card", key: "nothing.jpg", expires };
    return signGrant(grant, { kid, secret });
  };

  test.each<[string, Parameters<typeof sign>[0]]>([
    ["whose kid is unknown: its key may be on its way", { kid: "newest" }],
    ["that expires too late: the clock may be wrong, or max_age on its way", { seconds: 86_500 }],
    ["whose signature is wrong: another key may be on its way", { secret: "x".repeat(32) }],
  ])("%s, the 404 is not kept", async (_what, change) => {
    expect(await ask(`/private/card/nothing.jpg${await sign(change)}`)).toEqual([404, "no-store"]);
    expect(lines()).toMatchObject([{ event: "signature-wrong" }]);
  });

  test.each<[string, (query: string) => string]>([
    ["none", () => ""],
    ["another order", (query) => query.replace(/^\?(exp=\d+)&(kid=\w+)/, "?$2&$1")],
    ["a parameter more", (query) => `${query}&width=9000`],
  ])("with a query that no URL may have, %s, the 404 is kept", async (_what, change) => {
    const path = `/private/card/nothing.jpg${change(await sign())}`;
    expect(await ask(path)).toEqual([404, KEPT]);
    expect(lines()).toMatchObject([{ event: "signature-wrong" }]);
  });

  test("that is right, the 404 of a missing object is kept", async () => {
    expect(await ask(`/private/card/nothing.jpg${await sign()}`)).toEqual([404, KEPT]);
  });
});
