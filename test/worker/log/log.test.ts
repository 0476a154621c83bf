// No credential of a URL that a visitor pasted reaches the log, however it is spelt and wherever it stands.

import fc from "fast-check";
import { expect, test, vi } from "vitest";
import { logRefusal } from "../../../src/worker/log/log.ts";
import { ENV } from "../../support/env.ts";
import { get, lines } from "../../support/run-worker.ts";

const TOKEN = "q7Zk-RWf9_mXc2LhT4vB";

/** Where a pasted text may stand. It is percent-encoded once more than the Worker decodes it. */
const POSITIONS: readonly ((pasted: string) => [path: string, headers?: HeadersInit])[] = [
  (pasted) => [`/nothing/${pasted}`],
  (pasted) => [`/images/${pasted}/key.jpg`],
  (pasted) => [`/images/card/photos/a.jpg${pasted}`],
  (pasted) => [`/images/card//${pasted}`],
  (pasted) => [`/avatars/${pasted}/huge`],
  (pasted) => [`/private/card/${pasted}`],
  (pasted) => [`/private/card/${pasted}?exp=1900000000&kid=new&sig=${"A".repeat(43)}`],
  (pasted) => ["/app/card/key.jpg", { origin: `https://a.example${decodeURIComponent(pasted)}` }],
  (pasted) => ["/app/card/key.jpg", { referer: `https://${pasted}.example/?${pasted}` }],
];

/** The log lines of a request. */
async function logOf(position: number, pasted: string): Promise<string> {
  const [path, headers = {}] = POSITIONS[position]?.(pasted) ?? expect.unreachable();
  const before = lines().length;
  await get(path, { headers }, { ...ENV });
  return JSON.stringify(lines().slice(before));
}

/** Undoes all percent-encoding, however often it was done. */
function decoded(text: string): string {
  const once = text.replace(/%(?:u00)?([2-7][0-9a-f])/gi, (_, digits: string) =>
    String.fromCharCode(Number.parseInt(digits, 16)),
  );
  return once === text ? text : decoded(once);
}

const NAMES = [
  ...["sig", "signature", "X-Amz-Signature", "X-Amz-Credential", "X-Amz-Security-Token"],
  ...["x-amz-anything", "X-Goog-Signature", "AWSAccessKeyId"],
];
const SEPARATORS = ["?", "&", ";", "/", "", "#", " ", "&amp;", "?exp=1&kid=k&", "?a;", "?a=b#"];

const toHex = (character: string) => character.charCodeAt(0).toString(16);
/** The spellings of one character. */
const SPELLINGS: readonly ((character: string) => string)[] = [
  (character) => character,
  (character) => character.toUpperCase(),
  (character) => character.toLowerCase(),
  (character) => `%${toHex(character)}`,
  (character) => `%${toHex(character.toUpperCase()).toUpperCase()}`,
  (character) => `%25${toHex(character)}`,
  (character) => `%25252525${toHex(character)}`,
  (character) => `%25${[...toHex(character)].map((digit) => `%${toHex(digit)}`).join("")}`,
  (character) => `%u00${toHex(character)}`,
];

/** A name and a separator, with each character in a spelling of its own. */
const pasted = fc
  .record({
    begin: fc.constantFrom(...SEPARATORS),
    name: fc.constantFrom(...NAMES),
    sign: fc.constantFrom("=", "=", " = ", ":", "%3D"),
    plain: fc.boolean(),
    spellings: fc.array(fc.nat(SPELLINGS.length - 1), { minLength: 40, maxLength: 40 }),
  })
  .map(({ begin, name, sign, plain, spellings }) => {
    const spelt = [...`${begin}${name}${sign}`].map((character, at) => {
      const spelling = SPELLINGS[plain ? 0 : (spellings[at] ?? 0)];
      return spelling?.(character) ?? character;
    });
    return `${encodeURIComponent(spelt.join(""))}${TOKEN}`;
  });

test("no signature reaches the log, in any spelling and in any position", async () => {
  let logged = 0;
  const pastes = fc.tuple(fc.nat(POSITIONS.length - 1), pasted);

  for (const [position, text] of fc.sample(pastes, { numRuns: 700, seed: 20_261_125 })) {
    const log = await logOf(position, text);
    expect(decoded(log), `${position} ${text}`).not.toContain(TOKEN);
    if (log !== "[]") logged += 1;
  }

  expect(logged).toBeGreaterThan(500);
});

/** Percent-encodes the last character of a text, again and again. */
function encodedTimes(text: string, times: number): string {
  if (times === 0) return text;
  return encodedTimes(`${text.slice(0, -1)}%${toHex(text.slice(-1))}`, times - 1);
}

const UNSEEN = ["\ufe0f", "\u034f", "\u3164", "\u115f", "\u180b", "\u{e0100}", "\u{e0041}"];
const row = (text: string): [title: string, text: string] => [JSON.stringify(text), text];

const PRESIGNED = [
  "X-Amz-Algorithm=AWS4-HMAC-SHA256",
  `X-Amz-Credential=${TOKEN}%2F20261125%2Feu-west-1%2Fs3%2Faws4_request`,
  `X-Amz-Security-Token=${TOKEN}`,
  `X-Amz-Signature=${TOKEN}`,
].join("&");

