// Misbehaviours for each property, which show that the property can fail. Each is put around a Worker that is right: none
// knows its code.

import { ORIGINAL } from "./files.ts";
import type { PropertyName } from "./properties.ts";
import { HOST, type Suspect } from "./property.ts";
import { tokenOf, USERS } from "./user-tokens.ts";
import { changed } from "./visit-state.ts";
import type { Worker } from "./world.ts";

type Fetch = Worker["fetch"];
type Sabotage = (suspect: Suspect) => Suspect;

/** Puts something around the gateway. */
const around =
  (wrap: (fetch: Fetch) => Fetch): Sabotage =>
  (suspect) => ({ ...suspect, worker: { ...suspect.worker, fetch: wrap(suspect.worker.fetch) } });

type Change = { status?: number; headers?: Record<string, string>; body?: string };

/** Changes answers. A header of "" is removed. */
const changingAnswer = (change: (answer: Response, request: Request) => Change | false) =>
  around((fetch) => async (request, env, context) => {
    const answer = await fetch(request, env, context);
    const changes = change(answer, request);
    if (!changes) return answer;
    const headers = changed(answer.headers, changes.headers ?? {});
    const { status = answer.status, body = answer.body } = changes;
    return new Response(status === 304 ? null : body, { status, headers });
  });

/** Changes requests: their URL, or their headers. */
const changingRequest = (change: (url: string, headers: Headers) => string) =>
  around((fetch) => (request, env, context) => {
    const headers = new Headers(request.headers);
    const url = change(request.url, headers);
    return fetch(new Request(url, { method: request.method, headers }), env, context);
  });

/** Does something more after each answer that is an image. */
const after = (work: (env: object) => Promise<unknown>) =>
  around((fetch) => async (request, env, context) => {
    const answer = await fetch(request, env, context);
    if (answer.status === 200) await work(env);
    return answer;
  });

/** Nobody shares anything. */
const withoutCache = around(
  (fetch) => (request, env, context) => fetch(request, env, { ...context, exports: {} }),
);

/** An isolate answers the same path for ever as it did first. */
const repeating = around((fetch) => {
  const answers = new WeakMap<object, Map<string, Response>>();
  return async (request, env, context) => {
    const { pathname } = new URL(request.url);
    const remembered = answers.get(env) ?? new Map<string, Response>();
    answers.set(env, remembered);
    const answer = remembered.get(pathname) ?? (await fetch(request, env, context));
    remembered.set(pathname, answer);
    return answer.clone();
  };
});

/** All variants of an object are the one that was asked for first. */
const oneVariant = around((fetch) => {
  const first = new Map<string, string>();
  return (request, env, context) => {
    const loopback = context.exports?.Renditions;
    if (!loopback) return fetch(request, env, context);
    const shared = (input: Request | string, init?: RequestInit) => {
      const object = `${input}`.replace(/\?.*/, "");
      const url = first.get(object) ?? `${input}`;
      first.set(object, url);
      return loopback.fetch(url, init);
    };
    const Renditions = { ...loopback, fetch: shared };
    return fetch(request, env, { ...context, exports: { Renditions } });
  };
});

/** Objects seem to be as they should be, whatever S3 says. */
const believing = around((fetch) => async (request, env, context) => {
  const { fetch: realFetch } = globalThis;
  globalThis.fetch = async (...args) => {
    const { body, status, headers } = await realFetch(...args);
    const plain = new Headers(headers);
    plain.delete("content-encoding");
    return new Response(body, { status, headers: plain });
  };
  try {
    return await fetch(request, env, context);
  } finally {
    globalThis.fetch = realFetch;
  }
});

const isKept = ({ headers }: Response) => /stored/.test(headers.get("server-timing") ?? "");
const isImage = ({ headers }: Response) => /^image\//.test(headers.get("content-type") ?? "");
const BUCKET = "https://acme-media.s3.eu-west-1.amazonaws.com/";
const FOREIGN = { authorization: "AWS4-HMAC-SHA256 Credential=AKIAQYLPMN5HHHFPTYPO/20261124" };

type Route = { readonly answers?: object };

/** All routes have the policy of the first one. */
const withOnePolicy: Sabotage = (suspect) => {
  const isolates = new WeakMap<object, object>();
  const alike = (env: object) => {
    const { ROUTES: routes = [] }: { readonly ROUTES?: readonly Route[] } = env;
    const ROUTES = routes.map((route) => ({ ...route, answers: routes[0]?.answers ?? {} }));
    const isolate = isolates.get(env) ?? { ...env, ROUTES };
    isolates.set(env, isolate);
    return isolate;
  };
  const { fetch } = suspect.worker;
  class Renditions extends suspect.worker.Renditions {
    constructor(context: ExecutionContext, env: object) {
      super(context, alike(env));
    }
  }
  const worker = { ...suspect.worker, Renditions };
  return {
    ...suspect,
    worker: { ...worker, fetch: (request, env, context) => fetch(request, alike(env), context) },
  };
};

const withoutVary = changingAnswer(() => ({ headers: { vary: "" } }));

/** All caches may keep what they may not. */
const storedByAll = changingAnswer(({ headers }) => {
  const caching = headers.get("cache-control") ?? "";
  return { headers: { "cache-control": caching.replace("private", "public") } };
});

