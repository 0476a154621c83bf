// Texts that have broken other servers.

/** Usual keys, as they are spelt in a URL. */
export const KEYS = [
  "a.jpg",
  "photos/fig.jpg",
  "a",
  "1+1=2.jpg",
  "100%25.jpg",
  "b%20c",
  "caf%C3%A9",
  "😀",
];

/** Known attacks, each in most of its spellings. */
export const TRICKS = [
  // dot segments: encoded once, twice, partly, overlong, or with characters that look like dots
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
  // control characters, line ends, string ends
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
  // broken UTF-8, surrogates, combining marks, text directions
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
  // texts with a meaning in some language or tool
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

/** Segments that no key can have, encoded because a URL parser would remove them. */
export const IMPOSSIBLE = [
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
