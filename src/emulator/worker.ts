// `vitrine/testing/worker`: what leads from a Worker in another process to the strict edge that `serveEdge` serves.
// It runs in the Workers runtime.

import { imagesBinding } from "./binding/binding.ts";

/** What reaches the edge. Any other option is an error. */
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
    const present = Object.entries(init ?? {}).filter(([, value]) => (value ?? null) !== null);
    const extra = present.map(([name]) => name).filter((name) => !CARRIED.includes(name));
    const request = new Request(input, init);
    if (extra.length === 0 && request.body !== null) extra.push("body");
    if (extra.length > 0) {
      throw new TypeError(`the served edge cannot take these options: ${extra.join(", ")}`);
    }
    const { method, headers, redirect, signal } = request;
    const source = typeof input === "string" ? input : request.url; // as it is spelt (E6)
    const payload = { url: source, method, headers: [...headers], redirect, cf };
    return send(url, { method: "POST", body: JSON.stringify(payload), signal, redirect: "manual" });
  };
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
