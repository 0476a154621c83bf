// What strangers may send, from the likely to the absurd. Everything is made of what JSON can hold, so
// that a finding can be kept.

import { createHmac } from "node:crypto";
import fc from "fast-check";
import { CONFIG, type Mood, NOW, VARIANTS } from "./world.ts";

const KEYS = [
  "a.jpg",
  "photos/fig.jpg",
  "a",
  "1+1=2.jpg",
  "100%25.jpg",
  "b%20c",
  "caf%C3%A9",
  "😀",
];

/** What has opened other doors: of each kind that is known, in most of its spellings. */
const TRICKS = [
  // dot segments, encoded once, twice, partly, overlong, by other characters that look like dots
  ...[
    "..",
    ".",
    "...",
    "%2e%2e",
    "%2E.",
    ".%2e",
    "%252e%252e",
    "%25%32%65",
    "..;",
    "..%00",
    "..%20",
  ],
  ...["%c0%ae%c0%ae", "%e0%80%ae", "%f0%80%80%ae", "%u002e%u002e", "\uff0e\uff0e", "\u2024\u2024"],
  // slashes and backslashes
  ...["", "%2f", "%2F%2f", "%252f", "%5c", "\\", "..\\", "..%5c", "%c0%af", "%e0%80%af", "\u2215"],
  ...["%ef%bc%8f", "..%2f", "%2e%2e%2f", "..%252f", "/", "//", "/./", "/../"],
  // control characters, ends of lines, ends of strings
  ...[
    "%00",
    "%0a",
    "%0d%0aset-cookie:%20a=b",
    "%09",
    "%1f",
    "%7f",
    "%c2%85",
    "%e2%80%a8",
    "\t",
    "\n",
  ],
  // broken UTF-8, surrogates, marks, directions
  ...[
    "%",
    "%4",
    "%zz",
    "%ff",
    "%fe%ff",
    "%f0%9f%98",
    "%ed%a0%80",
    "%ed%b0%80",
    "\ud800",
    "\udc00a",
  ],
  ...["%f4%90%80%80", "%ef%bf%bf", "e\u0301", "\u00e9", "\u202e", "\ufeff", "%ef%bb%bf"],
  // what means something to someone
  ...[
    "?",
    "#",
    "%3f",
    "%23",
    "%3fv=1",
    ";v=1",
    "&",
    "=",
    "*",
    "$&",
    "$1",
    ":user",
    "%2b",
    "+",
    "@",
    "@2x",
  ],
  ...[
    "__proto__",
    "constructor",
    "toString",
    "null",
    "undefined",
    "published",
    "acme-media",
    "users",
  ],
  ...[
    "https:",
    "https://evil.example",
    "s3.other.example",
    "%22%3E%3Cscript%3E",
    "$" + "{x}",
    "{{x}}",
    "%s",
  ],
];

const anyUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code));
const anyText = fc.array(anyUnit, { maxLength: 6 }).map((units) => units.join(""));

const long = fc
  .tuple(fc.constantFrom("k", "%61", "é", "a/", "%2e", "../"), fc.constantFrom(300, 1025, 22_000))
  .map(([part, times]) => part.repeat(times));

/** Some characters of a text, each percent-encoded, now in capitals and now not, once or twice. */
function respell(text: string, where: readonly number[]): string {
  const characters = [...text];
  for (const at of where) {
    const index = at % Math.max(1, characters.length);
    const character = characters[index];
    if (character === undefined || !/^[!-~]$/.test(character)) continue;
    const hex = character.charCodeAt(0).toString(16).padStart(2, "0");
    characters[index] = at % 5 === 0 ? `%25${hex}` : `%${at % 2 ? hex : hex.toUpperCase()}`;
  }
  return characters.join("");
}

const spots = fc.array(fc.nat(4095), { maxLength: 4 });

const segment = fc.oneof(
  { weight: 9, arbitrary: fc.constantFrom(...KEYS) },
  { weight: 4, arbitrary: fc.constantFrom(...TRICKS) },
  {
    weight: 1,
    arbitrary: fc
      .array(fc.constantFrom(...TRICKS), { maxLength: 3 })
      .map((tricks) => `a${tricks.join("")}`),
  },
  { weight: 1, arbitrary: anyText },
);

const rest = fc.oneof(
  {
    weight: 60,
    arbitrary: fc
      .tuple(
        fc.array(segment, { minLength: 1, maxLength: 3 }),
        fc.constantFrom("/", "/", "/", "%2f", "//", "\\", ""),
      )
      .map(([parts, joint]) => parts.join(joint)),
  },
  { weight: 1, arbitrary: long },
);

export const knownVariant = fc.constantFrom(...Object.keys(VARIANTS));

