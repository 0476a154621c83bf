// Uncertain answers are not cached: a 404 or 415 is `no-store`, unless S3 has confirmed it for this very object.

import { HttpResponse, http } from "msw";
import { beforeEach, expect, test } from "vitest";
import { network } from "../support/emulators.ts";
import { BUCKET_URL, ENV, NEXT, NEXT_CREDENTIALS, VARS } from "../support/env.ts";
import { disableCacheInEachTest, get, lines, stage, stopDate } from "../support/run-worker.ts";

disableCacheInEachTest(); // each request is to reach the edge

const OVERLAY = "https://brand.example/mark.png";

/** The `env` of the current test. */
let env: object;

beforeEach(() => stopDate());

/** @returns the status, and for how long the answer may be cached */
async function request(path: string) {
  const answer = await get(path.startsWith("/") ? path : `/images/card/${path}`, {}, env);
  return [answer.status, answer.headers.get("cache-control")];
}

const fallback = { path: "/images/:preset/*", object: "media/*", fallback: "media/photos/fig.jpg" };

test.each([
  ["a plain answer", {}],
  ["a fallback", { ROUTES: [fallback] }],
])(
  "as %s, a 404 is not cached where one key is denied the object and the other one gets no answer (A6)",
  async (_what, change) => {
    env = { ...ENV, ...change, ...NEXT };
    stage.s3.faults.add("no-list-bucket");
    const { accessKeyId, secretAccessKey } = NEXT_CREDENTIALS;
    stage.s3.keys.set(accessKeyId, secretAccessKey);

    let isBusy = true;
    network.use(
      http.get(`${BUCKET_URL}published/nothing.jpg`, ({ request }) => {
        const isNext = request.headers.get("authorization")?.includes(`=${accessKeyId}/`);
        return isNext && isBusy ? new HttpResponse(null, { status: 503 }) : undefined;
      }),
    );

    expect(await request("nothing.jpg")).toEqual([404, "no-store"]);

    // S3 answers the other key, too; or does not accept it.
    isBusy = false;
    expect(await request("nothing.jpg")).toEqual([404, "public, max-age=60"]);

    stage.s3.keys.delete(accessKeyId);
    expect(await request("nothing.jpg")).toEqual([404, "public, max-age=60"]);
  },
);

test.each<{ title: string; status: number; event: string; answer: () => Response }>([
  {
    title: "missing",
    status: 502,
    event: "edge-contradicts",
    answer: () => new HttpResponse(null, { status: 404 }),
  },
  {
    title: "no image",
    status: 415,
    event: "source-unreadable",
    answer: () => HttpResponse.html("a page"),
  },
])(
  "an overlay that is $title is a $status, not cached (O12)",
  async ({ status, event, answer }) => {
    network.use(http.get(OVERLAY, answer));
    const over = { width: 9, draw: [{ url: OVERLAY }] };
    env = { ...ENV, PRESETS: { ...VARS.PRESETS, over } };

    expect(await request("/images/over/key.jpg")).toEqual([status, "no-store"]);
    expect(lines()).toMatchObject([{ event }]);
  },
);
