// A cache that keeps the rules of HTTP (RFC 9111), between a visitor and the Worker: a browser's own, or one that many
// visitors share. It takes each liberty that the rules leave it. Written by hand: the properties of users must not rely on
// the code that they check.

export type Reply = {
  readonly status: number;
  readonly headers: Headers;
  /** "" for a HEAD and a 304. */
  readonly body: string;
};

/** What is asked next: another cache, or the Worker. */
type Next = (request: Request) => Promise<Reply>;

/** @param now ms since 1970 */
export type HttpCache = (request: Request, now: number, next: Next) => Promise<Reply>;

export type CacheRules = {
  /** Whether many visitors share it. */
  readonly isShared: boolean;
  /** Whether it heeds `vary`. Some CDNs do not, and still heed `private` and `no-store`. */
  readonly heedsVary: boolean;
};

type Entry = {
  /** The headers that `vary` names, as they were in the request for which the reply was sent. */
  readonly varying: readonly (readonly [name: string, value: string | null])[];
  readonly reply: Reply;
  /** ms since 1970 */
  readonly storedAt: number;
};

/** Creates an empty cache. */
export function createHttpCache(rules: CacheRules): HttpCache {
  const entriesByUrl = new Map<string, readonly Entry[]>();

  function store(request: Request, reply: Reply, now: number): void {
    if (request.method !== "GET") return;

    const entries = entriesByUrl.get(request.url) ?? [];
    const others = entries.filter((entry) => !matches(entry, request));
    const isStored = mayStore(request, reply, rules);
    const varying = rules.heedsVary ? varyingOf(request, reply) : [];
    const added = isStored ? [{ varying, reply, storedAt: now }] : [];
    entriesByUrl.set(request.url, [...others, ...added]);
  }

  return async (request, now, next) => {
    const entries = entriesByUrl.get(request.url) ?? [];
    const entry = entries.find((one) => matches(one, request));
    const isReload = request.headers.get("cache-control") === "no-cache";
    if (entry && isFresh(entry, now) && !isReload) return replyFrom(entry, request);

    const conditional = new Request(request);
    const isOwnCondition = request.method === "GET" && !request.headers.has("if-none-match");
    if (isOwnCondition) {
      // An entry for other headers is asked for, too, as Chromium does: the ETag says whether it may be used.
      const etags = entries.flatMap(({ reply }) => reply.headers.get("etag") ?? []);
      if (etags.length > 0) conditional.headers.set("if-none-match", etags.join(", "));
    }

    const reply = await next(conditional);
    if (reply.status === 304) {
      const etag = reply.headers.get("etag");
      const selected = entries.find((one) => one.reply.headers.get("etag") === etag);
      if (!selected || !isOwnCondition) return reply;

      const freshened = { ...selected.reply, headers: merged(selected.reply, reply) };
      store(request, freshened, now);
      return freshened;
    }

    // While the Worker fails, a stale reply may be used if nothing forbids it (4.2.4).
    const mayBeStale = entry && !directivesOf(entry.reply).includes("must-revalidate");
    if (reply.status >= 500 && mayBeStale) return replyFrom(entry, request);

    store(request, reply, now);
    return reply;
  };
}

const listOf = (text: string | null) => (text ?? "").toLowerCase().split(/\s*,\s*/);

const directivesOf = ({ headers }: Reply): readonly string[] =>
  listOf(headers.get("cache-control"));

function varyingOf({ headers }: Request, reply: Reply): Entry["varying"] {
  const names = listOf(reply.headers.get("vary")).filter((name) => name !== "");
  return names.map((name) => [name, headers.get(name)]);
}

function matches({ varying }: Entry, { headers }: Request): boolean {
  return varying.every(([name, value]) => headers.get(name) === value);
}

function lifetimeOf(reply: Reply): number {
  const maxAge = directivesOf(reply).find((directive) => directive.startsWith("max-age="));
  return Number(maxAge?.slice("max-age=".length) ?? 0);
}

const isFresh = ({ reply, storedAt }: Entry, now: number) =>
  now - storedAt < lifetimeOf(reply) * 1000;

/** Returns whether the cache may store a reply (3, 3.5). */
function mayStore({ headers }: Request, reply: Reply, { isShared }: CacheRules): boolean {
  const directives = directivesOf(reply);
  if (directives.includes("no-store")) return false;
  if (!isShared) return true;

  const isForAll = ["public", "must-revalidate"].some((name) => directives.includes(name));
  const isLimited = headers.has("authorization") && !isForAll;
  return !directives.includes("private") && !isLimited;
}

/** The headers of an entry after a 304 (4.3.4). */
function merged(stored: Reply, notModified: Reply): Headers {
  const headers = new Headers(stored.headers);
  for (const [name, value] of notModified.headers) headers.set(name, value);
  return headers;
}

/** Answers by an entry, also the visitor's own condition. */
function replyFrom({ reply }: Entry, { method, headers }: Request): Reply {
  const etag = reply.headers.get("etag");
  const condition = listOf(headers.get("if-none-match"));
  const isUnchanged = etag !== null && condition.includes(etag.toLowerCase());
  if (isUnchanged) return { ...reply, status: 304, body: "" };
  return method === "HEAD" ? { ...reply, body: "" } : reply;
}