/** Names of no variant, most of them near to one. */
export const unknownVariant = fc
  .oneof(
    fc
      .tuple(
        knownVariant,
        fc.constantFrom(
          "@3x",
          "@1.0x",
          "@2X",
          "@02x",
          "@2x@2x",
          "@641w",
          "@1w",
          "@",
          " ",
          "%00",
          "s",
          "@1e0x",
        ),
      )
      .map((parts) => parts.join("")),
    fc.tuple(knownVariant, fc.nat(20)).map(([name, at]) => name.slice(0, at) + name.slice(at + 1)),
    knownVariant.map((name) => name.toUpperCase()),
    fc.constantFrom(
      "__proto__",
      "constructor",
      "hasOwnProperty",
      "original",
      "raw",
      "width=9000",
      "-",
    ),
    anyText,
  )
  .filter(
    (name) => !Object.hasOwn(VARIANTS, name) && !/[/?#\\\t\r\n]/.test(name) && !/^\.*$/.test(name),
  );

const variant = fc.oneof(
  { weight: 9, arbitrary: knownVariant },
  { weight: 2, arbitrary: unknownVariant },
  { weight: 1, arbitrary: segment },
);

const path = fc
  .tuple(fc.nat(8), variant, rest, segment, fc.oneof(fc.constant([]), spots))
  .map(([route, name, key, one, where]) => {
    const paths = [
      `/images/${name}/${key}`,
      `/avatars/${one}/${name}`,
      `/p/${name}/${one}/${key}`,
      `/pairs/${name}/${one}/${key}`,
      `/icons/${name}/${key}`,
      `/private/${name}/${key}`,
      `/app/${name}/${key}`,
      `/öffentlich ✓/${name}/${key}`,
      `/${key}`,
    ];
    return `/${respell((paths[route] ?? "/").slice(1), where)}`;
  });

const parameter = fc
  .tuple(
    fc.constantFrom(
      "exp",
      "kid",
      "sig",
      "v",
      "width",
      "format",
      "EXP",
      "exp[]",
      "%65xp",
      "",
      "onerror",
    ),
    fc.constantFrom(
      "",
      "0",
      "1",
      "99999999999",
      "new",
      "old",
      "1e9",
      "-1",
      "%31",
      "x".repeat(43),
      "A".repeat(43),
    ),
    fc.constantFrom("=", "", "=="),
  )
  .map(([name, value, sign]) => name + sign + value);

/** Parameters, twice and against each other. */
const query = fc.oneof(
  { weight: 5, arbitrary: fc.constant("") },
  { weight: 2, arbitrary: fc.array(parameter, { maxLength: 8 }).map((all) => `?${all.join("&")}`) },
  { weight: 1, arbitrary: anyText.map((text) => `?${text}`) },
);

/** What can stand in a header: no end of a line, and nothing above U+00FF. */
export const headerText = fc
  .array(
    fc.oneof(
      fc
        .integer({ min: 0x20, max: 0xff })
        .filter((code) => code !== 0x7f)
        .map((code) => String.fromCharCode(code)),
      fc.constantFrom(
        "\t",
        ",",
        ";",
        '"',
        "\\",
        "=",
        "q=",
        "/*",
        "%0d%0a",
        "https://",
        "image/avif",
      ),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join("").trim());

/** An entry of an Accept header, of which it is known what it names. */
export type Entry = {
  readonly type: string;
  readonly q: string | null;
  readonly extra: string;
  readonly gap: string;
};

export const acceptEntry: fc.Arbitrary<Entry> = fc.record({
  type: fc.constantFrom(
    ...[
      "image/avif",
      "image/webp",
      "image/avif",
      "image/webp",
      "Image/AVIF",
      "image/*",
      "*/*",
      "image/jpeg",
    ],
    ...["image/avif2", "ximage/webp", "image/ avif", "text/html", "image/avif/webp", ""],
  ),
  q: fc.constantFrom(
    null,
    null,
    "1",
    "0",
    "0.0",
    "0.001",
    "1.000",
    "0.",
    "1.5",
    "-1",
    "x",
    "",
    ".5",
    "0.0000",
  ),
  extra: fc.constantFrom(
    "",
    "",
    ";v=b3",
    ';x="image/avif,image/webp;q=1"',
    ';x="a,image/avif,image/webp,b"',
    ';x="\\",image/webp"',
    ";Q=0.5",
    ";qs=0",
  ),
  gap: fc.constantFrom("", " ", "\t", "  "),
});

/** An entry as it is written. */
export function spellEntry({ type, q, extra, gap }: Entry): string {
  return `${gap}${type}${gap}${q === null ? "" : `;${gap}q=${q}`}${extra}${gap}`;
}

export const entries = fc.oneof(
  { weight: 40, arbitrary: fc.array(acceptEntry, { maxLength: 6 }) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(acceptEntry, fc.constantFrom(500, 4000))
      .map(([entry, times]) => Array<Entry>(times).fill(entry)),
  },
);

const accept = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom("image/avif,image/webp,*/*", "image/webp", "*/*", "") },
  { weight: 2, arbitrary: entries.map((all) => all.map(spellEntry).join(",").trim()) },
  { weight: 1, arbitrary: headerText },
);

