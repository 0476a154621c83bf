// Waits in each request for work that requests share, in the Workers runtime: /NAME?kid=one finds a key among the keys of
// that name, and /role/NAME gets credentials of the role of that name. A request with `leave` begins work that nothing
// keeps alive, and ends as soon as GATE answers: as if the runtime ended it.

import type { Role } from "../../src/worker/config/bucket.ts";
import type { RequestScope } from "../../src/worker/http/send.ts";
import { getSession } from "../../src/worker/origin/get-session.ts";
import { roleMemoryOf } from "../../src/worker/origin/memories.ts";
import { isStsFailure } from "../../src/worker/origin/session.ts";
import { findKey } from "../../src/worker/request/token-keys.ts";

const HOST = "https://outside.example.com";
const GATE = `${HOST}/gate`;
const config = {};
const roles = new Map<string, Role>();

function roleOf(path: string, pem: string): Role {
  const existing = roles.get(path);
  if (existing) return existing;

  const issuer = { issuer: HOST, subject: "vitrine", audience: "sts.amazonaws.com" };
  const keys = [{ secret: "OIDC_SIGNING_KEY", pem }];
  const role = { arn: path, sts: HOST + path, oidc: { ...issuer, keys, mistakes: [] } };
  roles.set(path, role);
  return role;
}

/** @returns what kind of thing it got */
async function work(
  { pathname, searchParams }: URL,
  pem: string,
  context: RequestScope["context"],
) {
  const scope = { context, deadline: Date.now() + 10_000 };
  if (pathname.startsWith("/role/")) {
    const session = await getSession(roleMemoryOf(roleOf(pathname, pem)), scope);
    return isStsFailure(session) ? session.code : "session";
  }

  const kid = searchParams.get("kid") ?? "one";
  const { kind } = await findKey(HOST + pathname, { alg: "ES256", kid }, { ...scope, config });
  return kind;
}

export default {
  async fetch(request, { PEM }, context) {
    const url = new URL(request.url);
    if (url.pathname === "/ping") return new Response("pong");

    if (url.searchParams.has("leave")) {
      void work(url, PEM, { waitUntil: () => {} });
      return fetch(GATE);
    }

    return new Response(await work(url, PEM, context));
  },
} satisfies ExportedHandler<{ PEM: string }>;
