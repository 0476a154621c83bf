// Random texts, texts that have broken other servers, and the ways to spell them.

import fc from "fast-check";

export const split = (text: string) => text.split(" ");

const anyUnit = fc.nat(0xffff).map((code) => String.fromCharCode(code));
export const anyText = fc.array(anyUnit, { maxLength: 6 }).map((units) => units.join(""));

/** Percent-encodes some characters of a text, in capitals or not, once or twice. */
export function respell(text: string, positions: readonly number[]): string {
  const characters = [...text];
  for (const at of positions) {
    const index = at % Math.max(1, characters.length);
    const character = characters[index];
    if (character === undefined || !/^[!-~]$/.test(character)) continue;
    const code = character.charCodeAt(0).toString(16).padStart(2, "0");
    characters[index] = at % 5 === 0 ? `%25${code}` : `%${at % 2 ? code : code.toUpperCase()}`;
  }
  return characters.join("");
}

export const spots = fc.array(fc.nat(4095), { maxLength: 4 });

/** Also encodes characters that `encodeURIComponent` leaves. */
export function respellEncoded(text: string, spots: readonly number[]): string {
  const parts = text.match(/%..|./g) ?? [];
  for (const at of spots) {
    const index = at % Math.max(1, parts.length);
    const part = parts[index] ?? "";
    if (part.length === 1) parts[index] = respell(part, [at % 5 === 0 ? at + 1 : at]);
    else if (part === "%2F") parts[index] = "/";
    else parts[index] = part.toLowerCase();
  }
  return parts.join("");
}

/** A path in the spelling of signed URLs, with other code than the Worker's. */
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

/** Any text for a header: no line break, nothing above U+00FF. */
export const headerText = fc
  .array(
    fc.oneof(
      fc
        .integer({ min: 0x20, max: 0xfe })
        .map((code) => String.fromCharCode(code === 0x7f ? 0xff : code)),
      fc.constantFrom("\t", ...split(', ; " \\ = q= /* %0d%0a https:// image/avif')),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join("").trim());

/** Whether a text is a valid key, with other code than the Worker's. */
export function isKey(key: string): boolean {
  return (
    /^[^/]+(?:\/[^/]+)*$/s.test(key) &&
    !/(?:^|\/)\.{1,2}(?:\/|$)/.test(key) &&
    // biome-ignore lint/suspicious/noControlCharactersInRegex: a key cannot contain these
    !/[\u0000-\u001f\u007f-\u009f\\]|[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/.test(
      key,
    ) &&
    Buffer.byteLength(key) < 1000
  );
}

/** Keys that look like another key, or into which careless code could turn it. */
export const NEAR: readonly ((key: string) => string)[] = [
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

/** Usual keys, as they are spelt in a URL. */
export const KEYS = split("a.jpg photos/fig.jpg a 1+1=2.jpg 100%25.jpg b%20c caf%C3%A9 😀");

/** Known attacks, each in most of its spellings. */
export const TRICKS = [
  // dot segments: encoded once, twice, partly, overlong, or with characters that look like dots
  ...split(".. . ... %2e%2e %2E. .%2e %252e%252e %25%32%65 ..; ..%00 ..%20 %c0%ae%c0%ae"),
  ...split("%e0%80%ae %f0%80%80%ae %u002e%u002e \uff0e\uff0e \u2024\u2024"),
  // slashes and backslashes
  ...split(" %2f %2F%2f %252f %5c \\ ..\\ ..%5c %c0%af %e0%80%af \u2215 %ef%bc%8f ..%2f"),
  ...split("%2e%2e%2f ..%252f / // /./ /../"),
  // control characters, line ends, string ends
  ...split("%00 %0a %0d%0aset-cookie:%20a=b %09 %1f %7f %c2%85 %e2%80%a8 \t \n"),
  // broken UTF-8, surrogates, combining marks, text directions
  ...split("% %4 %zz %ff %fe%ff %f0%9f%98 %ed%a0%80 %ed%b0%80 \ud800 \udc00a %f4%90%80%80"),
  ...split("%ef%bf%bf e\u0301 \u00e9 \u202e \ufeff %ef%bb%bf"),
  // texts with a meaning in some language or tool
  ...split("? # %3f %23 %3fv=1 ;v=1 & = * $& $1 :user %2b + @ @2x __proto__ constructor toString"),
  ...split("null undefined published acme-media users https: https://evil.example"),
  ...split(`s3.other.example %22%3E%3Cscript%3E ${"$"}{x} {{x}} %s`),
];

/** Segments that no key can have, encoded because a URL parser would remove them. */
export const IMPOSSIBLE = [
  ...split("..%2f.. %2e%2e%2f a%2f%2e ..%5c a%5cb %00 a%0d%0ab %1f %7f %c2%85 % %4 %zz %ff"),
  ...split("%c0%ae%c0%ae %c0%af %e0%80%ae %ed%a0%80 %f0%9f%98 %2f a%2f%2fb"),
  ...["k".repeat(1025), "%F0%9F%98%80".repeat(300)],
];
