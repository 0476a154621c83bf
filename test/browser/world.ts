// What a test of pages needs: a real browser, the built Worker, what that asks, and a server with the pages.

import { readFileSync } from "node:fs";
import type { Server } from "node:http";
import { join } from "node:path";
import type { Browser } from "playwright-core";
import { ROOT } from "../support/built.ts";
import { ENV } from "../support/env.ts";
import { freePort } from "../support/free-port.ts";
import { builtWorker, type Running, start } from "../support/workerd.ts";
import { launch } from "./chromium.ts";

/** S3 and the edge: each object is there, and each rendition is this picture. */
const EDGE = `const bytes = Uint8Array.from(atob("${readFileSync(join(ROOT, "fixtures/objects/made/key.jpg"), "base64")}"), (one) => one.charCodeAt(0));
const headers = { "content-type": "image/jpeg", etag: '"9bb58f26192e4ba00f01e2e7b136bbd8"' };
const part = { "content-length": "1024", "content-range": "bytes 0-1023/2500000" };
const rendered = { "cf-resized": "internal=ok/m q=0 n=17+85 c=0+0 v=2026.11.0 l=" + bytes.length };
export default {
  fetch(request) {
    if (!request.headers.has("range")) return new Response(bytes, { headers: { ...headers, ...rendered } });
    return new Response(bytes.slice(0, 1024), { status: 206, headers: { ...headers, ...part } });
  },
};`;

export type World = {
  readonly appPort: number;
  readonly worker: Running;
  readonly browser: Browser;
  stop(): Promise<void>;
};

/**
 * Starts a browser, the built Worker, and the server of an app.
 * @param app answers with its pages
 * @param routesFor returns the Worker's routes. It gets the port of the app
 * @param edge the code of a Worker that answers as S3, the edge and all else that the Worker asks
 */
export async function startWorld(
  app: Server,
  routesFor: (appPort: number) => readonly object[],
  edge = EDGE,
): Promise<World> {
  const appPort = await freePort();
  app.listen(appPort, "127.0.0.1");
  const ROUTES = routesFor(appPort);
  const worker = await start(builtWorker({ ...ENV, ROUTES }), { edge });
  const browser = await launch();

  const stop = async () => {
    await browser.close();
    await worker.stop();
    app.close();
    app.closeAllConnections();
  };
  return { appPort, worker, browser, stop };
}