/** A condition is answered before the token is checked. */
const unchangedFirst = around((fetch) => {
  const etags = new WeakMap<object, Map<string, string>>();
  return async (request, env, context) => {
    const ofUrls = etags.get(env) ?? new Map<string, string>();
    etags.set(env, ofUrls);
    const etag = ofUrls.get(request.url);
    const isUnchanged = etag && request.headers.get("if-none-match")?.includes(etag);
    if (isUnchanged) return new Response(null, { status: 304, headers: { etag } });

    const answer = await fetch(request, env, context);
    const sent = answer.headers.get("etag");
    if (sent) ofUrls.set(request.url, sent);
    return answer;
  };
});

/** A token of any user opens the pictures of all users. */
const withoutClaims = around((fetch) => async (request, env, context) => {
  const tokens = await Promise.all(USERS.map(rightTokenOf));
  const owner = USERS.find((user) => request.url.startsWith(`${HOST}/users/${user}/`));
  const sent = `${request.headers.get("cookie")} ${request.headers.get("authorization")}`;
  const isOfUser = tokens.some((token) => sent.includes(token));
  const forwarded = new Request(request);
  if (owner && isOfUser) {
    forwarded.headers.set("authorization", `Bearer ${await rightTokenOf(owner)}`);
  }
  return fetch(forwarded, env, context);
});

const rightTokenOf = (user: (typeof USERS)[number]) =>
  tokenOf({ user, issuer: "login", kind: "right" });

/** Who has opened a URL has opened it for all. */
const openForAll = around((fetch) => {
  const opened = new WeakMap<object, Map<string, Headers>>();
  return async (request, env, context) => {
    const ofUrls = opened.get(env) ?? new Map<string, Headers>();
    opened.set(env, ofUrls);
    const headers = ofUrls.get(request.url) ?? request.headers;
    const forwarded = new Request(request);
    for (const name of ["cookie", "authorization"]) {
      forwarded.headers.set(name, headers.get(name) ?? "");
    }
    const answer = await fetch(forwarded, env, context);
    if (answer.status === 200) ofUrls.set(request.url, forwarded.headers);
    return answer;
  };
});

const fallbackForAll = changingAnswer(
  ({ status }) => status === 404 && { headers: { "content-type": "image/png" }, body: "fallback" },
);

const SABOTAGE: Readonly<Record<PropertyName, Sabotage | readonly Sabotage[]>> = {
  answers: changingAnswer(({ status }) => status === 404 && { status: 500 }),
  fallbacks: changingAnswer((answer) => isImage(answer) && { status: 200 }),
  retries: around((fetch) => async (...args) => {
    for (let times = 0; times < 4; times++) await (await fetch(...args)).text();
    return fetch(...args);
  }),
  bounds: after(() => fetch(`${BUCKET}outside.jpg`)),
  originals: changingAnswer((answer) => isImage(answer) && { body: ORIGINAL }),
  free: changingAnswer(({ status }) => status === 404 && { body: "No such preset\n" }),
  silence: changingAnswer(() => ({ headers: { "x-amz-id-2": "4442587F" } })),
  spellings: changingRequest((url) => url.toLowerCase()),
  signatures: changingRequest((url) => url.replace(/\/private\/|\/secret\//, "/images/")),
  expiry: changingAnswer(() => ({ headers: { "cache-control": "public, max-age=86400" } })),
  cookies: changingRequest((url, headers) => {
    return headers.has("cookie") ? url.replace("/album/", "/images/") : url;
  }),
  tokens: changingRequest((url, headers) => {
    return headers.has("authorization") ? url.replace("/users/alice/", "/open/") : url;
  }),
  formats: changingAnswer(() => ({ headers: { vary: "" } })),
  pages: changingRequest((url, headers) => {
    for (const name of ["origin", "referer", "sec-fetch-site"]) headers.delete(name);
    return url;
  }),
  readers: changingAnswer(
    ({ status }) => status === 404 && { headers: { "access-control-allow-origin": "" } },
  ),
  certain: changingAnswer(
    ({ status }) => status >= 400 && { headers: { "cache-control": "public" } },
  ),
  same: oneVariant,
  once: withoutCache,
  purged: (suspect) => {
    class Renditions extends suspect.worker.Renditions {
      override purge = async () => ({ success: true, errors: [] });
    }
    return { ...suspect, worker: { ...suspect.worker, Renditions } };
  },
  hidden: changingAnswer(() => ({ headers: { "cf-cache-status": "HIT" } })),
  short: repeating,
  policies: withOnePolicy,
  outages: withoutCache,
  facts: changingRequest((url) => url.replace(/\?facts.*/i, "?facts")),
  lengths: believing,
  fresh: repeating,
  conditions: changingAnswer((_, { headers }) => headers.has("if-none-match") && { status: 304 }),
  slots: after(() => fetch(`${BUCKET}published/a.jpg`, { headers: FOREIGN })),
  stored: changingAnswer(
    (answer) => isKept(answer) && { headers: { "cache-control": "immutable" } },
  ),
  bytes: after(async (env) => {
    if ("RENDITIONS" in env) await (env.RENDITIONS as R2Bucket).put("half", "a picture");
  }),
  users: [withoutVary, storedByAll, unchangedFirst, withoutClaims, openForAll, fallbackForAll],
  private: [
    ...[withoutVary, storedByAll],
    changingAnswer(() => ({ headers: { "cross-origin-resource-policy": "cross-origin" } })),
    changingAnswer(() => ({ headers: { "access-control-allow-origin": "*" } })),
  ],
};

/** The misbehaviours that a property must find. */
export const sabotagesOf = (property: PropertyName): readonly Sabotage[] =>
  [SABOTAGE[property]].flat();
