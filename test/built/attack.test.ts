// What hostile visitors, and an edge that lies, get out of the built Worker in workerd. Nothing in front of it
// changes a request.

import { expect, test } from "vitest";
import { type Grant, signGrant } from "../../src/url/grant.ts";
import { cookieValue } from "../support/cookie.ts";
import { ENV, HEALTH_TOKEN, PURGE_TOKEN, SECRETS } from "../support/env.ts";
import { useOutbound } from "../support/outbound.ts";

const KEY = "/images/card/key.jpg";
const SIGNED = ["authorization", "x-amz-content-sha256", "x-amz-date"];
const ORIGINAL = "THE-ORIGINAL";
const FROM_RUNTIME: ReadonlySet<string> = new Set(["host", "cache-control", "pragma"]);

const ALBUM = { path: "/album/:preset/*", object: "media/*", signed: true, cookie: true };
const EVER = {
  ...{ path: "/ever/:preset/*", object: "media/*" },
  answers: { keep: 604_800, immutable: true },
};
const { edge, send } = useOutbound({
  ...{ ...ENV, ROUTES: [...ENV.ROUTES, ALBUM, EVER], ANSWERS: { timeout: 2 } },
  ...{ HEALTH_TOKEN, PURGE_TOKEN },
});

const ask = (target: string, headers: readonly string[] = [], method = "GET", body = "") => {
  const lines = [`${method} ${target} HTTP/1.1`, "host: images.example", "connection: close"];
  const length = body === "" ? [] : [`content-length: ${body.length}`];
  return send(`${[...lines, ...length, ...headers].join("\r\n")}\r\n\r\n${body}`);
};

/** The names of an answer's headers, in lower case. */
const namesIn = (text: string) =>
  [...(text.split("\r\n\r\n")[0] ?? "").matchAll(/^([\w-]+):/gm)].map(([, name = ""]) =>
    name.toLowerCase(),
  );

test.each<[what: string, headers: string[]]>([
  ["a part", ["range: bytes=0-3", "if-range: x"]],
  ["a condition", ["if-match: x", "if-unmodified-since: Mon, 01 Jan 1990 00:00:00 GMT"]],
  ["a websocket", ["upgrade: websocket", "sec-websocket-version: 13", "sec-websocket-key: eA=="]],
  ["credentials", ["authorization: AWS4-HMAC-SHA256 x", "x-amz-security-token: x"]],
  ["another host", ["x-forwarded-host: evil.example", "x-original-url: /purge"]],
  ["caching", ["cookie: a=b", "cache-control: no-cache", "pragma: no-cache"]],
  ["Vitrine's own", ["vitrine-left: 0", "vitrine-no-engine: 1", "cf-cache-status: HIT"]],
  ["other types", ["accept: text/html, image/svg+xml", "accept-encoding: zstd"]],
  ["100 KB", [`accept: ${"image/avif,".repeat(3_000)}`, `x: ${"a".repeat(70_000)}`]],
])("a visitor's headers about %s go no further, and change nothing", async (_what, headers) => {
  const [plain, other] = [await ask(KEY), await ask(KEY, headers)];
  expect([other.status, namesIn(other.text)]).toEqual([200, namesIn(plain.text)]);
  expect(other.text).toContain("a rendition");
  const [head, first, secondHead, second] = edge.sent();
  expect([secondHead, second]).toEqual([head, first]);
  const toS3 = ["accept-encoding", ...SIGNED, "range"].sort();
  for (const [sent, names] of [
    [head, toS3],
    [first, SIGNED],
  ] as const) {
    expect(sent?.names.filter((name) => !FROM_RUNTIME.has(name))).toEqual(names);
  }
});

test.each(["", "?keep=0", "?v=7", "?x&keep=1&stale=0&stale_if_error=0"])(
  "for how long a picture is kept is the route's to say, not a visitor's: %j",
  async (query) => {
    const { status, text } = await ask(`/ever/card/key.jpg${query}`);
    expect(status).toBe(200);
    expect(text).toMatch(/^cache-control: public, max-age=31536000, immutable\r$/im);
    expect(text).toMatch(/^server-timing: cache;desc=miss,/im);
    const refused = await ask(`/ever/none/key.jpg${query}`);
    expect(refused.text).toMatch(/^cache-control: public, max-age=60\r$/im);
  },
);

test("a visitor who says to have any answer gets no body", async () => {
  const answer = await ask(KEY, ["if-none-match: *"]);
  expect([answer.status, answer.text.split("\r\n\r\n")[1]]).toEqual([304, ""]);
});