const header = fc.oneof(
  { weight: 4, arbitrary: accept.map((value): [string, string] => ["accept", value]) },
  {
    weight: 3,
    arbitrary: fc.tuple(
      fc.constantFrom(
        "origin",
        "referer",
        "sec-fetch-site",
        "via",
        "if-none-match",
        "cf-connecting-ip",
      ),
      fc.oneof(
        fc.constantFrom(
          "https://app.example",
          "https://app.example/x",
          "https://evil.example/",
          "null",
          "cross-site",
        ),
        fc.constantFrom(
          '"cf1:x"',
          "*",
          'W/"',
          "1.1 image-resizing-proxy",
          "2001:db8::1",
          "::",
          "1.2.3.4",
          ":::::::::",
        ),
        headerText,
      ),
    ),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(
      fc.constantFrom(
        "range",
        "cookie",
        "authorization",
        "x-amz-date",
        "x-forwarded-host",
        "cf-worker",
        "x-amz-acl",
      ),
      headerText,
    ),
  },
);

const mood: fc.Arbitrary<Mood> = fc.record({
  outcome: fc.nat(255),
  type: fc.nat(255),
  fault: fc.nat(255),
  s3: fc.nat(255),
  resized: fc.oneof(
    fc.constantFrom("internal=ok/m", "internal=okay", "err=9408", "internal=ram/h err=1", ""),
    headerText,
  ),
  contentType: fc.oneof(
    fc.constantFrom("image/avif", "image/jpeg; x", "application/json", "text/html", ""),
    headerText,
  ),
  etag: fc.oneof(
    fc.constantFrom('"cf1:x"', 'W/"cf"', "Tue, 24 Nov 2026 09:00:00 GMT", ""),
    headerText,
  ),
  warning: fc.oneof(fc.constantFrom("", 'cf-images 299 "original is smaller"'), headerText),
});

/** A request, and what it meets. */
export type Asked = {
  readonly method: string;
  /** Path and query as they are sent. */
  readonly target: string;
  /** Where it is of the signed route: signed, to expire so many seconds from now; null: as it is. */
  readonly signed: number | null;
  readonly headers: readonly (readonly [string, string])[];
  readonly mood: Mood;
};

export const asked: fc.Arbitrary<Asked> = fc.record({
  method: fc.oneof(
    { weight: 12, arbitrary: fc.constantFrom("GET", "GET", "GET", "HEAD") },
    { weight: 1, arbitrary: fc.constantFrom("OPTIONS", "POST", "PUT", "PROPFIND") },
  ),
  target: fc.tuple(path, query).map((parts) => parts.join("")),
  signed: fc.constantFrom(null, null, 3600, 86_400, 5, 0, -1, 86_401),
  headers: fc.array(header, { maxLength: 4 }),
  mood,
});

export { anyText, mood, path, respell, rest, segment, spots };

/** The request, or undefined where no client could send it. */
export function toRequest({ method, target, signed, headers }: Asked): Request | undefined {
  if (!URL.canParse(`https://images.example${target}`)) return undefined;
  const url = new URL(`https://images.example${target}`);
  if (signed !== null) signTarget(url, signed);
  const sent = new Headers();
  for (const [name, value] of headers) sent.append(name, value);
  return new Request(url, { method, headers: sent });
}

/** Signs what a URL asks of the signed route, as an app would: by another way than the Worker's. */
function signTarget(url: URL, ahead: number): void {
  try {
    const path = decodeURIComponent(url.pathname);
    const [, variant = "", key = ""] = /^\/private\/([^/]*)\/(.*)$/s.exec(path) ?? [];
    if (key === "") return;
    url.pathname = spellPath(path);
    url.search = signQuery(variant.replace(/@.*/s, ""), key, ahead);
  } catch {
    return; // a path that cannot be
  }
}

/** A path in the spelling of signed URLs: by another way than the Worker's. */
export function spellPath(path: string): string {
  return [...Buffer.from(path)]
    .map((byte) => {
      const character = String.fromCharCode(byte);
      return /[\w.~/@-]/.test(character)
        ? character
        : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
    })
    .join("");
}

const SIGNING_KEYS: Readonly<Record<string, string>> = JSON.parse(CONFIG.URL_SIGNING_KEYS);

function signQuery(preset: string, key: string, ahead: number): string {
  const exp = NOW / 1000 + ahead;
  const text = ["vitrine-url-1", "new", exp, "7", "/private/:preset/*", preset, key].join("\n");
  const sig = createHmac("sha256", SIGNING_KEYS["new"] ?? "")
    .update(text)
    .digest("base64url");
  return `?exp=${exp}&kid=new&v=7&sig=${sig}`;
}
