// What has to hold whatever is sent. Each property is given a Worker, so that a broken one can be shown to
// break it.

import assert from "node:assert/strict";
import fc from "fast-check";
import type { Config } from "../../src/config.ts";
import { findFault } from "../edge/s3-auth.ts";
import { CREDENTIALS, HEALTH_TOKEN, NEXT_CREDENTIALS } from "../env.ts";
import {
  type Asked,
  anyText,
  asked,
  type Entry,
  entries,
  knownVariant,
  mood,
  path,
  respell,
  spellEntry,
  spellPath,
  spots,
  toRequest,
  unknownVariant,
} from "./inputs.ts";
import {
  type Call,
  CONFIG,
  type Events,
  NOW,
  ORIGINAL,
  PLACES,
  VARIANTS,
  visit,
  type Worker,
} from "./world.ts";

/** The parts of a Worker that properties look at. */
export type Suspect = {
  readonly worker: Worker;
  readonly config: Config;
  readonly publicPath: typeof import("../../src/public-url.ts").publicPath;
  readonly decodePath: typeof import("../../src/public-url.ts").decodePath;
  readonly encodePath: typeof import("../../src/public-url.ts").encodePath;
  readonly signGrant: typeof import("../../src/signature.ts").signGrant;
  readonly findRoute: typeof import("../../src/route.ts").findRoute;
};

/** What has to hold of an input. `holds` throws where it does not. */
export type Property<Input> = {
  readonly says: string;
  readonly input: fc.Arbitrary<Input>;
  readonly holds: (suspect: Suspect, input: Input) => Promise<void>;
};

const HOST = "https://images.example";
const SIGNING_KEYS: Readonly<Record<string, string>> = JSON.parse(CONFIG.URL_SIGNING_KEYS);
const SECRETS = [
  ...[CREDENTIALS, NEXT_CREDENTIALS].flatMap((keys) => Object.values(keys)),
  ...Object.values(SIGNING_KEYS),
  HEALTH_TOKEN,
];
const PRIVATE = [
  "acme-",
  "amazonaws",
  "other.example",
  "4442587F",
  "x-amz",
  "<Code>",
  "ERROR 9",
  "published/",
];
const STATUSES = [200, 204, 304, 401, 403, 404, 405, 410, 415, 429, 502, 503, 504, 508];
/** What is refused before anything is asked. */
const FREE =
  /"event":"(?:no-such-route|no-such-variant|impossible-key|signature-wrong|url-expired|foreign-page|loop-detected|method-not-allowed|health-denied)"/;

type Visit = Awaited<ReturnType<typeof visit>>;

/** A visit as an input describes it; undefined where nobody could make it. */
async function pay({ worker }: Suspect, input: Asked): Promise<Visit | undefined> {
  const request = toRequest(input);
  return request === undefined ? undefined : visit(worker, request, input.mood);
}

async function get(
  { worker }: Suspect,
  target: string,
  now: Asked["mood"],
  headers: Record<string, string> = {},
): Promise<Visit> {
  return visit(worker, new Request(HOST + target, { headers }), now);
}

const keys = ({ image: { format: _format, anim: _anim, ...rest } = {} }: RequestInitCfProperties) =>
  rest;
const ALLOWED = new Set(
  Object.values(VARIANTS).map((sizes) => JSON.stringify(Object.entries(sizes).sort())),
);

