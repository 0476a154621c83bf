// Shared by the tests of the strict edge: a stand, and functions that ask the edge.

import { HttpResponse } from "msw";
import { afterAll, beforeAll, beforeEach, expect } from "vitest";
import type { EdgeSettings } from "../../src/emulator/edge/settings.ts";
import type { Stored } from "../../src/emulator/s3/s3.ts";
import { originUrl } from "../../src/worker/origin/object-url.ts";
import { sign } from "../../src/worker/origin/sigv4.ts";
import { createEmulators, file, network } from "./emulators.ts";
import { BUCKET_URL, CREDENTIALS } from "./env.ts";

export const SHARED = { "origin-auth": "share-publicly" } as const;

export const KEY = "key.jpg";

export let { s3, edge, clock } = createEmulators();

export function resetEdge(settings: Partial<EdgeSettings> = {}): void {
  ({ s3, edge, clock } = createEmulators(settings));
}

beforeAll(() => network.listen());
afterAll(() => network.close());
beforeEach(() => resetEdge());

/** Puts an object into the bucket: without a body, a small JPEG. */
export function put(key: string, stored: Partial<Stored> = {}): void {
  const usual = { body: file("made/key.jpg"), type: "image/jpeg" };
  s3.objects.set(`published/${key}`, { ...usual, ...stored });
}

export const urlOf = (key: string) => originUrl(BUCKET_URL, `published/${key}`);

export const signHeaders = async (key: string) =>
  new Headers(await sign(urlOf(key), "eu-west-1", CREDENTIALS, clock.now));

export const picture = (init: ResponseInit = {}) =>
  HttpResponse.arrayBuffer(file("made/key.jpg").slice().buffer, init);

/** Asks the edge for an object as the Worker does. */
export async function fetchImage(
  key: string,
  image: Record<string, unknown> = {},
  { headers = {}, ...init }: RequestInit & { headers?: Record<string, string> } = {},
): Promise<Response> {
  const signed = await signHeaders(key);
  for (const [name, value] of Object.entries(headers)) signed.set(name, value);
  const cf = { image: { ...SHARED, ...image } };
  return edge.fetch(urlOf(key), { headers: signed, cf, ...init });
}

/** The code and status of a failure, from its header and its text; or 200. */
export async function fault(answer: Response): Promise<string> {
  if (answer.ok) return `${answer.status}`;
  const code = /^err=(\d{4})$/.exec(answer.headers.get("cf-resized") ?? "")?.[1];
  expect(await answer.text()).toMatch(new RegExp(`^ERROR ${code}: `));
  return `${code}/${answer.status}`;
}
