// Finds a key for each request, in the Workers runtime: /NAME?kid=one among the keys of that name. A request with `leave`
// begins a fetch of the keys that nothing keeps alive, and ends as soon as GATE answers: as if the runtime ended it.

import { findKey, type KeyScope } from "../../src/worker/request/token-keys.ts";

const HOST = "https://login.example.com";
const GATE = `${HOST}/gate`;
const config = {};

export default {
  async fetch(request, _env, context) {
    const { pathname, searchParams } = new URL(request.url);
    const kid = searchParams.get("kid") ?? "one";
    const find = (keyContext: KeyScope["context"]) => {
      const scope = { context: keyContext, deadline: Date.now() + 10_000, config };
      return findKey(HOST + pathname, { alg: "ES256", kid }, scope);
    };

    if (pathname === "/ping") return new Response("pong");

    if (searchParams.has("leave")) {
      void find({ waitUntil: () => {} });
      return fetch(GATE);
    }

    const { kind } = await find(context);
    return new Response(kind);
  },
} satisfies ExportedHandler;
