// A stand-in for Cloudflare's API as far as purging needs it, for msw.

import { HttpResponse, type HttpResponseResolver, http } from "msw";
import { isTable } from "../../../src/worker/base/json.ts";
import { CLOUDFLARE_API_TOKEN } from "../env.ts";

const API = "https://api.cloudflare.com/client/v4";
export const ZONE_ID = "023e105f4ecef8ad9ca31a8372d0c353";
export const ZONE_NAME = "example.com";

export type Call = {
  /** The URLs to purge; none for another request. */
  readonly files: readonly string[];
  readonly path: string;
  /** Milliseconds since 1970. */
  readonly at: number;
};

/** Answers in place of the API; undefined: the API answers. */
export type Trouble = (call: Call, index: number) => Response | Promise<Response> | undefined;

/** An error as the API writes it. */
export function apiError(
  status: number,
  code: number,
  message: string,
  headers: Record<string, string> = {},
): Response {
  const said = { success: false, errors: [{ code, message }], messages: [], result: null };
  return HttpResponse.json(said, { status, headers });
}

/**
 * The API, which knows one token. It throws at what no caller should send.
 * @param zones ids by names
 */
export function createCloudflare(
  trouble: Trouble = () => undefined,
  zones: ReadonlyMap<string, string> = new Map([[ZONE_NAME, ZONE_ID]]),
) {
  const calls: Call[] = [];
  /** The URLs that are purged, in order. */
  const purged: string[] = [];
  const answer: HttpResponseResolver = async ({ request }) => {
    const url = new URL(request.url);
    const path = url.pathname.replace("/client/v4", "") + url.search;
    const purges = /^\/zones\/([^/?]+)\/purge_cache$/.exec(path);
    const files = purges === null ? [] : filesIn(JSON.parse(await request.text()));
    const call = { files, path, at: Date.now() };
    calls.push(call);
    const instead = await trouble(call, calls.length - 1);
    if (instead !== undefined) return instead;
    if (request.headers.get("authorization") !== `Bearer ${CLOUDFLARE_API_TOKEN}`) {
      return apiError(403, 10000, "Authentication error");
    }
    const named = /^\/zones\?name=([\w.-]+)$/.exec(path);
    if (named !== null && request.method === "GET") {
      const result = [...zones].flatMap(([name, id]) => (name === named[1] ? [{ id, name }] : []));
      return HttpResponse.json({ success: true, errors: [], messages: [], result });
    }
    if (purges === null) return apiError(404, 7000, "No route for that URI");
    if (request.method !== "POST") return apiError(405, 10405, "Method not allowed");
    if (!/^application\/json\b/.test(request.headers.get("content-type") ?? "")) {
      return apiError(400, 6007, "Malformed JSON in request body");
    }
    if (![...zones.values()].includes(purges[1] ?? "")) {
      const message = `Could not route to ${url.pathname}, perhaps your object identifier is invalid?`;
      return apiError(404, 7003, message);
    }
    purged.push(...files);
    const result = { id: purges[1] };
    return HttpResponse.json({ success: true, errors: [], messages: [], result });
  };
  const handlers = [http.all(`${API}/*`, answer)];
  return { calls, purged, handlers };
}

/** Reads a body that has files and nothing else: 1 to 100, each once, in the spelling of RFC 3986. @throws otherwise */
function filesIn(body: unknown): string[] {
  const files: unknown = isTable(body) ? body["files"] : undefined;
  const isRight =
    isTable(body) &&
    Object.keys(body).join() === "files" &&
    Array.isArray(files) &&
    files.length >= 1 &&
    files.length <= 100 &&
    new Set(files).size === files.length;
  if (!isRight) throw new Error(`not the body of a purge: ${JSON.stringify(body).slice(0, 200)}`);
  return files.map((file: unknown) => {
    if (typeof file !== "string" || new URL(file).href !== file || !file.startsWith("https://")) {
      throw new Error(`not the URL of a file: ${file}`);
    }
    return file;
  });
}

/** Makes random numbers from 0 to 1, the same ones for a seed. */
export function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