test.each(["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "PURGE"])(
  "%s is a 405, and asks for nothing",
  async (method) => {
    expect([(await ask(KEY, [], method)).status, edge.sent()]).toEqual([405, []]);
  },
);

test.each([
  ["a page of another site", "/app/card/key.jpg", "origin: https://app.example.evil.example", 403],
  ["a page with two origins", "/app/card/key.jpg", "origin: https://app.example, null", 403],
  ["a file", "/app/card/key.jpg", "origin: null", 403],
  ["who looks for an issuer", "/.well-known/jwks.json", "accept: application/json", 404],
  ["a robot", "/robots.txt", "user-agent: bot", 404],
])("%s gets no picture, and nothing is asked for", async (_what, target, header, status) => {
  expect([(await ask(target, [header])).status, edge.sent()]).toEqual([status, []]);
});

const VIA = "via: 1.1 image-resizing-proxy";

test.each([
  ["by its parameter", `${KEY}?x-vitrine=0123456789abcdef0123456789abcdef`, [VIA]],
  ["by its signature", KEY, [VIA, "authorization: AWS4-HMAC-SHA256 Credential=x"]],
])(
  "the edge asks for an original %s: that is a loop, and nothing is asked for (E8)",
  async (_what, target, headers) => {
    expect([(await ask(target, headers)).status, edge.sent()]).toEqual([508, []]);
  },
);

test("the edge asks for a picture, as an app of another zone lets it: it gets it (E8)", async () => {
  expect((await ask(KEY, [VIA])).status).toBe(200);
});

const JPEG = { "content-type": "image/jpeg", "cf-resized": "internal=ok/m" };

test.each<[what: string, status: number, headers: Record<string, string | string[]>]>([
  ["without its word", 200, { "content-type": "image/jpeg" }],
  ["with half its word", 200, { ...JPEG, "cf-resized": "internal=okay" }],
  ["with its word twice", 200, { ...JPEG, "cf-resized": ["err=9500", "internal=ok"] }],
  ["that is a part", 206, { ...JPEG, "content-range": "bytes 0-1/9" }],
  ["that leads elsewhere", 302, { ...JPEG, location: "https://evil.example/" }],
  ["that is a page", 200, { ...JPEG, "content-type": "text/html" }],
  ["of two types", 200, { ...JPEG, "content-type": ["image/jpeg", "text/html"] }],
  ["of no type", 200, { "cf-resized": "internal=ok/m" }],
  ["that is a GIF", 200, { ...JPEG, "content-type": "image/gif" }],
  ["that may be the original", 200, { ...JPEG, warning: 'cf-images 299 "original is smaller"' }],
  ["that is an error of S3", 403, { "cf-resized": "err=9408" }],
])("an answer of the edge %s is not passed on", async (_what, status, headers) => {
  edge.behave((_request, answer) => void answer.writeHead(status, headers).end(ORIGINAL));
  const refused = await ask(KEY);
  expect([refused.status, refused.text.includes(ORIGINAL)]).toEqual([502, false]);
  expect(refused.text).toMatch(/\r\n\r\nNot available\n$/);
});

test("an answer of the edge whose bytes alone prove that it made them is passed on whole (R1)", async () => {
  const headers = { "content-type": "image/webp", "cf-resized": "outcome=done" };
  const picture = Buffer.concat([Buffer.from("RIFF0000WEBPVP8 "), Buffer.alloc(300_000), END]);
  edge.behave((_request, answer) => void answer.writeHead(200, headers).end(picture));
  const { status, text } = await ask(KEY, ["accept: image/webp"]);
  expect([status, text.length > picture.length, text.includes(`${END}`)]).toEqual([
    200,
    true,
    true,
  ]);
});
const END = Buffer.from("THE-END");

test("of the edge's headers, only the type and the length get out", async () => {
  const hostile = {
    ...{ "set-cookie": "a=b", refresh: "0;url=https://evil.example", link: "</x>; rel=preload" },
    ...{ "content-disposition": "attachment", "service-worker-allowed": "/", vary: "*" },
    ...{ "x-amz-meta-owner": "ada", etag: '"of-s3"', "last-modified": "<script>" },
  };
  const plain = namesIn((await ask(KEY)).text);
  edge.behave((_request, answer) => void answer.writeHead(200, { ...JPEG, ...hostile }).end("x"));
  const { text } = await ask(KEY);
  expect(namesIn(text)).toEqual(plain);
  expect(text).not.toContain("of-s3");
});

test("a signed URL has one spelling, and opens nothing else", async () => {
  const [[kid = "", secret = ""] = []] = Object.entries<string>(
    JSON.parse(SECRETS.URL_SIGNING_KEYS),
  );
  const expires = Math.floor(Date.now() / 1000) + 60;
  const grant: Grant = { route: "/private/:preset/*", preset: "card", key: "a b.jpg", expires };
  const query = await signGrant(grant, { kid, secret });
  const path = "/private/card/a%20b.jpg";
  expect((await ask(path + query)).status).toBe(200);
  edge.begin();
  const queries = [
    ...[`${query}&`, `${query}=`, `${query}%3D`, `?x${query}`, query.replace("?", "%3F")],
    ...[query.replaceAll("&", ";"), query.replace("sig=", "SIG="), query.replace("exp=", "exp=0")],
    ...[query.replace(/exp=\d+/, `exp=${expires + 1}`), query.replace("&sig", "&v=1&sig")],
    ...["old", "__proto__", "constructor"].map((id) => query.replace(/kid=\w+/, `kid=${id}`)),
    ...[`?${query.slice(1).split("&").reverse().join("&")}`, `${query}&facts`, ""],
  ];
  const paths = [
    ...["/private/card/a+b.jpg", "/private/card/a%20b%2ejpg", "/private/card//a%20b.jpg"],
    ...["/private/card/x/../a%20b.jpg", "/private/hero/a%20b.jpg", "/Private/card/a%20b.jpg"],
  ];
  const targets = [...queries.map((one) => path + one), ...paths.map((one) => one + query)];
  for (const target of targets) {
    expect([target, (await ask(target)).status]).toEqual([target, 404]);
  }
  expect(edge.sent()).toEqual([]);
});

test("a cookie opens its album for one browser, goes no further, and no other opens anything", async () => {
  const path = "/album/card/photos/a.jpg";
  const expires = Math.floor(Date.now() / 1000) + 60;
  const value = cookieValue({ expires });
  const answer = await ask(path, [`cookie: a=b; vitrine=${value}`]);
  expect(answer.status).toBe(200);
  expect(answer.text).toMatch(/^cache-control: private, max-age=\d+, must-revalidate\r$/im);
  expect(answer.text).toMatch(/^cross-origin-resource-policy: same-site\r$/im);
  const sent = edge.sent();
  expect(sent.length).toBeGreaterThan(1);
  expect(sent.flatMap(({ names }) => names.filter((name) => name === "cookie"))).toEqual([]);
  edge.begin();
  const wrong = [
    ...["", `"${value}"`, `${value}A`, value.slice(1), value.replaceAll(".", "%2e")],
    ...[{ host: "images.example:80" }, { prefix: "photo/" }, { route: "/private/:preset/*" }].map(
      (change) => cookieValue({ expires, ...change }),
    ),
    ...[cookieValue({ expires: expires + 604_800 }), cookieValue({ expires: 1 })],
  ];
  for (const one of wrong) {
    const refused = await ask(path, [`cookie: vitrine=${one}`]);
    expect([one, refused.status]).toEqual([one, 404]);
    expect(refused.text).toMatch(/^cache-control: no-store\r$/im);
  }
  expect((await ask("/album/card/key.jpg", [`cookie: vitrine=${value}`])).status).toBe(404);
  expect(edge.sent()).toEqual([]);
});

test.each([
  ["no token", "Bearer"],
  ["a word of JavaScript", "Bearer undefined"],
  ["more than the token", `Bearer ${PURGE_TOKEN}x`],
  ["less than the token", `Bearer ${PURGE_TOKEN.slice(1)}`],
  ["more than the other token", `Bearer ${HEALTH_TOKEN}x`],
  ["another scheme", `Digest ${PURGE_TOKEN}`],
  ["no scheme", PURGE_TOKEN],
  ["no password", `Basic ${btoa(PURGE_TOKEN)}`],
  ["no base64", "Basic ===="],
  ["16 KB", `Bearer ${"a".repeat(16_000)}`],
])(
  "authorization with %s opens neither /purge nor /healthz, and no event",
  async (_what, value) => {
    const headers = [`authorization: ${value}`];
    const purge = await ask("/purge", headers, "POST", '{"everything":true}');
    expect([purge.status, (await ask("/healthz", headers)).status]).toEqual([401, 401]);
    expect(namesIn((await ask(UNSIGNED, headers)).text)).toEqual(
      namesIn((await ask(UNSIGNED)).text),
    );
    expect(edge.sent()).toEqual([]);
  },
);
const UNSIGNED = "/private/card/key.jpg";

test.each([
  `Bearer ${PURGE_TOKEN}`,
  `bearer  ${HEALTH_TOKEN}`,
  `Basic ${btoa(`operator:${PURGE_TOKEN}`)}`,
])("an operator, and nobody after them, sees why a picture is refused", async (value) => {
  const seen = await ask(UNSIGNED, [`authorization: ${value}`]);
  expect([seen.status, namesIn(seen.text)]).toEqual([
    404,
    expect.arrayContaining(["vitrine-event"]),
  ]);
  expect(seen.text).toMatch(/^vitrine-event: signature-wrong\r$/im);
  expect(seen.text).toMatch(/^cache-control: no-store\r$/im);
  expect((await ask(UNSIGNED)).text).not.toContain("vitrine-event");
});