/** That a call asks for what it may, signed as it must be (A1, A2, E1). */
async function checkCall({ url, method, headers, cf, redirect }: Call): Promise<void> {
  const place = Object.values(PLACES).find((begins) => url.startsWith(begins));
  assert.ok(place, `outside of every bucket: ${url}`);
  assert.equal(new URL(url).href, url, "what is signed is not what is sent");
  const [file = "", version, ...more] = url.slice(place.length).split("?");
  assert.ok(more.length === 0 && (version === undefined || /^v=[\w.-]{1,64}$/.test(version)), url);
  assert.match(file, /^(?:[\w.~/-]|%[0-9A-F]{2})+$/);
  for (const part of decodeURIComponent(file).split("/")) {
    assert.ok(!["", ".", ".."].includes(part), `a segment that collapses: ${url}`);
    assert.ok(!/[\p{Cc}\\]/u.test(part), `a control character: ${url}`);
  }
  assert.equal(method, "GET");
  assert.equal(redirect, "manual");
  const names = ["authorization", "x-amz-content-sha256", "x-amz-date"];
  const probe = cf === undefined ? ["range"] : [];
  assert.deepEqual([...headers.keys()].sort(), [...names, ...probe].sort());
  assert.match(
    headers.get("authorization") ?? "",
    /SignedHeaders=host;x-amz-content-sha256;x-amz-date,/,
  );
  const region = url.includes("amazonaws") ? "eu-west-1" : "auto";
  const secrets = [CREDENTIALS, NEXT_CREDENTIALS].map(
    (pair) => [pair.accessKeyId, pair.secretAccessKey] as const,
  );
  const s3 = { keys: new Map(secrets), region, now: NOW, dialect: "r2" } as const;
  headers.delete("range");
  assert.equal(
    await findFault(new Request(url, { headers }), s3),
    undefined,
    "S3 refuses the signature",
  );
  if (cf === undefined) return;
  assert.deepEqual(Object.keys(cf).sort(), ["cacheTtlByStatus", "image"]);
  const { metadata, "origin-auth": auth, ...sizes } = keys(cf);
  assert.deepEqual([metadata, auth], ["none", "share-publicly"]);
  const own = JSON.stringify(Object.entries(sizes).sort());
  assert.ok(ALLOWED.has(own), `options of no variant: ${own}`);
}

const images = fc.tuple(
  fc.constantFrom("/images/", "/app/", "/%C3%B6ffentlich%20%E2%9C%93/"),
  knownVariant,
  fc.array(fc.constantFrom("a", "b c", "ä", "100%"), { minLength: 1, maxLength: 3 }),
);

/** An object as an app means it. */
const object = fc
  .tuple(
    fc.constantFrom(
      "/images/:preset/*",
      "/app/:preset/*",
      "/private/:preset/*",
      "/öffentlich ✓/:preset/*",
    ),
    knownVariant,
    fc
      .array(
        fc.oneof(
          fc.constantFrom(
            "a.jpg",
            "b c",
            "1+1=2",
            "100%",
            "ä",
            "e\u0301",
            "😀",
            "%2e%2e",
            "@",
            "?#",
          ),
          anyText,
        ),
        {
          minLength: 1,
          maxLength: 3,
        },
      )
      .map((parts) => parts.join("/")),
  )
  .filter(([, , key]) => isKey(key));

/** What a key may be, said in another way than the Worker says it. */
function isKey(key: string): boolean {
  return (
    /^[^/]+(?:\/[^/]+)*$/s.test(key) &&
    !/(?:^|\/)\.{1,2}(?:\/|$)/.test(key) &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: these are what a key cannot hold
    !/[\u0000-\u001f\u007f-\u009f\\]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(
      key,
    ) &&
    Buffer.byteLength(key) < 1000
  );
}

