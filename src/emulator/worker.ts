// `vitrine/testing/worker`: what leads from a Worker in another process to the strict edge that `serveEdge` serves.
// It runs in the Workers runtime.

import { imagesBinding } from "./binding/binding.ts";

/** The options of `fetch` that reach the edge. Any other one is an error. */
const CARRIED = ["method", "headers", "signal", "redirect", "cf"];

/**
 * Returns a `fetch` whose image requests go to the edge.
 * @param send the `fetch` of the runtime
 * @param url the URL that `serveEdge` gives
 * @example
 * const send = globalThis.fetch; // before it is replaced
 * globalThis.fetch = throughEdge(send, env.EDGE);
 */
export function throughEdge(send: typeof fetch, url: string): typeof fetch {
  return async (input, init) => {
    const cf: unknown = Object(init).cf ?? Object(input).cf;
    if (Object(cf).image === undefined) return send(input, init);

    const request = new Request(input, init);
    throwIfNotCarried(request, init);

    const { method, headers, redirect, signal } = request;
    const source = typeof input === "string" ? input : request.url; // a text as it is spelt (E6)
    const payload = { url: source, method, headers: [...headers], redirect, cf };
    return send(url, { method: "POST", body: JSON.stringify(payload), signal, redirect: "manual" });
  };
}

/** @throws {TypeError} if a request has what would not reach the edge */
function throwIfNotCarried(request: Request, init: RequestInit | undefined): void {
  const extra: string[] = [];
  for (const [name, value] of Object.entries(init ?? {})) {
    const isSet = value !== undefined && value !== null;
    if (isSet && !CARRIED.includes(name)) extra.push(name);
  }

  // The body may be that of the request itself.
  if (extra.length === 0 && request.body !== null) extra.push("body");
  if (extra.length === 0) return;

  throw new TypeError(`the served edge cannot take these options: ${extra.join(", ")}`);
}

/**
 * Returns an Images binding that asks the served edge, as `env.IMAGES` asks Cloudflare.
 * @param send the `fetch` of the runtime
 * @param url the URL that `serveEdge` gives
 * @example
 * const IMAGES = throughImages(fetch, env.EDGE);
 * return worker.fetch(request, { ...env, IMAGES });
 */
export function throughImages(send: typeof fetch, url: string): ImagesBinding {
  return imagesBinding((path, body) => send(`${url}/images${path}`, { method: "POST", body }));
}
