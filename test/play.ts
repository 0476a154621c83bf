// The edge and S3 behind it, played by msw for the tests of the whole Worker as a function: S3 verifies
// the signature of every request, then the edge answers as the test says.

import { HttpResponse, http } from "msw";
import { setupServer } from "msw/node";
import { afterAll, afterEach, beforeAll, beforeEach, expect, vi } from "vitest";
import worker from "../src/index.ts";
import { BASE, CREDENTIALS, ENV } from "./env.ts";
import { s3Error, signatureFault } from "./s3.ts";

export const ETAG = `"cf${"x".repeat(42)}:9bb58f26192e4ba00f01e2e7b136bbd8"`; // R4
export const PRINT = "a print, made by the edge";
const ORIGINAL = "the original, which must not come out";

/** What a browser of today sends with the request for an image. */
export const MODERN = { accept: "image/avif,image/webp,image/*,*/*;q=0.8" };

export type Play = () => Response | Promise<Response>;

/** What no answer may hold, whatever the test; and what no line of the log may either. */
const PRIVATE = [
  ORIGINAL,
  ...["acme-media", "published/", "amazonaws", "AmazonS3", "<Code>", "ERROR 9"],
];
const SECRET = [...Object.values(CREDENTIALS), "AWS4-HMAC", "Signature="];

/** What the Worker did in the test that runs. */
export const stage = {
  /** How the edge answers. */
  play: (): Response | Promise<Response> => print("image/jpeg"),
  /** What the edge was asked for. */
  asked: [] as { request: Request; image: RequestInitCfPropertiesImage }[],
  /** What was logged. */
  logged: [] as { level: "warn" | "error"; line: Record<string, unknown> }[],
};
let answered: string[] = [];

const edge = setupServer(
  http.get(`${BASE}*`, async ({ request }) => {
    const fault = await signatureFault(request.url, request.headers, "eu-west-1", CREDENTIALS);
    return fault === undefined ? stage.play() : s3Error(403, fault);
  }),
);

beforeAll(() => edge.listen({ onUnhandledFrame: "error" }));
afterAll(() => edge.close());
beforeEach(() => {
  stage.play = () => print("image/jpeg");
  stage.asked = [];
  stage.logged = [];
  answered = [];
  for (const level of ["warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((line: string) => {
      stage.logged.push({ level, line: JSON.parse(line) });
    });
  }
  // Node's fetch has no `cf`: it is read here, on its way out of the Worker.
  const send = globalThis.fetch;
  vi.spyOn(globalThis, "fetch").mockImplementation((input, init) => {
    stage.asked.push({ request: new Request(input, init), image: init?.cf?.image ?? {} });
    return send(input, init);
  });
});
afterEach(() => {
  for (const text of answered) for (const word of PRIVATE) expect(text).not.toContain(word);
  for (const text of [...answered, JSON.stringify(stage.logged)]) {
    for (const word of SECRET) expect(text).not.toContain(word);
  }
});

/** A success of the edge, with headers of S3's that it may let through (R1, R7). */
export function print(
  type: string,
  headers: Record<string, string> = {},
  body: string | ReadableStream = PRINT,
): Response {
  return new HttpResponse(body, {
    headers: {
      "cf-resized": "internal=ok/m q=0 n=317+85",
      "content-type": type,
      etag: ETAG,
      "last-modified": "Tue, 24 Nov 2026 09:00:00 GMT",
      "x-amz-request-id": "4442587FB7D0A2F9",
      server: "AmazonS3",
      ...headers,
    },
  });
}

/** The original, handed back as if it were a print. */
export function original(type: string, headers: Record<string, string> = {}): Response {
  return print(type, headers, ORIGINAL);
}

/** The original, as it comes where transformations are off (R2). */
export function untransformed(type: string, body = ORIGINAL): Response {
  return new HttpResponse(body, { headers: { "content-type": type, etag: '"a"' } });
}

/** A failure of the edge (R3). */
export function failure(code: string, status: number): Response {
  const text = `ERROR ${code}: Could not fetch the image — the server returned an error`;
  return HttpResponse.text(text, { status, headers: { "cf-resized": `err=${code}` } });
}

/** Asks the Worker. */
export async function get(
  path: string,
  init: RequestInit = {},
  env: object = ENV,
): Promise<Response> {
  const answer = await worker.fetch(new Request(`https://images.example${path}`, init), env);
  answered.push(`${JSON.stringify([...answer.headers])} ${await answer.clone().text()}`);
  return answer;
}
