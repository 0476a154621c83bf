// What comes from the image edge itself: an app of another zone that uses a picture as a source, which gets it, and a loop,
// which ends.

import { expect, test } from "vitest";
import { createS3 } from "../../src/emulator/s3/s3.ts";
import { file, network, ZONE } from "../support/emulators.ts";
import { CREDENTIALS, ENV, HEALTH_TOKEN, VARS } from "../support/env.ts";
import { handlersOf } from "../support/network.ts";
import { createEdgeOnce } from "../support/render-once.ts";
import { arrange, failures, get, lines, MODERN, settle, stage } from "../support/run-worker.ts";

const PATH = "/images/card/key.jpg";
const VIA = "1.1 image-resizing-proxy";
const SIGV4 = "AWS4-HMAC-SHA256 Credential=AKIAIOSFODNN7EXAMPLE/20261124/eu-west-1/s3/aws4_request";

const events = () => lines().map(({ event }) => event);

test.each<{ title: string; query: string; headers: Record<string, string> }>([
  {
    title: "an original by its parameter",
    query: "?x-vitrine=0123456789abcdef0123456789abcdef",
    headers: { via: VIA },
  },
  { title: "an original by its signature", query: "", headers: { via: VIA, authorization: SIGV4 } },
  {
    title: "both, in other letters",
    query: "?x-vitrine=0",
    headers: { via: "Image-Resizing", authorization: SIGV4 },
  },
  {
    title: "behind another proxy",
    query: "?a=b&x-vitrine=",
    headers: { via: `2.0 fetcher, ${VIA}` },
  },
])(
  "the edge asks for $title: that is a loop, and nothing is asked for (E8)",
  async ({ query, headers }) => {
    for (const path of [PATH, "/published/key.jpg", "/healthz"]) {
      stage.logged = [];
      const answer = await get(path + query, { headers });

      expect(answer.status).toBe(508);
      expect(await answer.text()).toBe("Not available\n");

      const line = { event: "loop-detected", reason: expect.stringMatching(/endpoint/) };
      expect(stage.logged).toMatchObject([{ level: "warn", line: { ...line, answered: 508 } }]);
    }

    expect(stage.edgeRequests).toEqual([]);
    expect(stage.s3.requests).toEqual([]);
  },
);

test.each<{ title: string; query: string; headers: Record<string, string> }>([
  { title: "the edge of another zone", query: "", headers: { via: VIA } },
  {
    title: "that, with a password of its own",
    query: "",
    headers: { via: VIA, authorization: "Basic YTpi" },
  },
  { title: "that, with a parameter of its own", query: "?v=x-vitrine", headers: { via: VIA } },
  { title: "a visitor with a signature of S3", query: "", headers: { authorization: SIGV4 } },
  { title: "a visitor with the parameter", query: "?x-vitrine=0", headers: {} },
])("$title gets the picture (E8)", async ({ query, headers }) => {
  const answer = await get(PATH + query, { headers: { ...MODERN, ...headers } });
  expect(answer.status).toBe(200);
  expect(answer.headers.get("content-type")).toBe("image/avif");
});

/** An edge of another zone, which takes pictures of this Worker as its sources. */
function createOtherEdge() {
  return createEdgeOnce({
    zone: "app.example",
    sources: [ZONE],
    fetch: (input, init) => fetch(input, init),
    workers: { [ZONE]: ({ url, headers }) => get(url, { headers }, ENV) },
    cache: false,
  });
}

/** A page of the other zone shows a picture of this Worker at 20 px. */
async function showElsewhere(edge = createOtherEdge()): Promise<[number | undefined, unknown]> {
  const options = "https://app.example/cdn-cgi/image/width=20";
  const answer = await edge.visit(new Request(`${options}/https://${ZONE}${PATH}`));

  return [answer?.status, answer?.headers.get("cf-resized")?.replace(/\/.*/, "")];
}

