// The network of a test, with msw's handlers. `fetch` asks the handlers directly, without msw's emulated sockets,
// which take ten times as long. No request leaves this machine.

import {
  type AnyHandler,
  getResponse,
  type HttpHandler,
  HttpResponse,
  type HttpResponseResolver,
  http,
  isPassthroughResponse,
  type RequestHandler,
} from "msw";
import { setupServer } from "msw/node";
import { unlessAborted } from "../../src/emulator/fetch.ts";
import type { S3 } from "../../src/emulator/s3/s3.ts";

const server = setupServer();

/** The headers that Node.js adds to a request that does not have them. */
const ADDED = {
  accept: "*/*",
  "accept-language": "*",
  "sec-fetch-mode": "cors",
  "user-agent": "node",
  "accept-encoding": "br, gzip, deflate",
};

/** The network. Only the handlers that a test adds answer on it. */
export const network = {
  /** Replaces `fetch`. A request that no handler answers fails. */
  listen(): void {
    server.listen({ onUnhandledFrame: "error" });
    const unanswered = globalThis.fetch;
    globalThis.fetch = (input, init) => answer(new Request(input, init), unanswered);
    restore = () => {
      globalThis.fetch = unanswered;
    };
  },
  close(): void {
    restore();
    server.close();
  },
  /** Adds handlers before the present ones. */
  use: (...handlers: AnyHandler[]): void => server.use(...handlers),
  resetHandlers: (...handlers: AnyHandler[]): void => server.resetHandlers(...handlers),
};

let restore = (): void => {};

const handlers = () =>
  server.listHandlers().filter((handler): handler is RequestHandler => handler.kind === "request");

async function answer(request: Request, unanswered: typeof fetch): Promise<Response> {
  const { method, signal, redirect, url } = request;
  for (const [name, value] of Object.entries(ADDED)) {
    if (!request.headers.has(name)) request.headers.set(name, value);
  }

  const handled = getResponse(handlers(), request.clone());
  const response = await unlessAborted(handled, signal);
  if (response === undefined || isPassthroughResponse(response)) return unanswered(request);
  if (response.type === "error") throw new TypeError("fetch failed", { cause: response });
  if (redirect !== "manual" && response.headers.has("location")) {
    throw new Error(`no test follows a redirect: ${url}`);
  }

  const body = method === "HEAD" ? null : response.body;
  const length = Number(response.headers.get("content-length"));
  const sent = body && unlessCutOff(body, length, signal);

  return Object.defineProperty(new Response(sent, response), "url", { value: url });
}

/** Returns a body that ends at its announced length, and that fails when `signal` aborts. */
function unlessCutOff(body: ReadableStream<Uint8Array>, length: number, signal: AbortSignal) {
  const reader = body.getReader();
  let arrived = 0;

  return new ReadableStream<Uint8Array>({
    start(sent) {
      const cutOff = () => {
        sent.error(signal.reason);
        reader.cancel().catch(() => {});
      };
      signal.addEventListener("abort", cutOff, { once: true });
    },
    async pull(sent) {
      const { done, value } = await reader.read();
      if (value !== undefined) {
        arrived += value.length;
        sent.enqueue(value);
      } else if (done && arrived >= length) sent.close();
      else await new Promise<never>(() => {}); // the rest never comes
    },
    cancel: (reason) => reader.cancel(reason),
  });
}

export const s3Error = (code: string, status: number) =>
  new HttpResponse(`<Error><Code>${code}</Code></Error>`, {
    status,
    headers: { "content-type": "application/xml" },
  });

/** The handlers that lead to an S3, or to another server that is emulated. */
export function handlersOf(s3: Pick<S3, "matches" | "fetch">): HttpHandler[] {
  const answer: HttpResponseResolver = async ({ request }) => {
    const { url, method, headers } = request;
    try {
      return await s3.fetch(url, { method, headers });
    } catch (error) {
      if (error instanceof TypeError) return HttpResponse.error(); // no answer comes
      throw error;
    }
  };

  return [http.all(({ request }) => s3.matches(request.url), answer)];
}

/** A body that never ends. */
export function endlessBody(): ReadableStream<Uint8Array> {
  const chunk = new TextEncoder().encode(" ".repeat(4096));
  return new ReadableStream({ pull: (controller) => controller.enqueue(chunk) });
}