/** Keys that look like another one, or that a careless reader makes of it. */
const NEAR: readonly ((key: string) => string)[] = [
  (key) => key.normalize("NFC"),
  (key) => key.normalize("NFD"),
  (key) => key.toUpperCase(),
  (key) => encodeURIComponent(key),
  (key) => key.replaceAll("+", " "),
  (key) => key.replace(/[?#].*/s, ""),
  (key) => key.replace(/.$/s, ""),
  (key) => `${key}.`,
  (key) => `${key} `,
  (key) => `a/${key}`,
];

/** A signed URL, and what is done to it. */
type Tampered = {
  readonly preset: "card" | "hero";
  readonly at: string;
  readonly key: string;
  readonly kid: "new" | "old";
  readonly v: string | null;
  readonly where: number;
  readonly how: number;
  readonly mood: Asked["mood"];
};

const DESCRIPTORS = { card: ["", "@1x", "@2x"], hero: ["", "@640w", "@1920w"] } as const;

/** The ways to change a URL at a place. */
const CHANGES: readonly ((url: string, at: number, how: number) => string)[] = [
  (url, at, how) => replace(url, at, String.fromCharCode(url.charCodeAt(at) ^ (1 << (how % 7)))),
  (url, at, how) => replace(url, at, String.fromCharCode(url.charCodeAt(at) ^ (1 << (how % 7)))),
  (url, at) => replace(url, at, ""),
  (url, at, how) =>
    replace(url, at, url[at] + (["=", "0", "A", "%", "&", "/", ".", "-", "_"][how % 9] ?? "")),
  (url, at, how) => replace(url, at, ["A", "0", "+", "/", "_", "-", "%", "z"][how % 8] ?? ""),
  (url, at) => replace(url, at, `%${url.charCodeAt(at).toString(16).padStart(2, "0")}`),
  (url, at) => url.slice(0, at) + url.slice(at).toUpperCase(),
  (url, at) => url.slice(0, at) + url.slice(at).toLowerCase(),
  (url, _at, how) =>
    url + ["=", "&", "%3D", "&v=1", "&sig=", "#", "&exp=99999999999", "?"][how % 8],
  (url) => url.replace(/(exp=)(\d+)/, (_all, name, time) => name + (Number(time) + 1)),
  (url) => url.replace(/(exp=)/, "$10"),
  (url) => url.replace(/kid=\w+/, (kid) => (kid === "kid=new" ? "kid=old" : "kid=new")),
  (url) => url.replace(/&v=[^&]*/, ""),
  (url) => url.replace("&sig", "&v=7&sig"),
  (url) => url.replace(/card|hero/, (preset) => (preset === "card" ? "hero" : "card")),
  (url, _at, how) =>
    url.slice(0, -1) + "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[how % 64],
  (url) =>
    url.replace(
      /(sig=)(.*)/,
      (_all, name, sig) => name + sig.replaceAll("-", "+").replaceAll("_", "/"),
    ),
  (url) => url.replace(/\?(.*)&(sig=.*)/, "?$2&$1"),
  (url) =>
    url.replace("/private/", "/images/").replace(/\?.*/, "").replace("/images/", "/private/"),
];

function replace(text: string, at: number, by: string): string {
  return text.slice(0, at) + by + text.slice(at + 1);
}

/** A page, of which it is known whether it may embed. */
const page = fc.record({
  scheme: fc.constantFrom("https", "https", "http", "android-app", "data"),
  user: fc.constantFrom("", "", "app.example@", "https%3A%2F%2Fapp.example:x@"),
  host: fc.oneof(
    fc.constantFrom(
      "app.example",
      "images.example",
      "evil.example",
      "app.example.evil.example",
      "evilapp.example",
    ),
    fc.constantFrom(
      "app.exampl",
      "app-example",
      "www.app.example",
      "app.example.",
      "example",
      "app.examplе",
    ),
  ),
  port: fc.constantFrom("", "", ":443", ":8443", ":0"),
  path: fc.constantFrom(
    "",
    "/",
    "/https://app.example/",
    "/?https://app.example",
    "/#https://app.example",
  ),
  as: fc.constantFrom("origin", "referer"),
  site: fc.constantFrom("", "cross-site", "same-site", "same-origin", "none"),
});

type Page = typeof page extends fc.Arbitrary<infer P> ? P : never;

/** Makes a list of properties of what each says, looks at and asks. */
function property<Input>(
  says: string,
  input: fc.Arbitrary<Input>,
  holds: Property<Input>["holds"],
): Property<Input> {
  return { says, input, holds };
}

export const PROPERTIES = {
  answers: property(
    "no input makes the Worker throw, or answer 500",
    asked,
    async (suspect, input) => {
      const happened = await pay(suspect, input);
      if (happened === undefined) return;
      const { answer, body, logged } = happened;
      assert.ok(STATUSES.includes(answer.status), `${answer.status}`);
      if (input.method === "HEAD") assert.equal(body, "");
      for (const [name, value] of answer.headers)
        assert.doesNotMatch(name + value, /set-cookie|[\r\n]/);
      for (const line of logged) assert.equal(typeof JSON.parse(line).event, "string");
    },
  ),
  bounds: property(
    "every origin URL lies under bucket and prefix, is of a configured variant, and is signed by the three headers",
    asked,
    async (suspect, input) => {
      const happened = await pay(suspect, input);
      for (const call of happened?.calls ?? []) await checkCall(call);
    },
  ),
  originals: property(
    "no answer holds a byte of an original",
    fc.record({
      asked,
      object,
      accept: fc.constantFrom("image/avif,image/webp", "image/webp", "*/*"),
    }),
    async (suspect, { asked: any, object: [route, name, key], accept }) => {
      const happened = await pay(suspect, any);
      assert.ok(!happened?.body.includes(ORIGINAL));
      // And what is most likely to be one: an object as an app asks for it.
      const target = spellPath(route.replace(":preset", name).replace("*", key));
      const likely = await get(suspect, target, any.mood, { accept });
      assert.ok(!likely.body.includes(ORIGINAL));
    },
  ),
  spellings: property(
    "the same variant of the same object is the same origin URL, and of another object another",
    fc.record({ object, turn: fc.nat(255), first: spots, second: spots, query: anyText, mood }),
    async (suspect, { object: [route, name, key], turn, first, second, query, mood: now }) => {
      if (route.startsWith("/private")) return;
      const prefix = spellPath(route.replace(":preset/*", ""));
      const spell = (of: string, where: readonly number[]) =>
        `${prefix}${name}/${respellEncoded(encodeURIComponent(of), where)}`;
      const one = await get(suspect, spell(key, first), now);
      const same = await get(
        suspect,
        `${spell(key, second)}?v=${encodeURIComponent(query.toWellFormed())}`,
        now,
        {
          "user-agent": "another",
          range: "bytes=0-9",
        },
      );
      const seen = ({ calls }: Events) =>
        calls.map(({ url, cf }) => [url, cf && JSON.stringify(keys(cf))]);
      assert.ok(one.calls.length > 0, "nothing was asked for");
      assert.deepEqual(seen(same), seen(one));
      const near = NEAR[turn % NEAR.length]?.(key) ?? assert.fail();
      if (near === key || !isKey(near)) return;
      const another = await get(suspect, spell(near, first), now);
      assert.notEqual(another.calls[0]?.url, one.calls[0]?.url);
    },
  ),
  signatures: property(
    "a changed bit anywhere in a signed URL is refused, and another descriptor is not",
    fc.record({
      preset: fc.constantFrom("card", "hero"),
      at: fc.constantFrom("", "@1x", "@2x", "@640w", "@1920w"),
      key: object.map(([, , key]) => key),
      kid: fc.constantFrom("new", "old"),
      v: fc.constantFrom(null, null, "1", "a.b-c_d"),
      where: fc.nat(4095),
      how: fc.nat(4095),
      mood,
    }) satisfies fc.Arbitrary<Tampered>,
    async (suspect, { preset, at, key, kid, v, where, how, mood: now }) => {
      const descriptors: readonly string[] = DESCRIPTORS[preset];
      const variant = preset + (descriptors.includes(at) ? at : "");
      const grant = { ...{ route: "/private/:preset/*", preset, key }, version: v ?? undefined };
      const secret = SIGNING_KEYS[kid] ?? assert.fail();
      const query = await suspect.signGrant(
        { ...grant, expires: NOW / 1000 + 3600 },
        { kid, secret },
      );
      const of = (name: string) => spellPath(`/private/${name}/${key}`) + query;
      const url = of(variant);
      const right = await get(suspect, url, now);
      assert.ok(right.calls.length > 0, "a right URL is refused");
      const change = CHANGES[how % CHANGES.length] ?? assert.fail();
      const changed = change(url, 1 + (where % (url.length - 1)), how);
      if (!URL.canParse(HOST + changed) || !changed.startsWith("/")) return;
      const { origin, pathname, search } = new URL(HOST + changed);
      const same =
        origin === HOST && descriptors.some((name) => of(preset + name) === pathname + search);
      if (same || origin !== HOST || !pathname.startsWith("/private/")) return;
      const { answer, calls } = await get(suspect, changed, now);
      assert.deepEqual([answer.status, calls.length], [404, 0], changed);
    },
  ),
  ends: property(
    "a signed URL shows nothing once it has expired, and nothing that it shows is kept for longer",
    fc.record({ asked, object, accept: fc.constantFrom("image/avif", "*/*") }),
    async (suspect, { asked: { signed, mood: now }, object: [, name, key], accept }) => {
      const ahead = signed ?? 600;
      const grant = { route: "/private/:preset/*", preset: name.replace(/@.*/, ""), key };
      const secret = SIGNING_KEYS["old"] ?? assert.fail();
      const version = now.s3 % 2 === 0 ? undefined : "1";
      const expires = NOW / 1000 + ahead;
      const query = await suspect.signGrant({ ...grant, expires, version }, { kid: "old", secret });
      const target = spellPath(`/private/${name}/${key}`) + query;
      const { answer, calls } = await get(suspect, target, now, { accept });
      const kept = answer.headers.get("cache-control") ?? assert.fail("cache-control is missing");
      const seconds = Number(/max-age=(\d+)/.exec(kept)?.[1] ?? 0);
      if (ahead <= 0) {
        assert.deepEqual([answer.status, calls.length, kept], [410, 0, "no-store"]);
      } else if (ahead > 86_400) {
        assert.deepEqual([answer.status, calls.length], [404, 0]);
      } else {
        assert.ok(calls.length > 0 && seconds <= ahead, kept);
        assert.equal(kept.includes("immutable"), answer.status === 200 && version !== undefined);
      }
    },
  ),
  inverses: property(
    "to parse a public URL and to build it are inverses",
    fc.record({ object, path }),
    async ({ config, publicPath, decodePath, encodePath, findRoute }, input) => {
      const [at, variant, key] = input.object;
      const route = config.routes.find(({ path: known }) => known === at) ?? assert.fail();
      const built = publicPath(config.routes, route, variant, key) ?? assert.fail("no path");
      assert.equal(new URL(HOST + built).pathname, built);
      const read = decodePath(built);
      assert.ok(typeof read === "string");
      assert.deepEqual(findRoute(config.routes, read), { route, variant, key });
      assert.equal(encodePath(read), built);
      assert.equal(built, spellPath(read));

      if (!URL.canParse(HOST + input.path)) return;
      const decoded = decodePath(new URL(HOST + input.path).pathname);
      const found = typeof decoded === "string" ? findRoute(config.routes, decoded) : undefined;
      if (typeof decoded !== "string" || found === undefined || !("route" in found)) return;
      if (!isKey(found.key) || found.variant === "") return;
      // Where a part of the path is no part of the key, or two are one, another path may be built.
      const again = publicPath(config.routes, found.route, found.variant, found.key);
      if (again === undefined) assert.match(found.route.path, /:a\/:b|:slug/);
      else if (!/:a\/:b|:slug/.test(found.route.path)) assert.equal(again, spellPath(decoded));
    },
  ),
  formats: property(
    "Accept of any shape ends in a format that the browser named, or in none",
    fc.record({
      all: entries,
      text: anyText,
      presets: fc.constantFrom("card", "card@2x", "moving"),
      mood,
    }),
    async (suspect, { all, text, presets: name, mood: now }) => {
      const plain = text.replace(/[^\x20-\x7e]/g, "");
      for (const accept of [all.map(spellEntry).join(",").trim(), plain]) {
        const { answer, calls } = await get(suspect, `/images/${name}/a.jpg`, now, { accept });
        const named = accept === plain ? namedIn(plain) : namedBy(all);
        for (const { cf } of calls) {
          const format = cf?.image?.format;
          if (format === "avif" || format === "webp")
            assert.ok(named.has(`image/${format}`), `${format} of ${accept}`);
        }
        const type = answer.headers.get("content-type") ?? "";
        if (answer.status === 200 && !["image/jpeg", "image/png"].includes(type)) {
          assert.ok(named.has(type), `${type} to ${accept}`);
        }
      }
    },
  ),
  free: property(
    "what cannot be costs no subrequest, and is one and the same 404",
    fc.record({
      asked,
      images,
      wrong: unknownVariant,
      bad: fc.constantFrom(...impossible()),
      side: fc.nat(3),
      mood,
    }),
    async (suspect, { asked: any, images: [prefix, name, key], wrong, bad, side, mood: now }) => {
      const happened = await pay(suspect, any);
      if (happened?.logged.some((line) => FREE.test(line))) {
        assert.deepEqual([happened.calls.length, happened.limited.length], [0, 0]);
      }
      const parts = key.map((part) => encodeURIComponent(part.toWellFormed()));
      const rest = side === 0 ? [bad, ...parts] : side === 1 ? [...parts, bad] : parts;
      const unknown = side > 1;
      const target = `${prefix}${unknown ? encodeURIComponent(wrong.toWellFormed()) : name}/${rest.join("/")}`;
      const { answer, body, calls, limited } = await get(suspect, target, now);
      assert.deepEqual(
        [answer.status, body, calls.length, limited.length],
        [404, "Not found\n", 0, 0],
        target,
      );
    },
  ),
  silence: property(
    "no answer and no line of the log tells a secret, and no answer where the originals are",
    asked,
    async (suspect, input) => {
      const happened = await pay(suspect, input);
      if (happened === undefined) return;
      const head = JSON.stringify([...happened.answer.headers]);
      for (const word of SECRETS) {
        for (const said of [head, happened.body, ...happened.logged])
          assert.ok(!said.includes(word), word);
      }
      for (const word of PRIVATE)
        assert.ok(!(head + happened.body).includes(word), `${word} in ${head}`);
    },
  ),
  pages: property(
    "of pages, none but those of origins get anything on a route that has some",
    fc.record({ page, mood }),
    async (suspect, { page: from, mood: now }) => {
      const url = `${from.scheme}://${from.user}${from.host}${from.port}`;
      const header = from.as === "origin" ? url : url + from.path;
      if (/[^\x20-\x7e]/.test(header)) return;
      const site: Record<string, string> = from.site === "" ? {} : { "sec-fetch-site": from.site };
      const { answer, calls } = await get(suspect, "/app/card/a.jpg", now, {
        [from.as]: header,
        ...site,
      });
      if (isKnown(from)) assert.notEqual(answer.status, 403, header);
      else assert.deepEqual([answer.status, calls.length], [403, 0], header);
      const allowed = answer.headers.get("access-control-allow-origin");
      assert.ok(allowed === null || allowed === "https://app.example");
    },
  ),
};

/** What `encodeURIComponent` left as it is may be encoded, too. */
function respellEncoded(text: string, where: readonly number[]): string {
  const parts = text.match(/%..|./g) ?? [];
  for (const at of where) {
    const index = at % Math.max(1, parts.length);
    const part = parts[index] ?? "";
    if (part.length === 1) parts[index] = respell(part, [at % 5 === 0 ? at + 1 : at]);
    else if (part === "%2F") parts[index] = "/";
    else parts[index] = part.toLowerCase();
  }
  return parts.join("");
}

/** Whether an origin, or a referer, is of a page that may embed. */
function isKnown({ scheme, user, host, port, as }: Page): boolean {
  const known = host === "app.example" || host === "images.example";
  const plain = port === "" || (as === "referer" && port === ":443");
  return scheme === "https" && known && plain && (user === "" || as === "referer");
}

/** What a list of entries names with a quality above 0. */
function namedBy(all: readonly Entry[]): ReadonlySet<string> {
  const named = all.filter(({ q }) => q === null || ["1", "0.001", "1.000"].includes(q));
  return new Set(named.map(({ type }) => type.toLowerCase()));
}

/** What an Accept header of any shape may name at the most. */
function namedIn(accept: string): ReadonlySet<string> {
  return new Set(
    ["image/avif", "image/webp"].filter((type) => accept.toLowerCase().includes(type)),
  );
}

/** Segments that no key can have, encoded so that no URL parser takes them away. */
function impossible(): string[] {
  return [
    ...[
      "..%2f..",
      "%2e%2e%2f",
      "a%2f%2e",
      "..%5c",
      "a%5cb",
      "%00",
      "a%0d%0ab",
      "%1f",
      "%7f",
      "%c2%85",
    ],
    ...[
      "%",
      "%4",
      "%zz",
      "%ff",
      "%c0%ae%c0%ae",
      "%c0%af",
      "%e0%80%ae",
      "%ed%a0%80",
      "%f0%9f%98",
      "%2f",
    ],
    ...["a%2f%2fb", "k".repeat(1025), "%F0%9F%98%80".repeat(300)],
  ];
}

export type PropertyName = keyof typeof PROPERTIES;

export function isPropertyName(name: string): name is PropertyName {
  return Object.hasOwn(PROPERTIES, name);
}

export const PROPERTY_NAMES = Object.keys(PROPERTIES).filter(isPropertyName);