test.each<[string, string]>([
  ["a presigned URL of S3", `?${PRESIGNED}`],
  ["one without its question mark", `&${PRESIGNED}`],
  ["one in small letters", `;${PRESIGNED.toLowerCase()}`],
  ["one as JSON has it", `?${PRESIGNED.replaceAll("=", "\\u003d").replaceAll("&", "\\u0026")}`],
  ["one of another provider", `?Expires=1&Token=${TOKEN}&Key-Pair-Id=${TOKEN}`],
  ["a header", ` AWS4-HMAC-SHA256 SignedHeaders=host, Signature=${TOKEN}`],
  ["JSON", `{"signature": "${TOKEN}"}`],
  ["one with dashes of a text editor", `X\u2011Amz\u2013Security\u2011Token=${TOKEN}`],
  ["one with letters and signs of full width", `\uff33\uff29\uff27\uff1d${TOKEN}`],
  ["one with a percent sign of full width", `sig\uff053d${TOKEN}`],
  ["one with a question mark of full width", `\uff1fToken=${TOKEN}`],
  ["one with hidden characters", `X-\u200bAm\u00adz-Security-Token=${TOKEN}`],
  ["one with a line that was broken", `X-Am\nz-Security-Token=${TOKEN}`],
  ["one with a tab", `si\tg=${TOKEN}`],
  ["one with a sign that is struck through", `sig=\u0338${TOKEN}`],
  ["one with letters that are underlined", `s\u0332i\u0332g\u0332=${TOKEN}`],
  ...UNSEEN.map((unseen) => row(`s${unseen}ig${unseen}=${TOKEN}`)),
  ...["&#61;", "&#x3d;", "\\u{3d}", "\\075", "\\x3d"].map((sign) => row(`sig${sign}${TOKEN}`)),
  ["a key id", `Credential=${TOKEN}/20261125/eu-west-1/s3/aws4_request`],
  ["a cookie of Vitrine", `/1795000000.new.${TOKEN}.${"A".repeat(43)}`],
  ["one with a sign that is encoded 9 times", `sig${encodedTimes("%3D", 9)}${TOKEN}`],
  ["one with a sign that is encoded 99 times", `sig${encodedTimes("%3D", 99)}${TOKEN}`],
])("%s that was pasted into a URL does not reach the log", async (_what, text) => {
  const isAscii = /^[ -~]+$/.test(text); // else no header may hold it
  const once = encodeURIComponent(text);

  for (const position of POSITIONS.keys()) {
    if (!isAscii && POSITIONS[position]?.("")[1]) continue;
    const twice = encodeURIComponent(once);
    for (const spelt of [once, twice, encodeURIComponent(twice)]) {
      const log = await logOf(position, spelt);
      expect(log.toLowerCase(), `${position}`).not.toContain(TOKEN.toLowerCase());
    }
  }
});

test.each([
  "photos/２０２６/ﬁg\u2011a.jpg",
  "photos/2026/a b.jpg",
  "year=2026/design=1/sigma.jpg",
  "signatures/ada.png",
  "what? why?.jpg",
  "100%/%41/%C3%A9.jpg",
  "Q&A;b.jpg",
  "e\u0301t\u00e9/\u0939\u093f\u0928\u094d\u0926\u0940/\u2764\ufe0f 50%.jpg",
  "sig & sound, credentials/v1.2.3-rc.4.jpg",
])("an object's name is logged as it is: %j", async (key) => {
  await get(`/images/card/${encodeURIComponent(key)}`);
  expect(lines()).toMatchObject([{ event: "object-missing", key: `published/${key}` }]);
});

test("what stands before a signature is logged", async () => {
  await get("/nothing/%C3%A9%25C3%25A9/a.jpg%3Fexp=1%26sig=abc");
  await get("/nothing/a.jpg%2526X-Amz-Date=1", {}, { ...ENV });
  expect(lines().map(({ path }) => path)).toEqual(["/nothing/éé/a.jpg…", "/nothing/a.jpg&…"]);
});

test("what a refusal has for the Worker alone is not logged", () => {
  const cause = { status: 400, reason: "S3 redirects", isSetupFault: true, isTransient: true };
  const refusal = { event: "origin-denied", ...cause, s3: { status: 400 } } as const;
  logRefusal(refusal, { key: "a.jpg" }, 502);
  const role = { role: "images", code: "AccessDenied", reason: "no session", repeated: false };
  logRefusal({ event: "role-refused", ...role }, {}, 502);

  const names = lines().map((line) => Object.keys(line).join(" "));
  expect(names).toEqual(["event status reason key answered", "event role origin reason answered"]);
});

test("a value of 1,024 characters is logged whole, and a longer one is cut", async () => {
  const start = "/nothing/";
  const path = start.padEnd(1024, "a");
  await get(path);
  await get(`${path}bcd`);
  expect(lines().map((line) => line["path"])).toEqual([path, path]);
});

test("no line has a character that a terminal obeys, or does not show", async () => {
  const texts: string[] = [];
  for (const level of ["info", "warn", "error"] as const) {
    vi.spyOn(console, level).mockImplementation((text: string) => void texts.push(text));
  }

  const unseen =
    "\u009b2J\u007f\u00ad\u061c\u200f\u2028\u202e\u2066\ufeff\u034f\u115f\u17b4\u180b\u3164\ufe0f\ufff9\u{e0041}\u{e0100}";
  await get(`/images/card/${encodeURIComponent(unseen)}.jpg`, {}, { ...ENV });

  const [line = "{}"] = texts;
  expect(JSON.parse(line)).toMatchObject({
    event: "impossible-key",
    key: `published/${unseen}.jpg`,
  });
  expect(line).not.toMatch(/[^ -~]/);
});
