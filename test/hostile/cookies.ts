// The property of the cookie that opens an album. Each input has fifty hostile cookies.

import assert from "node:assert/strict";
import fc from "fast-check";
import { cookieValue, SIGNING_KEYS, type Signed } from "../support/cookie.ts";
import { mood } from "./inputs.ts";
import { HOST, property, type Suspect } from "./property.ts";
import { isKey, NEAR, spellPath } from "./spelling.ts";
import { type Mood, NOW_S } from "./visit-state.ts";
import { CONFIG, createIsolate, sendRequest, tally } from "./world.ts";

const SIGNED = { object: "media/*", signed: true, cookie: true, max_age: 7200 };
/** Two routes that a cookie opens, beside the others. A gateway that makes all renditions itself is faster. */
const ALBUMS = {
  ...CONFIG,
  ROUTES: [
    ...CONFIG.ROUTES,
    { path: "/album/:preset/*", ...SIGNED },
    { path: "/albums/:preset/*", ...SIGNED },
  ],
  ANSWERS: { ...CONFIG.ANSWERS, keep: 0 },
};
const HOUR = NOW_S + 3600;
/** How many cookies of the name the Worker tries: a request has as many. */
const MAX_COOKIES = 10;

const folder = fc.constantFrom(
  ...["a", "ab", "A", "é", "e\u0301", "a b", "a%2Fb", "%2e%2e", "...", "+", "\ufeffa", "😀"],
);

/** Prefixes that are like a right one, and perhaps open the same. */
const PREFIXES: readonly ((prefix: string, rest: string) => string)[] = [
  ...NEAR.map((change) => (prefix: string) => `${change(prefix.slice(0, -1))}/`),
  (prefix) => prefix.slice(0, -1),
  (prefix) => prefix.slice(0, -2),
  (prefix) => `${prefix.slice(0, -2)}/`,
  (prefix) => `${prefix.slice(0, -1)}b/`,
  (prefix) => `/${prefix}`,
  (prefix) => `./${prefix}`,
  (prefix) => `${prefix}/`,
  (prefix) => `${prefix}../${prefix}`,
  (prefix) => `${prefix}\0/`,
  (prefix) => prefix.replaceAll("/", "\\"),
  (prefix) => prefix.replaceAll("/", "%2F"),
  (prefix) => prefix.replace("/", "\uff0f"),
  (prefix) => `published/${prefix}`,
  (prefix) => `media/${prefix}`,
  (_, rest) => rest,
  (_, rest) => `${rest}/`,
  () => "",
  () => "/",
  () => "*",
  () => "*/",
];

const FOREIGN: readonly Partial<Signed>[] = [
  ...["images.example:443", "images.example:8443", "IMAGES.example", "images.example.", "example"],
  ...["www.images.example", "https://images.example", "images-staging.example", ""],
].map((host): Partial<Signed> => ({ host }));
const ROUTES = ["/albums/:preset/*", "/private/:preset/*", "/album/:preset/", "/album/card/*"];
const FOREIGN_TIMES = [0, 1, NOW_S - 1, NOW_S, NOW_S + 7201, NOW_S + 86_400, 999_999_999_999];
const FOREIGN_KEYS: readonly Partial<Signed>[] = [
  { kid: "old", secret: SIGNING_KEYS["new"] ?? "" },
  { kid: "newest", secret: SIGNING_KEYS["new"] ?? "" },
  { secret: "a-key-of-another-environment-0000001" },
  { secret: "x" },
];
const CHANGED_PARTS: readonly Partial<Signed>[] = [
  ...FOREIGN,
  ...ROUTES.map((route) => ({ route })),
  ...FOREIGN_TIMES.map((expires) => ({ expires })),
  ...FOREIGN_KEYS,
];

const SIGNS = "ABCyz019-_.+/=%~\" ,:'(";
const insert = (value: string, at: number, text: string, cut = 0) =>
  value.slice(0, at) + text + value.slice(at + cut);

const partsOf = (value: string, change: (parts: string[]) => string[]) =>
  change(value.split(".")).join(".");

/** Ways to spell a right value otherwise, or to change it. Each is given a place in it and a number. */
const CHANGES: readonly ((value: string, at: number, how: number) => string)[] = [
  (value, at, how) =>
    insert(value, at, String.fromCharCode(value.charCodeAt(at) ^ (1 << (how % 8))), 1),
  (value, at, how) => insert(value, at, SIGNS[how % SIGNS.length] ?? "", 1),
  (value, at, how) => insert(value, at, SIGNS[how % SIGNS.length] ?? ""),
  (value, at) => insert(value, at, "", 1),
  (value, at, how) => value.slice(0, at) + value.slice(how % value.length),
  (value, at) => insert(value, at, `%${value.charCodeAt(at).toString(16)}`, 1),
  (value, at) => value.slice(0, at) + value.slice(at).toUpperCase(),
  (value, at) => value.slice(0, at) + value.slice(at).toLowerCase(),
  (value) => `"${value}"`,
  (value, at) => `${value.slice(at)}${value}`,
  (value) => encodeURIComponent(`${value}=`),
  (value) => Buffer.from(value).toString("base64url"),
  (value, _, how) => partsOf(value, (parts) => parts.toSorted(() => (how & 1) - 0.5)),
  (value, _, how) => partsOf(value, (parts) => parts.toSpliced(how % 4, 1)),
  (value, _, how) => partsOf(value, (parts) => parts.toSpliced(how % 4, 1, "")),
  (value) => value.replace(/^\d+/, (exp) => `${Number(exp) + 1}`),
  (value) => value.replace(".new.", ".old."),
  (value) => value.replace(/[^.]+(?=\.[^.]+$)/, (prefix) => `${prefix}AA`),
  (value) => value.replace(/[^.]+$/, (sig) => sig.repeat(2)),
  (value) => value.replace(/[^.]+$/, "A".repeat(43)),
  (value) => `${value.slice(0, -1)}${String.fromCharCode(value.charCodeAt(value.length - 1) + 1)}`,
];