test("another zone transforms a picture that is cached, whatever the edge says of a second time (E8, E13)", async () => {
  const edge = createOtherEdge();
  expect(await showElsewhere(edge)).toEqual([502, "err=9509"]);
  expect(events()).toEqual(["loop-detected"]);

  await get(PATH);
  await settle();

  expect(await showElsewhere(edge)).toEqual([200, "internal=ok"]);
});

test("another zone transforms any picture if the edge transforms for it (E8, E13)", async () => {
  arrange({ resizedTwice: "resized" });
  expect(await showElsewhere()).toEqual([200, "internal=ok"]);
  expect(lines()).toEqual([]);
});

test("the edge says that it is a loop: 508, nothing is kept, and /healthz has its code (E8)", async () => {
  stage.edge.switches.failure = { code: 9403, status: 508 };
  const answer = await get(PATH);

  expect(answer.status).toBe(508);
  expect(await answer.text()).toBe("Not available\n");
  expect(answer.headers.get("cache-control")).toBe("no-store");
  expect(lines()).toMatchObject([{ event: "loop-detected", edge: "9403", answered: 508 }]);
  expect(failures()).toMatchObject([{ failure: "loop-detected", edge: "9403" }]);

  const authorization = `Bearer ${HEALTH_TOKEN}`;
  const env = {
    ...ENV,
    HEALTH_TOKEN,
    BUCKETS: { media: { ...VARS.BUCKETS.media, canary: "key.jpg" } },
  };

  const health = await get("/healthz", { headers: { authorization } }, env);
  expect(await health.json()).toMatchObject({ buckets: [{ edge: "9403", answered: 508 }] });

  stage.edge.switches.failure = undefined;
  expect((await get(PATH)).status).toBe(200);
});

// The endpoint is a host of the Worker's own zone. The Worker itself reaches the S3 behind it, and the edge the Worker.
test.each([[true], [false]])(
  "endpoint leads the edge to this Worker, source_parameter = %j: it ends at once (E8)",
  async (source_parameter) => {
    const { prefix, ...bucket } = { ...VARS.BUCKETS.media, endpoint: `https://${ZONE}` };
    const media = { ...bucket, prefix, addressing: "path", source_parameter };
    const env = { ...ENV, BUCKETS: { media } };
    const urls: string[] = [];
    const answerEdge = ({ url, headers }: Request) => {
      urls.push(url);
      return get(url, { headers }, env);
    };

    arrange({ workers: { [ZONE]: answerEdge } });

    const s3 = createS3({ ...bucket, credentials: CREDENTIALS, now: () => stage.clock.now });
    s3.objects.set(`${prefix}key.jpg`, { body: file("made/key.jpg"), type: "image/jpeg" });
    network.use(...handlersOf(s3));

    expect((await get(PATH, {}, env)).status).toBe(502);
    expect(urls.map((url) => url.includes("?x-vitrine="))).toEqual([
      source_parameter,
      source_parameter,
    ]);
    expect(events()).toEqual(["loop-detected", "loop-detected", "origin-failed"]);
  },
);

test.each([[true], [false]])(
  "an overlay leads to a picture of this Worker that has it, too; with its signature: %j: it ends (E8, O12)",
  async (overlayAuth) => {
    const draw = [{ url: `https://${ZONE}/images/marked/logo.png`, width: 20 }];
    const PRESETS = { ...VARS.PRESETS, marked: { width: 100, draw } };
    const env = { ...ENV, PRESETS };
    let calls = 0;
    const answerEdge = ({ url, headers }: Request) => {
      calls += 1;
      return get(url, { headers }, env);
    };

    arrange({ workers: { [ZONE]: answerEdge }, overlayAuth });
    stage.s3.objects.set("published/logo.png", {
      body: file("made/transparent.png"),
      type: "image/png",
    });

    expect((await get("/images/marked/key.jpg", {}, env)).status).toBe(502);
    expect(calls).toBe(2);
    expect(events()).toEqual(["loop-detected", "loop-detected", "origin-failed"]);
  },
);
