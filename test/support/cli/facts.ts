// Runs vitrine facts in a folder of its own, with the strict S3 on the network.

import { readFileSync } from "node:fs";
import { join } from "node:path";
import { http } from "msw";
import { afterAll, beforeAll, beforeEach } from "vitest";
import { BASE, SECRETS } from "../env.ts";
import { network, setUp } from "../stand.ts";
import { makeFolder } from "./folder.ts";
import { type Given, vitrine } from "./vitrine.ts";

const { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY } = SECRETS;
export const env = { AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY };

/** The bucket, and the folder of the project. */
export const at = { ...setUp(), folder: "" };

beforeAll(() => network.listen());
afterAll(() => network.close());
beforeEach(() => {
  Object.assign(at, setUp(), { folder: makeFolder() });
  at.s3.objects.clear();
});

/** Puts an object below the bucket's prefix. */
export function put(key: string, body: Uint8Array, etag?: string): void {
  at.s3.objects.set(`published/${key}`, { body, type: "image/jpeg", ...(etag && { etag }) });
}

export const facts = (args: readonly string[] = [], given: Given = {}) =>
  vitrine(["facts", ...args], { folder: at.folder, env, ...given });

export const read = (file: string) => readFileSync(join(at.folder, file), "utf8");

/** Answers some requests in place of S3. Undefined: S3 answers. */
export function instead(answer: (key: string, headers: Headers) => Response | undefined): void {
  network.use(
    http.get(`${BASE}*`, ({ request }) => {
      const url = new URL(request.url);
      const key = url.searchParams.has("list-type") ? "" : decodeURIComponent(url.pathname);
      return answer(key.replace("/published/", ""), request.headers);
    }),
  );
}

/** An error of S3. */
export function refusal(status: number, code: string): Response {
  const headers = { "content-type": "application/xml" };
  return new Response(`<Error><Code>${code}</Code></Error>`, { status, headers });
}

/** The keys that S3 was asked for, in order; "" for each page of a list. */
export function asked(): string[] {
  return at.s3.requests.map(({ url }) => {
    const { pathname, searchParams } = new URL(url);
    return searchParams.has("list-type")
      ? ""
      : decodeURIComponent(pathname.slice("/published/".length));
  });
}