/** Whether a cookie that is signed rightly opens something: by the rules alone, not by the code of the Worker. */
const opens = (prefix: string, rest: string) =>
  prefix.endsWith("/") && isKey(prefix.slice(0, -1)) && rest.startsWith(prefix) && rest !== prefix;

type Hostile = {
  readonly kind: number;
  readonly which: number;
  readonly at: number;
  readonly how: number;
};

/** @returns undefined if it is right all the same, or no client can send it */
function spoil(signed: Signed, rest: string, hostile: Hostile): string | undefined {
  const { kind, which, at, how } = hostile;
  const right = cookieValue(signed);
  const change = <T>(all: readonly T[]) => all[which % all.length] ?? assert.fail();
  let value = "";
  if (kind === 0) {
    const prefix = change(PREFIXES)(signed.prefix, rest);
    value = opens(prefix, rest) ? "" : cookieValue({ ...signed, prefix });
  } else if (kind === 1) value = cookieValue({ ...signed, ...change(CHANGED_PARTS) });
  else value = change(CHANGES)(right, at % right.length, how);
  // Spaces around it are no part of it.
  const isOther = value.trim() !== right && value !== "";
  return isOther && /^[\t\x20-\x3a\x3c-\x7e\x80-\xff]*$/.test(value) ? value : undefined;
}

async function request(
  { worker }: Suspect,
  path: string,
  cookie: string,
  now: Mood,
  isolate: object,
) {
  const request = new Request(HOST + path, { headers: { cookie } });
  return sendRequest(worker, request, now, { isolate });
}

export const ofCookies = {
  cookies: property(
    "a cookie opens the folder that it is signed for, and no other opens anything",
    fc.record({
      folders: fc.array(folder, { minLength: 2, maxLength: 3 }),
      file: fc.constantFrom("c.jpg", "%2e", "a", "é"),
      depth: fc.integer({ min: 1, max: 2 }),
      kid: fc.constantFrom("new", "old"),
      hostile: fc.array(
        fc.record({ kind: fc.nat(3), which: fc.nat(255), at: fc.nat(4095), how: fc.nat(4095) }),
        { minLength: 50, maxLength: 50 },
      ),
      mood,
    }),
    async (suspect, { folders, file, depth, kid, hostile, mood: now }) => {
      const rest = [...folders, file].join("/");
      const prefix = `${folders.slice(0, depth).join("/")}/`;
      const secret = SIGNING_KEYS[kid] ?? assert.fail();
      const scope = { host: "images.example", route: "/album/:preset/*" };
      const signed: Signed = { ...scope, prefix, expires: HOUR, kid, secret };
      const path = spellPath(`/album/card/${rest}`);
      const isolate = createIsolate(ALBUMS);
      const values = hostile.flatMap((one) => spoil(signed, rest, one) ?? []);
      for (let at = 0; at < values.length; at += MAX_COOKIES) {
        const some = values.slice(at, at + MAX_COOKIES);
        tally["hostile cookies"] = (tally["hostile cookies"] ?? 0) + some.length;
        const cookie = some.map((value) => `vitrine=${value}`).join("; ");
        const { answer, calls, bound, logged } = await request(suspect, path, cookie, now, isolate);
        const caching = answer.headers.get("cache-control");
        const result = [answer.status, caching, calls.length, bound.length];
        assert.deepEqual(result, [404, "no-store", 0, 0], cookie);
        const sigs = some.flatMap((value) => /(?<=\.)[\w-]{43}$/.exec(value) ?? []);
        const leaked = sigs.filter((sig) => logged.join().includes(sig));
        assert.deepEqual(leaked, []);
      }
      const cookie = `a=b; vitrine=${cookieValue(signed)}`;
      const { answer, calls, loops } = await request(suspect, path, cookie, now, isolate);
      assert.ok(calls.length > 0, "a right cookie opens nothing");
      const caching = answer.headers.get("cache-control") ?? "";
      assert.match(caching, /^(?:private, max-age=\d+|no-store$)/);
      const sent = [...calls, ...loops].filter(({ headers }) => headers.has("cookie"));
      assert.deepEqual(sent, []);
    },
  ),
};
